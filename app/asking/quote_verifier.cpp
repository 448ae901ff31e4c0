// SPDX-License-Identifier: GPL-3.0-or-later
// Verbatim by searching the bytes, normalised by searching folded text. A run of at least 85 % of a
// quotation always contains the quotation's middle, from 15 % to 85 % of its length: partial
// matches are found by searching that middle and growing it to both sides.
#include "app/asking/quote_verifier.h"

#include <algorithm>

#include "app/asking/sections.h"
#include "ingest/document/utf8.h"

namespace dossier::app {
namespace {

namespace utf8 = ingest::utf8;
using ingest::TextRange;

/// Everything that is printed but no part of the flow of text.
std::vector<TextRange> interruptions(const ingest::Document& document) {
    std::vector<TextRange> ranges;
    for (const ingest::Block& block : document.blocks) {
        if (block.kind == ingest::BlockKind::Running || block.kind == ingest::BlockKind::Footnote) {
            ranges.push_back(block.range);
        }
    }
    return ranges;
}

/// 0 only for a range that lies wholly inside the hint.
std::uint64_t distance(TextRange range, TextRange hint) {
    const std::uint64_t before = hint.begin > range.begin ? hint.begin - range.begin : 0;
    const std::uint64_t behind = range.end > hint.end ? range.end - hint.end : 0;
    return before + behind;
}

/// Keeps the place that lies nearest to the hint, else the first.
struct Best {
    std::optional<TextRange> near;
    std::optional<TextRange> range;
    /// True when no better one can come.
    bool offer(TextRange candidate) {
        if (!range || (near && distance(candidate, *near) < distance(*range, *near))) {
            range = candidate;
        }
        return !near || distance(*range, *near) == 0;
    }
};

bool wordByte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trimmed(std::string_view text) {
    const auto isBlank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
    while (!text.empty() && isBlank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && isBlank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// A quotation must not begin or end inside a word: "legal" is not in "illegal". (Words of other
/// scripts are handled by the folded comparison, which follows when this one fails.)
bool cutsWord(const std::string& text, std::size_t begin, std::size_t end) {
    const auto inside = [&](std::size_t at) {
        return at > 0 && at < text.size() && wordByte(text[at - 1]) && wordByte(text[at]);
    };
    return inside(begin) || inside(end);
}

std::optional<TextRange> verbatim(const ingest::Document& document, std::string_view quote,
                                  std::optional<TextRange> near) {
    const std::string& text = document.text;
    Best best{near, {}};
    for (std::size_t at = text.find(quote); at != std::string::npos;
         at = text.find(quote, at + 1)) {
        if (!cutsWord(text, at, at + quote.size()) && best.offer({at, at + quote.size()})) {
            break;
        }
    }
    return best.range;
}

std::optional<TextRange> normalised(const FoldedText& folded, const std::string& quote,
                                    std::optional<TextRange> near) {
    const std::string& text = folded.text();
    Best best{near, {}};
    for (std::size_t at = text.find(quote); at != std::string::npos;
         at = text.find(quote, at + 1)) {
        const std::size_t end = at + quote.size();
        if (folded.isWordEdge(at) && folded.isWordEdge(end) &&
            best.offer(folded.original(at, end))) {
            break;
        }
    }
    return best.range;
}

/// A run of equal bytes: folded bytes [begin, end) of the document.
struct Run {
    std::size_t begin = 0, end = 0;
    std::size_t characters = 0;
};

/// Grows a match of the middle as far as both texts agree, then back to whole words.
Run grow(const FoldedText& document, const FoldedText& quote, std::size_t middleAt,
         std::size_t middleBegin, std::size_t middleEnd) {
    const std::string& d = document.text();
    const std::string& q = quote.text();
    std::size_t qBegin = middleBegin, qEnd = middleEnd;
    std::size_t dBegin = middleAt, dEnd = middleAt + (middleEnd - middleBegin);
    while (qBegin > 0 && dBegin > 0 && q[qBegin - 1] == d[dBegin - 1]) {
        --qBegin;
        --dBegin;
    }
    while (qEnd < q.size() && dEnd < d.size() && q[qEnd] == d[dEnd]) {
        ++qEnd;
        ++dEnd;
    }
    while (qBegin < qEnd && !(document.isWordEdge(dBegin) && quote.isWordEdge(qBegin))) {
        ++qBegin;
        ++dBegin;
    }
    while (qEnd > qBegin && !(document.isWordEdge(dEnd) && quote.isWordEdge(qEnd))) {
        --qEnd;
        --dEnd;
    }
    while (dBegin < dEnd && d[dBegin] == ' ') {
        ++dBegin;
    }
    while (dEnd > dBegin && d[dEnd - 1] == ' ') {
        --dEnd;
    }
    return {dBegin, dEnd, characterCount(std::string_view(d).substr(dBegin, dEnd - dBegin))};
}

/// The longest run that holds the quotation's middle.
Run longestRun(const FoldedText& document, const FoldedText& quote) {
    const std::string& q = quote.text();
    // One character less at each side than 15 %, against rounding.
    std::size_t begin = q.size() * (100 - kPartialPercent) / 100 + 1;
    std::size_t end = q.size() - begin;
    while (begin < end && utf8::isContinuation(q[begin])) {
        ++begin;
    }
    while (end > begin && end < q.size() && utf8::isContinuation(q[end])) {
        --end;
    }
    Run best;
    if (begin >= end) {
        return best;
    }
    const std::string middle = q.substr(begin, end - begin);
    const std::string& d = document.text();
    for (std::size_t at = d.find(middle); at != std::string::npos; at = d.find(middle, at + 1)) {
        const Run run = grow(document, quote, at, begin, end);
        if (run.characters > best.characters) {
            best = run;
        }
    }
    return best;
}

} // namespace

CheckedDocument::CheckedDocument(SourceId id, std::string name, DocumentPtr document)
    : m_id(id),
      m_name(std::move(name)),
      m_document(std::move(document)),
      m_folded(m_document->text) {
    const std::vector<TextRange> skip = interruptions(*m_document);
    if (!skip.empty()) {
        m_flowing.emplace(m_document->text, skip);
    }
}

std::size_t CheckedDocument::bytesHeld() const {
    return m_folded.bytesHeld() + (m_flowing ? m_flowing->bytesHeld() : 0);
}

QuoteVerifier::QuoteVerifier(std::vector<CheckedDocumentPtr> documents)
    : m_documents(std::move(documents)) {}

std::optional<QuoteCheck> QuoteVerifier::check(std::string_view quote,
                                               std::optional<SourceId> named,
                                               std::optional<TextRange> near) const {
    const std::string_view core = withoutCutMarks(quote);
    if (characterCount(core) < kShortestQuote) {
        return std::nullopt;
    }
    const FoldedText folded(core);
    if (characterCount(folded.text()) * 2 < kShortestQuote) {
        return std::nullopt; // nothing but punctuation and blanks
    }
    const std::string_view whole = trimmed(quote);
    const auto isNamed = [&](const CheckedDocumentPtr& d) { return !named || d->id() == *named; };
    const auto found = [&](bool inNamed, Verdict verdict, const CheckedDocumentPtr& d,
                           TextRange range) {
        return QuoteCheck{inNamed ? verdict : Verdict::OtherDocument, 100, d->id(), range};
    };
    for (const bool inNamed : {true, false}) {
        for (const CheckedDocumentPtr& d : m_documents) {
            if (isNamed(d) != inNamed) {
                continue;
            }
            const auto hint = inNamed ? near : std::nullopt;
            if (const auto range = verbatim(*d->document(), whole, hint)) {
                return found(inNamed, Verdict::Verified, d, *range);
            }
        }
        for (const CheckedDocumentPtr& d : m_documents) {
            if (isNamed(d) != inNamed) {
                continue;
            }
            const auto hint = inNamed ? near : std::nullopt;
            auto range = normalised(d->folded(), folded.text(), hint);
            if (!range && d->flowing() != nullptr) {
                range = normalised(*d->flowing(), folded.text(), hint);
            }
            if (range) {
                return found(inNamed, Verdict::VerifiedNormalised, d, *range);
            }
        }
    }
    return partial(folded, named);
}

QuoteCheck QuoteVerifier::partial(const FoldedText& quote, std::optional<SourceId> named) const {
    QuoteCheck result;
    const std::size_t all = characterCount(quote.text());
    for (const bool inNamed : {true, false}) {
        for (const CheckedDocumentPtr& d : m_documents) {
            if ((!named || d->id() == *named) != inNamed) {
                continue;
            }
            for (const FoldedText* text : {&d->folded(), d->flowing()}) {
                if (text == nullptr) {
                    continue;
                }
                const Run run = longestRun(*text, quote);
                const auto percent = static_cast<std::uint32_t>(run.characters * 100 / all);
                if (percent > result.percent) {
                    result = {Verdict::NotFound, percent, d->id(),
                              text->original(run.begin, run.end)};
                }
            }
        }
        if (result.percent >= kPartialPercent) {
            result.verdict = Verdict::Partial;
            return result;
        }
    }
    return {Verdict::NotFound, result.percent, std::nullopt, {}};
}

Place placeOf(SourceId id, const ingest::Document& document, TextRange range) {
    Place place;
    place.source = id;
    place.range = range;
    place.page = ingest::pageOf(document, range.begin);
    if (place.page) {
        place.pageLabel = document.pages[*place.page].label;
    }
    place.line = ingest::lineOf(document, range.begin);
    place.section = sectionAt(document, range.begin);
    return place;
}

} // namespace dossier::app
