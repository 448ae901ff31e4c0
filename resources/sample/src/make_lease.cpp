// SPDX-License-Identifier: GPL-3.0-or-later
// Typesets lease.txt as the sample's PDF: make_sample_lease lease.txt lease.pdf
//
// The output depends on the text, the fonts (TeX Gyre Termes) and the versions of Cairo and Pango
// alone: no clock, no host name. The file has a text layer, page labels (i, ii, 1 ... 10) and an
// outline, so that it exercises what a reader of contracts needs.
#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr double kWidth = 595.28, kHeight = 841.89;
constexpr double kLeft = 76, kRight = 72, kTop = 88, kBottom = 76, kHanging = 36;
constexpr double kText = kWidth - kLeft - kRight;

struct Line {
    enum Kind {
        Clause,
        Schedule,
        Item,
        Sub,
        Plain,
        Row,
        Sign,
        Contents,
        Kicker,
        Title,
        Subtitle,
        Date,
        Party,
        Role,
        Running,
        Version
    } kind = Plain;
    std::string text;
};

struct Entry { ///< of the table of contents and the outline
    std::string title, page;
    int pageIndex = 0;
    double y = 0;
    bool schedule = false;
};

bool takePrefix(std::string& text, const std::string& prefix) {
    if (text.compare(0, prefix.size(), prefix) != 0)
        return false;
    text.erase(0, prefix.size());
    return true;
}

Line parse(std::string text) {
    const std::pair<const char*, Line::Kind> directives[] = {
        {"=== ", Line::Schedule},     {"== ", Line::Clause},         {"| ", Line::Row},
        {"@sign ", Line::Sign},       {"@contents", Line::Contents}, {"@kicker ", Line::Kicker},
        {"@title ", Line::Title},     {"@line ", Line::Subtitle},    {"@date ", Line::Date},
        {"@party ", Line::Party},     {"@role ", Line::Role},        {"@running ", Line::Running},
        {"@version ", Line::Version},
    };
    for (const auto& [prefix, kind] : directives) {
        if (takePrefix(text, prefix))
            return {kind, text};
    }
    static const std::regex sub(R"(\d+\.(\d+)? .*)"), item(R"(\([a-z]\) .*)");
    if (std::regex_match(text, sub))
        return {Line::Sub, text};
    return {std::regex_match(text, item) ? Line::Item : Line::Plain, text};
}

std::vector<Line> load(const char* path) {
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error(std::string("cannot read ") + path);
    std::vector<Line> lines;
    for (std::string text; std::getline(file, text);) {
        if (!text.empty() && text[0] != '#')
            lines.push_back(parse(text));
    }
    return lines;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> cells;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find(" | ", begin);
        cells.push_back(text.substr(begin, end - begin));
        if (end == std::string::npos)
            return cells;
        begin = end + 3;
    }
}

std::string escape(const std::string& text) {
    std::unique_ptr<char, decltype(&g_free)> escaped(g_markup_escape_text(text.c_str(), -1),
                                                     g_free);
    return escaped.get();
}

class Typesetter {
  public:
    Typesetter(const char* output, std::vector<Line> lines, std::vector<Entry> contents)
        : m_lines(std::move(lines)),
          m_contents(std::move(contents)),
          m_surface(cairo_pdf_surface_create(output, kWidth, kHeight)),
          m_cairo(cairo_create(m_surface)) {
        cairo_pdf_surface_set_metadata(m_surface, CAIRO_PDF_METADATA_TITLE,
                                       "Lease of Unit 4, Harbour Wharf");
        cairo_pdf_surface_set_metadata(m_surface, CAIRO_PDF_METADATA_AUTHOR,
                                       "Harbour Wharf Estates Limited");
        cairo_pdf_surface_set_metadata(m_surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                       "2019-06-24T09:00:00Z");
    }
    Typesetter(const Typesetter&) = delete;
    Typesetter& operator=(const Typesetter&) = delete;
    ~Typesetter() {
        cairo_destroy(m_cairo);
        cairo_surface_destroy(m_surface);
    }

