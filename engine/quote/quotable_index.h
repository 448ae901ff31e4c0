// SPDX-License-Identifier: Apache-2.0
// One quotable text with the places where a quotation of it may begin and end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::engine {

class QuotableIndex {
  public:
    /// White space at the end of the text is dropped. Throws Error (TooLarge) from 4 GiB on.
    explicit QuotableIndex(std::string text);

    /// ASCII white space.
    static bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

    const std::string& text() const { return m_text; }
    /// Places where a quotation may begin whose bytes there are those of `prefix` (1 to 4 of them;
    /// more are ignored). Each is the lower half of the number.
    std::span<const std::uint64_t> begins(std::string_view prefix) const;
    bool canBegin() const { return !m_begins.empty(); }
    /// Whether a quotation may end before text[at].
    bool canEnd(std::size_t at) const;
    /// Whether text[at] begins a character (or is the end).
    bool isCharacterBorder(std::size_t at) const;
    /// The end of the run of white space that begins at `at`, if it contains a line break and more
    /// text follows.
    std::optional<std::size_t> afterLineBreak(std::size_t at) const;

  private:
    bool cutsWord(std::size_t at) const;

    std::string m_text;
    std::vector<std::uint64_t> m_begins; ///< sorted: the first four bytes there << 32 | place
};

} // namespace dossier::engine
