// SPDX-License-Identifier: GPL-3.0-or-later
// Compact binary form of a document: little-endian base-128 numbers, ranges and boxes as
// differences to their predecessor, a checksum at the end. About 20 bytes a word of a PDF beside
// the text.
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/base/error.h"
#include "ingest/document/document.h"

namespace dossier::ingest {
namespace {

constexpr std::string_view kMagic = "DSRDOC";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeader = kMagic.size() + 1;
constexpr std::size_t kChecksum = sizeof(std::uint64_t);
/// Boxes whose edges are all multiples of 1/65536 (what the PDF reader makes) are stored as
/// integers.
constexpr float kGrid = 65536.0F;

[[noreturn]] void corrupt(const char* what) {
    throw Error(ErrorCode::Corrupt,
                std::string("The stored form of a document is damaged: ") + what,
                "Add the source to the dossier again");
}

std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

class Writer {
  public:
    void byte(std::uint8_t value) { m_out += static_cast<char>(value); }
    void number(std::uint64_t value) {
        while (value >= 0x80) {
            byte(static_cast<std::uint8_t>(value | 0x80));
            value >>= 7;
        }
        byte(static_cast<std::uint8_t>(value));
    }
    void difference(std::int64_t value) { number(zigzag(value)); }
    void string(std::string_view value) {
        number(value.size());
        m_out += value;
    }
    void float32(float value) { fixed(std::bit_cast<std::uint32_t>(value), 4); }
    void float64(double value) { fixed(std::bit_cast<std::uint64_t>(value), 8); }
    void fixed(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) {
            byte(static_cast<std::uint8_t>(value >> (8 * i)));
        }
    }
    void raw(std::string_view value) { m_out += value; }
    std::string& out() { return m_out; }

  private:
    std::string m_out;
};

class Parser {
  public:
    explicit Parser(std::string_view bytes) : m_bytes(bytes) {}

    std::uint8_t byte() {
        if (m_at >= m_bytes.size()) {
            corrupt("it is cut off");
        }
        return static_cast<std::uint8_t>(m_bytes[m_at++]);
    }
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const std::uint8_t b = byte();
            if (shift == 63 && b > 1) {
                break;
            }
            value |= static_cast<std::uint64_t>(b & 0x7F) << shift;
            if (b < 0x80) {
                return value;
            }
        }
        corrupt("a number is too long");
    }
    /// A number that must fit; bounds every later addition, so that sums cannot wrap around.
    std::uint64_t number(std::uint64_t limit) {
        const std::uint64_t value = number();
        if (value > limit) {
            corrupt("a number is out of range");
        }
        return value;
    }
    std::int64_t difference(std::int64_t low, std::int64_t high, std::int64_t from) {
        const std::int64_t value = unzigzag(number(1ull << 40)) + from;
        if (value < low || value > high) {
            corrupt("a coordinate is out of range");
        }
        return value;
    }
    /// How many elements follow; each takes at least `bytesEach`, so a lying count cannot make us
    /// reserve more memory than a fixed multiple of the input.
    std::size_t count(std::size_t bytesEach) { return number((m_bytes.size() - m_at) / bytesEach); }
    std::string string() {
        const std::size_t size = number(m_bytes.size() - m_at);
        const std::string_view value = m_bytes.substr(m_at, size);
        m_at += size;
        return std::string(value);
    }
    std::uint64_t fixed(int bytes) {
        std::uint64_t value = 0;
        for (int i = 0; i < bytes; ++i) {
            value |= static_cast<std::uint64_t>(byte()) << (8 * i);
        }
        return value;
    }
    float float32() { return std::bit_cast<float>(static_cast<std::uint32_t>(fixed(4))); }
    double float64() { return std::bit_cast<double>(fixed(8)); }
    bool atEnd() const { return m_at == m_bytes.size(); }

  private:
    std::string_view m_bytes;
    std::size_t m_at = 0;
};

bool onGrid(const Box& box) {
    const auto whole = [](float value) { return std::floor(value * kGrid) == value * kGrid; };
    return whole(box.left) && whole(box.top) && whole(box.right) && whole(box.bottom);
}

void writeRange(Writer& writer, TextRange range, std::uint64_t& previousEnd) {
    writer.number(range.begin - previousEnd);
    writer.number(range.size());
    previousEnd = range.end;
}

