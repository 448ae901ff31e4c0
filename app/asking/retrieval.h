// SPDX-License-Identifier: GPL-3.0-or-later
// The search that chooses passages: BM25 over stems, widened by the words of the clause topics that
// a question seems to ask about. Constants and topics are data of the prompt profile.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "app/asking/passages.h"
#include "app/asking/terms.h"
#include "app/model_types.h"

namespace dossier::app {

/// What the search needs to know, from a profile's data file. Immutable once loaded.
struct SearchData {
    StopWords stopWords;
    double k1 = 1.2, b = 0.75;
    struct Topic {
        std::string name;
        std::vector<std::string> words; ///< stems that such clauses use
        std::vector<std::string> nameStems;
        std::map<std::string, double> questionWords; ///< stem -> wordings that hold it
    };
    std::vector<Topic> topics;
    std::unordered_set<std::string> documentWords; ///< stems of "agreement", "lease", "report" ...
    double alpha = 0.3, null = 2, nameWeight = 2, topicWordWeight = 1, keepAbove = 0.05, lambda = 1;
};

/// Weight by stem; the order of insertion is kept, so that sums are the same everywhere.
using Weights = std::vector<std::pair<std::string, double>>;

/// Words of the clause topics that the question may be about, by naive Bayes over the topics' known
/// wordings; empty for most questions that are not about contract clauses.
Weights topicWords(const SearchData&, std::string_view question);
/// Stems of the question (weight 1) and topic words.
Weights queryOf(const SearchData&, std::string_view question);

/// The passages of one document and where each stem occurs in them. Immutable.
class PassageIndex {
  public:
    /// `path` and `title`: what people call the document by; empty if that should not count.
    PassageIndex(SourceId id, std::vector<Passage> passages, const StopWords& stop,
                 std::string path = {}, std::string_view title = {});

    struct Posting {
        std::uint32_t passage = 0;
        std::uint32_t count = 0;
    };
    SourceId source() const { return m_source; }
    const std::string& path() const { return m_path; }
    bool isCode() const { return !m_passages.empty() && m_passages.front().line != 0; }
    /// Whether the stem stands in path (but the ending) or title; numbers under four digits do not.
    bool isCalled(const std::string& stem) const { return m_nameStems.count(stem) > 0; }
    const std::vector<Passage>& passages() const { return m_passages; }
    const std::vector<Posting>& postings(const std::string& stem) const;
    std::uint32_t length(std::size_t passage) const { return m_lengths[passage]; }
    std::uint64_t totalLength() const { return m_total; }
    std::size_t bytesHeld() const;

  private:
    SourceId m_source;
    std::string m_path;
    std::unordered_set<std::string> m_nameStems;
    std::vector<Passage> m_passages;
    std::vector<std::uint32_t> m_lengths; ///< stems of each passage
    std::uint64_t m_total = 0;
    std::unordered_map<std::string, std::vector<Posting>> m_postings;
};
using PassageIndexPtr = std::shared_ptr<const PassageIndex>;

/// Weight of a word that stands in `df` of `n` texts: ln(1 + (n - df + 0.5) / (df + 0.5)).
double idf(double n, double df);

/// A passage that the search found.
struct FoundPassage {
    std::size_t document = 0; ///< index into the searched documents
    std::size_t passage = 0;
    double score = 0;
};

struct Retrieval {
    std::vector<FoundPassage> passages; ///< the best `k`, in document order
    /// Query weight times idf of every query word that occurs somewhere; in query order.
    std::unordered_map<std::string, double> wordValue;
    std::size_t searched = 0; ///< passages looked through
};

/// The best `k` passages of all documents together, of passages with the same words only one.
/// `openings` of them are the first passages of
/// the documents that match best, whatever their score: title, parties and date of a contract stand
/// there in words that no question shares. One document gives its first `openings` passages,
/// several give their first one each. Source code has no such opening.
Retrieval retrieve(const SearchData&, const std::vector<PassageIndexPtr>& documents,
                   std::string_view question, std::size_t k, std::size_t openings = 0);

} // namespace dossier::app
