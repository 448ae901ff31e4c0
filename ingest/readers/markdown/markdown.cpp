// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/markdown/markdown.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include "ingest/readers/text/text.h"
#include "ingest/readers/title.h"

namespace dossier::ingest::readers {
namespace {

struct Free {
    void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
    void operator()(cmark_node* node) const { cmark_node_free(node); }
    void operator()(cmark_iter* iterator) const { cmark_iter_free(iterator); }
};

/// Blocks are whole lines; what the parser keeps no node for (link definitions, front matter)
/// becomes blocks of its own, so that they cover the text.
class LineBlocks {
  public:
    explicit LineBlocks(Document& document) : m_document(document) {}

    /// Lines are counted from 1, both inclusive.
    void add(int firstLine, int lastLine, BlockKind kind, std::uint8_t level) {
        const auto first = static_cast<std::uint64_t>(std::max(firstLine, 1));
        const auto last = std::max(first, static_cast<std::uint64_t>(std::max(lastLine, 0)));
        if (first < m_nextLine) {
            return; // two blocks on one line: the outer one came first
        }
        fill(first);
        push(first, last, kind, level);
        m_nextLine = last + 1;
    }

    void finish() { fill(m_document.lineStarts.size() + 1); }

  private:
    /// Runs of lines that no node claims.
    void fill(std::uint64_t end) {
        std::uint64_t begin = 0;
        for (std::uint64_t line = m_nextLine; line <= end; ++line) {
            const bool text = line < end && !isBlank(line);
            if (text && begin == 0) {
                begin = line;
            } else if (!text && begin != 0) {
                push(begin, line - 1, BlockKind::Other, 0);
                begin = 0;
            }
        }
    }

    bool isBlank(std::uint64_t line) const {
        const TextRange range = lineRange(m_document, line);
        return std::string_view(m_document.text)
                   .substr(range.begin, range.size())
                   .find_first_not_of(" \t\f\v") == std::string_view::npos;
    }

    void push(std::uint64_t first, std::uint64_t last, BlockKind kind, std::uint8_t level) {
        while (last > first && isBlank(last)) {
            --last;
        }
        TextRange range{lineRange(m_document, first).begin, lineRange(m_document, last).end};
        while (range.begin < range.end &&
               (m_document.text[range.begin] == ' ' || m_document.text[range.begin] == '\t')) {
            ++range.begin;
        }
        if (!range.empty()) {
            m_document.blocks.push_back({range, kind, level});
        }
    }

