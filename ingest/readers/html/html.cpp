// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/html/html.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <gumbo.h>

#include "ingest/document/utf8.h"
#include "ingest/readers/blocks.h"
#include "ingest/readers/docx/numbering.h"
#include "ingest/readers/headings.h"
#include "ingest/readers/html/nesting.h"
#include "ingest/readers/text/encoding.h"
#include "ingest/readers/text/text.h"
#include "ingest/readers/title.h"

namespace dossier::ingest::readers {
namespace {

constexpr std::size_t kMaxDepth = 1000; ///< open elements; a browser stops at about 512

/// Memory of one parse, given back at once. Gumbo frees its tree by recursion, which a deep tree
/// turns into a stack overflow.
class Arena {
  public:
    void* allocate(std::size_t size) {
        constexpr std::size_t alignment = alignof(std::max_align_t);
        size = (size + alignment - 1) / alignment * alignment;
        if (size > kBlock / 4) {
            m_blocks.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
            return m_blocks.back().get();
        }
        if (m_current == nullptr || m_used + size > kBlock) {
            m_blocks.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlock));
            m_current = m_blocks.back().get();
            m_used = 0;
        }
        void* result = m_current + m_used;
        m_used += size;
        return result;
    }

  private:
    static constexpr std::size_t kBlock = 1 << 20;
    std::vector<std::unique_ptr<std::byte[]>> m_blocks;
    std::byte* m_current = nullptr;
    std::size_t m_used = 0;
};

std::string_view attributeOf(const GumboNode& node, const char* name) {
    const GumboAttribute* found = gumbo_get_attribute(&node.v.element.attributes, name);
    return found == nullptr ? std::string_view() : std::string_view(found->value);
}

/// The element's own style in one spelling: lower case, without white space.
std::string styleOf(const GumboNode& node) {
    std::string style;
    for (const char c : attributeOf(node, "style")) {
        if (c != ' ' && (c < '\t' || c > '\r')) {
            style += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
        }
    }
    return style;
}

bool isHidden(const GumboNode& node) {
    if (gumbo_get_attribute(&node.v.element.attributes, "hidden") != nullptr) {
        return true;
    }
    const std::string style = styleOf(node);
    return style.find("display:none") != std::string::npos ||
           style.find("visibility:hidden") != std::string::npos;
}

/// Text that no longer counts, by its element.
bool isDeleted(GumboTag tag) {
    return tag == GUMBO_TAG_DEL || tag == GUMBO_TAG_S || tag == GUMBO_TAG_STRIKE;
}

std::string_view numberFormat(std::string_view type) {
    return type == "a"   ? "lowerLetter"
           : type == "A" ? "upperLetter"
           : type == "i" ? "lowerRoman"
           : type == "I" ? "upperRoman"
                         : "decimal";
}

int headingOf(GumboTag tag) {
    switch (tag) {
    case GUMBO_TAG_H1:
        return 1;
    case GUMBO_TAG_H2:
        return 2;
    case GUMBO_TAG_H3:
        return 3;
    case GUMBO_TAG_H4:
        return 4;
    case GUMBO_TAG_H5:
        return 5;
    case GUMBO_TAG_H6:
        return 6;
    default:
        return 0;
    }
}

bool isBlock(GumboTag tag) {
    constexpr std::array kBlocks{
        GUMBO_TAG_P,      GUMBO_TAG_DIV,        GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE,
        GUMBO_TAG_ASIDE,  GUMBO_TAG_HEADER,     GUMBO_TAG_FOOTER,  GUMBO_TAG_NAV,
        GUMBO_TAG_MAIN,   GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_UL,      GUMBO_TAG_OL,
        GUMBO_TAG_DL,     GUMBO_TAG_DT,         GUMBO_TAG_DD,      GUMBO_TAG_TABLE,
        GUMBO_TAG_TBODY,  GUMBO_TAG_THEAD,      GUMBO_TAG_TFOOT,   GUMBO_TAG_CAPTION,
        GUMBO_TAG_FORM,   GUMBO_TAG_FIELDSET,   GUMBO_TAG_HR,      GUMBO_TAG_ADDRESS,
        GUMBO_TAG_FIGURE, GUMBO_TAG_FIGCAPTION, GUMBO_TAG_DETAILS, GUMBO_TAG_SUMMARY,
        GUMBO_TAG_CENTER, GUMBO_TAG_BODY,       GUMBO_TAG_OPTION};
    return std::find(kBlocks.begin(), kBlocks.end(), tag) != kBlocks.end();
}

