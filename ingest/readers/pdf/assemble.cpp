// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/pdf/assemble.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "ingest/document/utf8.h"
#include "ingest/readers/headings.h"
#include "ingest/readers/pdf/hyphens.h"
#include "ingest/readers/pdf/line_text.h"
#include "ingest/readers/pdf/running.h"

namespace dossier::ingest::readers {
namespace {

constexpr float kGrid = 65536.0F;    ///< boxes are multiples of 1/kGrid, exact in a float
constexpr float kMarginZone = 0.12F; ///< share of the page at its top and bottom for running lines
constexpr std::size_t kRunningText = 200; ///< bytes; longer blocks are text
constexpr std::size_t kHeadingText = 200;
constexpr float kLarger = 1.12F; ///< times the height of the body's letters: a heading

/// What a block looked like on paper; only while the document is being assembled.
struct BlockLook {
    std::uint32_t page = 0;
    float height = 0;          ///< points
    float top = 0, bottom = 0; ///< shares of the page's height
    std::uint32_t lines = 0;
    bool lastLineFull = false;
    bool upright = true;
};

float onGrid(float value, float size) {
    const float share = size > 0 ? std::clamp(value / size, 0.0F, 1.0F) : 0.0F;
    return std::round(share * kGrid) / kGrid;
}

Box boxOf(const RawWord& word, const RawPage& page) {
    Box box{onGrid(word.left, page.width), onGrid(word.top, page.height),
            onGrid(word.right, page.width), onGrid(word.bottom, page.height)};
    // A box without area could not be pointed at.
    if (box.right <= box.left) {
        box.left = std::min(box.left, 1 - 1 / kGrid);
        box.right = box.left + 1 / kGrid;
    }
    if (box.bottom <= box.top) {
        box.top = std::min(box.top, 1 - 1 / kGrid);
        box.bottom = box.top + 1 / kGrid;
    }
    return box;
}

} // namespace

class PdfAssembler::Impl {
  public:
    explicit Impl(Document& document) : m_document(document) {}

    void addPage(RawPage raw, std::string label);
    void finish();

  private:
    /// A page that waits for its successor: lines at its edges that stand at the same place there
    /// are running lines, however close to the text.
    struct Pending {
        RawPage raw;
        std::string label;
        std::vector<Line> lines;
        std::vector<TextLine> texts;
    };

    std::string_view textOf(const Block& block) const {
        return std::string_view(m_document.text).substr(block.range.begin, block.range.size());
    }
    void noteEdgeLines(const Pending& page);
    bool isEdgeLine(const Pending& page, const TextLine& line) const;
    void flush();
    void appendLine(const RawPage& raw, const TextLine& line);
    void appendWord(const RawPage& raw, const RawWord& word);
    void openBlock(const RawPage& raw, const TextLine& line);
    void extendBlock(const RawPage& raw, const TextLine& line);
    void separate(Join join, const TextLine& a, const TextLine& b);
    void closeBlock();
    float bodyHeight() const;
    void findRunning(float body);
    void findPageNumbers();
    void findHeadings(float body);
    void findFootnotes(float body);
    void findContinuations();

