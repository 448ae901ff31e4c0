// SPDX-License-Identifier: GPL-3.0-or-later
// What reading a source yields: canonical UTF-8 text, and where each part of it stands.
//
// Text first: the canonical text is built from the very runs that carry the boxes, so offset -> box
// and box -> offset cannot disagree. Offsets are UTF-8 bytes into `text`; boxes are fractions of
// the page, 0..1, from the top left. Everything else in the program (passages, tokens, citations,
// highlights, exports) is a range in this text. Documents are immutable once read; all functions
// are pure, safe to call from any thread, and take time logarithmic in the size of the document
// plus linear in what they return or in one page.
//
// Lines of a PDF: within a paragraph the printed line breaks are not part of the text (a space, or
// nothing after a hyphen); only breaks that mean something ('\n': address lines, table rows) and
// the empty line between blocks remain. A hyphen at a line end stays when it belongs to the word
// ("non-/compete" is "non-compete") and is left out when it only divides it ("termi-/nation" is
// "termination"), as far as the rest of the document shows which it is; in doubt it stays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::ingest {

/// Bytes [begin, end) of a document's text, on UTF-8 character boundaries.
struct TextRange {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t size() const { return end - begin; }
    bool empty() const { return begin >= end; }
    bool operator==(const TextRange&) const = default;
};

/// Fractions of the page, 0..1, y downwards.
struct Box {
    float left = 0, top = 0, right = 0, bottom = 0;
    bool operator==(const Box&) const = default;
};

struct PageBox {
    std::uint32_t page = 0; ///< from 0
    Box box;
    bool operator==(const PageBox&) const = default;
};

enum class BlockKind : std::uint8_t {
    Paragraph,
    Heading,
    ListItem,
    TableRow,
    Code,
    Footnote,
    Other,
    Running, ///< running header or footer, page number: printed, but no part of the flow of text
};

struct Block {
    TextRange range;
    BlockKind kind = BlockKind::Paragraph;
    std::uint8_t level = 0; ///< headings 1..6, list items by nesting; else 0
    /// The sentence goes on in the next block that is not Running or Footnote: a paragraph cut in
    /// two by a page or column break. A quotation may run over that break.
    bool continues = false;
    bool operator==(const Block&) const = default;
};

/// Where a word is read to on the page as displayed. Left: right-to-left scripts.
enum class Direction : std::uint8_t { Right, Down, Left, Up };

/// A word of a page. A word that is broken at a line end is two words whose ranges touch.
struct Word {
    TextRange range;
    Box box;
    std::uint32_t page = 0;
    /// Where its characters begin: Document::glyphEdges[firstEdge, firstEdge + edgeCount), one per
    /// character of the range, so that a part of a word can be marked; none when not known.
    std::uint32_t firstEdge = 0, edgeCount = 0;
    Direction direction = Direction::Right;
    bool operator==(const Word&) const = default;
};

struct Page {
    TextRange range;
    std::string label;                ///< as printed in the document ("iv", "14"); never empty
    double widthPt = 0, heightPt = 0; ///< in points, after the page's own rotation
    bool hasText = false;             ///< false: scanned or blank, "no text layer"
    std::uint32_t firstWord = 0, wordCount = 0; ///< into Document::words
    bool operator==(const Page&) const = default;
};

enum class Format : std::uint8_t { Pdf, Docx, Html, Markdown, Text, Code };
std::string_view formatName(Format); ///< "pdf", "docx", ...

struct Document {
    std::string title; ///< from the file's metadata or first heading; else the file name
    Format format = Format::Text;
    std::string language;      ///< of code files: "cpp", "python", ...; else empty
    std::string text;          ///< canonical UTF-8, lines end in '\n', no '\r', no NUL
    std::vector<Block> blocks; ///< ascending, not overlapping; cover all text but white space
    std::vector<Page> pages;   ///< PDF only
    std::vector<Word> words;   ///< PDF only, ascending by range; the words of a page are contiguous
    /// Edges of characters, as 1/65535 of the length of their word's box in its direction.
    std::vector<std::uint16_t> glyphEdges;
    std::string sha256; ///< of the source file's bytes, hex
    std::uint64_t sourceBytes = 0;
    std::string encoding;              ///< of text files: "UTF-8", "ISO-8859-1", ...
    std::vector<std::string> warnings; ///< for the person: "page 3 has no text layer", ...
    /// Where each line of `text` begins. Readers and deserialize fill it; a document made by hand
    /// works without, slowly.
    std::vector<std::uint64_t> lineStarts;
    bool operator==(const Document&) const = default;
};

/// Fills `lineStarts`.
void indexLines(Document&);

/// Throws Error(Corrupt) that names the first broken promise of this header: text that is no UTF-8,
/// a range outside the text or inside a character, words out of order, ...
void validate(const Document&);

/// Boxes of a range, one per line of text and page, in reading order; a gap wider than four times
/// the line's height (columns of a table) begins a new box. Words that the range cuts are cut at
/// their characters. Empty for documents without pages and for ranges of white space.
std::vector<PageBox> boxesOf(const Document&, TextRange);

/// The smallest range that covers all words whose centre lies in the box; nullopt if there is none.
std::optional<TextRange> rangeIn(const Document&, std::uint32_t page, Box);

/// The boundary between characters that is nearest to a point of a page, for text selection: in the
/// word at the point, else in the nearest word level with it, else on the nearest line. nullopt for
/// pages without words.
std::optional<std::uint64_t> offsetAt(const Document&, std::uint32_t page, float x, float y);

/// Page (from 0) that holds the offset (white space between pages: the page before it); nullopt for
/// documents without pages.
std::optional<std::uint32_t> pageOf(const Document&, std::uint64_t offset);

/// Line (from 1) of the canonical text that holds the offset, and the inverse. In text and code
/// files these are the lines of the file. A line's range is without its '\n'; a line that does not
/// exist is the empty range at the end of the text.
std::uint64_t lineOf(const Document&, std::uint64_t offset);
TextRange lineRange(const Document&, std::uint64_t line);

/// Compact, versioned binary form for storing and for the pipe between reader and application.
std::string serialize(const Document&);
/// Throws Error(Corrupt) on anything that serialize did not write.
Document deserialize(std::string_view bytes);

} // namespace dossier::ingest
