// SPDX-License-Identifier: GPL-3.0-or-later
// The promises of document.h, checked one by one: a document that comes over a pipe or from disk is
// believed only after this.
#include <cmath>
#include <string>

#include "engine/base/error.h"
#include "ingest/document/document.h"
#include "ingest/document/utf8.h"

namespace dossier::ingest {
namespace {

[[noreturn]] void broken(const std::string& what) {
    throw Error(ErrorCode::Corrupt, "The stored form of a document is damaged: " + what,
                "Add the source to the dossier again");
}

void require(bool holds, const char* what) {
    if (!holds) {
        broken(what);
    }
}

/// Ranges of one kind must be inside the text, between characters, and ascending.
void checkRange(const Document& document, TextRange range, std::uint64_t& previousEnd,
                const char* what) {
    require(range.begin >= previousEnd && range.end >= range.begin &&
                range.end <= document.text.size() && utf8::isBoundary(document.text, range.begin) &&
                utf8::isBoundary(document.text, range.end),
            what);
    previousEnd = range.end;
}

void checkText(const Document& document) {
    require(utf8::firstInvalid(document.text) == document.text.size(), "its text is not UTF-8");
    require(document.text.find('\r') == std::string::npos &&
                document.text.find('\0') == std::string::npos,
            "its text has control characters that no reader writes");
    require(document.sha256.empty() || document.sha256.size() == 64,
            "its checksum has a wrong length");
}

void checkBox(const Box& box) {
    const auto inside = [](float value) {
        return std::isfinite(value) && value >= 0 && value <= 1;
    };
    require(inside(box.left) && inside(box.top) && inside(box.right) && inside(box.bottom) &&
                box.left <= box.right && box.top <= box.bottom,
            "a word's box lies outside its page");
}

void checkWords(const Document& document) {
    std::uint64_t end = 0;
    std::uint32_t page = 0;
    for (const Word& word : document.words) {
        checkRange(document, word.range, end,
                   "a word lies outside the text or before its predecessor");
        require(!word.range.empty(), "a word is empty");
        require(word.page >= page && word.page < document.pages.size(), "a word is on no page");
        require(word.direction <= Direction::Up, "a word has no direction");
        page = word.page;
        checkBox(word.box);
        const std::uint64_t lastEdge = std::uint64_t{word.firstEdge} + word.edgeCount;
        require(lastEdge <= document.glyphEdges.size(), "a word's characters have no edges");
        require(word.edgeCount == 0 ||
                    word.edgeCount ==
                        utf8::length(std::string_view(document.text)
                                         .substr(word.range.begin, word.range.size())),
                "a word has more or fewer edges than characters");
    }
}

void checkPages(const Document& document) {
    std::uint64_t end = 0;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < document.pages.size(); ++i) {
        const Page& page = document.pages[i];
        checkRange(document, page.range, end,
                   "a page lies outside the text or before its predecessor");
        require(!page.label.empty(), "a page has no label");
        require(std::isfinite(page.widthPt) && std::isfinite(page.heightPt), "a page has no size");
        require(page.firstWord == word && page.wordCount <= document.words.size() - word,
                "a page's words are not where it says");
        for (std::uint64_t last = word + page.wordCount; word < last; ++word) {
            require(document.words[word].page == i, "a page has words of another page");
        }
    }
    require(word == document.words.size(), "some words belong to no page");
}

} // namespace

void validate(const Document& document) {
    require(document.format <= Format::Code, "its format is unknown");
    checkText(document);
    std::uint64_t end = 0;
    for (const Block& block : document.blocks) {
        checkRange(document, block.range, end,
                   "a block lies outside the text or before its predecessor");
        require(block.kind <= BlockKind::Running, "a block's kind is unknown");
    }
    checkWords(document);
    checkPages(document);
}

} // namespace dossier::ingest