    Document& m_document;
    std::vector<BlockLook> m_looks; ///< one for each block
    std::vector<LineEndHyphen> m_hyphens;
    std::map<int, std::uint64_t> m_heights; ///< quarter points -> characters of that height
    std::optional<Pending> m_pending;
    EdgeLines m_edgeLines;
    const TextLine* m_blockStart = nullptr;
    bool m_blockIsRow = false;
};

void PdfAssembler::Impl::appendWord(const RawPage& raw, const RawWord& source) {
    Word word;
    word.range.begin = m_document.text.size();
    m_document.text += source.text;
    word.range.end = m_document.text.size();
    word.page = static_cast<std::uint32_t>(m_document.pages.size() - 1);
    word.box = boxOf(source, raw);
    word.direction = source.characters;
    word.firstEdge = static_cast<std::uint32_t>(m_document.glyphEdges.size());
    word.edgeCount = static_cast<std::uint32_t>(source.edges.size());
    m_document.glyphEdges.insert(m_document.glyphEdges.end(), source.edges.begin(),
                                 source.edges.end());
    m_document.words.push_back(word);
}

void PdfAssembler::Impl::appendLine(const RawPage& raw, const TextLine& line) {
    for (std::size_t i = 0; i < line.line->words.size(); ++i) {
        m_document.text += gapBefore(raw, line, i);
        appendWord(raw, raw.words[line.line->words[i]]);
    }
    m_heights[static_cast<int>(line.line->height * 4)] += line.text.size();
}

void PdfAssembler::Impl::openBlock(const RawPage& raw, const TextLine& line) {
    m_document.blocks.push_back({{m_document.text.size(), m_document.text.size()}});
    m_looks.push_back({});
    m_blockStart = &line;
    m_blockIsRow = line.isRow || line.line->tableRow != 0;
    BlockLook& look = m_looks.back();
    look.page = static_cast<std::uint32_t>(m_document.pages.size() - 1);
    look.height = line.line->height;
    look.upright = line.line->direction == Direction::Right;
    look.top = line.line->v0 / std::max(raw.height, 1.0F);
    look.bottom = look.top;
}

void PdfAssembler::Impl::extendBlock(const RawPage& raw, const TextLine& line) {
    appendLine(raw, line);
    m_document.blocks.back().range.end = m_document.text.size();
    BlockLook& look = m_looks.back();
    look.bottom = std::max(look.bottom, line.line->v1 / std::max(raw.height, 1.0F));
    look.height = std::max(look.height, line.line->height);
    ++look.lines;
    const float need = 3 * line.line->height; // a short word would not have fitted
    look.lastLineFull = line.line->u1 + need > line.line->columnRight;
}

void PdfAssembler::Impl::separate(Join join, const TextLine& a, const TextLine& b) {
    std::string& text = m_document.text;
    switch (join) {
    case Join::Touch:
        if (const auto hyphen = lineEndHyphen(a.text, b.text);
            hyphen && m_document.words.back().range.size() > *hyphen) {
            m_hyphens.push_back({text.size() - *hyphen, m_document.words.size() - 1,
                                 static_cast<std::uint32_t>(*hyphen)});
        }
        break;
    case Join::Space:
        text += ' ';
        break;
    case Join::Cell:
        text += '\t';
        break;
    case Join::Break:
    case Join::Row:
        text += '\n';
        break;
    case Join::Block:
    case Join::Column:
        text += "\n\n";
        break;
    }
}

void PdfAssembler::Impl::closeBlock() {
    if (m_blockStart == nullptr) {
        return;
    }
    Block& block = m_document.blocks.back();
    m_blockStart = nullptr;
    if (m_blockIsRow) {
        block.kind = BlockKind::TableRow;
        return;
    }
    std::string text(textOf(block));
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (const auto level = headingLevel(text); level && m_looks.back().lines <= 3) {
        block.kind = BlockKind::Heading;
        block.level = *level;
    } else if (listMarker(text) > 0) {
        block.kind = BlockKind::ListItem;
    }
}

void PdfAssembler::Impl::noteEdgeLines(const Pending& page) {
    const auto number = static_cast<std::uint32_t>(m_document.pages.size() + (m_pending ? 1 : 0));
    for (const TextLine& line : page.texts) {
        const float middle = line.middle() / std::max(page.raw.height, 1.0F);
        if (line.line->direction == Direction::Right && line.text.size() <= kRunningText &&
            (middle < kMarginZone || middle > 1 - kMarginZone)) {
            m_edgeLines.add({line.text, number, middle});
        }
    }
}

bool PdfAssembler::Impl::isEdgeLine(const Pending& page, const TextLine& line) const {
    const float middle = line.middle() / std::max(page.raw.height, 1.0F);
    const auto here = static_cast<std::uint32_t>(m_document.pages.size() - 1);
    return m_edgeLines.recurs({line.text, here, middle});
}

void PdfAssembler::Impl::addPage(RawPage raw, std::string label) {
    Pending page;
    page.lines = layOut(raw);
    page.texts = textLines(raw, page.lines);
    page.raw = std::move(raw);
    page.label = std::move(label);
    noteEdgeLines(page);
    flush();
    m_pending = std::move(page);
}

void PdfAssembler::Impl::flush() {
    if (!m_pending) {
        return;
    }
    const Pending& pending = *m_pending;
    Page page;
    page.label = pending.label;
    page.widthPt = pending.raw.width;
    page.heightPt = pending.raw.height;
    page.hasText = !pending.raw.words.empty();
    page.firstWord = static_cast<std::uint32_t>(m_document.words.size());
    if (page.hasText && !m_document.text.empty()) {
        m_document.text += "\n\n";
    }
    page.range = {m_document.text.size(), m_document.text.size()};
    m_document.pages.push_back(page);

    const std::vector<TextLine>& texts = pending.texts;
    const float pitch = usualPitch(texts);
    bool edgeBefore = false;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const bool edge = isEdgeLine(pending, texts[i]);
        if (i > 0) {
            Join join = joinOf(*m_blockStart, texts[i - 1], texts[i], pitch);
            if (join == Join::Column && !endsSentence(texts[i - 1].text) &&
                startsLower(texts[i].text)) {
                join = Join::Space; // the sentence goes on in the next column
            }
            if (edge != edgeBefore) {
                join = Join::Block;
            }
            separate(join, texts[i - 1], texts[i]);
            if (join == Join::Block || join == Join::Column || join == Join::Row) {
                closeBlock();
            }
        }
        edgeBefore = edge;
        if (m_blockStart == nullptr) {
            openBlock(pending.raw, texts[i]);
        }
        extendBlock(pending.raw, texts[i]);
    }
    closeBlock();
    Page& done = m_document.pages.back();
    done.range.end = m_document.text.size();
    done.wordCount = static_cast<std::uint32_t>(m_document.words.size()) - done.firstWord;
    m_pending.reset();
}

