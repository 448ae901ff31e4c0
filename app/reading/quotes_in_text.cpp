// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/reading/quotes_in_text.h"

#include <algorithm>

#include "ingest/document/utf8.h"

namespace dossier::app {
namespace {

using ingest::TextRange;

std::optional<TextRange> nearest(std::string_view text, std::string_view words,
                                 std::uint64_t wanted) {
    std::optional<TextRange> best;
    const auto away = [wanted](std::uint64_t at) {
        return at > wanted ? at - wanted : wanted - at;
    };
    for (std::size_t at = text.find(words); at != std::string_view::npos;
         at = text.find(words, at + 1)) {
        if (!best || away(at) < away(best->begin)) {
            best = {at, at + words.size()};
        }
    }
    return best;
}

} // namespace

QuotesInText::QuotesInText(SourceId source, std::string name, DocumentPtr document)
    : m_source(source), m_name(std::move(name)), m_document(std::move(document)) {}

const QuoteVerifier& QuotesInText::verifier() {
    if (!m_verifier) {
        m_verifier.emplace(
            std::vector{std::make_shared<const CheckedDocument>(m_source, m_name, m_document)});
    }
    return *m_verifier;
}

void QuotesInText::find(Citation& citation) {
    // To an answer that named another document this one stays another one.
    constexpr SourceId kAnother{};
    const bool named = citation.named.empty() || citation.named == m_name;
    const auto near = citation.place ? std::optional(citation.place->range) : std::nullopt;
    const auto check = verifier().check(citation.quote, named ? m_source : kAnother, near);
    citation.verdict = check ? check->verdict : Verdict::NotFound;
    citation.percent = check ? check->percent : 0;
    citation.place.reset();
    if (check && check->source) {
        citation.place = placeOf(m_source, *m_document, check->range);
        citation.document = m_name;
    }
}

void QuotesInText::find(Mark& mark) {
    const std::string& text = m_document->text;
    const TextRange before = mark.range;
    if (mark.quote.empty() ||
        (before.end <= text.size() && text.compare(before.begin, before.size(), mark.quote) == 0)) {
        return;
    }
    if (const auto same = nearest(text, mark.quote, before.begin)) {
        mark.range = *same;
        return;
    }
    const auto check = verifier().check(mark.quote, m_source, before);
    if (check && check->verdict == Verdict::VerifiedNormalised) {
        mark.range = check->range;
        mark.quote = text.substr(check->range.begin, check->range.size());
        return;
    }
    std::uint64_t at = std::min<std::uint64_t>(before.begin, text.size());
    while (!ingest::utf8::isBoundary(text, at)) {
        --at;
    }
    mark.range = {at, at};
}

} // namespace dossier::app
