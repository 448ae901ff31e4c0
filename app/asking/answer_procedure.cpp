// SPDX-License-Identifier: GPL-3.0-or-later
// Pure functions of what the engine and the search found.
#include "app/asking/answer_procedure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace dossier::app {
namespace {

constexpr double kTypicalWords = 20; ///< length at which the length term is 0
constexpr std::size_t kFewestWords = 3;
constexpr std::size_t kEarliestCut = 20; ///< words of a piece before a comma may end it

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0;;) {
        const std::size_t end = text.find(' ', at);
        words.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
        if (end == std::string_view::npos) {
            return words;
        }
        at = end + 1;
    }
}

void appendPieces(std::string_view sentence, const ProcedureWeights& weights,
                  std::vector<std::string>& out) {
    const std::vector<std::string_view> words = split(sentence);
    if (words.size() <= weights.unitWords) {
        out.emplace_back(sentence);
        return;
    }
    for (std::size_t begin = 0; begin < words.size();) {
        std::size_t end = words.size() - begin <= weights.unitWords
                              ? words.size()
                              : std::min<std::size_t>(words.size(), begin + weights.pieceWords);
        if (end < words.size()) {
            for (std::size_t i = end; i > begin + kEarliestCut; --i) {
                const std::string_view word = words[i - 1];
                if (!word.empty() &&
                    std::string_view(";,:").find(word.back()) != std::string_view::npos) {
                    end = i;
                    break;
                }
            }
        }
        std::string piece = begin > 0 ? "…" : "";
        for (std::size_t i = begin; i < end; ++i) {
            piece += i > begin ? " " : "";
            piece += words[i];
        }
        out.push_back(piece + (end < words.size() ? "…" : ""));
        begin = end;
    }
}

std::vector<std::size_t> bestFirst(const std::vector<double>& values, std::size_t count) {
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    order.resize(std::min(count, order.size()));
    return order;
}

double valueOf(const std::string& text, const std::unordered_map<std::string, double>& wordValue,
               const StopWords& stop) {
    // A set in alphabetical order: the sum is the same wherever the candidate is scored.
    std::set<std::string> seen;
    for (std::string& stem : stemsOf(text, stop)) {
        seen.insert(std::move(stem));
    }
    double value = 0;
    for (const std::string& stem : seen) {
        const auto it = wordValue.find(stem);
        value += it == wordValue.end() ? 0 : it->second;
    }
    return value;
}

double positiveMaximum(const std::vector<double>& values) {
    const double maximum = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    return maximum == 0 ? 1 : maximum;
}

} // namespace

std::vector<std::string> quotableUnits(const std::vector<std::string>& sentences,
                                       const ProcedureWeights& weights) {
    std::vector<std::string> units;
    for (const std::string& sentence : sentences) {
        appendPieces(sentence, weights, units);
    }
    return units;
}

std::vector<std::size_t> pickPassages(const std::vector<double>& lpNumber,
                                      const std::vector<double>& score,
                                      const ProcedureWeights& weights) {
    std::vector<std::size_t> picked = bestFirst(lpNumber, weights.byModel);
    for (const std::size_t i : bestFirst(score, weights.bySearch)) {
        if (std::find(picked.begin(), picked.end(), i) == picked.end()) {
            picked.push_back(i);
        }
    }
    return picked;
}

ProcedureResult chooseAnswer(const ProcedureInput& in, const ProcedureWeights& weights,
                             const StopWords& stop) {
    std::vector<double> values;
    std::map<std::size_t, double> sums; // of e^L, by passage, relative to the passage's largest L
    std::map<std::size_t, double> largest;
    for (const Candidate& candidate : in.candidates) {
        values.push_back(valueOf(candidate.text, in.wordValue, stop));
        const auto it = largest.emplace(candidate.passage, candidate.lpTokens).first;
        it->second = std::max(it->second, candidate.lpTokens);
    }
    for (const Candidate& candidate : in.candidates) {
        sums[candidate.passage] += std::exp(candidate.lpTokens - largest[candidate.passage]);
    }
    const double valueMaximum = positiveMaximum(values);
    const double scoreMaximum = positiveMaximum(in.score);
    ProcedureResult result;
    result.z = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < in.candidates.size(); ++i) {
        const Candidate& candidate = in.candidates[i];
        const std::size_t n = candidate.passage;
        const double share = candidate.lpTokens - largest[n] - std::log(sums[n]);
        const auto words =
            static_cast<double>(std::max(wordsOf(candidate.text).size(), kFewestWords));
        const double z =
            weights.lpN * std::max(in.lpNumber[n], weights.lpNFloor) +
            weights.r * in.score[n] / scoreMaximum + weights.m * std::max(share, weights.mFloor) +
            weights.s * values[i] / valueMaximum + weights.len * std::log(words / kTypicalWords);
        result.scores.push_back(z);
        if (z > result.z) {
            result.z = z;
            result.best = i;
        }
    }
    result.margin = result.z - weights.notFoundOffset - (in.lpNot - in.lpBracket);
    result.found = result.margin >= 0;
    return result;
}

bool standsIn(std::string_view shortAnswer, std::string_view quotation) {
    const std::vector<std::string> answer = wordsOf(shortAnswer);
    const std::vector<std::string> words = wordsOf(quotation);
    return !answer.empty() &&
           std::search(words.begin(), words.end(), answer.begin(), answer.end()) != words.end();
}

} // namespace dossier::app