    /// Draws everything; returns the headings with their places.
    std::vector<Entry> run() {
        cover();
        contentsPage();
        m_numbered = true;
        for (const Line& line : m_lines)
            draw(line);
        finishPage();
        cairo_surface_finish(m_surface);
        if (cairo_surface_status(m_surface) != CAIRO_STATUS_SUCCESS)
            throw std::runtime_error(cairo_status_to_string(cairo_surface_status(m_surface)));
        return m_found;
    }
    int pages() const { return m_page; }

  private:
    using Layout = std::unique_ptr<PangoLayout, decltype(&g_object_unref)>;

    Layout layout(const std::string& markup, const char* font, double width, PangoAlignment align,
                  bool justify = false) {
        Layout made(pango_cairo_create_layout(m_cairo), g_object_unref);
        PangoFontDescription* description = pango_font_description_from_string(font);
        pango_layout_set_font_description(made.get(), description);
        pango_font_description_free(description);
        cairo_font_options_t* options = cairo_font_options_create();
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
        pango_cairo_context_set_font_options(pango_layout_get_context(made.get()), options);
        pango_cairo_context_set_resolution(pango_layout_get_context(made.get()), 72);
        cairo_font_options_destroy(options);
        pango_layout_set_width(made.get(), static_cast<int>(width * PANGO_SCALE));
        pango_layout_set_alignment(made.get(), align);
        pango_layout_set_justify(made.get(), justify);
        pango_layout_set_line_spacing(made.get(), 1.14F);
        pango_layout_set_markup(made.get(), markup.c_str(), -1);
        return made;
    }

    static double height(const Layout& of) {
        int tall = 0;
        pango_layout_get_size(of.get(), nullptr, &tall);
        return static_cast<double>(tall) / PANGO_SCALE;
    }

    void show(const Layout& what, double x, double y) {
        cairo_move_to(m_cairo, x, y);
        pango_cairo_show_layout(m_cairo, what.get());
    }

    double centred(const std::string& text, const char* font, double y) {
        const Layout made = layout(escape(text), font, kText, PANGO_ALIGN_CENTER);
        show(made, kLeft, y);
        return y + height(made);
    }

    void finishPage() {
        std::string label = "i";
        if (m_numbered) {
            label = std::to_string(m_page - 1);
            const Layout left =
                layout(escape(m_running), "TeX Gyre Termes 9", kText, PANGO_ALIGN_LEFT);
            const Layout right =
                layout(escape(m_version), "TeX Gyre Termes 9", kText, PANGO_ALIGN_RIGHT);
            show(left, kLeft, 48);
            show(right, kLeft, 48);
            centred(label, "TeX Gyre Termes 9.5", kHeight - 52);
        } else if (m_page == 1) {
            label = "ii";
        }
        cairo_pdf_surface_set_page_label(m_surface, label.c_str());
        cairo_show_page(m_cairo);
        ++m_page;
        m_y = kTop;
    }

    void cover() {
        double y = 210;
        for (const Line& line : m_lines) {
            switch (line.kind) {
            case Line::Date:
                y = centred(line.text, "TeX Gyre Termes 12", y + 40);
                break;
            case Line::Kicker:
                y = centred(line.text, "TeX Gyre Termes Bold 26", y);
                break;
            case Line::Title:
                y = centred(line.text, "TeX Gyre Termes Bold 17", y + 18);
                break;
            case Line::Subtitle:
                y = centred(line.text, "TeX Gyre Termes 12", y + 4);
                break;
            case Line::Party:
                y = centred(line.text, "TeX Gyre Termes Bold 13", y + 44);
                break;
            case Line::Role:
                y = centred(line.text, "TeX Gyre Termes Italic 12", y + 2);
                break;
            case Line::Running:
                m_running = line.text;
                break;
            case Line::Version:
                m_version = line.text;
                break;
            default:
                break;
            }
        }
        finishPage();
    }

