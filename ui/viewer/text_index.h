// SPDX-License-Identifier: GPL-3.0-or-later
// Where the lines of a text begin, and how many rows each takes on screen. Built on a worker; both
// are cheap for a million lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dossier::ui {

/// Lines as displayed: those of the text, the very long ones divided at spaces so that none is
/// larger than kLongest bytes.
struct LineIndex {
    static constexpr std::uint64_t kLongest = 8192;

    std::vector<std::uint64_t> starts;  ///< byte offset of each displayed line
    std::vector<std::uint32_t> numbers; ///< number of the text's line, from 1; empty = i + 1
    std::uint32_t lineCount = 0;        ///< of the text
    std::uint64_t longest = 0;          ///< bytes of the longest displayed line

    std::size_t size() const { return starts.size(); }
    std::uint32_t number(std::size_t i) const {
        return numbers.empty() ? static_cast<std::uint32_t>(i + 1) : numbers[i];
    }
    /// First displayed line of its text line: the one that shows the number.
    bool first(std::size_t i) const { return i == 0 || number(i) != number(i - 1); }
    std::size_t indexOf(std::uint64_t offset) const;
    std::uint64_t end(std::size_t i, std::uint64_t textSize) const {
        return i + 1 < starts.size() ? starts[i + 1] : textSize;
    }
};

LineIndex indexLines(const std::string& text);

/// Rows per line with prefix sums that can be corrected in O(log n), for wrapped text whose true
/// heights are only known once a line has been laid out.
class RowMap {
  public:
    /// One row for every line.
    void reset(std::size_t lines);
    /// Estimates: `bytesPerRow` average characters fit a row.
    void estimate(const LineIndex& index, std::uint64_t textSize, double bytesPerRow);

    std::uint64_t total() const { return m_total; }
    std::uint32_t rows(std::size_t line) const { return m_identity ? 1 : m_rows[line]; }
    void setRows(std::size_t line, std::uint32_t rows);
    /// Rows before a line.
    std::uint64_t before(std::size_t line) const;
    /// The line that holds a row, and the row within it.
    std::pair<std::size_t, std::uint32_t> lineAt(std::uint64_t row) const;

  private:
    void build();

    bool m_identity = true;
    std::size_t m_lines = 0;
    std::uint64_t m_total = 0;
    std::vector<std::uint32_t> m_rows;
    std::vector<std::uint64_t> m_tree; ///< Fenwick tree over m_rows, from 1
};

} // namespace dossier::ui
