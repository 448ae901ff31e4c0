// SPDX-License-Identifier: GPL-3.0-or-later
// Page breaking: greedy, two lines of a paragraph stay together at either end of a page.
#include "app/report/pdf_flow.h"

#include <algorithm>

namespace dossier::app::report {
namespace {

using G = PageGeometry;

constexpr double kNoteGap = 1.6;    ///< between notes
constexpr double kNotesAbove = 10;  ///< between text and the line over the notes
constexpr double kNotesPadding = 6; ///< between that line and the first note
constexpr double kNotesRule = 0.75;
constexpr double kMostNotes = 0.55 * (G::kBottom - G::kTop); ///< the rest goes to the next page

} // namespace

Flow::Flow(NoteFn note) : m_note(std::move(note)) {}

void Flow::space(double points) {
    if (!m_empty)
        m_y += points;
}

void Flow::newPage() {
    if (!m_empty || !m_notes.empty())
        endPage();
}

void Flow::keep(double points) {
    if (!m_empty && m_y + points > limit(0))
        endPage();
}

double Flow::limit(double moreNotes) const {
    const double notes = std::min(m_notesHeight + moreNotes, kMostNotes);
    if (notes <= 0)
        return G::kBottom;
    return std::min(G::kBottom, G::kNotesBottom - notes - kNotesPadding - kNotesRule - kNotesAbove);
}

std::vector<std::uint32_t> Flow::notesOf(const Piece& piece) const {
    std::vector<std::uint32_t> numbers;
    for (const PageLine& line : piece.lines) {
        const auto& of = line.text->footnotes(line.line);
        numbers.insert(numbers.end(), of.begin(), of.end());
    }
    return numbers;
}

double Flow::notesHeight(const std::vector<std::uint32_t>& numbers) const {
    double height = 0;
    for (const std::uint32_t number : numbers)
        height += m_note(number)->height() + kNoteGap;
    return height;
}

bool Flow::fits(const std::vector<Piece>& pieces, std::size_t begin, std::size_t end) const {
    double height = 0, notes = 0;
    for (std::size_t i = begin; i < end; ++i) {
        height += pieces[i].height;
        notes += notesHeight(notesOf(pieces[i]));
    }
    return m_y + height <= limit(notes);
}

void Flow::place(const std::vector<Piece>& pieces) {
    const std::size_t n = pieces.size();
    for (std::size_t i = 0; i < n; ++i) {
        // The first line needs the second, and the last but one needs the last.
        std::size_t together = 1;
        if (n > 1 && (i == 0 || i + 2 == n))
            together = n == 3 && i == 0 ? 3 : 2;
        if (!m_empty && !fits(pieces, i, i + together))
            endPage();
        placeOne(pieces[i]);
    }
}

void Flow::placeOne(const Piece& piece) {
    for (PageLine line : piece.lines) {
        line.top = m_y + line.top;
        line.block = m_block;
        m_pages.back().lines.push_back(std::move(line));
    }
    for (const std::uint32_t number : notesOf(piece)) {
        m_notes.push_back(m_note(number));
        m_notesHeight += m_notes.back()->height() + kNoteGap;
    }
    m_y += piece.height;
    m_empty = false;
}

void Flow::text(const ShapedPtr& text, const char* tag, double indent) {
    std::vector<Piece> pieces;
    const double inset = m_panel != nullptr ? m_panel->inset + m_panel->barWidth : 0;
    for (std::size_t i = 0; i < text->lines(); ++i)
        pieces.push_back({{{text, i, G::kSide + inset + indent, 0, 0, tag}}, text->leading()});
    ++m_block;
    place(pieces);
}

void Flow::labelled(const ShapedPtr& label, const ShapedPtr& text, const char* tag, double indent,
                    double textIndent) {
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < text->lines(); ++i) {
        Piece piece{{}, text->leading()};
        if (i == 0)
            piece.lines.push_back({label, 0, G::kSide + indent, 0, 0, tag});
        piece.lines.push_back({text, i, G::kSide + textIndent, 0, 0, tag});
        pieces.push_back(std::move(piece));
    }
    ++m_block;
    place(pieces);
}

void Flow::row(const std::vector<ShapedPtr>& cells, const std::vector<double>& indents,
               double padding) {
    std::size_t lines = 1;
    double leading = 0;
    for (const ShapedPtr& cell : cells) {
        lines = std::max(lines, cell->lines());
        leading = std::max(leading, cell->leading());
    }
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < lines; ++i) {
        Piece piece{{}, leading};
        const double above = i == 0 ? padding : 0;
        piece.height += above + (i + 1 == lines ? padding : 0);
        for (std::size_t c = 0; c < cells.size(); ++c) {
            if (i < cells[c]->lines())
                piece.lines.push_back({cells[c], i, G::kSide + indents[c], above, 0, "P"});
        }
        pieces.push_back(std::move(piece));
    }
    ++m_block;
    // A row of few lines is not cut.
    if (!m_empty && lines <= 6 && !fits(pieces, 0, lines))
        endPage();
    place(pieces);
}

void Flow::rule(double thickness, std::uint32_t rgb) {
    m_pages.back().rects.push_back({G::kSide, m_y, G::kColumn, thickness, rgb});
    m_y += thickness;
}

void Flow::beginPanel(const Panel& panel) {
    m_panelStyle = panel;
    m_panel = &m_panelStyle;
    m_panelTop = m_y;
    m_y += panel.padding;
}

void Flow::endPanel() {
    m_y += m_panelStyle.padding;
    closePanel();
    m_panel = nullptr;
}

void Flow::closePanel() {
    const double height = m_y - m_panelTop;
    auto& rects = m_pages.back().rects;
    rects.push_back({G::kSide, m_panelTop, G::kColumn, height, m_panelStyle.ground});
    if (m_panelStyle.barWidth > 0)
        rects.push_back({G::kSide, m_panelTop, m_panelStyle.barWidth, height, m_panelStyle.bar});
}

void Flow::outline(const std::string& title, int level) {
    m_outline.push_back({title, level, currentPage(), m_y});
}

void Flow::drawNotes() {
    std::vector<ShapedPtr> here;
    double height = 0;
    // The first one always, so that the notes come to an end.
    while (!m_notes.empty() &&
           (here.empty() || height + m_notes.front()->height() + kNoteGap <= kMostNotes)) {
        here.push_back(std::move(m_notes.front()));
        m_notes.pop_front();
        height += here.back()->height() + kNoteGap;
    }
    m_notesHeight -= height;
    if (here.empty())
        return;
    double top = G::kNotesBottom - height;
    m_pages.back().rects.push_back(
        {G::kSide, top - kNotesPadding - kNotesRule, G::kColumn, kNotesRule, 0x9A9A9A});
    for (const ShapedPtr& note : here) {
        ++m_block;
        for (std::size_t i = 0; i < note->lines(); ++i) {
            m_pages.back().lines.push_back({note, i, G::kSide, top, m_block, "Note"});
            top += note->leading();
        }
        top += kNoteGap;
    }
}

void Flow::endPage() {
    if (m_panel != nullptr)
        closePanel();
    drawNotes();
    m_pages.emplace_back();
    m_y = G::kTop;
    m_empty = true;
    ++m_block;
    if (m_panel != nullptr) {
        m_panelTop = m_y;
        m_y += m_panelStyle.padding;
    }
}

void Flow::finish() {
    drawNotes();
    while (!m_notes.empty()) {
        m_pages.emplace_back();
        drawNotes();
    }
}

} // namespace dossier::app::report