bool isUnseen(GumboTag tag) {
    constexpr std::array kUnseen{GUMBO_TAG_SCRIPT,   GUMBO_TAG_STYLE,  GUMBO_TAG_TEMPLATE,
                                 GUMBO_TAG_NOSCRIPT, GUMBO_TAG_HEAD,   GUMBO_TAG_SVG,
                                 GUMBO_TAG_OBJECT,   GUMBO_TAG_IFRAME, GUMBO_TAG_TEXTAREA,
                                 GUMBO_TAG_SELECT};
    return std::find(kUnseen.begin(), kUnseen.end(), tag) != kUnseen.end();
}

Error tooDeep(const std::string& name) {
    return Error(ErrorCode::Unsupported,
                 name + " is nested more than " + std::to_string(kMaxDepth) + " elements deep",
                 "Open it in a browser and print it to a PDF");
}

class HtmlReader {
  public:
    HtmlReader(Document& document, const std::string& name, const Job& job)
        : m_document(document), m_name(name), m_job(job), m_writer(document) {}

    void read(const GumboNode& root) {
        walk(root);
        flush();
    }

    const std::string& title() const { return m_title; }
    /// Text was left out because the file marks it as deleted.
    bool leftOut() const { return m_leftOut; }

  private:
    void flush() {
        if (m_cell != nullptr) {
            // Inside a table cell blocks are lines.
            if (m_text.find_first_not_of(" \n") != std::string::npos) {
                *m_cell += (m_cell->empty() ? "" : "\n") + m_label + trimmed(m_text);
                m_label.clear();
            }
            m_text.clear();
            return;
        }
        std::string text = trimmed(m_text);
        m_text.clear();
        if (text.empty()) {
            return;
        }
        text = m_label + text;
        m_label.clear();
        BlockKind kind = m_kind;
        std::uint8_t level = m_level;
        if (kind == BlockKind::Paragraph) {
            // Converted documents mark their headings by bold type at best.
            if (const auto heading = headingLevel(text)) {
                kind = BlockKind::Heading;
                level = *heading;
            } else if (listMarker(text) > 0) {
                kind = BlockKind::ListItem;
            }
        }
        m_writer.add(text, kind, level);
    }

    static std::string trimmed(const std::string& text) {
        const std::size_t begin = text.find_first_not_of(" \n");
        return begin == std::string::npos
                   ? std::string()
                   : text.substr(begin, text.find_last_not_of(" \n") + 1 - begin);
    }

    void walkChildren(const GumboNode& node) {
        const GumboVector& children =
            node.type == GUMBO_NODE_DOCUMENT ? node.v.document.children : node.v.element.children;
        // The tags gave an estimate; the parser adds elements of its own (the bodies of tables).
        if (++m_depth > 4 * kMaxDepth) {
            throw tooDeep(m_name);
        }
        for (unsigned i = 0; i < children.length; ++i) {
            walk(*static_cast<const GumboNode*>(children.data[i]));
        }
        --m_depth;
    }

    void walk(const GumboNode& node) {
        switch (node.type) {
        case GUMBO_NODE_DOCUMENT:
            walkChildren(node);
            break;
        case GUMBO_NODE_TEXT:
        case GUMBO_NODE_CDATA:
        case GUMBO_NODE_WHITESPACE:
            appendText(node.v.text.text);
            break;
        case GUMBO_NODE_ELEMENT:
            element(node);
            break;
        default:
            break;
        }
    }

