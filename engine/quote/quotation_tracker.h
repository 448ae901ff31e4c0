// SPDX-License-Identifier: Apache-2.0
// Quotation decoding: which continuations of an answer keep its quotations verbatim.
//
// The tracker follows an answer byte by byte. Outside quotations everything is allowed. When the
// answer writes a known label and then the opening mark, as in [7] "..., only bytes that spell some
// piece of the text behind that label are allowed, until the closing mark. Tokens are judged by
// their bytes, so a token may hold the opening mark and the first word, the full stop and the
// closing mark, or half a character.
//
// What is accepted as a quotation of a text:
//  - any piece of it, byte for byte, that begins and ends at the border of a word (inside a run of
//    letters or digits it may neither begin nor end) and not with white space;
//  - one space in place of a run of white space that contains a line break (nothing else is
//    normalised; a checker that folds white space finds such a quotation word for word);
//  - where it was cut, "..." or its one-character form after the opening and before the closing
//    mark, with or without a space between it and the words.
// Where the text itself has the closing mark, the mark is taken as part of the quotation as long as
// the words after it go on as in the text; it closes the quotation if a line break or the end of
// the answer follows. Written twice, it closes at the second one. Right after a closing mark no
// other one is allowed, so that readers of the answer can rely on it: of marks in a row the last
// one closes.
//
// Plain values: copy a tracker to follow another branch of the answer. Not thread-safe; copies are
// independent (the texts are shared and immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/quote/label_scanner.h"

namespace dossier::engine {

/// A text that the answer may quote after its label ("7" for a passage printed as "[7] ...").
struct QuotableText {
    std::string label;
    std::string text; ///< bytes of the passage's tokens; UTF-8 cut at its ends is fine
};

struct QuotationSyntax {
    std::string labelOpen = "[", labelClose = "]"; ///< none of the four may be empty
    std::string quoteOpen = "\"", quoteClose = "\"";
    std::uint32_t maxTokens = 256; ///< after the opening one; then only closing is allowed
};

class QuotationTracker {
  public:
    /// Throws Error (InvalidArgument) for an empty mark. Of equal labels the first counts. Takes
    /// time and memory in proportion to the texts (two bytes a byte).
    QuotationTracker(std::vector<QuotableText> texts, QuotationSyntax syntax);

    /// Whether the answer may go on with these bytes (one or more, of an ordinary token). Usually a
    /// few comparisons; at worst one for each place where the quotation so far stands in its text.
    /// There is always some single byte or the closing mark that is allowed.
    bool allowed(std::string_view bytes) const;
    /// Whether the answer may end here, or another control token stand here. Never judge control
    /// tokens by their bytes: a document may spell them.
    bool endAllowed() const;
    /// The answer went on with these bytes. If they were not allowed, the quotation is given up and
    /// the text after them is free.
    void accept(std::string_view bytes);

    /// Inside a quotation: allowed() can be false for tokens that do not touch a mark.
    bool inQuotation() const { return !m_outside.has_value(); }
    /// The quotation has reached maxTokens: as soon as it has a word, allowed() is true only for
    /// what closes it.
    bool mustClose() const;

  private:
    struct Shared;
    /// One way to read the quotation so far.
    struct Reading {
        enum class Kind : std::uint8_t {
            Begin,       ///< the opening mark was read
            Lead,        ///< inside the dots after it
            AfterLead,   ///< behind them
            Words,       ///< the next byte is text[at]
            Close,       ///< inside the closing mark or the dots before it
            MaybeClosed, ///< a mark that also stands in the text; a line break makes it the end
        };
        Kind kind = Kind::Begin;
        std::uint8_t variant = 0; ///< which dots
        bool alsoInText = false;  ///< Close: the mark would go on verbatim as well
        std::uint8_t read = 0;    ///< Lead, Close: bytes of it
        std::uint32_t text = 0;
        std::uint32_t at = 0;

        friend auto operator<=>(const Reading&, const Reading&) = default;
    };
    class Runner;

    std::shared_ptr<const Shared> m_shared;
    std::optional<LabelScanner::State> m_outside; ///< absent: certainly inside a quotation
    std::vector<Reading> m_readings;              ///< sorted, without repeats
    std::uint32_t m_tokens = 0; ///< of the quotation, after the one that opened it
};

} // namespace dossier::engine
