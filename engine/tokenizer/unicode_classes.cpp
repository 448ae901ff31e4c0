// SPDX-License-Identifier: Apache-2.0
#include "engine/tokenizer/unicode_classes.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/tokenizer/unicode_ranges.h"

namespace dossier::engine {
namespace {

constexpr std::uint8_t kClassBits[] = {
    0, kLetter, kMark, kNumber, kPunctuationSymbol, kPunctuationSymbol, kSpace,
};

std::vector<std::uint8_t> allBits() {
    std::vector<std::uint8_t> bits(0x110000);
    for (std::size_t i = 0; i < std::size(kUnicodeRanges); ++i) {
        const std::size_t begin = kUnicodeRanges[i] >> 4;
        const std::size_t end =
            i + 1 < std::size(kUnicodeRanges) ? kUnicodeRanges[i + 1] >> 4 : bits.size();
        std::fill(bits.data() + begin, bits.data() + end, kClassBits[kUnicodeRanges[i] & 15]);
    }
    bits['\r'] |= kLineEnd;
    bits['\n'] |= kLineEnd;
    for (std::size_t i = 0; i < 26; ++i) {
        bits['A' + i] |= kAsciiLetter;
        bits['a' + i] |= kAsciiLetter;
    }
    const auto markCjk = [&](std::size_t first, std::size_t last) {
        for (std::size_t c = first; c <= last; ++c) {
            bits[c] |= kCjk;
        }
    };
    markCjk(0x4E00, 0x9FA5);
    markCjk(0x3040, 0x30FF);
    return bits;
}

} // namespace

UnicodeClasses::UnicodeClasses() {
    const std::vector<std::uint8_t> bits = allBits();
    constexpr std::size_t kBlock = std::size_t{1} << kShift;
    std::map<std::string, std::uint16_t> numbers;
    std::string blocks;
    for (std::size_t i = 0; i < m_index.size(); ++i) {
        std::string block(bits.begin() + static_cast<std::ptrdiff_t>(i * kBlock),
                          bits.begin() + static_cast<std::ptrdiff_t>((i + 1) * kBlock));
        const auto [entry, isNew] =
            numbers.emplace(block, static_cast<std::uint16_t>(numbers.size()));
        if (isNew) {
            blocks += block;
        }
        m_index[i] = entry->second;
    }
    m_blocks = std::make_unique<std::uint8_t[]>(blocks.size());
    std::copy(blocks.begin(), blocks.end(), m_blocks.get());
}

const UnicodeClasses& UnicodeClasses::instance() {
    static const UnicodeClasses classes;
    return classes;
}

} // namespace dossier::engine
