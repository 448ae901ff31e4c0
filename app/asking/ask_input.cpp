// SPDX-License-Identifier: GPL-3.0-or-later
// What the ways of answering share.
#include "app/asking/ask_input.h"

#include "app/asking/naming.h"

#include <algorithm>

namespace dossier::app {

OpenLane::~OpenLane() {
    try {
        m_engine.closeLane(id);
    } catch (const Error&) {
        // A dead engine has no lanes.
    }
}

OpenBranch::~OpenBranch() {
    try {
        m_engine.closeBranch(id);
    } catch (const Error&) {
        // A dead engine has no branches.
    }
}

namespace {

constexpr std::size_t kSnippetBytes = 320;

/// White space collapsed; long texts cut behind a word.
std::string oneLine(std::string_view text) {
    std::string line;
    bool blank = false;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            blank = !line.empty();
            continue;
        }
        if (blank && line.size() >= kSnippetBytes) {
            return line + " …";
        }
        line += blank ? " " : "";
        line += c;
        blank = false;
    }
    return line;
}

} // namespace

std::vector<PassageIndexPtr> passagesOf(const AskContext& context) {
    std::vector<PassageIndexPtr> documents;
    for (const AskedSource& source : context.input.sources) {
        if (context.stopped()) {
            break;
        }
        documents.push_back(context.corpus.passages(
            source.id, source.name, context.profile.passages, context.profile.search.stopWords));
    }
    return documents;
}

std::vector<PassageIndexPtr> searchedPassages(const AskContext& context) {
    return documentsToSearch(context.profile.search, passagesOf(context), context.input.question);
}

std::vector<SearchHit> searchHits(const AskContext& context,
                                  const std::vector<PassageIndexPtr>& documents,
                                  const Retrieval& retrieval, std::size_t limit) {
    std::vector<FoundPassage> best = retrieval.passages;
    std::stable_sort(best.begin(), best.end(), [](const FoundPassage& a, const FoundPassage& b) {
        return a.score > b.score;
    });
    std::vector<SearchHit> hits;
    for (const FoundPassage& found : best) {
        if (hits.size() == limit || found.score <= 0) {
            break;
        }
        const Passage& passage = documents[found.document]->passages()[found.passage];
        const SourceId id = documents[found.document]->source();
        const auto document = context.corpus.document(id);
        SearchHit hit{
            placeOf(id, *document, passage.range), oneLine(passage.text), {}, found.score};
        hits.push_back(std::move(hit));
    }
    return hits;
}

Citation checkedCitation(const AskContext& context, std::uint32_t number, std::string_view quote,
                         std::optional<SourceId> named, std::optional<ingest::TextRange> near,
                         const QuoteVerifier& verifier) {
    Citation citation;
    citation.number = number;
    citation.quote = std::string(withoutCutMarks(quote));
    const auto nameOf = [&](SourceId id) -> std::string {
        for (const AskedSource& source : context.input.sources) {
            if (source.id == id) {
                return source.name;
            }
        }
        return {};
    };
    citation.named = named ? nameOf(*named) : std::string();
    const std::optional<QuoteCheck> check = verifier.check(citation.quote, named, near);
    if (!check) {
        return citation;
    }
    citation.verdict = check->verdict;
    citation.percent = check->percent;
    if (check->source) {
        const auto document = context.corpus.document(*check->source);
        citation.place = placeOf(*check->source, *document, check->range);
        citation.document = nameOf(*check->source);
    }
    return citation;
}

QuoteVerifier verifierOf(const AskContext& context) {
    std::vector<CheckedDocumentPtr> documents;
    for (const AskedSource& source : context.input.sources) {
        documents.push_back(context.corpus.checked(source.id, source.name));
    }
    return QuoteVerifier(std::move(documents));
}

} // namespace dossier::app