    void contentsPage() {
        m_y = centred("CONTENTS", "TeX Gyre Termes Bold 13", kTop) + 16;
        for (const Entry& entry : m_contents) {
            const Layout title =
                layout(escape(entry.title), "TeX Gyre Termes 11", kText - 40, PANGO_ALIGN_LEFT);
            const Layout page = layout(entry.page, "TeX Gyre Termes 11", kText, PANGO_ALIGN_RIGHT);
            show(title, kLeft, m_y);
            show(page, kLeft, m_y);
            m_y += height(title) + 8;
        }
        finishPage();
    }

    /// A paragraph, cut between lines at page ends; two lines stay together at either side.
    void paragraph(const Layout& made, double x, double after) {
        const int lines = pango_layout_get_line_count(made.get());
        const double lineHeight = height(made) / lines;
        const int room = static_cast<int>((kHeight - kBottom - m_y) / lineHeight);
        if (room < lines && (room < 2 || lines < 4))
            finishPage();
        PangoLayoutIter* iter = pango_layout_get_iter(made.get());
        int index = 0;
        do {
            const bool full = m_y + lineHeight > kHeight - kBottom;
            const bool leavesOne =
                index == lines - 2 && lines > 3 && m_y + 2 * lineHeight > kHeight - kBottom;
            if (full || leavesOne)
                finishPage();
            PangoRectangle logical;
            pango_layout_iter_get_line_extents(iter, nullptr, &logical);
            const double baseline =
                static_cast<double>(pango_layout_iter_get_baseline(iter) - logical.y) / PANGO_SCALE;
            cairo_move_to(m_cairo, x + static_cast<double>(logical.x) / PANGO_SCALE,
                          m_y + baseline);
            pango_cairo_show_layout_line(m_cairo, pango_layout_iter_get_line_readonly(iter));
            m_y += lineHeight;
            ++index;
        } while (pango_layout_iter_next_line(iter));
        pango_layout_iter_free(iter);
        m_y += after;
    }

    void body(const std::string& markup, double x, double after) {
        paragraph(layout(markup, "TeX Gyre Termes 11", kWidth - kRight - x, PANGO_ALIGN_LEFT, true),
                  x, after);
    }

    void heading(const Line& line) {
        const bool schedule = line.kind == Line::Schedule;
        if (schedule && line.text.compare(0, 8, "SCHEDULE") == 0 && m_y > 0.65 * kHeight)
            finishPage();
        m_y += m_y > kTop ? (schedule ? 24 : 12) : 0;
        if (m_y > kHeight - kBottom - 78)
            finishPage();
        m_found.push_back({line.text, std::to_string(m_page - 1), m_page + 1, m_y, schedule});
        cairo_pdf_surface_add_outline(
            m_surface, CAIRO_PDF_OUTLINE_ROOT, line.text.c_str(),
            ("page=" + std::to_string(m_page + 1) + " pos=[0 " + std::to_string(m_y) + "]").c_str(),
            static_cast<cairo_pdf_outline_flags_t>(0));
        if (schedule) {
            m_y = centred(line.text, "TeX Gyre Termes Bold 12.5", m_y) + 12;
            return;
        }
        const std::size_t dot = line.text.find(". ");
        const std::string number = dot == std::string::npos ? "" : line.text.substr(0, dot + 1);
        const std::string title = dot == std::string::npos ? line.text : line.text.substr(dot + 2);
        const char* font = "TeX Gyre Termes Bold 11.5";
        if (!number.empty())
            show(layout(number, font, kHanging, PANGO_ALIGN_LEFT), kLeft, m_y);
        const Layout made = layout(escape(title), font, kText, PANGO_ALIGN_LEFT);
        show(made, number.empty() ? kLeft : kLeft + kHanging, m_y);
        m_y += height(made) + 8;
    }

