// SPDX-License-Identifier: GPL-3.0-or-later
// BM25; N, df and the mean length over all passages of the searched documents.
#include "app/asking/retrieval.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unordered_set>

namespace dossier::app {
namespace {

/// Distinct stems in the order of their first occurrence.
std::vector<std::string> distinct(const std::vector<std::string>& stems) {
    std::vector<std::string> out;
    for (const std::string& stem : stems) {
        if (std::find(out.begin(), out.end(), stem) == out.end()) {
            out.push_back(stem);
        }
    }
    return out;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

void addWeight(Weights& weights, const std::string& stem, double weight) {
    for (auto& [known, sum] : weights) {
        if (known == stem) {
            sum += weight;
            return;
        }
    }
    weights.emplace_back(stem, weight);
}

/// Evidence of the word for the topic: wordings that hold it, the topic's name and words.
double evidence(const SearchData& data, const SearchData::Topic& topic, const std::string& stem) {
    const auto it = topic.questionWords.find(stem);
    return (it == topic.questionWords.end() ? 0.0 : it->second) +
           (contains(topic.nameStems, stem) ? data.nameWeight : 0.0) +
           (contains(topic.words, stem) ? data.topicWordWeight : 0.0);
}

/// Document of a passage that is numbered among all.
std::size_t documentOf(const std::vector<std::size_t>& first, std::size_t passage) {
    const auto after = std::upper_bound(first.begin(), first.end(), passage);
    return static_cast<std::size_t>(after - first.begin()) - 1;
}

/// Letters and digits in lower case: copies of a text in several formats have the same.
std::string lettersOf(std::string_view text) {
    std::string letters;
    for (const char c : text) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0) {
            letters += c;
        } else if (c >= 'A' && c <= 'Z') {
            letters += static_cast<char>(c + ('a' - 'A'));
        }
    }
    return letters;
}

/// Numbers of the `k` passages with the highest scores, the best first. Of passages with the same
/// words only the first counts: licences and manuals lie in a tree many times.
std::vector<std::size_t> chosen(const std::vector<double>& scores, std::size_t k,
                                const std::vector<PassageIndexPtr>& documents,
                                const std::vector<std::size_t>& first) {
    std::vector<std::size_t> order(scores.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    std::vector<std::size_t> best;
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < order.size() && best.size() < k; ++i) {
        const std::size_t d = documentOf(first, order[i]);
        if (seen.insert(lettersOf(documents[d]->passages()[order[i] - first[d]].text)).second) {
            best.push_back(order[i]);
        }
    }
    return best;
}

bool isShortNumber(const std::string& stem) {
    return stem.size() < 4 &&
           std::all_of(stem.begin(), stem.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Puts openings of the best documents in the place of the last of `best`.
void offerOpenings(std::vector<std::size_t>& best, std::size_t openings,
                   const std::vector<PassageIndexPtr>& documents,
                   const std::vector<std::size_t>& first) {
    std::vector<std::size_t> ranked; // documents that opened with prose, best first
    for (const std::size_t passage : best) {
        const std::size_t d = documentOf(first, passage);
        if (std::find(ranked.begin(), ranked.end(), d) == ranked.end() && !documents[d]->isCode()) {
            ranked.push_back(d);
        }
    }
    std::vector<std::size_t> wanted;
    const std::size_t most = std::min(openings, best.size());
    for (std::size_t round = 0; round < openings && wanted.size() < most; ++round) {
        for (const std::size_t d : ranked) {
            if (round < documents[d]->passages().size() && wanted.size() < most) {
                wanted.push_back(first[d] + round);
            }
        }
    }
    const auto isWanted = [&](std::size_t passage) {
        return std::find(wanted.begin(), wanted.end(), passage) != wanted.end();
    };
    std::vector<std::size_t> others;
    std::copy_if(best.begin(), best.end(), std::back_inserter(others),
                 [&](std::size_t passage) { return !isWanted(passage); });
    others.resize(std::min(others.size(), best.size() - wanted.size()));
    others.insert(others.end(), wanted.begin(), wanted.end());
    best = std::move(others);
}

} // namespace

double idf(double n, double df) {
    return std::log(1 + (n - df + 0.5) / (df + 0.5));
}

Weights topicWords(const SearchData& data, std::string_view question) {
    const std::vector<std::string> stems = distinct(stemsOf(question, data.stopWords));
    const auto topics = static_cast<double>(data.topics.size());
    std::vector<double> likelihood(data.topics.size(), 0);
    for (const std::string& stem : stems) {
        double total = 0;
        for (const SearchData::Topic& topic : data.topics) {
            total += evidence(data, topic, stem);
        }
        for (std::size_t t = 0; t < data.topics.size(); ++t) {
            likelihood[t] += std::log((evidence(data, data.topics[t], stem) + data.alpha) /
                                      (total / topics + data.alpha));
        }
    }
    double all = std::exp(data.null);
    for (double& value : likelihood) {
        value = std::exp(value);
        all += value;
    }
    Weights weights;
    for (std::size_t t = 0; t < data.topics.size(); ++t) {
        const double probability = likelihood[t] / all;
        if (probability > data.keepAbove) {
            for (const std::string& word : data.topics[t].words) {
                addWeight(weights, word, probability);
            }
        }
    }
    return weights;
}

Weights queryOf(const SearchData& data, std::string_view question) {
    Weights query;
    for (const std::string& stem : distinct(stemsOf(question, data.stopWords))) {
        query.emplace_back(stem, 1.0);
    }
    for (const auto& [stem, weight] : topicWords(data, question)) {
        addWeight(query, stem, data.lambda * weight);
    }
    return query;
}

PassageIndex::PassageIndex(SourceId id, std::vector<Passage> passages, const StopWords& stop,
                           std::string path, std::string_view title)
    : m_source(id),
      m_path(std::move(path)),
      m_passages(std::move(passages)),
      m_lengths(m_passages.size(), 0) {
    std::string name = std::filesystem::path(m_path).replace_extension().string();
    for (std::string& stem : stemsOf(name.append(" ").append(title), stop)) {
        if (!isShortNumber(stem)) {
            m_nameStems.insert(std::move(stem));
        }
    }
    for (std::size_t i = 0; i < m_passages.size(); ++i) {
        const std::vector<std::string> stems = stemsOf(m_passages[i].text, stop);
        m_lengths[i] = static_cast<std::uint32_t>(stems.size());
        m_total += stems.size();
        for (const std::string& stem : stems) {
            std::vector<Posting>& list = m_postings[stem];
            if (list.empty() || list.back().passage != i) {
                list.push_back({static_cast<std::uint32_t>(i), 0});
            }
            ++list.back().count;
        }
    }
}

const std::vector<PassageIndex::Posting>& PassageIndex::postings(const std::string& stem) const {
    static const std::vector<Posting> kNone;
    const auto it = m_postings.find(stem);
    return it == m_postings.end() ? kNone : it->second;
}

std::size_t PassageIndex::bytesHeld() const {
    std::size_t bytes = 0;
    for (const Passage& passage : m_passages) {
        bytes +=
            sizeof(Passage) + 2 * passage.text.size() + passage.sentences.size() * sizeof(Sentence);
    }
    for (const auto& [stem, list] : m_postings) {
        bytes += stem.size() + list.capacity() * sizeof(Posting) + 64;
    }
    return bytes;
}

Retrieval retrieve(const SearchData& data, const std::vector<PassageIndexPtr>& documents,
                   std::string_view question, std::size_t k, std::size_t openings) {
    Retrieval result;
    std::uint64_t total = 0;
    std::vector<std::size_t> first; // number of each document's first passage among all
    for (const PassageIndexPtr& document : documents) {
        first.push_back(result.searched);
        result.searched += document->passages().size();
        total += document->totalLength();
    }
    const auto n = static_cast<double>(result.searched);
    const double mean = std::max(1.0, static_cast<double>(total) / std::max(1.0, n));
    std::vector<double> scores(result.searched, 0);
    for (const auto& [stem, weight] : queryOf(data, question)) {
        double df = 0;
        for (const PassageIndexPtr& document : documents) {
            df += static_cast<double>(document->postings(stem).size());
        }
        if (df == 0) {
            continue;
        }
        const double value = weight * idf(n, df);
        result.wordValue[stem] = value;
        for (std::size_t d = 0; d < documents.size(); ++d) {
            for (const PassageIndex::Posting& posting : documents[d]->postings(stem)) {
                const double tf = posting.count;
                const double length = documents[d]->length(posting.passage);
                scores[first[d] + posting.passage] +=
                    value * tf * (data.k1 + 1) /
                    (tf + data.k1 * (1 - data.b + data.b * length / mean));
            }
        }
    }
    std::vector<std::size_t> best = chosen(scores, k, documents, first);
    offerOpenings(best, openings, documents, first);
    std::sort(best.begin(), best.end());
    for (const std::size_t i : best) {
        const std::size_t d = documentOf(first, i);
        result.passages.push_back({d, i - first[d], scores[i]});
    }
    return result;
}

} // namespace dossier::app
