// SPDX-License-Identifier: GPL-3.0-or-later
// Hand-made and random documents for the tests of the document model.
#pragma once

#include <algorithm>
#include <random>
#include <string>

#include "ingest/document/document.h"
#include "ingest/document/utf8.h"

namespace dossier::ingest::samples {

/// Appends a word with evenly spaced characters.
inline void addWord(Document& document, std::uint32_t page, Box box, std::string_view text,
                    Direction direction = Direction::Right) {
    Word word;
    word.range = {document.text.size(), document.text.size() + text.size()};
    word.box = box;
    word.page = page;
    word.direction = direction;
    word.firstEdge = static_cast<std::uint32_t>(document.glyphEdges.size());
    word.edgeCount = static_cast<std::uint32_t>(utf8::length(text));
    for (std::uint32_t i = 0; i < word.edgeCount; ++i) {
        document.glyphEdges.push_back(static_cast<std::uint16_t>(65535 * i / word.edgeCount));
    }
    document.words.push_back(word);
    document.text += text;
}

/// Pages x lines x words of random characters, boxes on the grid that the PDF reader uses.
inline Document random(std::uint32_t seed, std::uint32_t pages, std::uint32_t lines = 20) {
    std::mt19937 generator(seed);
    const auto below = [&](std::uint32_t n) { return generator() % n; };
    const char* const letters[] = {"a", "e", "n", "T", "ß", "é", "漢", "字", "Ω", "😀", "1", "."};
    Document document;
    document.title = "Sample " + std::to_string(seed);
    document.format = Format::Pdf;
    document.sha256 = std::string(64, 'a');
    document.sourceBytes = 12345;
    document.warnings = {"Page 3 has no text layer"};
    for (std::uint32_t p = 0; p < pages; ++p) {
        Page page;
        page.label = std::to_string(p + 1);
        page.widthPt = 595.276;
        page.heightPt = 841.89;
        page.firstWord = static_cast<std::uint32_t>(document.words.size());
        page.range.begin = document.text.size();
        for (std::uint32_t l = 0; l < lines; ++l) {
            const float top = (1000.0F + 2900.0F * static_cast<float>(l)) / 65536;
            float left = 4096.0F / 65536;
            const std::uint64_t begin = document.text.size();
            for (std::uint32_t w = 0; w < 10; ++w) {
                std::string text;
                for (std::uint32_t i = 0, n = 1 + below(8); i < n; ++i) {
                    text += letters[below(std::size(letters))];
                }
                const float width = 512.0F * static_cast<float>(utf8::length(text)) / 65536;
                if (w != 0) {
                    document.text += ' ';
                }
                addWord(document, p, {left, top, left + width, top + 2000.0F / 65536}, text);
                left += width + 512.0F / 65536;
            }
            document.blocks.push_back({{begin, document.text.size()},
                                       l == 0 ? BlockKind::Heading : BlockKind::Paragraph,
                                       static_cast<std::uint8_t>(l == 0 ? 1 : 0),
                                       below(2) == 0});
            document.text += l + 1 == lines ? "\n\n" : "\n";
        }
        page.range.end = document.text.size() - 2;
        page.hasText = true;
        page.wordCount = static_cast<std::uint32_t>(document.words.size()) - page.firstWord;
        document.pages.push_back(page);
    }
    indexLines(document);
    return document;
}

} // namespace dossier::ingest::samples
