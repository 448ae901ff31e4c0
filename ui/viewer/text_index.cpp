// SPDX-License-Identifier: GPL-3.0-or-later
// Line index and row map.
#include "ui/viewer/text_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace dossier::ui {

std::size_t LineIndex::indexOf(std::uint64_t offset) const {
    const auto it = std::upper_bound(starts.begin(), starts.end(), offset);
    return it == starts.begin() ? 0 : static_cast<std::size_t>(it - starts.begin() - 1);
}

namespace {

/// Where to divide a line that is too long: behind a space, else before a character.
std::uint64_t divide(const std::string& text, std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t limit = begin + LineIndex::kLongest;
    for (std::uint64_t at = limit; at > begin + LineIndex::kLongest / 2; --at) {
        if (text[at - 1] == ' ') {
            return at;
        }
    }
    std::uint64_t at = std::min(limit, end);
    while (at > begin + 1 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
        --at;
    }
    return at;
}

} // namespace

LineIndex indexLines(const std::string& text) {
    LineIndex index;
    std::uint64_t begin = 0;
    std::uint32_t number = 0;
    const auto push = [&](std::uint64_t at, std::uint64_t end, bool divided) {
        if (divided && index.numbers.empty()) {
            // From here on numbers and displayed lines differ.
            index.numbers.resize(index.starts.size());
            std::iota(index.numbers.begin(), index.numbers.end(), 1u);
            index.numbers.reserve(index.starts.size() + 1);
        }
        index.starts.push_back(at);
        if (divided || !index.numbers.empty()) {
            index.numbers.push_back(number);
        }
        index.longest = std::max(index.longest, end - at);
    };
    do {
        const void* newline = begin < text.size()
                                  ? std::memchr(text.data() + begin, '\n', text.size() - begin)
                                  : nullptr;
        const std::uint64_t end =
            newline != nullptr
                ? static_cast<std::uint64_t>(static_cast<const char*>(newline) - text.data()) + 1
                : text.size();
        ++number;
        while (end - begin > LineIndex::kLongest) {
            const std::uint64_t at = divide(text, begin, end);
            push(begin, at, true);
            begin = at;
        }
        push(begin, end, false);
        begin = end;
    } while (begin < text.size());
    index.lineCount = number;
    return index;
}

void RowMap::reset(std::size_t lines) {
    m_identity = true;
    m_lines = lines;
    m_total = lines;
    m_rows.clear();
    m_tree.clear();
}

void RowMap::estimate(const LineIndex& index, std::uint64_t textSize, double bytesPerRow) {
    m_identity = false;
    m_lines = index.size();
    m_rows.resize(m_lines);
    for (std::size_t i = 0; i < m_lines; ++i) {
        const auto bytes = static_cast<double>(index.end(i, textSize) - index.starts[i]);
        m_rows[i] = std::max(1u, static_cast<std::uint32_t>(std::ceil(bytes / bytesPerRow)));
    }
    build();
}

void RowMap::build() {
    m_tree.assign(m_lines + 1, 0);
    m_total = 0;
    for (std::size_t i = 1; i <= m_lines; ++i) {
        m_tree[i] += m_rows[i - 1];
        m_total += m_rows[i - 1];
        const std::size_t parent = i + (i & (~i + 1));
        if (parent <= m_lines) {
            m_tree[parent] += m_tree[i];
        }
    }
}

void RowMap::setRows(std::size_t line, std::uint32_t rows) {
    if (m_identity || line >= m_lines || m_rows[line] == rows) {
        return;
    }
    const std::uint64_t delta = static_cast<std::uint64_t>(rows) - m_rows[line]; // wraps as wanted
    m_rows[line] = rows;
    m_total += delta;
    for (std::size_t i = line + 1; i <= m_lines; i += i & (~i + 1)) {
        m_tree[i] += delta;
    }
}

std::uint64_t RowMap::before(std::size_t line) const {
    if (m_identity) {
        return std::min(line, m_lines);
    }
    std::uint64_t sum = 0;
    for (std::size_t i = std::min(line, m_lines); i > 0; i -= i & (~i + 1)) {
        sum += m_tree[i];
    }
    return sum;
}

std::pair<std::size_t, std::uint32_t> RowMap::lineAt(std::uint64_t row) const {
    if (m_lines == 0) {
        return {0, 0};
    }
    row = std::min(row, m_total == 0 ? 0 : m_total - 1);
    if (m_identity) {
        return {static_cast<std::size_t>(row), 0};
    }
    std::size_t position = 0, step = 1;
    while (step * 2 <= m_lines) {
        step *= 2;
    }
    std::uint64_t rest = row;
    for (; step > 0; step /= 2) {
        if (position + step <= m_lines && m_tree[position + step] <= rest) {
            position += step;
            rest -= m_tree[position];
        }
    }
    return {std::min(position, m_lines - 1), static_cast<std::uint32_t>(rest)};
}

} // namespace dossier::ui
