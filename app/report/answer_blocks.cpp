// SPDX-License-Identifier: GPL-3.0-or-later
// Markdown through cmark-gfm, quotations through placeholders, statements through sentences.
#include "app/report/answer_blocks.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "app/report/words.h"
#include "ingest/document/utf8.h"

namespace dossier::app::report {
namespace {

namespace utf8 = ingest::utf8;

/// Placeholders are private characters of plane 15, which printable() removes from all other text.
constexpr char32_t kFirstPlaceholder = 0xF0000;
constexpr std::size_t kMostPlaceholders = 0xFF00;
constexpr std::size_t kMostNesting = 12; ///< deeper lists are drawn at this depth

struct Placeholder {
    std::string text; ///< with its marks, as the answer has it
    std::uint32_t citation = 0;
};

/// "[7] " before a quotation names the passage for the check; a reader has the place instead.
void dropLabel(std::string& text) {
    std::size_t end = text.size();
    while (end > 0 && text[end - 1] == ' ')
        --end;
    if (end < 3 || text[end - 1] != ']')
        return;
    std::size_t begin = end - 1;
    while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9')
        --begin;
    if (begin == end - 1 || begin == 0 || text[begin - 1] != '[')
        return;
    text.resize(begin - 1);
}

struct Prepared {
    std::string markdown;
    std::vector<Placeholder> placeholders;
    std::vector<std::uint32_t> unplaced;
};

Prepared prepare(std::string_view markdown, const std::vector<Citation>& citations) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < citations.size(); ++i)
        order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return citations[a].inAnswer.begin < citations[b].inAnswer.begin;
    });
    Prepared result;
    std::vector<std::size_t> unplaced;
    std::size_t at = 0;
    for (const std::size_t i : order) {
        const ingest::TextRange range = citations[i].inAnswer;
        const bool usable = !range.empty() && range.end <= markdown.size() && range.begin >= at &&
                            utf8::isBoundary(markdown, range.begin) &&
                            utf8::isBoundary(markdown, range.end) &&
                            result.placeholders.size() < kMostPlaceholders;
        if (!usable) {
            unplaced.push_back(i);
            continue;
        }
        result.markdown += printable(markdown.substr(at, range.begin - at));
        dropLabel(result.markdown);
        utf8::append(result.markdown,
                     kFirstPlaceholder + static_cast<char32_t>(result.placeholders.size()));
        result.placeholders.push_back({oneLine(markdown.substr(range.begin, range.size())),
                                       static_cast<std::uint32_t>(i + 1)});
        at = range.end;
    }
    result.markdown += printable(markdown.substr(at));
    std::sort(unplaced.begin(), unplaced.end());
    for (const std::size_t i : unplaced)
        result.unplaced.push_back(static_cast<std::uint32_t>(i + 1));
    return result;
}

struct Style {
    bool bold = false, italic = false, code = false;
};

void append(Spans& spans, const std::string& text, Style style) {
    if (text.empty())
        return;
    if (!spans.empty() && spans.back().citations.empty() && spans.back().bold == style.bold &&
        spans.back().italic == style.italic && spans.back().code == style.code) {
        spans.back().text += text;
        return;
    }
    spans.push_back({text, style.bold, style.italic, style.code, {}});
}

class Walker {
  public:
    explicit Walker(const std::vector<Placeholder>& placeholders) : m_placeholders(placeholders) {}

    std::vector<Block> run(cmark_node* root) {
        children(root, 0);
        return std::move(m_blocks);
    }

  private:
    /// Text of the parser with the quotations put back.
    void addText(Spans& spans, const char* text, Style style) const {
        if (text == nullptr)
            return;
        const std::string_view view(text);
        std::string plain;
        for (std::size_t at = 0; at < view.size();) {
            const auto character = utf8::decode(view, at);
            const std::size_t index = character.value - kFirstPlaceholder;
            if (character.value >= kFirstPlaceholder && index < m_placeholders.size()) {
                append(spans, plain, style);
                plain.clear();
                const Placeholder& quoted = m_placeholders[index];
                spans.push_back({quoted.text, style.bold, style.italic, false, {quoted.citation}});
            } else {
                plain += view.substr(at, character.length);
            }
            at += character.length;
        }
        append(spans, plain, style);
    }

    void inlines(cmark_node* parent, Spans& spans, Style style, int depth = 0) const {
        if (depth > 64)
            return; // the parser nests no deeper in sensible text
        for (cmark_node* node = cmark_node_first_child(parent); node != nullptr;
             node = cmark_node_next(node)) {
            const cmark_node_type type = cmark_node_get_type(node);
            Style inner = style;
            if (type == CMARK_NODE_TEXT || type == CMARK_NODE_HTML_INLINE) {
                addText(spans, cmark_node_get_literal(node), style);
            } else if (type == CMARK_NODE_CODE) {
                inner.code = true;
                addText(spans, cmark_node_get_literal(node), inner);
            } else if (type == CMARK_NODE_SOFTBREAK) {
                append(spans, " ", style);
            } else if (type == CMARK_NODE_LINEBREAK) {
                append(spans, "\n", style);
            } else {
                inner.bold = style.bold || type == CMARK_NODE_STRONG;
                inner.italic = style.italic || type == CMARK_NODE_EMPH;
                inlines(node, spans, inner, depth + 1);
            }
        }
    }

