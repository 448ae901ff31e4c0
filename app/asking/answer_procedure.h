// SPDX-License-Identifier: GPL-3.0-or-later
// How a small model is asked over passages without trusting what it writes: it only gives
// probabilities, and the answer is chosen among the sentences of the passages, so that a quotation
// is always verbatim. This file is the arithmetic; passage_answerer.h asks the engine.
//
//   z(n, s) = lpN max(lpN(n), floor) + r t(n)/t_max + m max(L(s) - ln sum of e^L over the
//             candidates of passage n, floor) + S v(s)/v_max + len ln(max(words(s), 3)/20)
//
// with lpN(n) = ln P(passage number n | "["), t the passages' search scores, L(s) = the sum of ln P
// of the first K tokens of the quotation when it is forced to be s, v(s) = the sum of the values of
// the query's words that stand in s, each once. Not found when ln P("Not") - ln P("[") as the first
// answer token is larger than the best z less an offset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/asking/passages.h"
#include "app/asking/terms.h"

namespace dossier::app {

struct ProcedureWeights {
    double lpN = 0.82, r = 0.48, m = 0.2, s = 2.6, len = 0.65;
    double notFoundOffset = 1.5;
    double lpNFloor = -9, mFloor = -14;
    std::uint32_t k = 6;           ///< tokens of a quotation that are scored
    std::uint32_t passages = 16;   ///< offered to the model
    std::uint32_t openings = 0;    ///< ... of these first passages of the best documents
    std::uint32_t byModel = 3;     ///< passages whose sentences are candidates: the model's best
    std::uint32_t bySearch = 2;    ///< ... and the search's best
    std::uint32_t unitWords = 60;  ///< longer sentences are cut ...
    std::uint32_t pieceWords = 45; ///< ... into pieces of at most that many
    double close = 1.0; ///< |z - threshold| below which search results are shown beside the answer
};

/// What may be quoted: sentences as they are, long ones in pieces that carry "…" where they are
/// cut.
std::vector<std::string> quotableUnits(const std::vector<std::string>& sentences,
                                       const ProcedureWeights&);

/// Indices of the passages whose sentences become candidates, best first, each once.
std::vector<std::size_t> pickPassages(const std::vector<double>& lpNumber,
                                      const std::vector<double>& score, const ProcedureWeights&);

struct Candidate {
    std::size_t passage = 0; ///< index among the offered passages
    std::string text;
    double lpTokens = 0; ///< L(s)
};

struct ProcedureInput {
    double lpNot = 0, lpBracket = 0;
    std::vector<double> lpNumber; ///< of every offered passage
    std::vector<double> score;    ///< t of every offered passage
    std::unordered_map<std::string, double> wordValue;
    std::vector<Candidate> candidates; ///< at least one
};

struct ProcedureResult {
    bool found = false;
    std::size_t best = 0;       ///< index of the best candidate; also when not found
    double z = 0;               ///< of the best candidate
    double margin = 0;          ///< z - offset - (lpNot - lpBracket): found when not negative
    std::vector<double> scores; ///< z of every candidate
};

ProcedureResult chooseAnswer(const ProcedureInput&, const ProcedureWeights&, const StopWords&);

/// True when all words of a short answer stand in the quotation.
bool standsIn(std::string_view shortAnswer, std::string_view quotation);

} // namespace dossier::app
