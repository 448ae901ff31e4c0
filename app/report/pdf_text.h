// SPDX-License-Identifier: GPL-3.0-or-later
// Text shaped for the PDF: styled runs broken into lines of a given width, each with its links.
// Lengths are typographic points. One thread per shaper and its texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct _cairo;
struct _PangoLayout;
struct _PangoContext;

namespace dossier::app::report {

enum class Family : std::uint8_t { Serif, Sans, Mono };
enum class Align : std::uint8_t { Left, Centre, Right };

struct TextStyle {
    Family family = Family::Serif;
    double size = 10.6;
    int weight = 400;
    bool italic = false;
    std::uint32_t rgb = 0x1A1A1C;
    double letterSpacing = 0;
    double rise = 0; ///< above the baseline
};

struct TextRun {
    std::string text; ///< printable(); '\n' breaks the line
    TextStyle style;
    std::string link;           ///< attributes of a Cairo link tag; empty = none
    std::string anchor;         ///< name of a destination at this run; empty = none
    std::uint32_t footnote = 0; ///< the line that ends this run asks for this note on its page
};

class ShapedText {
  public:
    struct Link {
        double x = 0, width = 0; ///< from the text's left edge
        std::string attributes;
    };

    std::size_t lines() const { return m_lines.size(); }
    double leading() const { return m_leading; }
    double height() const { return m_leading * static_cast<double>(m_lines.size()); }
    const std::vector<Link>& links(std::size_t line) const { return m_lines[line].links; }
    const std::vector<std::string>& anchors(std::size_t line) const {
        return m_lines[line].anchors;
    }
    const std::vector<std::uint32_t>& footnotes(std::size_t line) const {
        return m_lines[line].footnotes;
    }
    /// Draws a line whose box of `leading` begins at `top`.
    void draw(_cairo* cairo, std::size_t line, double x, double top) const;

  private:
    friend class TextShaper;
    struct Line {
        double x = 0; ///< of the alignment
        std::vector<Link> links;
        std::vector<std::string> anchors;
        std::vector<std::uint32_t> footnotes;
    };
    std::shared_ptr<_PangoLayout> m_layout;
    std::vector<Line> m_lines;
    double m_leading = 0, m_baseline = 0;
};

using ShapedPtr = std::shared_ptr<const ShapedText>;

class TextShaper {
  public:
    TextShaper();
    ~TextShaper();
    TextShaper(const TextShaper&) = delete;
    TextShaper& operator=(const TextShaper&) = delete;

    /// `leading`: distance of the baselines, the same for every line whatever fonts it needs.
    /// `hanging`: where a tab in the first line leads to, and where the other lines begin.
    ShapedPtr shape(const std::vector<TextRun>& runs, double width, double leading,
                    Align align = Align::Left, double hanging = 0);

  private:
    double baselineOf(const TextStyle& style, double leading) const;
    _PangoContext* m_context;
};

} // namespace dossier::app::report