    void add(BlockKind kind, Spans spans, std::uint8_t level = 0) {
        Block block;
        block.kind = kind;
        block.level = level;
        block.spans = std::move(spans);
        block.marker = std::exchange(m_marker, {});
        if (!block.marker.empty() && kind == BlockKind::Paragraph) {
            block.kind = BlockKind::ListItem;
            block.level = m_nesting;
        }
        if (kind == BlockKind::Paragraph && block.marker.empty() && isOneQuotation(block.spans)) {
            block.kind = BlockKind::Quotation;
            block.citation = std::exchange(block.spans.front().citations, {}).front();
        }
        m_blocks.push_back(std::move(block));
    }

    static bool isOneQuotation(Spans& spans) {
        Spans kept;
        for (const Span& span : spans) {
            if (span.text.find_first_not_of(" \n") != std::string::npos)
                kept.push_back(span);
        }
        if (kept.size() != 1 || kept.front().citations.size() != 1)
            return false;
        spans = std::move(kept);
        return true;
    }

    void list(cmark_node* node, std::size_t nesting) {
        const bool ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
        int number = cmark_node_get_list_start(node);
        for (cmark_node* item = cmark_node_first_child(node); item != nullptr;
             item = cmark_node_next(item)) {
            m_nesting = static_cast<std::uint8_t>(std::min(nesting, kMostNesting));
            m_marker = ordered ? std::to_string(number++) + "." : "•";
            children(item, nesting + 1);
            m_marker.clear();
        }
    }

    void table(cmark_node* node) {
        Block block;
        block.kind = BlockKind::Table;
        for (cmark_node* row = cmark_node_first_child(node); row != nullptr;
             row = cmark_node_next(row)) {
            std::vector<Spans> cells;
            for (cmark_node* cell = cmark_node_first_child(row); cell != nullptr;
                 cell = cmark_node_next(cell)) {
                cells.emplace_back();
                inlines(cell, cells.back(), {});
            }
            block.rows.push_back(std::move(cells));
        }
        if (!block.rows.empty() && !block.rows.front().empty())
            m_blocks.push_back(std::move(block));
    }

    void children(cmark_node* parent, std::size_t nesting) {
        if (nesting > 256)
            return;
        for (cmark_node* node = cmark_node_first_child(parent); node != nullptr;
             node = cmark_node_next(node)) {
            const cmark_node_type type = cmark_node_get_type(node);
            Spans spans;
            if (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING) {
                inlines(node, spans, {});
                const bool heading = type == CMARK_NODE_HEADING;
                if (!spans.empty())
                    add(heading ? BlockKind::Heading : BlockKind::Paragraph, std::move(spans),
                        heading ? static_cast<std::uint8_t>(cmark_node_get_heading_level(node))
                                : 0);
            } else if (type == CMARK_NODE_CODE_BLOCK || type == CMARK_NODE_HTML_BLOCK) {
                addText(spans, cmark_node_get_literal(node), {});
                while (!spans.empty() && !spans.back().text.empty() &&
                       spans.back().text.back() == '\n')
                    spans.back().text.pop_back();
                if (!spans.empty())
                    add(type == CMARK_NODE_CODE_BLOCK ? BlockKind::Code : BlockKind::Paragraph,
                        std::move(spans));
            } else if (type == CMARK_NODE_LIST) {
                list(node, nesting);
            } else if (std::string_view(cmark_node_get_type_string(node)) == "table") {
                table(node);
            } else {
                children(node, nesting + 1); // block quotes and what else holds blocks
            }
        }
    }

    const std::vector<Placeholder>& m_placeholders;
    std::vector<Block> m_blocks;
    std::string m_marker;
    std::uint8_t m_nesting = 0;
};

bool startsSentence(std::string_view text, std::size_t at) {
    if (at >= text.size())
        return true;
    const char c = text[at];
    return !(c >= 'a' && c <= 'z') && c != ',' && c != ';';
}

/// Byte offsets at which sentences of a paragraph end; a quotation is never cut.
std::vector<std::size_t> sentenceEnds(const Spans& spans) {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> quoted;
    for (const Span& span : spans) {
        if (!span.citations.empty())
            quoted.emplace_back(text.size(), text.size() + span.text.size());
        text += span.text;
    }
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] != ' ' && text[i] != '\n')
            continue;
        std::size_t before = i; // over closing marks: ." ”) and the like
        while (before > 0 &&
               std::string_view("\"')]*").find(text[before - 1]) != std::string_view::npos)
            --before;
        if (before >= 3 && text.compare(before - 3, 3, "”") == 0)
            before -= 3;
        const bool stop =
            before > 0 && std::string_view(".!?:").find(text[before - 1]) != std::string_view::npos;
        const bool colon = before > 0 && text[before - 1] == ':';
        const bool inside = std::any_of(quoted.begin(), quoted.end(), [&](const auto& range) {
            return i >= range.first && i < range.second;
        });
        if (stop && !colon && !inside && startsSentence(text, i + 1))
            ends.push_back(i + 1);
    }
    ends.push_back(text.size());
    return ends;
}

