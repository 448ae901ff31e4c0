// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/docx/docx.h"

#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>

#include <pugixml.hpp>

#include "ingest/document/utf8.h"
#include "ingest/readers/blocks.h"
#include "ingest/readers/docx/archive.h"
#include "ingest/readers/docx/numbering.h"
#include "ingest/readers/headings.h"
#include "ingest/readers/title.h"

namespace dossier::ingest::readers {
namespace {

using pugi::xml_node;

constexpr std::size_t kMaxNotes = 100'000;

/// An XML part of the archive. The bytes live as long as the tree, which points into them.
struct Part {
    std::string bytes;
    pugi::xml_document xml;
};

/// What the root calls Word's namespace: "w:" nearly always, but any prefix or none is as good.
std::optional<std::string> prefixOfWord(const xml_node& root) {
    for (const auto attribute : root.attributes()) {
        const std::string_view name = attribute.name(), value = attribute.value();
        const bool word = value == "http://schemas.openxmlformats.org/wordprocessingml/2006/main" ||
                          value == "http://purl.oclc.org/ooxml/wordprocessingml/main";
        if (word && name == "xmlns") {
            return "";
        }
        if (word && name.starts_with("xmlns:")) {
            return std::string(name.substr(6)) + ":";
        }
    }
    return std::nullopt;
}

/// Names of Word's namespace begin with "w:" from here on.
void usePrefixW(pugi::xml_document& xml) {
    const auto prefix = prefixOfWord(xml.document_element());
    if (!prefix || *prefix == "w:") {
        return;
    }
    const auto rename = [&](auto& named) {
        const std::string_view name = named.name();
        if (prefix->empty() ? name.find(':') == std::string_view::npos
                            : name.starts_with(*prefix)) {
            named.set_name(("w:" + std::string(name.substr(prefix->size()))).c_str());
        }
    };
    // Without recursion: the tree may be deep.
    for (xml_node node = xml.document_element(); node;) {
        if (node.type() == pugi::node_element) {
            rename(node);
            for (auto attribute : node.attributes()) {
                if (!prefix->empty()) {
                    rename(attribute);
                }
            }
        }
        if (node.first_child()) {
            node = node.first_child();
            continue;
        }
        while (node && !node.next_sibling()) {
            node = node.parent();
        }
        node = node.next_sibling();
    }
}

std::string_view nameOf(const xml_node& node) {
    return node.name();
}

/// What paragraphs of a style are, the styles that it is based on included.
struct Style {
    std::string basedOn, list;
    std::string listStyle; ///< the style that names the list: it may have a level of its own there
    int outline = -1;      ///< 0: highest heading; -1: text
    std::optional<std::size_t> level;
    std::optional<bool> hidden;
    bool title = false;
};

class Styles {
  public:
    explicit Styles(const xml_node& root) {
        for (const xml_node node : root.children("w:style")) {
            const std::string id = node.attribute("w:styleId").as_string();
            Style& style = m_styles[id];
            style.basedOn = node.child("w:basedOn").attribute("w:val").as_string();
            const xml_node properties = node.child("w:pPr");
            if (const auto outline = properties.child("w:outlineLvl")) {
                style.outline = outline.attribute("w:val").as_int(-1);
            }
            style.list =
                properties.child("w:numPr").child("w:numId").attribute("w:val").as_string();
            style.listStyle = id;
            if (const auto level = properties.child("w:numPr").child("w:ilvl")) {
                style.level = level.attribute("w:val").as_uint();
            }
            if (const auto vanish = node.child("w:rPr").child("w:vanish")) {
                style.hidden = isOn(vanish);
            }
            std::string name = node.child("w:name").attribute("w:val").as_string();
            for (char& c : name) {
                c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            }
            style.title = name == "title";
            if (name.starts_with("heading ") && name.size() == 9 && name[8] >= '1' &&
                name[8] <= '9') {
                style.outline = name[8] - '1';
            }
            if (node.attribute("w:default").as_bool() &&
                std::string_view(node.attribute("w:type").as_string()) == "paragraph") {
                m_default = id;
            }
        }
    }

