// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/blocks.h"

#include "ingest/document/utf8.h"

namespace dossier::ingest::readers {
namespace {

bool isSpace(char32_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isInvisible(char32_t c) {
    return c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
           c == 0x2060 || c == 0xFEFF;
}

} // namespace

void BlockWriter::add(std::string_view text, BlockKind kind, std::uint8_t level) {
    constexpr std::string_view blanks = " \t\n";
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return;
    }
    text = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
    std::string& out = m_document.text;
    if (!out.empty()) {
        const bool rows =
            kind == BlockKind::TableRow && m_document.blocks.back().kind == BlockKind::TableRow;
        out += rows ? "\n" : "\n\n";
    }
    const std::uint64_t start = out.size();
    out += text;
    m_document.blocks.push_back({{start, out.size()}, kind, level});
}

void TextCleaner::append(std::string& text, std::string_view raw, Breaks breaks) {
    for (std::size_t at = 0; at < raw.size();) {
        const auto c = utf8::decode(raw, at);
        at += c.length;
        if (c.value == '\n' && breaks == Breaks::Keep) {
            while (text.ends_with(' ')) {
                text.pop_back();
            }
            text += '\n';
        } else if (isSpace(c.value)) {
            if (!text.empty() && text.back() != ' ' && text.back() != '\n') {
                text += ' ';
            }
        } else if (!isInvisible(c.value)) {
            const bool control = c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0);
            utf8::append(text, control ? utf8::kReplacement : c.value);
        }
    }
}

} // namespace dossier::ingest::readers