    void numbered(const std::string& text, double indent) {
        const std::size_t space = text.find(' ');
        const std::string number = text.substr(0, space);
        std::string rest = text.substr(space + 1);
        const std::size_t stop = rest.find(". ");
        const bool headed =
            number.find('.') + 1 < number.size() && number[0] != '(' && stop != std::string::npos;
        std::string markup = escape(rest);
        if (headed)
            markup =
                "<b>" + escape(rest.substr(0, stop + 1)) + "</b> " + escape(rest.substr(stop + 2));
        // The number goes where the paragraph's first line will stand.
        const Layout made =
            layout(markup, "TeX Gyre Termes 11", kText - indent - kHanging, PANGO_ALIGN_LEFT, true);
        const int lines = pango_layout_get_line_count(made.get());
        const double lineHeight = height(made) / lines;
        const int room = static_cast<int>((kHeight - kBottom - m_y) / lineHeight);
        if (room < lines && (room < 2 || lines < 4))
            finishPage();
        show(layout(number, "TeX Gyre Termes 11", kHanging, PANGO_ALIGN_LEFT), kLeft + indent, m_y);
        paragraph(made, kLeft + indent + kHanging, 7);
    }

    void row(const std::string& text) {
        const std::vector<std::string> cells = split(text);
        const char* font = "TeX Gyre Termes 11";
        const Layout left =
            layout("<b>" + escape(cells.at(0)) + "</b>", font, 140, PANGO_ALIGN_LEFT);
        const Layout right = layout(escape(cells.at(1)), font, kText - 150, PANGO_ALIGN_LEFT);
        if (m_y + height(right) > kHeight - kBottom)
            finishPage();
        show(left, kLeft, m_y);
        show(right, kLeft + 150, m_y);
        m_y += std::max(height(left), height(right)) + 5;
    }

    void sign(const std::string& text) {
        const std::vector<std::string> cells = split(text);
        if (m_y + 110 > kHeight - kBottom)
            finishPage();
        m_y += 14;
        const Layout words =
            layout(escape(cells.at(0)), "TeX Gyre Termes 11", 215, PANGO_ALIGN_LEFT);
        show(words, kLeft, m_y);
        for (std::size_t i = 1; i < cells.size(); ++i) {
            const double y = m_y + 26 + 44 * static_cast<double>(i - 1);
            cairo_set_line_width(m_cairo, 0.6);
            cairo_move_to(m_cairo, kLeft + 250, y);
            cairo_line_to(m_cairo, kWidth - kRight, y);
            cairo_stroke(m_cairo);
            show(layout(escape(cells[i]), "TeX Gyre Termes Italic 10", 180, PANGO_ALIGN_LEFT),
                 kLeft + 250, y + 3);
        }
        m_y += 110;
    }

    void draw(const Line& line) {
        switch (line.kind) {
        case Line::Clause:
        case Line::Schedule:
            heading(line);
            break;
        case Line::Sub:
            numbered(line.text, 0);
            break;
        case Line::Item:
            numbered(line.text, kHanging);
            break;
        case Line::Plain: {
            const bool definition = line.text.compare(0, 3, "“") == 0;
            body(escape(line.text), definition ? kLeft + kHanging : kLeft, 7);
            break;
        }
        case Line::Row:
            row(line.text);
            break;
        case Line::Sign:
            sign(line.text);
            break;
        default:
            break; // of the cover
        }
    }

    std::vector<Line> m_lines;
    std::vector<Entry> m_contents, m_found;
    cairo_surface_t* m_surface;
    cairo_t* m_cairo;
    std::string m_running, m_version;
    int m_page = 0;
    bool m_numbered = false;
    double m_y = kTop;
};

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3)
            throw std::runtime_error("usage: make_sample_lease lease.txt lease.pdf");
        const std::vector<Line> lines = load(argv[1]);
        // The table of contents needs the page numbers: typeset twice.
        const std::vector<Entry> contents = Typesetter(argv[2], lines, {}).run();
        Typesetter second(argv[2], lines, contents);
        second.run();
        std::cout << second.pages() << " pages\n";
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "make_sample_lease: " << error.what() << '\n';
        return 2;
    }
}