TextRange readRange(Parser& parser, std::uint64_t& previousEnd, std::uint64_t textSize) {
    TextRange range;
    range.begin = previousEnd + parser.number(textSize - previousEnd);
    range.end = range.begin + parser.number(textSize - range.begin);
    previousEnd = range.end;
    return range;
}

void writeBlocks(Writer& writer, const std::vector<Block>& blocks) {
    writer.number(blocks.size());
    std::uint64_t end = 0;
    for (const Block& block : blocks) {
        writeRange(writer, block.range, end);
        writer.byte(static_cast<std::uint8_t>(static_cast<unsigned>(block.kind) |
                                              (block.continues ? 0x80U : 0U)));
        writer.byte(block.level);
    }
}

void readBlocks(Parser& parser, Document& document) {
    document.blocks.resize(parser.count(4));
    std::uint64_t end = 0;
    for (Block& block : document.blocks) {
        block.range = readRange(parser, end, document.text.size());
        const std::uint8_t kind = parser.byte();
        block.kind = static_cast<BlockKind>(kind & 0x7F);
        block.continues = (kind & 0x80) != 0;
        block.level = parser.byte();
    }
}

void writePages(Writer& writer, const std::vector<Page>& pages) {
    writer.number(pages.size());
    std::uint64_t end = 0;
    for (const Page& page : pages) {
        writeRange(writer, page.range, end);
        writer.string(page.label);
        writer.float64(page.widthPt);
        writer.float64(page.heightPt);
        writer.byte(page.hasText ? 1 : 0);
        writer.number(page.wordCount);
    }
}

void readPages(Parser& parser, Document& document) {
    document.pages.resize(parser.count(21));
    std::uint64_t end = 0;
    std::uint32_t firstWord = 0;
    for (Page& page : document.pages) {
        page.range = readRange(parser, end, document.text.size());
        page.label = parser.string();
        page.widthPt = parser.float64();
        page.heightPt = parser.float64();
        page.hasText = parser.byte() != 0;
        page.firstWord = firstWord;
        page.wordCount = static_cast<std::uint32_t>(parser.number(UINT32_MAX - firstWord));
        firstWord += page.wordCount;
    }
}

struct GridBox {
    std::int64_t left = 0, top = 0, right = 0, bottom = 0;
};

void writeBox(Writer& writer, const Box& box, GridBox& previous, bool grid) {
    if (!grid) {
        for (const float edge : {box.left, box.top, box.right, box.bottom}) {
            writer.float32(edge);
        }
        return;
    }
    const auto cell = [](float value) { return static_cast<std::int64_t>(value * kGrid); };
    const GridBox g{cell(box.left), cell(box.top), cell(box.right), cell(box.bottom)};
    writer.difference(g.left - previous.right);
    writer.difference(g.top - previous.top);
    writer.difference(g.right - g.left);
    writer.difference(g.bottom - previous.bottom);
    previous = g;
}

Box readBox(Parser& parser, GridBox& previous, bool grid) {
    if (!grid) {
        Box box;
        box.left = parser.float32();
        box.top = parser.float32();
        box.right = parser.float32();
        box.bottom = parser.float32();
        return box;
    }
    constexpr std::int64_t kMax = 65536;
    GridBox g;
    g.left = parser.difference(0, kMax, previous.right);
    g.top = parser.difference(0, kMax, previous.top);
    g.right = parser.difference(0, kMax, g.left);
    g.bottom = parser.difference(0, kMax, previous.bottom);
    previous = g;
    const auto edge = [](std::int64_t value) { return static_cast<float>(value) / kGrid; };
    return {edge(g.left), edge(g.top), edge(g.right), edge(g.bottom)};
}

// Flags of a word, in one byte.
constexpr std::uint8_t kDirectionMask = 0x03;
constexpr std::uint8_t kHasEdges = 0x04;
constexpr std::uint8_t kEdgesElsewhere = 0x08; ///< not right behind those of the word before