    Style of(std::string id) const {
        Style result;
        id = id.empty() ? m_default : id;
        // Bounded, since a file may base two styles on each other.
        for (int i = 0; i < 20; ++i) {
            const auto found = m_styles.find(id);
            if (found == m_styles.end()) {
                break;
            }
            const Style& style = found->second;
            result.outline = result.outline < 0 ? style.outline : result.outline;
            if (result.list.empty()) {
                result.list = style.list;
                result.listStyle = style.listStyle;
                result.level = style.level;
            }
            result.hidden = result.hidden ? result.hidden : style.hidden;
            result.title = result.title || (i == 0 && style.title);
            id = style.basedOn;
        }
        return result;
    }

  private:
    std::map<std::string, Style> m_styles;
    std::string m_default;
};

class DocxReader {
  public:
    DocxReader(const SourceFile& file, const Job& job)
        : m_file(file), m_job(job), m_archive(file, job.limits()), m_writer(m_document) {}

    Document read() {
        m_document.format = Format::Docx;
        m_document.sha256 = sha256Hex(m_file.bytes);
        m_document.sourceBytes = m_file.bytes.size();
        const std::string main = mainPart();
        const std::size_t slash = main.rfind('/');
        m_folder = slash == std::string::npos ? "" : main.substr(0, slash + 1);
        const auto body = load(main);
        if (!body) {
            throw Error(ErrorCode::Corrupt,
                        m_file.name + " holds no " + main + ": it is no Word document",
                        "Open it in a word processor and save it as DOCX");
        }
        const auto styles = load(m_folder + "styles.xml");
        const auto numbering = load(m_folder + "numbering.xml");
        m_notes[0] = load(m_folder + "footnotes.xml");
        m_notes[1] = load(m_folder + "endnotes.xml");
        const Styles knownStyles(styles ? styles->xml.child("w:styles") : xml_node());
        Numbering knownNumbering(numbering ? numbering->xml.child("w:numbering") : xml_node());
        m_styles = &knownStyles;
        m_numbering = &knownNumbering;
        m_total = body->bytes.size();
        blocksIn(body->xml.child("w:document").child("w:body"), 0);
        endParagraph();
        writeNotes();
        writeHeadersAndFooters();
        indexLines(m_document);
        warn();
        m_document.title =
            chooseTitle(m_document, m_title.empty() ? metadataTitle() : m_title, m_file.name);
        m_job.step(m_total, m_total);
        return std::move(m_document);
    }

  private:
    std::unique_ptr<Part> load(const std::string& name) const {
        auto content = m_archive.read(name);
        if (!content) {
            return nullptr;
        }
        auto part = std::make_unique<Part>();
        part->bytes = std::move(*content);
        const auto parsed = part->xml.load_buffer_inplace(
            part->bytes.data(), part->bytes.size(), pugi::parse_default | pugi::parse_ws_pcdata);
        if (!parsed && parsed.status == pugi::status_out_of_memory) {
            throw std::bad_alloc();
        }
        if (!parsed) {
            throw Error(ErrorCode::Corrupt,
                        name + " in " + m_file.name + " is no valid XML (" + parsed.description() +
                            ")",
                        "Open the file in a word processor and save it again");
        }
        usePrefixW(part->xml);
        return part;
    }

    std::string mainPart() const {
        if (const auto relations = load("_rels/.rels")) {
            for (const xml_node relation :
                 relations->xml.child("Relationships").children("Relationship")) {
                std::string_view target = relation.attribute("Target").as_string();
                if (std::string_view(relation.attribute("Type").as_string())
                        .ends_with("/officeDocument") &&
                    !target.empty()) {
                    target.remove_prefix(target.starts_with('/') ? 1 : 0);
                    return std::string(target);
                }
            }
        }
        return "word/document.xml";
    }

    std::string metadataTitle() const {
        const auto core = load("docProps/core.xml");
        std::string title;
        if (core) {
            TextCleaner::append(
                title, core->xml.child("cp:coreProperties").child("dc:title").text().as_string());
        }
        return title;
    }

    void checkDepth(std::size_t depth) const {
        if (depth > m_job.limits().nesting) {
            throw Error(ErrorCode::Unsupported,
                        m_file.name + " is nested more than " +
                            std::to_string(m_job.limits().nesting) + " elements deep",
                        "Open it in a word processor and save it again");
        }
    }

