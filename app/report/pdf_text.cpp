// SPDX-License-Identifier: GPL-3.0-or-later
// Shaping with Pango: fallback fonts, right-to-left scripts and line breaks are its work.
#include "app/report/pdf_text.h"

#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "ingest/document/utf8.h"

namespace dossier::app::report {
namespace {

/// The report's fonts with what stands in for them (design tokens, "Type").
const char* familyNames(Family family) {
    switch (family) {
    case Family::Serif:
        return "TeX Gyre Pagella,P052,DejaVu Serif,Droid Sans Fallback";
    case Family::Sans:
        return "Inter,Noto Sans,DejaVu Sans,Droid Sans Fallback";
    case Family::Mono:
        return "JetBrains Mono,DejaVu Sans Mono,Droid Sans Fallback";
    }
    return "serif";
}

int units(double points) {
    return static_cast<int>(std::lround(points * PANGO_SCALE));
}
double points(int pangoUnits) {
    return static_cast<double>(pangoUnits) / PANGO_SCALE;
}

std::unique_ptr<PangoFontDescription, decltype(&pango_font_description_free)>
describe(const TextStyle& style) {
    PangoFontDescription* font = pango_font_description_new();
    pango_font_description_set_family_static(font, familyNames(style.family));
    pango_font_description_set_absolute_size(font, style.size * PANGO_SCALE);
    pango_font_description_set_weight(font, static_cast<PangoWeight>(style.weight));
    pango_font_description_set_style(font, style.italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    return {font, pango_font_description_free};
}

void insert(PangoAttrList* list, PangoAttribute* attribute, std::size_t begin, std::size_t end) {
    attribute->start_index = static_cast<guint>(begin);
    attribute->end_index = static_cast<guint>(end);
    pango_attr_list_insert(list, attribute);
}

void addAttributes(PangoAttrList* list, const TextStyle& style, std::size_t begin,
                   std::size_t end) {
    insert(list, pango_attr_font_desc_new(describe(style).get()), begin, end);
    const auto channel = [&](unsigned shift) {
        return static_cast<guint16>(((style.rgb >> shift) & 0xFFU) * 257U);
    };
    insert(list, pango_attr_foreground_new(channel(16), channel(8), channel(0)), begin, end);
    if (style.letterSpacing != 0)
        insert(list, pango_attr_letter_spacing_new(units(style.letterSpacing)), begin, end);
    if (style.rise != 0)
        insert(list, pango_attr_rise_new(units(style.rise)), begin, end);
}

/// Pango breaks a word that no line can hold anywhere, and shapes what is left of it once more for
/// each line: the square of its length. What is left ends with the item, and an attribute that says
/// again what holds anyhow ends one.
void divideLongWords(PangoAttrList* list, const TextStyle& style, std::string_view text,
                     std::size_t begin) {
    constexpr std::size_t kLongest = 512; ///< bytes; several lines
    std::size_t piece = begin;
    bool marked = false; ///< every second piece
    for (std::size_t at = begin; at < text.size(); ++at) {
        if (text[at] == ' ' || text[at] == '\n') {
            piece = at + 1;
        } else if (at - piece >= kLongest && !ingest::utf8::isContinuation(text[at])) {
            marked = !marked;
            if (marked)
                insert(list, pango_attr_letter_spacing_new(units(style.letterSpacing)), piece, at);
            piece = at;
        }
    }
}

struct RunPlace {
    std::size_t begin = 0, end = 0; ///< bytes of the layout's text
};

bool lineHolds(PangoLayoutLine* line, std::size_t offset, bool isLast) {
    const auto begin = static_cast<std::size_t>(line->start_index);
    const std::size_t end = begin + static_cast<std::size_t>(line->length);
    return offset >= begin && (offset < end || isLast || (offset == end && line->length == 0));
}

} // namespace

TextShaper::TextShaper()
    : m_context(pango_font_map_create_context(pango_cairo_font_map_get_default())) {
    // Positions as for a printer: no rounding to pixels, one unit = one point.
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(m_context, options);
    cairo_font_options_destroy(options);
    pango_cairo_context_set_resolution(m_context, 72);
    pango_context_set_round_glyph_positions(m_context, FALSE);
    pango_context_set_language(m_context, pango_language_from_string("en"));
}

TextShaper::~TextShaper() {
    g_object_unref(m_context);
}

double TextShaper::baselineOf(const TextStyle& style, double leading) const {
    PangoFontMetrics* metrics =
        pango_context_get_metrics(m_context, describe(style).get(), nullptr);
    const double ascent = points(pango_font_metrics_get_ascent(metrics));
    const double descent = points(pango_font_metrics_get_descent(metrics));
    pango_font_metrics_unref(metrics);
    return (leading - ascent - descent) / 2 + ascent;
}

ShapedPtr TextShaper::shape(const std::vector<TextRun>& runs, double width, double leading,
                            Align align, double hanging) {
    auto shaped = std::make_shared<ShapedText>();
    shaped->m_layout.reset(pango_layout_new(m_context),
                           [](PangoLayout* layout) { g_object_unref(layout); });
    shaped->m_leading = leading;
    shaped->m_baseline = baselineOf(runs.empty() ? TextStyle{} : runs.front().style, leading);
    PangoLayout* layout = shaped->m_layout.get();

    std::string text;
    std::vector<RunPlace> places;
    PangoAttrList* attributes = pango_attr_list_new();
    for (const TextRun& run : runs) {
        const std::size_t begin = text.size();
        text += run.text;
        places.push_back({begin, text.size()});
        addAttributes(attributes, run.style, begin, text.size());
        divideLongWords(attributes, run.style, text, begin);
    }
    pango_layout_set_text(layout, text.data(), static_cast<int>(text.size()));
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_width(layout, units(width));
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_auto_dir(layout, TRUE);
    if (hanging > 0) {
        PangoTabArray* tabs =
            pango_tab_array_new_with_positions(1, FALSE, PANGO_TAB_LEFT, units(hanging));
        pango_layout_set_tabs(layout, tabs);
        pango_tab_array_free(tabs);
        pango_layout_set_indent(layout, -units(hanging));
    }
    pango_layout_set_alignment(layout, align == Align::Left     ? PANGO_ALIGN_LEFT
                                       : align == Align::Centre ? PANGO_ALIGN_CENTER
                                                                : PANGO_ALIGN_RIGHT);

    PangoLayoutIter* iter = pango_layout_get_iter(layout);
    const int count = pango_layout_get_line_count(layout);
    std::size_t firstRun = 0;
    for (int i = 0; i < count; ++i) {
        PangoLayoutLine* line = pango_layout_iter_get_line_readonly(iter);
        PangoRectangle logical;
        pango_layout_iter_get_line_extents(iter, nullptr, &logical);
        ShapedText::Line entry;
        entry.x = points(logical.x);
        const auto lineBegin = static_cast<std::size_t>(line->start_index);
        const std::size_t lineEnd = lineBegin + static_cast<std::size_t>(line->length);
        const bool last = i + 1 == count;
        while (firstRun < runs.size() && places[firstRun].end < lineBegin)
            ++firstRun; // runs before this line are done with
        for (std::size_t r = firstRun; r < runs.size() && places[r].begin <= lineEnd; ++r) {
            const TextRun& run = runs[r];
            if (!run.anchor.empty() && lineHolds(line, places[r].begin, last))
                entry.anchors.push_back(run.anchor);
            const std::size_t final = places[r].end > 0 ? places[r].end - 1 : 0;
            if (run.footnote != 0 && lineHolds(line, final, last))
                entry.footnotes.push_back(run.footnote);
            const std::size_t begin = std::max(places[r].begin, lineBegin);
            const std::size_t end = std::min(places[r].end, lineEnd);
            if (run.link.empty() || begin >= end)
                continue;
            int* ranges = nullptr;
            int pairs = 0;
            pango_layout_line_get_x_ranges(line, static_cast<int>(begin), static_cast<int>(end),
                                           &ranges, &pairs);
            for (int p = 0; p < pairs; ++p)
                entry.links.push_back(
                    {points(ranges[2 * p]), points(ranges[2 * p + 1] - ranges[2 * p]), run.link});
            g_free(ranges);
        }
        shaped->m_lines.push_back(std::move(entry));
        pango_layout_iter_next_line(iter);
    }
    pango_layout_iter_free(iter);
    return shaped;
}

void ShapedText::draw(_cairo* cairo, std::size_t line, double x, double top) const {
    cairo_move_to(cairo, x + m_lines[line].x, top + m_baseline);
    pango_cairo_show_layout_line(
        cairo, pango_layout_get_line_readonly(m_layout.get(), static_cast<int>(line)));
}

} // namespace dossier::app::report