void writeWords(Writer& writer, const Document& document) {
    bool grid = true;
    for (const Word& word : document.words) {
        grid = grid && onGrid(word.box);
    }
    writer.number(document.words.size());
    writer.byte(grid ? 1 : 0);
    std::uint64_t end = 0;
    std::uint32_t page = 0, nextEdge = 0;
    GridBox box;
    for (const Word& word : document.words) {
        writeRange(writer, word.range, end);
        writer.number(word.page - page);
        page = word.page;
        const bool elsewhere = word.firstEdge != nextEdge;
        writer.byte(static_cast<std::uint8_t>(static_cast<unsigned>(word.direction) |
                                              (word.edgeCount != 0 ? kHasEdges : 0U) |
                                              (elsewhere ? kEdgesElsewhere : 0U)));
        if (elsewhere) {
            writer.number(word.firstEdge);
        }
        if (word.edgeCount != 0) {
            writer.number(word.edgeCount);
        }
        nextEdge = word.firstEdge + word.edgeCount;
        writeBox(writer, word.box, box, grid);
    }
    writer.number(document.glyphEdges.size());
    std::uint16_t previous = 0;
    for (const std::uint16_t edge : document.glyphEdges) {
        // Modulo 2^16: edges ascend within a word and fall back to 0 at the next one.
        writer.number(static_cast<std::uint16_t>(edge - previous));
        previous = edge;
    }
}

void readWords(Parser& parser, Document& document) {
    document.words.resize(parser.count(8));
    const bool grid = parser.byte() != 0;
    std::uint64_t end = 0;
    std::uint32_t page = 0, nextEdge = 0;
    GridBox box;
    for (Word& word : document.words) {
        word.range = readRange(parser, end, document.text.size());
        page += static_cast<std::uint32_t>(parser.number(UINT32_MAX - page));
        word.page = page;
        const std::uint8_t flags = parser.byte();
        word.direction = static_cast<Direction>(flags & kDirectionMask);
        word.firstEdge = (flags & kEdgesElsewhere) != 0
                             ? static_cast<std::uint32_t>(parser.number(UINT32_MAX))
                             : nextEdge;
        word.edgeCount =
            (flags & kHasEdges) != 0
                ? static_cast<std::uint32_t>(parser.number(UINT32_MAX - word.firstEdge))
                : 0;
        nextEdge = word.firstEdge + word.edgeCount;
        word.box = readBox(parser, box, grid);
    }
    document.glyphEdges.resize(parser.count(1));
    std::uint16_t previous = 0;
    for (std::uint16_t& edge : document.glyphEdges) {
        edge = static_cast<std::uint16_t>(previous + parser.number(UINT16_MAX));
        previous = edge;
    }
}

} // namespace

std::string serialize(const Document& document) {
    validate(document);
    Writer writer;
    writer.out().reserve(document.text.size() + 24 * document.words.size() + 1024);
    writer.raw(kMagic);
    writer.byte(kVersion);
    writer.string(document.title);
    writer.byte(static_cast<std::uint8_t>(document.format));
    writer.string(document.language);
    writer.string(document.sha256);
    writer.number(document.sourceBytes);
    writer.string(document.encoding);
    writer.number(document.warnings.size());
    for (const std::string& warning : document.warnings) {
        writer.string(warning);
    }
    writer.string(document.text);
    writeBlocks(writer, document.blocks);
    writePages(writer, document.pages);
    writeWords(writer, document);
    writer.fixed(XXH3_64bits(writer.out().data(), writer.out().size()), kChecksum);
    return std::move(writer.out());
}

Document deserialize(std::string_view bytes) {
    if (bytes.size() < kHeader + kChecksum || !bytes.starts_with(kMagic)) {
        corrupt("it does not begin like one");
    }
    if (static_cast<std::uint8_t>(bytes[kMagic.size()]) != kVersion) {
        throw Error(ErrorCode::Unsupported,
                    "The stored form of a document was written by another version of Dossier",
                    "Update Dossier, or add the source again");
    }
    const std::string_view body = bytes.substr(0, bytes.size() - kChecksum);
    Parser tail(bytes.substr(body.size()));
    if (tail.fixed(kChecksum) != XXH3_64bits(body.data(), body.size())) {
        corrupt("its checksum does not match");
    }
    Parser parser(body.substr(kHeader));
    Document document;
    document.title = parser.string();
    document.format = static_cast<Format>(parser.byte());
    document.language = parser.string();
    document.sha256 = parser.string();
    document.sourceBytes = parser.number();
    document.encoding = parser.string();
    document.warnings.resize(parser.count(1));
    for (std::string& warning : document.warnings) {
        warning = parser.string();
    }
    document.text = parser.string();
    readBlocks(parser, document);
    readPages(parser, document);
    readWords(parser, document);
    if (!parser.atEnd()) {
        corrupt("it is longer than its content");
    }
    validate(document);
    indexLines(document);
    return document;
}

} // namespace dossier::ingest