    /// Paragraphs, tables and what may wrap them.
    void blocksIn(const xml_node& parent, std::size_t depth) {
        checkDepth(depth);
        for (const xml_node node : parent.children()) {
            const std::string_view name = nameOf(node);
            if (name == "w:p") {
                paragraph(node, depth + 1);
            } else if (name == "w:tbl") {
                endParagraph();
                table(node, depth + 1);
            } else if (name == "w:del" || name == "w:moveFrom") {
                m_tracked = true;
            } else if (name == "mc:AlternateContent") {
                blocksIn(node.child("mc:Choice"), depth + 1);
            } else if (name == "w:sdt") {
                blocksIn(node.child("w:sdtContent"), depth + 1);
            } else if (name == "w:ins" || name == "w:moveTo" || name == "w:customXml" ||
                       name == "w:txbxContent") {
                m_tracked = m_tracked || name == "w:ins" || name == "w:moveTo";
                blocksIn(node, depth + 1);
            }
        }
    }

    void paragraph(const xml_node& node, std::size_t depth) {
        if (m_writer.size() - m_reported > (1u << 20)) {
            m_reported = m_writer.size();
            m_job.step(static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0)),
                       m_total);
            checkTextSize(m_job, m_file.name, m_writer.size());
        }
        const xml_node properties = node.child("w:pPr");
        if (!m_open) {
            begin(properties);
        }
        inlineIn(node, depth);
        // A deleted paragraph mark: what follows is the same paragraph.
        const bool markDeleted = properties.child("w:rPr").child("w:del") ||
                                 properties.child("w:rPr").child("w:moveFrom");
        m_tracked = m_tracked || markDeleted || properties.child("w:rPr").child("w:ins");
        if (!markDeleted) {
            endParagraph();
        }
    }

    /// Kind, level and printed number of the paragraph that begins.
    void begin(const xml_node& properties) {
        const Style style =
            m_styles->of(properties.child("w:pStyle").attribute("w:val").as_string());
        m_open = true;
        m_text.clear();
        m_kind = BlockKind::Paragraph;
        m_level = 0;
        std::string list = style.list;
        std::size_t level =
            style.level.value_or(m_numbering->levelOfStyle(list, style.listStyle).value_or(0));
        if (const auto own = properties.child("w:numPr")) {
            list = own.child("w:numId").attribute("w:val").as_string(list.c_str());
            level = own.child("w:ilvl").attribute("w:val").as_uint(static_cast<unsigned>(level));
        }
        const int outline = properties.child("w:outlineLvl")
                                ? properties.child("w:outlineLvl").attribute("w:val").as_int(-1)
                                : style.outline;
        m_label.clear();
        if (!list.empty() && list != "0") {
            m_label = m_numbering->next(list, level);
            m_kind = BlockKind::ListItem;
            m_level = static_cast<std::uint8_t>(std::min<std::size_t>(level, kNumberingLevels));
        }
        if (outline >= 0 && outline < 9) {
            m_kind = BlockKind::Heading;
            m_level = static_cast<std::uint8_t>(std::min(outline + 1, 6));
        }
        m_isTitle = style.title;
        if (m_isTitle) {
            m_kind = BlockKind::Heading;
            m_level = 1;
        }
    }

    void endParagraph() {
        if (!m_open) {
            return;
        }
        m_open = false;
        if (m_text.find_first_not_of(" \n") != std::string::npos) {
            if (m_isTitle && m_title.empty()) {
                TextCleaner::append(m_title, m_text);
            }
            const std::string text = m_label.empty() ? m_text : m_label + " " + m_text;
            if (m_kind == BlockKind::Paragraph) {
                if (const auto level = headingLevel(text)) {
                    m_kind = BlockKind::Heading;
                    m_level = *level;
                } else if (listMarker(text) > 0) {
                    m_kind = BlockKind::ListItem;
                }
            }
            put(text);
        }
        // Text boxes anchored in the paragraph follow it.
        auto boxes = std::move(m_boxes);
        m_boxes.clear();
        for (const auto& [box, depth] : boxes) {
            blocksIn(box, depth);
        }
    }

    /// A finished block: into the document, or into the cell of a table that is being read.
    void put(const std::string& text) {
        if (m_cell == nullptr) {
            m_writer.add(text, m_kind, m_level);
            return;
        }
        *m_cell += m_cell->empty() ? "" : "\n";
        *m_cell += text;
    }

