// SPDX-License-Identifier: GPL-3.0-or-later
// One pass over the question's words, then the documents that bear them.
#include "app/asking/naming.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace dossier::app {
namespace {

constexpr double kClearly = 0.5;   ///< how far the best document must be named
constexpr double kAsClearly = 0.8; ///< of that: what others must reach to be searched as well

std::string lowerCase(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    return text;
}

/// What stands between blanks.
struct Chunk {
    std::string text;  ///< without the punctuation behind it
    bool ends = false; ///< punctuation behind it ends a phrase
    bool endsSentence = false;
};

std::vector<Chunk> chunksOf(std::string_view text) {
    std::vector<Chunk> chunks;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
        std::string chunk(text.substr(at, end - at));
        const std::size_t size = chunk.find_last_not_of(".,:;?!)\"'") + 1;
        if (size > 0) {
            chunks.push_back({chunk.substr(0, size), size < chunk.size(),
                              chunk.find_first_of(".:?!", size) != std::string::npos});
        }
        at = end + 1;
    }
    return chunks;
}

/// Stems of the question that may name a document, and whether they are written with a capital.
std::map<std::string, bool> namingStems(const SearchData& data, const std::vector<Chunk>& chunks) {
    std::map<std::string, bool> naming;
    std::vector<std::string> phrase; // so far without a document word
    bool begins = true;              // a sentence, whose first word has a capital anyway
    for (const Chunk& chunk : chunks) {
        const bool capital = !begins && chunk.text[0] >= 'A' && chunk.text[0] <= 'Z';
        begins = chunk.endsSentence;
        for (const std::string& word : wordsOf(chunk.text)) {
            if (data.stopWords.count(word) > 0) {
                phrase.clear();
                continue;
            }
            phrase.push_back(stemOf(word));
            if (capital) {
                naming[phrase.back()] = true;
            }
            if (data.documentWords.count(phrase.back()) > 0) {
                for (const std::string& stem : phrase) {
                    naming.emplace(stem, false);
                }
            }
        }
        if (chunk.ends) {
            phrase.clear();
        }
    }
    return naming;
}

bool opensWith(const PassageIndex& document, const std::string& stem) {
    const auto& postings = document.postings(stem);
    return !postings.empty() && postings.front().passage == 0;
}

bool bears(const PassageIndex& document, const std::string& stem, bool capital) {
    return !document.isCode() &&
           (document.isCalled(stem) || (capital && opensWith(document, stem)));
}

} // namespace

std::vector<double> named(const SearchData& data, const std::vector<PassageIndexPtr>& documents,
                          std::string_view question) {
    std::vector<double> values(documents.size(), 0);
    if (documents.size() < 2) {
        return values;
    }
    const std::vector<Chunk> chunks = chunksOf(question);
    const auto n = static_cast<double>(documents.size());
    for (const auto& [stem, capital] : namingStems(data, chunks)) {
        std::vector<std::size_t> bearers;
        for (std::size_t d = 0; d < documents.size(); ++d) {
            if (bears(*documents[d], stem, capital)) {
                bearers.push_back(d);
            }
        }
        const auto df = static_cast<double>(bearers.size());
        for (const std::size_t d : df < n ? bearers : std::vector<std::size_t>{}) {
            values[d] = std::min(1.0, values[d] + idf(n, df) / idf(n, 1));
        }
    }
    for (std::size_t d = 0; d < documents.size(); ++d) {
        const std::string file =
            lowerCase(std::filesystem::path(documents[d]->path()).filename().string());
        const bool said = std::any_of(chunks.begin(), chunks.end(), [&](const Chunk& chunk) {
            return lowerCase(chunk.text) == file;
        });
        values[d] = said ? 1 : values[d];
    }
    return values;
}

std::vector<PassageIndexPtr> documentsToSearch(const SearchData& data,
                                               const std::vector<PassageIndexPtr>& documents,
                                               std::string_view question) {
    const std::vector<double> values = named(data, documents, question);
    const double most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    if (most < kClearly) {
        return documents;
    }
    std::vector<PassageIndexPtr> chosen;
    for (std::size_t d = 0; d < documents.size(); ++d) {
        if (values[d] >= most * kAsClearly) {
            chosen.push_back(documents[d]);
        }
    }
    return chosen;
}

} // namespace dossier::app
