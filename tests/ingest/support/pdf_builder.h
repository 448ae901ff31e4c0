// SPDX-License-Identifier: GPL-3.0-or-later
// Writes small PDFs for tests: text at given places, rotated pages, page labels, hostile
// structures.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/document/utf8.h"

namespace dossier::ingest::testing_support {

enum class Font {
    Helvetica,
    Courier,
    Wide
}; ///< Wide: any character, 1000 units each, not embedded

struct PageOptions {
    double width = 595, height = 842;
    int rotate = 0;
    std::string extra; ///< further entries of the page's dictionary
};

class PdfBuilder {
  public:
    PdfBuilder() {
        // 1 catalog, 2 page tree, 3-5 fonts; pages follow.
        m_objects.resize(5);
        m_objects[2] = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
        m_objects[3] = "<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding>>";
        const int toUnicode = add(stream(identityCMap()));
        const int descriptor =
            add("<</Type/FontDescriptor/FontName/Wide/Flags 4/FontBBox[0 -200 1000 800]"
                "/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80>>");
        const int descendant = add(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/Wide/CIDToGIDMap/Identity/DW 1000"
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor " +
            std::to_string(descriptor) + " 0 R>>");
        m_objects[4] =
            "<</Type/Font/Subtype/Type0/BaseFont/Wide/Encoding/Identity-H/DescendantFonts[" +
            std::to_string(descendant) + " 0 R]/ToUnicode " + std::to_string(toUnicode) + " 0 R>>";
    }

    int add(std::string object) {
        m_objects.push_back(std::move(object));
        return static_cast<int>(m_objects.size());
    }

    static std::string stream(const std::string& content) {
        return "<</Length " + std::to_string(content.size()) + ">>\nstream\n" + content +
               "\nendstream";
    }

    /// Text on the page that finish() or the next page() call will write; y upwards from the
    /// bottom.
    void text(double x, double y, std::string_view words, double size = 10,
              Font font = Font::Helvetica) {
        matrix(1, 0, 0, 1, x, y, words, size, font);
    }

    /// Text with a text matrix, for slanted and upward writing.
    void matrix(double a, double b, double c, double d, double x, double y, std::string_view words,
                double size = 10, Font font = Font::Helvetica) {
        char head[160];
        std::snprintf(head, sizeof head, "BT /F%d %g Tf %g %g %g %g %g %g Tm ",
                      static_cast<int>(font) + 1, size, a, b, c, d, x, y);
        m_content += head + string(words, font) + " Tj ET\n";
    }

    void draw(std::string_view operators) { m_content += operators; }

    /// Ends the page.
    void page(const PageOptions& options = {}) {
        const int content = add(stream(m_content));
        m_content.clear();
        char box[120];
        std::snprintf(box, sizeof box, "/MediaBox[0 0 %g %g]/Rotate %d", options.width,
                      options.height, options.rotate);
        m_pages.push_back(add("<</Type/Page/Parent 2 0 R" + std::string(box) +
                              "/Resources<</Font<</F1 3 0 R/F2 4 0 R/F3 5 0 R>>>>/Contents " +
                              std::to_string(content) + " 0 R" + options.extra + ">>"));
    }

    void catalogEntry(const std::string& entry) { m_catalog += entry; }
    void setInfo(const std::string& dictionary) { m_info = add(dictionary); }
    /// Instead of the true number of pages.
    void lieAboutCount(const std::string& count) { m_count = count; }

    std::string build() {
        std::string kids;
        for (const int page : m_pages) {
            kids += std::to_string(page) + " 0 R ";
        }
        m_objects[0] = "<</Type/Catalog/Pages 2 0 R" + m_catalog + ">>";
        m_objects[1] = "<</Type/Pages/Kids[" + kids + "]/Count " +
                       (m_count.empty() ? std::to_string(m_pages.size()) : m_count) + ">>";
        std::string out = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";
        std::vector<std::size_t> offsets;
        for (std::size_t i = 0; i < m_objects.size(); ++i) {
            offsets.push_back(out.size());
            out += std::to_string(i + 1) + " 0 obj\n" + m_objects[i] + "\nendobj\n";
        }
        const std::size_t table = out.size();
        out += "xref\n0 " + std::to_string(offsets.size() + 1) + "\n0000000000 65535 f \n";
        for (const std::size_t offset : offsets) {
            char line[24];
            std::snprintf(line, sizeof line, "%010zu 00000 n \n", offset);
            out += line;
        }
        out += "trailer\n<</Size " + std::to_string(offsets.size() + 1) + "/Root 1 0 R" +
               (m_info > 0 ? "/Info " + std::to_string(m_info) + " 0 R" : std::string()) +
               ">>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
        return out;
    }

  private:
    static std::string string(std::string_view words, Font font) {
        std::string out;
        if (font != Font::Wide) {
            for (const char c : words) {
                out +=
                    c == '(' || c == ')' || c == '\\' ? std::string("\\") + c : std::string(1, c);
            }
            return "(" + out + ")";
        }
        for (std::size_t at = 0; at < words.size();) {
            const auto c = utf8::decode(words, at);
            char hex[8];
            std::snprintf(hex, sizeof hex, "%04X", static_cast<unsigned>(c.value));
            out += hex;
            at += c.length;
        }
        return "<" + out + ">";
    }

    static std::string identityCMap() {
        std::string map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
                          "/CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange\n";
        for (int high = 0; high < 256; ++high) {
            char line[80];
            std::snprintf(line, sizeof line, "%s<%02X00> <%02XFF> <%02X00>\n%s",
                          high % 64 == 0 ? "64 beginbfrange\n" : "", high, high, high,
                          high % 64 == 63 ? "endbfrange\n" : "");
            map += line;
        }
        return map + "endcmap CMapName currentdict /CMap defineresource pop end end";
    }

    std::vector<std::string> m_objects;
    std::vector<int> m_pages;
    std::string m_content, m_catalog, m_count;
    int m_info = 0;
};

/// "賃料1" in a font that is not embedded, with a character map that the reader must know.
inline std::string japanesePdf() {
    PdfBuilder builder;
    const int descendant = builder.add(
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/HeiseiMin-W3/DW 1000"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>"
        "/FontDescriptor<</Type/FontDescriptor/FontName/HeiseiMin-W3/Flags 6/FontBBox[0 -200 1000 "
        "800]/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80>>>>");
    builder.draw("BT /Cjk 12 Tf 72 700 Td <8CC365990031> Tj ET\n");
    builder.page({595, 842, 0,
                  "/Resources<</Font<</Cjk<</Type/Font/Subtype/Type0/BaseFont/HeiseiMin-W3"
                  "/Encoding/UniJIS-UCS2-H/DescendantFonts[" +
                      std::to_string(descendant) + " 0 R]>>>>>>"});
    return builder.build();
}

inline bool havePopplerData() {
    return std::filesystem::exists("/usr/share/poppler/cMap");
}

} // namespace dossier::ingest::testing_support