    void appendText(std::string_view text) {
        if (m_preformatted > 0) {
            for (std::size_t at = 0; at < text.size();) {
                const auto c = utf8::decode(text, at);
                at += c.length;
                utf8::append(m_text, c.value == '\r' ? U'\n'
                                     : c.value == 0  ? utf8::kReplacement
                                                     : c.value);
            }
        } else {
            TextCleaner::append(m_text, text);
        }
        if (m_document.text.size() - m_reported > (1u << 20)) {
            m_reported = m_document.text.size();
            m_job.step(m_reported, 0);
        }
    }

    void element(const GumboNode& node) {
        const GumboTag tag = node.v.element.tag;
        if (tag == GUMBO_TAG_TITLE) {
            return readTitle(node);
        }
        if (tag == GUMBO_TAG_HEAD) {
            return walkChildren(node); // only its title says anything
        }
        if (isUnseen(tag) || isHidden(node)) {
            return;
        }
        if (isDeleted(tag)) {
            m_leftOut = true;
            return;
        }
        if (tag == GUMBO_TAG_BR) {
            TextCleaner::append(m_text, "\n", TextCleaner::Breaks::Keep);
        } else if (tag == GUMBO_TAG_TR) {
            tableRow(node);
        } else if (tag == GUMBO_TAG_LI) {
            listItem(node);
        } else if (tag == GUMBO_TAG_PRE) {
            framed(node, BlockKind::Code, 0, 1);
        } else if (const int level = headingOf(tag)) {
            framed(node, BlockKind::Heading, static_cast<std::uint8_t>(level), 0);
        } else if (tag == GUMBO_TAG_OL || tag == GUMBO_TAG_UL) {
            list(node);
        } else if (isBlock(tag)) {
            flush();
            walkChildren(node);
            flush();
        } else {
            walkChildren(node);
        }
    }

    /// A block of its own kind.
    void framed(const GumboNode& node, BlockKind kind, std::uint8_t level, int preformatted) {
        flush();
        const auto outerKind = m_kind;
        const auto outerLevel = m_level;
        m_kind = kind;
        m_level = level;
        m_preformatted += preformatted;
        walkChildren(node);
        flush();
        m_preformatted -= preformatted;
        m_kind = outerKind;
        m_level = outerLevel;
    }

    void list(const GumboNode& node) {
        flush();
        List list;
        list.ordered = node.v.element.tag == GUMBO_TAG_OL;
        list.format = numberFormat(attributeOf(node, "type"));
        const std::string start(attributeOf(node, "start"));
        list.next = start.empty()
                        ? 1
                        : static_cast<std::uint32_t>(std::strtoul(start.c_str(), nullptr, 10));
        m_lists.push_back(list);
        walkChildren(node);
        flush();
        m_lists.pop_back();
    }

    void listItem(const GumboNode& node) {
        flush();
        std::string label = "• ";
        if (!m_lists.empty() && m_lists.back().ordered) {
            label = formatNumber(m_lists.back().next++, m_lists.back().format) + ". ";
        }
        const auto depth = static_cast<std::uint8_t>(
            std::min<std::size_t>(m_lists.empty() ? 0 : m_lists.size() - 1, 8));
        m_label = label;
        framed(node, BlockKind::ListItem, depth, 0);
        m_label.clear();
    }

    void readTitle(const GumboNode& node) {
        const GumboVector& children = node.v.element.children;
        for (unsigned i = 0; i < children.length && m_title.empty(); ++i) {
            const auto& child = *static_cast<const GumboNode*>(children.data[i]);
            if (child.type == GUMBO_NODE_TEXT) {
                TextCleaner::append(m_title, child.v.text.text);
                m_title = trimmed(m_title);
            }
        }
    }