    /// By the run's own word, else by its character style.
    bool isHidden(const xml_node& properties) const {
        if (const auto own = properties.child("w:vanish")) {
            return isOn(own);
        }
        const std::string style = properties.child("w:rStyle").attribute("w:val").as_string();
        return !style.empty() && m_styles->of(style).hidden.value_or(false);
    }

    void inlineIn(const xml_node& parent, std::size_t depth) {
        checkDepth(depth);
        for (const xml_node node : parent.children()) {
            const std::string_view name = nameOf(node);
            if (name == "w:r") {
                if (!isHidden(node.child("w:rPr"))) {
                    inlineIn(node, depth + 1);
                }
            } else if (name == "w:t" || name == "m:t") {
                TextCleaner::append(m_text, node.text().get(), TextCleaner::Breaks::Collapse);
            } else if (name == "w:tab" || name == "w:ptab") {
                TextCleaner::append(m_text, " ");
            } else if (name == "w:br" || name == "w:cr") {
                TextCleaner::append(m_text, "\n", TextCleaner::Breaks::Keep);
            } else if (name == "w:noBreakHyphen") {
                m_text += '-';
            } else if (name == "w:sym") {
                symbol(node);
            } else if (name == "w:footnoteReference" || name == "w:endnoteReference") {
                noteReference(node, name == "w:endnoteReference" ? 1 : 0);
            } else if (name == "w:del" || name == "w:moveFrom") {
                m_tracked = true;
            } else if (name == "w:txbxContent") {
                m_boxes.emplace_back(node, depth);
            } else if (name == "mc:AlternateContent") {
                inlineIn(node.child("mc:Choice"), depth + 1);
            } else if (name == "w:commentReference") {
                ++m_comments;
            } else if (name != "w:instrText" && name != "w:delText" && name != "w:delInstrText" &&
                       name != "w:pPr" && name != "w:rPr" && name != "w:sdtPr" &&
                       node.type() == pugi::node_element) {
                m_tracked = m_tracked || name == "w:ins" || name == "w:moveTo";
                inlineIn(node, depth + 1);
            }
        }
    }

    void symbol(const xml_node& node) {
        const auto code =
            static_cast<char32_t>(std::strtoul(node.attribute("w:char").as_string(), nullptr, 16));
        // Private characters of symbol fonts mean nothing without the font; bullets are most of
        // them.
        utf8::append(m_text, code >= 0xE000 && code <= 0xF8FF ? U'\u2022' : code);
    }

    void noteReference(const xml_node& node, std::size_t kind) {
        m_references.emplace_back(kind, node.attribute("w:id").as_string());
        m_text += "[^" + std::to_string(m_references.size()) + "]";
    }

    void table(const xml_node& node, std::size_t depth) {
        checkDepth(depth);
        for (const xml_node row : node.children()) {
            const std::string_view name = nameOf(row);
            if (name == "w:sdt") {
                table(row.child("w:sdtContent"), depth + 1);
            } else if (name == "w:ins" || name == "w:customXml") {
                table(row, depth + 1);
            } else if (name == "w:tr") {
                if (row.child("w:trPr").child("w:del")) {
                    m_tracked = true;
                } else {
                    tableRow(row, depth + 1);
                }
            }
        }
    }

    /// The cells of a row, whatever wraps them.
    void cellsIn(const xml_node& parent, std::size_t depth, std::vector<xml_node>& cells) const {
        checkDepth(depth);
        for (const xml_node node : parent.children()) {
            const std::string_view name = nameOf(node);
            if (name == "w:tc") {
                cells.push_back(node);
            } else if (name == "w:sdt") {
                cellsIn(node.child("w:sdtContent"), depth + 1, cells);
            } else if (name == "w:customXml") {
                cellsIn(node, depth + 1, cells);
            }
        }
    }