/// Keeps the sentences all of whose citations are kept.
std::uint32_t filterSentences(Spans& spans, const std::function<bool(std::uint32_t)>& keep) {
    const bool any = std::any_of(spans.begin(), spans.end(), [&](const Span& span) {
        return !std::all_of(span.citations.begin(), span.citations.end(), keep);
    });
    if (!any)
        return 0;
    Spans result;
    std::uint32_t dropped = 0;
    std::size_t span = 0, offset = 0, position = 0;
    for (const std::size_t end : sentenceEnds(spans)) {
        Spans sentence;
        bool good = true;
        while (position < end && span < spans.size()) {
            const std::size_t take = std::min(spans[span].text.size() - offset, end - position);
            Span piece = spans[span];
            piece.text = spans[span].text.substr(offset, take);
            position += take;
            offset += take;
            if (offset < spans[span].text.size()) {
                piece.citations.clear(); // they stand behind the last piece
            } else {
                offset = 0;
                ++span;
            }
            good = good && std::all_of(piece.citations.begin(), piece.citations.end(), keep);
            sentence.push_back(std::move(piece));
        }
        if (good)
            result.insert(result.end(), sentence.begin(), sentence.end());
        else
            ++dropped;
    }
    spans = std::move(result);
    return dropped;
}

bool isBlank(const Spans& spans) {
    return std::all_of(spans.begin(), spans.end(), [](const Span& span) {
        return span.text.find_first_not_of(" \n") == std::string::npos;
    });
}

} // namespace

ParsedAnswer parseAnswer(std::string_view markdown, const std::vector<Citation>& citations) {
    static std::once_flag registered;
    std::call_once(registered, cmark_gfm_core_extensions_ensure_registered);
    const Prepared prepared = prepare(markdown, citations);
    const std::unique_ptr<cmark_parser, decltype(&cmark_parser_free)> parser(
        cmark_parser_new(CMARK_OPT_DEFAULT), cmark_parser_free);
    if (cmark_syntax_extension* tables = cmark_find_syntax_extension("table"))
        cmark_parser_attach_syntax_extension(parser.get(), tables);
    cmark_parser_feed(parser.get(), prepared.markdown.data(), prepared.markdown.size());
    const std::unique_ptr<cmark_node, decltype(&cmark_node_free)> root(
        cmark_parser_finish(parser.get()), cmark_node_free);
    return {Walker(prepared.placeholders).run(root.get()), prepared.unplaced};
}

std::uint32_t leaveOut(std::vector<Block>& blocks, const std::function<bool(std::uint32_t)>& keep) {
    std::uint32_t dropped = 0;
    std::vector<Block> kept;
    for (Block& block : blocks) {
        if (block.kind == BlockKind::Quotation && block.citation != 0 && !keep(block.citation)) {
            ++dropped;
            continue;
        }
        if (block.kind == BlockKind::Table) {
            std::vector<std::vector<Spans>> rows;
            for (std::vector<Spans>& row : block.rows) {
                std::uint32_t bad = 0;
                for (Spans& cell : row)
                    bad += filterSentences(cell, keep);
                dropped += bad > 0 ? 1 : 0;
                if (bad == 0)
                    rows.push_back(std::move(row));
            }
            block.rows = std::move(rows);
            if (block.rows.size() > 1)
                kept.push_back(std::move(block));
            continue;
        }
        const std::uint32_t bad = filterSentences(block.spans, keep);
        dropped += bad;
        if (bad == 0 || !isBlank(block.spans))
            kept.push_back(std::move(block));
    }
    blocks = std::move(kept);
    return dropped;
}

void renumber(std::vector<Block>& blocks,
              const std::function<std::uint32_t(std::uint32_t)>& number) {
    const auto spans = [&](Spans& list) {
        for (Span& span : list) {
            for (std::uint32_t& citation : span.citations)
                citation = number(citation);
        }
    };
    for (Block& block : blocks) {
        spans(block.spans);
        if (block.citation != 0)
            block.citation = number(block.citation);
        for (std::vector<Spans>& row : block.rows) {
            for (Spans& cell : row)
                spans(cell);
        }
    }
}

void movePunctuation(std::vector<Block>& blocks) {
    const auto move = [](Spans& spans) {
        for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
            std::string& next = spans[i + 1].text;
            const bool stop =
                !next.empty() && std::string_view(",.;:").find(next[0]) != std::string_view::npos;
            if (!spans[i].citations.empty() && stop) {
                spans[i].text += next[0];
                next.erase(0, 1);
            }
        }
    };
    for (Block& block : blocks) {
        move(block.spans);
        for (std::vector<Spans>& row : block.rows)
            std::for_each(row.begin(), row.end(), move);
    }
}

std::string plainText(const Spans& spans) {
    std::string text;
    for (const Span& span : spans)
        text += span.text;
    return text;
}

} // namespace dossier::app::report
