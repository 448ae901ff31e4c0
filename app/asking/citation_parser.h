// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the quotations in an answer as it streams in, in the form that the profile asks the model
// for: [label] "words". What is shown leaves the labels of quotations out: the chip behind the
// quotation names the place instead. Numbers of passages, which say nothing to a person, are left
// out wherever they stand; names of documents in the text stay.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/document/document.h"

namespace dossier::app {

struct QuotationForm {
    std::string labelOpen = "[", labelClose = "]";
    std::string open = "\"", close = "\"";
};

/// A quotation that has ended.
struct ParsedQuotation {
    std::string label;          ///< "" when none stood in front of it or directly behind it
    std::string text;           ///< without marks
    ingest::TextRange inAnswer; ///< with its marks, bytes of everything shown so far
    bool forced = false;        ///< some piece of it was marked as forced
};

/// Typographic marks (“ ”) count like the profile's straight ones. A quotation ends at its closing
/// mark or at an empty line; then it was no quotation.
class CitationParser {
  public:
    /// `isLabel` tells whether words in brackets name a document or are the number of a passage;
    /// other brackets are text.
    CitationParser(QuotationForm form, std::function<bool(std::string_view)> isLabel);

    /// Returns what is to be shown now; a beginning that may still become a label is kept back.
    std::string push(std::string_view piece, bool forced = false);
    std::string finish(); ///< what was kept back

    /// Quotations that ended since the last call, once it is known whether a label follows.
    std::vector<ParsedQuotation> takeQuotations();

  private:
    enum class Took { Yes, No, Wait };
    enum class Belongs { NoLabel, NotKnownYet, ToLast, ToNext, ToNone };
    struct Label {
        Belongs belongs = Belongs::NoLabel;
        std::string text{};
        std::size_t end = 0; ///< in m_pending
    };
    std::string step(bool last);
    Label labelAt(std::size_t at, bool last) const;
    Took takeLabel(std::string& out, bool last);
    Took takeOutside(std::string& out, bool last);
    void takeInside(std::string& out);
    void show(std::string& out, std::size_t bytes);
    void endQuotation();
    bool startsWithOpening(std::size_t at) const;

    QuotationForm m_form;
    std::function<bool(std::string_view)> m_isLabel;
    std::string m_pending;     ///< not yet shown
    std::uint64_t m_shown = 0; ///< bytes shown so far
    bool m_inQuotation = false, m_forced = false, m_justEnded = false;
    bool m_innerOpen = false; ///< inside marks that belong to the quoted text
    char m_previous = ' ';    ///< last byte shown; a blank for a number left out behind it
    std::string m_closing;    ///< mark that ends the present quotation
    ParsedQuotation m_current;
    std::vector<ParsedQuotation> m_ended;
};

} // namespace dossier::app