float PdfAssembler::Impl::bodyHeight() const {
    const auto most =
        std::max_element(m_heights.begin(), m_heights.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == m_heights.end() ? 0 : static_cast<float>(most->first) / 4;
}

void PdfAssembler::Impl::findRunning(float body) {
    const auto atEdge = [&](std::size_t i) {
        const BlockLook& look = m_looks[i];
        return look.upright && (look.bottom < kMarginZone || look.top > 1 - kMarginZone) &&
               m_document.blocks[i].range.size() <= kRunningText;
    };
    const auto edgeLine = [&](std::size_t i) {
        return EdgeLine{textOf(m_document.blocks[i]), m_looks[i].page,
                        (m_looks[i].top + m_looks[i].bottom) / 2};
    };
    EdgeLines lines;
    for (std::size_t i = 0; i < m_document.blocks.size(); ++i) {
        if (atEdge(i)) {
            lines.add(edgeLine(i));
        }
    }
    const std::size_t enough = m_document.pages.size() <= 3 ? 2 : 3;
    for (std::size_t i = 0; i < m_document.blocks.size(); ++i) {
        if (!atEdge(i)) {
            continue;
        }
        Block& block = m_document.blocks[i];
        const bool counting = m_looks[i].height < kLarger * body; // larger: a heading with a number
        const bool number = block.kind != BlockKind::TableRow && isPageNumber(textOf(block));
        if (number || lines.pagesWith(edgeLine(i), counting, enough) == enough) {
            block.kind = BlockKind::Running;
            block.level = 0;
        }
    }
}

void PdfAssembler::Impl::findPageNumbers() {
    // Text converted from other pages has its page numbers in the midst of ours: alone, at the end
    // of what stands on the page.
    std::size_t last = m_document.blocks.size();
    for (std::size_t i = 0; i <= m_document.blocks.size(); ++i) {
        const bool ends =
            i == m_document.blocks.size() || (last < i && m_looks[last].page != m_looks[i].page);
        if (ends && last < m_document.blocks.size() && m_looks[last].lines == 1 &&
            isPageNumber(textOf(m_document.blocks[last]))) {
            m_document.blocks[last].kind = BlockKind::Running;
            m_document.blocks[last].level = 0;
        }
        if (i < m_document.blocks.size() && m_document.blocks[i].kind != BlockKind::Running) {
            last = i;
        }
    }
}

void PdfAssembler::Impl::findHeadings(float body) {
    for (std::size_t i = 0; i < m_document.blocks.size(); ++i) {
        Block& block = m_document.blocks[i];
        const BlockLook& look = m_looks[i];
        const float ratio = body > 0 ? look.height / body : 1;
        const bool candidate = block.kind == BlockKind::Paragraph ||
                               block.kind == BlockKind::Heading ||
                               block.kind == BlockKind::ListItem;
        if (!candidate || ratio < kLarger || look.lines > 3 || block.range.size() > kHeadingText ||
            endsSentence(textOf(block))) {
            continue;
        }
        const std::uint8_t bySize = ratio >= 1.6F ? 1 : ratio >= 1.3F ? 2 : 3;
        block.level = block.kind == BlockKind::Heading ? std::min(block.level, bySize) : bySize;
        block.kind = BlockKind::Heading;
    }
}

void PdfAssembler::Impl::findFootnotes(float body) {
    // From the last block of each page upwards, as long as the type is small and a mark leads it.
    bool open = true;
    for (std::size_t i = m_document.blocks.size(); i-- > 0;) {
        Block& block = m_document.blocks[i];
        if (i + 1 < m_looks.size() && m_looks[i + 1].page != m_looks[i].page) {
            open = true;
        }
        if (block.kind == BlockKind::Running || !open) {
            continue;
        }
        const std::string_view text = textOf(block);
        const bool marked = text.starts_with('*') || (text[0] >= '0' && text[0] <= '9') ||
                            text.starts_with("\u2020") || text.starts_with("\u00B9");
        if (marked && m_looks[i].height < 0.92F * body && m_looks[i].top > 0.5F) {
            block.kind = BlockKind::Footnote;
            block.level = 0;
        } else {
            open = false;
        }
    }
}

void PdfAssembler::Impl::findContinuations() {
    std::size_t last = m_document.blocks.size();
    for (std::size_t i = 0; i < m_document.blocks.size(); ++i) {
        const Block& block = m_document.blocks[i];
        if (block.kind == BlockKind::Running || block.kind == BlockKind::Footnote) {
            continue;
        }
        if (last < i && m_looks[last].page != m_looks[i].page) {
            Block& before = m_document.blocks[last];
            const bool text =
                before.kind == BlockKind::Paragraph || before.kind == BlockKind::ListItem;
            const bool cut = !endsSentence(textOf(before)) && m_looks[last].lastLineFull;
            before.continues = text && block.kind != BlockKind::TableRow &&
                               block.kind != BlockKind::Heading && cut &&
                               (startsLower(textOf(block)) || block.kind == BlockKind::Paragraph);
        }
        last = i;
    }
}

void PdfAssembler::Impl::finish() {
    flush();
    joinDividedWords(m_document, m_hyphens);
    const float body = bodyHeight();
    findRunning(body);
    findPageNumbers();
    findHeadings(body);
    findFootnotes(body);
    findContinuations();
    indexLines(m_document);
}

PdfAssembler::PdfAssembler(Document& document) : m_impl(std::make_unique<Impl>(document)) {}
PdfAssembler::~PdfAssembler() = default;
void PdfAssembler::addPage(RawPage page, std::string label) {
    m_impl->addPage(std::move(page), std::move(label));
}
void PdfAssembler::finish() {
    m_impl->finish();
}

} // namespace dossier::ingest::readers