    Document& m_document;
    std::uint64_t m_nextLine = 1;
};

BlockKind kindOf(cmark_node* node) {
    const auto type = cmark_node_get_type(node);
    if (type == CMARK_NODE_HEADING) {
        return BlockKind::Heading;
    }
    if (type == CMARK_NODE_CODE_BLOCK) {
        return BlockKind::Code;
    }
    if (type == CMARK_NODE_PARAGRAPH) {
        for (cmark_node* parent = cmark_node_parent(node); parent != nullptr;
             parent = cmark_node_parent(parent)) {
            if (cmark_node_get_type(parent) == CMARK_NODE_ITEM) {
                return BlockKind::ListItem;
            }
            if (cmark_node_get_type(parent) == CMARK_NODE_FOOTNOTE_DEFINITION) {
                return BlockKind::Footnote;
            }
        }
        return BlockKind::Paragraph;
    }
    return std::string_view(cmark_node_get_type_string(node)).starts_with("table_")
               ? BlockKind::TableRow
               : BlockKind::Other;
}

std::uint8_t levelOf(cmark_node* node, BlockKind kind) {
    if (kind == BlockKind::Heading) {
        return static_cast<std::uint8_t>(cmark_node_get_heading_level(node));
    }
    int lists = 0;
    for (cmark_node* parent = cmark_node_parent(node);
         kind == BlockKind::ListItem && parent != nullptr; parent = cmark_node_parent(parent)) {
        lists += cmark_node_get_type(parent) == CMARK_NODE_LIST ? 1 : 0;
    }
    return static_cast<std::uint8_t>(std::clamp(lists - 1, 0, 8));
}

/// "Title" of "# Title #" or of a line that is underlined.
std::string headingText(const Document& document) {
    for (const Block& block : document.blocks) {
        if (block.kind != BlockKind::Heading) {
            continue;
        }
        std::string_view text =
            std::string_view(document.text).substr(block.range.begin, block.range.size());
        text = text.substr(0, text.find('\n'));
        const std::size_t begin = text.find_first_not_of("# \t");
        return begin == std::string_view::npos
                   ? std::string()
                   : std::string(text.substr(begin, text.find_last_not_of("# \t") + 1 - begin));
    }
    return {};
}

/// Metadata in YAML between two lines of dashes at the beginning, which the parser would take for a
/// heading.
struct FrontMatter {
    std::size_t bytes = 0, lines = 0;
    std::string title;
};

FrontMatter frontMatterOf(const Document& document) {
    constexpr std::uint64_t kMostLines = 200;
    const auto lineText = [&](std::uint64_t line) {
        const TextRange range = lineRange(document, line);
        return std::string_view(document.text).substr(range.begin, range.size());
    };
    FrontMatter result;
    if (lineText(1) != "---") {
        return result;
    }
    for (std::uint64_t line = 2;
         line <= std::min<std::uint64_t>(document.lineStarts.size(), kMostLines); ++line) {
        std::string_view text = lineText(line);
        if (text == "---" || text == "...") {
            result.lines = line;
            result.bytes = lineRange(document, line).end;
            return result;
        }
        if (text.starts_with("title:")) {
            text.remove_prefix(6);
            const std::size_t begin = text.find_first_not_of(" \t\"'");
            const std::size_t end = text.find_last_not_of(" \t\"'");
            result.title =
                begin == std::string_view::npos ? "" : text.substr(begin, end + 1 - begin);
        }
    }
    return {}; // never closed: it was a rule
}

} // namespace

Document readMarkdown(const SourceFile& file, const Job& job) {
    Document document = decodeFile(file, job);
    document.format = Format::Markdown;
    document.language = "markdown";
    cmark_gfm_core_extensions_ensure_registered();
    const std::unique_ptr<cmark_parser, Free> parser(
        cmark_parser_new(CMARK_OPT_FOOTNOTES | CMARK_OPT_UNSAFE));
    if (cmark_syntax_extension* table = cmark_find_syntax_extension("table")) {
        cmark_parser_attach_syntax_extension(parser.get(), table);
    }
    const FrontMatter front = frontMatterOf(document);
    // Empty lines in its place keep the line numbers.
    const std::string lines(front.lines, '\n');
    cmark_parser_feed(parser.get(), lines.data(), lines.size());
    constexpr std::size_t step = 4 << 20;
    for (std::size_t at = std::min(front.bytes + (front.lines > 0 ? 1 : 0), document.text.size());
         at < document.text.size(); at += step) {
        job.step(at, document.text.size());
        cmark_parser_feed(parser.get(), document.text.data() + at,
                          std::min(step, document.text.size() - at));
    }
    const std::unique_ptr<cmark_node, Free> root(cmark_parser_finish(parser.get()));
    const std::unique_ptr<cmark_iter, Free> iterator(cmark_iter_new(root.get()));
    LineBlocks blocks(document);
    for (cmark_event_type event = cmark_iter_next(iterator.get()); event != CMARK_EVENT_DONE;
         event = cmark_iter_next(iterator.get())) {
        cmark_node* node = cmark_iter_get_node(iterator.get());
        const auto type = cmark_node_get_type(node);
        const std::string_view name = cmark_node_get_type_string(node);
        const bool leaf = type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING ||
                          type == CMARK_NODE_CODE_BLOCK || type == CMARK_NODE_HTML_BLOCK ||
                          type == CMARK_NODE_THEMATIC_BREAK || name == "table_row" ||
                          name == "table_header";
        if (event == CMARK_EVENT_ENTER && leaf) {
            const BlockKind kind = kindOf(node);
            blocks.add(cmark_node_get_start_line(node), cmark_node_get_end_line(node), kind,
                       levelOf(node, kind));
        }
    }
    blocks.finish();
    const std::string heading = front.title.empty() ? headingText(document) : front.title;
    document.title = heading.empty() ? file.name : heading;
    job.step(document.text.size(), document.text.size());
    return document;
}

} // namespace dossier::ingest::readers
