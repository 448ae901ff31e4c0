// SPDX-License-Identifier: GPL-3.0-or-later
// Is a quotation in its source? A comparison of strings, done without the model. The only thing
// that decides whether a quotation is shown as verified.
//
// Cost: a few searches through the folded text of the documents (about a millisecond a megabyte),
// whatever the length of the quotation; nothing is compared position by position with all others.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/asking/folded_text.h"
#include "app/model_types.h"

namespace dossier::app {

/// A document prepared for checking quotations. Immutable; safe to use from any thread.
class CheckedDocument {
  public:
    CheckedDocument(SourceId id, std::string name, DocumentPtr document);

    SourceId id() const { return m_id; }
    const std::string& name() const { return m_name; }
    const DocumentPtr& document() const { return m_document; }
    const FoldedText& folded() const { return m_folded; }
    /// Without running headers, page numbers and footnotes, for sentences that go over a page
    /// break; null when the document has none.
    const FoldedText* flowing() const { return m_flowing ? &*m_flowing : nullptr; }
    std::size_t bytesHeld() const;

  private:
    SourceId m_id;
    std::string m_name;
    DocumentPtr m_document;
    FoldedText m_folded;
    std::optional<FoldedText> m_flowing;
};
using CheckedDocumentPtr = std::shared_ptr<const CheckedDocument>;

inline constexpr std::size_t kShortestQuote = 12; ///< characters; shorter ones prove nothing
inline constexpr std::uint32_t kPartialPercent = 85;

struct QuoteCheck {
    Verdict verdict = Verdict::NotFound;
    std::uint32_t percent = 0; ///< of the quotation's characters in the longest run that was found
    std::optional<SourceId> source;
    ingest::TextRange range; ///< exact bytes in that source
};

class QuoteVerifier {
  public:
    explicit QuoteVerifier(std::vector<CheckedDocumentPtr> documents);

    /// `named`: the source that the answer says it quotes; absent when it names none, then every
    /// document counts as named. `near`: where in it the answer points to: of several places with
    /// the same words the one nearest to it is taken.
    /// nullopt for quotations under 12 characters: they do not count.
    std::optional<QuoteCheck> check(std::string_view quote, std::optional<SourceId> named = {},
                                    std::optional<ingest::TextRange> near = {}) const;

    const std::vector<CheckedDocumentPtr>& documents() const { return m_documents; }

  private:
    QuoteCheck partial(const FoldedText& quote, std::optional<SourceId> named) const;

    std::vector<CheckedDocumentPtr> m_documents;
};

/// Fills in page, label, line and section of a range.
Place placeOf(SourceId, const ingest::Document&, ingest::TextRange);

} // namespace dossier::app
