// SPDX-License-Identifier: GPL-3.0-or-later
// Breaks shaped text into pages: columns of blocks with notes at the foot of the page that cites
// them. It only decides what stands where; pdf_canvas.h draws it. Lengths are points from the top
// left of an A4 page.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "app/report/pdf_text.h"

namespace dossier::app::report {

struct PageGeometry {
    static constexpr double kWidth = 595.28, kHeight = 841.89;
    static constexpr double kTop = 64, kSide = 78;
    static constexpr double kNotesBottom = kHeight - 56; ///< where the notes end
    static constexpr double kBottom = kHeight - 64;      ///< text ends here on a page without notes
    static constexpr double kFootLine = kHeight - 44;    ///< top of the running foot
    static constexpr double kColumn = kWidth - 2 * kSide;
};

struct PageRect {
    double x = 0, y = 0, width = 0, height = 0;
    std::uint32_t rgb = 0;
};

struct PageLine {
    ShapedPtr text;
    std::size_t line = 0;
    double x = 0, top = 0;
    std::uint32_t block = 0; ///< lines of one block on one page share a structure element
    const char* tag = "P";   ///< its kind: "P", "H1", "BlockQuote", ...
};

struct PageContent {
    std::vector<PageRect> rects; ///< below the text
    std::vector<PageLine> lines;
};

struct OutlineItem {
    std::string title;
    int level = 0;
    std::size_t page = 0;
    double y = 0;
};

/// A coloured ground with a bar at its left that goes on over page ends.
struct Panel {
    std::uint32_t ground = 0xFFF8E0, bar = 0xC98A00;
    double barWidth = 1.6, padding = 6, inset = 11;
};

class Flow {
  public:
    /// `note`: the shaped note for a number, as wide as the column.
    using NoteFn = std::function<ShapedPtr(std::uint32_t)>;
    explicit Flow(NoteFn note);

    void space(double points); ///< nothing at the top of a page
    void newPage();            ///< nothing when the page is empty
    /// At least this much must follow on the same page, or the page is ended.
    void keep(double points);

    void text(const ShapedPtr& text, const char* tag, double indent = 0);
    /// Label and text whose first lines stand beside each other.
    void labelled(const ShapedPtr& label, const ShapedPtr& text, const char* tag, double indent,
                  double textIndent);
    /// Cells of a table row at these indents; a row may go on over a page end.
    void row(const std::vector<ShapedPtr>& cells, const std::vector<double>& indents,
             double padding);
    void rule(double thickness, std::uint32_t rgb);
    void beginPanel(const Panel& panel);
    void endPanel();
    void outline(const std::string& title, int level);

    /// Places the notes that are left. Nothing may be added afterwards.
    void finish();

    std::size_t currentPage() const { return m_pages.size() - 1; }
    double position() const { return m_y; }
    const std::vector<PageContent>& pages() const { return m_pages; }
    const std::vector<OutlineItem>& outlineItems() const { return m_outline; }

  private:
    struct Piece { ///< one line of a row: what stands side by side
        std::vector<PageLine> lines;
        double height = 0;
    };
    void place(const std::vector<Piece>& pieces);
    void placeOne(const Piece& piece);
    double notesHeight(const std::vector<std::uint32_t>& numbers) const;
    std::vector<std::uint32_t> notesOf(const Piece& piece) const;
    double limit(double moreNotes) const;
    bool fits(const std::vector<Piece>& pieces, std::size_t begin, std::size_t end) const;
    void endPage();
    void drawNotes();
    void closePanel();

    NoteFn m_note;
    std::vector<PageContent> m_pages{1};
    std::vector<OutlineItem> m_outline;
    std::deque<ShapedPtr> m_notes; ///< for this page; what does not fit goes to the next
    double m_notesHeight = 0;
    double m_y = PageGeometry::kTop;
    bool m_empty = true; ///< nothing on this page yet
    std::uint32_t m_block = 0;
    const Panel* m_panel = nullptr;
    Panel m_panelStyle;
    double m_panelTop = 0;
};

} // namespace dossier::app::report