    void tableRow(const xml_node& row, std::size_t depth) {
        checkDepth(depth);
        std::vector<xml_node> cells;
        cellsIn(row, depth, cells);
        if (cells.size() == 1) {
            return blocksIn(cells.front(), depth + 1); // a frame around text
        }
        std::string text;
        std::string* const outer = m_cell;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            std::string content;
            m_cell = &content;
            blocksIn(cells[i], depth + 1);
            endParagraph();
            text += (i == 0 ? "" : "\t") + content;
        }
        m_cell = outer;
        m_kind = BlockKind::TableRow;
        m_level = 0;
        if (text.find_first_not_of(" \t\n") != std::string::npos) {
            put(text);
        }
    }

    void writeNotes() {
        std::array<std::map<std::string, xml_node>, 2> notes;
        for (std::size_t kind = 0; kind < notes.size(); ++kind) {
            const xml_node root =
                m_notes.at(kind) ? m_notes.at(kind)->xml.first_child() : xml_node();
            for (const xml_node note : root.children()) {
                notes.at(kind)[note.attribute("w:id").as_string()] = note;
            }
        }
        // Notes may refer to notes: the list can grow while it is written.
        for (std::size_t i = 0; i < m_references.size() && i < kMaxNotes; ++i) {
            const auto [kind, id] = m_references[i];
            m_writer.add("[^" + std::to_string(i + 1) + "]: " + textOf(notes.at(kind)[id]),
                         BlockKind::Footnote);
        }
    }

    /// All paragraphs below a node, as lines.
    std::string textOf(const xml_node& node) {
        std::string text;
        m_cell = &text;
        blocksIn(node, 0);
        endParagraph();
        m_cell = nullptr;
        return text;
    }

    void writeHeadersAndFooters() {
        std::set<std::string> seen;
        for (const std::string& name : m_archive.names()) {
            const bool header = name.starts_with(m_folder + "header"),
                       footer = name.starts_with(m_folder + "footer");
            if ((!header && !footer) || !name.ends_with(".xml")) {
                continue;
            }
            const auto part = load(name);
            const std::string text = textOf(part->xml.first_child());
            if (seen.insert(text).second) {
                m_writer.add(text, BlockKind::Running);
            }
        }
    }

    void warn() {
        if (m_tracked) {
            m_document.warnings.push_back("The file has tracked changes: insertions are read as "
                                          "text, deletions are left out");
        }
        if (m_comments > 0) {
            m_document.warnings.push_back(std::to_string(m_comments) +
                                          (m_comments == 1 ? " comment is" : " comments are") +
                                          " not part of the text and left out");
        }
    }

    const SourceFile& m_file;
    const Job& m_job;
    Archive m_archive;
    Document m_document;
    BlockWriter m_writer;
    std::string m_folder; ///< of the main part, "word/"
    const Styles* m_styles = nullptr;
    Numbering* m_numbering = nullptr;
    std::array<std::unique_ptr<Part>, 2> m_notes; ///< footnotes, endnotes
    std::vector<std::pair<std::size_t, std::string>>
        m_references; ///< kind and id, in order of appearance
    std::size_t m_total = 0, m_reported = 0, m_comments = 0;
    bool m_tracked = false;
    std::string m_title;

    // The paragraph that is being read.
    bool m_open = false, m_isTitle = false;
    std::string m_text, m_label;
    BlockKind m_kind = BlockKind::Paragraph;
    std::uint8_t m_level = 0;
    std::vector<std::pair<xml_node, std::size_t>> m_boxes;
    std::string* m_cell = nullptr; ///< where finished paragraphs go instead of the document
};

} // namespace

bool isOldOffice(std::string_view bytes) {
    return bytes.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
}

Document readDocx(const SourceFile& file, const Job& job) {
    if (isOldOffice(file.bytes)) {
        // An encrypted DOCX is an OLE file with a stream of this name, in UTF-16.
        const bool encrypted =
            file.bytes.find(std::string_view("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e",
                                             31)) != std::string::npos;
        if (encrypted) {
            throw Error(ErrorCode::Encrypted, file.name + " is protected by a password",
                        "Open it in a word processor and save a copy without the password");
        }
        throw Error(ErrorCode::Unsupported, file.name + " is in the old Word format",
                    "Open it in a word processor and save it as DOCX or PDF");
    }
    if (file.bytes.empty()) {
        throw Error(ErrorCode::Corrupt, file.name + " is empty", "Get another copy");
    }
    job.step(0, file.bytes.size());
    return DocxReader(file, job).read();
}

} // namespace dossier::ingest::readers
