// SPDX-License-Identifier: GPL-3.0-or-later
// Where quotations and marks of an earlier text stand in the one that was just read.
#pragma once

#include <optional>
#include <string>

#include "app/asking/quote_verifier.h"
#include "app/store/quote_finder.h"

namespace dossier::app {

/// Nothing is prepared before something is looked for: most texts are the first of their source.
class QuotesInText final : public QuoteFinder {
  public:
    /// `name` is the source's path, as answers name it.
    QuotesInText(SourceId source, std::string name, DocumentPtr document);

    void find(Citation&) override;
    /// Marks go to the nearest place with the same words. Words that are gone leave the mark where
    /// it was, with its note and the words, on an empty range.
    void find(Mark&) override;

  private:
    const QuoteVerifier& verifier();

    SourceId m_source;
    std::string m_name;
    DocumentPtr m_document;
    std::optional<QuoteVerifier> m_verifier;
};

} // namespace dossier::app