    void tableRow(const GumboNode& row) {
        std::vector<std::string> cells;
        flush();
        const GumboVector& children = row.v.element.children;
        std::string* const outer = m_cell;
        const std::string outerLabel = std::exchange(m_label, {});
        for (unsigned i = 0; i < children.length; ++i) {
            const auto& cell = *static_cast<const GumboNode*>(children.data[i]);
            const bool isCell =
                cell.type == GUMBO_NODE_ELEMENT &&
                (cell.v.element.tag == GUMBO_TAG_TD || cell.v.element.tag == GUMBO_TAG_TH);
            if (!isCell || isHidden(cell)) {
                continue;
            }
            std::string content;
            m_cell = &content;
            walkChildren(cell);
            flush();
            cells.push_back(content);
        }
        m_cell = outer;
        m_label = outerLabel;
        // Tables that only place things have empty cells for spacing.
        cells.erase(std::remove_if(cells.begin(), cells.end(),
                                   [](const std::string& cell) { return cell.empty(); }),
                    cells.end());
        std::string text;
        for (const std::string& cell : cells) {
            text += (text.empty() ? "" : "\t") + cell;
        }
        if (outer != nullptr) {
            *outer += (outer->empty() ? "" : "\n") + text;
        } else if (cells.size() == 1) {
            m_text = text;
            flush();
        } else {
            m_writer.add(text, BlockKind::TableRow);
        }
    }

    struct List {
        bool ordered = false;
        std::string_view format;
        std::uint32_t next = 1;
    };

    Document& m_document;
    const std::string& m_name;
    const Job& m_job;
    BlockWriter m_writer;
    std::size_t m_depth = 0;
    std::string m_text, m_label, m_title;
    BlockKind m_kind = BlockKind::Paragraph;
    std::uint8_t m_level = 0;
    int m_preformatted = 0;
    std::vector<List> m_lists;
    std::string* m_cell = nullptr;
    std::size_t m_reported = 0;
    bool m_leftOut = false;
};

/// The encoding that the file says it is in: <meta charset="..."> in its first kilobyte.
std::string declaredEncoding(std::string_view bytes) {
    std::string head(bytes.substr(0, 1024));
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    const std::size_t at = head.find("charset=");
    if (at == std::string::npos) {
        return {};
    }
    const std::size_t begin = head.find_first_not_of("\"' ", at + 8);
    const std::size_t end = head.find_first_of("\"' />;", begin);
    const std::string name =
        begin == std::string::npos ? std::string() : head.substr(begin, end - begin);
    // A file whose bytes could be searched for the name is not in an encoding of 16 bits.
    return name.starts_with("utf-16") ? std::string()
           : name == "iso-8859-1"     ? "windows-1252"
                                      : name;
}

} // namespace

Document readHtml(const SourceFile& file, const Job& job) {
    Document document = decodeFile(file, job);
    const std::string declared = declaredEncoding(file.bytes);
    if (document.encoding != "UTF-8" && !document.encoding.starts_with("UTF-16") &&
        !declared.empty() && declared != "utf-8") {
        if (DecodedText again = decodeAs(file.bytes, declared); !again.encoding.empty()) {
            document.text = std::move(again.text);
            document.encoding = std::move(again.encoding);
        }
    }
    const std::string source = std::exchange(document.text, {});
    if (nestingOf(source, kMaxDepth) > kMaxDepth) {
        throw tooDeep(file.name);
    }
    Arena arena;
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = [](void* memory, std::size_t size) {
        return static_cast<Arena*>(memory)->allocate(size);
    };
    options.deallocator = [](void*, void*) {};
    options.userdata = &arena;
    options.max_errors = 0;
    const GumboOutput* output = gumbo_parse_with_options(&options, source.data(), source.size());
    document.format = Format::Html;
    HtmlReader reader(document, file.name, job);
    reader.read(*output->document);
    if (reader.leftOut()) {
        document.warnings.push_back("The file has text that is marked as deleted or struck out: "
                                    "insertions are read as text, deletions are left out");
    }
    checkTextSize(job, file.name, document.text.size());
    indexLines(document);
    document.title = chooseTitle(document, reader.title(), file.name);
    job.step(document.text.size(), document.text.size());
    return document;
}

} // namespace dossier::ingest::readers
