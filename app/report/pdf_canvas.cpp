// SPDX-License-Identifier: GPL-3.0-or-later
// Cairo's PDF surface with its tags (cairo_tag_begin): since 1.16 they make links, destinations and
// the structure tree.
#include "app/report/pdf_canvas.h"

#include <cairo-pdf.h>

#include <array>
#include <new>

#include "engine/base/error.h"

namespace dossier::app::report {
namespace {

using G = PageGeometry;

std::string quotedAttribute(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + "'";
}

/// Numbers for tag attributes, whatever the locale says about decimal points.
std::string number(double value) {
    const auto hundredths = static_cast<long long>(value * 100 + (value < 0 ? -0.5 : 0.5));
    const long long magnitude = hundredths < 0 ? -hundredths : hundredths;
    std::string fraction = std::to_string(magnitude % 100);
    fraction.insert(0, 2 - fraction.size(), '0');
    std::string text = hundredths < 0 ? "-" : "";
    text += std::to_string(magnitude / 100);
    text += '.';
    return text + fraction;
}

/// Cairo calls back into C++, and an exception must not pass through it.
cairo_status_t collect(void* closure, const unsigned char* data, unsigned length) {
    try {
        static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
        return CAIRO_STATUS_SUCCESS;
    } catch (const std::bad_alloc&) {
        return CAIRO_STATUS_NO_MEMORY;
    }
}

class Canvas {
  public:
    explicit Canvas(std::string& bytes)
        : m_surface(cairo_pdf_surface_create_for_stream(collect, &bytes, G::kWidth, G::kHeight)),
          m_cairo(cairo_create(m_surface)) {}
    ~Canvas() {
        // Cairo 1.16 crashes when it finishes a PDF that has failed: leave that memory alone.
        const bool failed = cairo_status(m_cairo) != CAIRO_STATUS_SUCCESS ||
                            cairo_surface_status(m_surface) != CAIRO_STATUS_SUCCESS;
        if (failed)
            return;
        cairo_destroy(m_cairo);
        cairo_surface_destroy(m_surface);
    }
    Canvas(const Canvas&) = delete;
    Canvas& operator=(const Canvas&) = delete;

    void metadata(const PdfMetadata& data) {
        const auto set = [&](cairo_pdf_metadata_t key, const std::string& value) {
            if (!value.empty())
                cairo_pdf_surface_set_metadata(m_surface, key, value.c_str());
        };
        set(CAIRO_PDF_METADATA_TITLE, data.title);
        set(CAIRO_PDF_METADATA_AUTHOR, data.author);
        set(CAIRO_PDF_METADATA_SUBJECT, data.subject);
        set(CAIRO_PDF_METADATA_KEYWORDS, data.keywords);
        set(CAIRO_PDF_METADATA_CREATOR, data.creator);
        set(CAIRO_PDF_METADATA_CREATE_DATE, data.created);
    }

    void outline(const std::vector<OutlineItem>& items) {
        std::array<int, 4> parents{};
        for (const OutlineItem& item : items) {
            const auto level = static_cast<std::size_t>(item.level);
            const int parent = level == 0 ? CAIRO_PDF_OUTLINE_ROOT : parents.at(level - 1);
            const std::string where = "page=" + std::to_string(item.page + 1) + " pos=[0 " +
                                      number(item.y > 8 ? item.y - 8 : 0) + "]";
            parents.at(level) =
                cairo_pdf_surface_add_outline(m_surface, parent, item.title.c_str(), where.c_str(),
                                              static_cast<cairo_pdf_outline_flags_t>(0));
        }
    }

    void page(const PageContent& content, const std::vector<ShapedPtr>& foot) {
        for (const PageRect& rect : content.rects) {
            colour(rect.rgb);
            cairo_rectangle(m_cairo, rect.x, rect.y, rect.width, rect.height);
            cairo_fill(m_cairo);
        }
        std::size_t i = 0;
        while (i < content.lines.size()) {
            const PageLine& first = content.lines[i];
            cairo_tag_begin(m_cairo, first.tag, nullptr);
            for (; i < content.lines.size() && content.lines[i].block == first.block &&
                   content.lines[i].tag == first.tag;
                 ++i)
                line(content.lines[i]);
            cairo_tag_end(m_cairo, first.tag);
        }
        for (const ShapedPtr& text : foot)
            text->draw(m_cairo, 0, G::kSide, G::kFootLine);
        cairo_show_page(m_cairo);
        check(cairo_status(m_cairo));
    }

    void begin(const char* tag) { cairo_tag_begin(m_cairo, tag, nullptr); }

    void finish(const char* tag) {
        cairo_tag_end(m_cairo, tag);
        check(cairo_status(m_cairo));
        cairo_surface_finish(m_surface);
        check(cairo_surface_status(m_surface));
    }

  private:
    void line(const PageLine& line) {
        for (const std::string& anchor : line.text->anchors(line.line)) {
            const std::string attributes = "name=" + quotedAttribute(anchor) +
                                           " internal x=" + number(0) +
                                           " y=" + number(line.top > 8 ? line.top - 8 : 0);
            cairo_tag_begin(m_cairo, CAIRO_TAG_DEST, attributes.c_str());
            cairo_tag_end(m_cairo, CAIRO_TAG_DEST);
        }
        line.text->draw(m_cairo, line.line, line.x, line.top);
        for (const ShapedText::Link& link : line.text->links(line.line)) {
            const std::string attributes =
                link.attributes + " rect=[" + number(line.x + link.x - 1) + " " + number(line.top) +
                " " + number(link.width + 2) + " " + number(line.text->leading()) + "]";
            cairo_tag_begin(m_cairo, CAIRO_TAG_LINK, attributes.c_str());
            cairo_tag_end(m_cairo, CAIRO_TAG_LINK);
        }
    }

    void colour(std::uint32_t rgb) {
        const auto channel = [&](unsigned shift) {
            return static_cast<double>((rgb >> shift) & 0xFFU) / 255.0;
        };
        cairo_set_source_rgb(m_cairo, channel(16), channel(8), channel(0));
    }

    static void check(cairo_status_t status) {
        if (status == CAIRO_STATUS_SUCCESS)
            return;
        if (status == CAIRO_STATUS_NO_MEMORY)
            throw Error(ErrorCode::OutOfMemory, "memory ran out while the PDF was drawn",
                        "Close other programs or export fewer questions");
        throw Error(ErrorCode::Internal,
                    std::string("the PDF could not be drawn: ") + cairo_status_to_string(status));
    }

    cairo_surface_t* m_surface;
    cairo_t* m_cairo;
};

} // namespace

std::string linkTo(const std::string& anchor) {
    return "dest=" + quotedAttribute(anchor);
}

std::string linkToUri(const std::string& uri) {
    return "uri=" + quotedAttribute(uri);
}

std::string drawPdf(const Flow& flow, const PdfMetadata& metadata, const FootFn& foot,
                    const PageFn& beforePage) {
    std::string bytes;
    Canvas canvas(bytes);
    canvas.metadata(metadata);
    canvas.outline(flow.outlineItems());
    canvas.begin("Document");
    for (std::size_t i = 0; i < flow.pages().size(); ++i) {
        beforePage(i);
        canvas.page(flow.pages()[i], foot(i, flow.pages().size()));
    }
    canvas.finish("Document");
    return bytes;
}

} // namespace dossier::app::report
