// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/html/nesting.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace dossier::ingest::readers {
namespace {

using Names = std::vector<std::string>;

template<std::size_t N>
bool isOneOf(std::string_view tag, const std::array<std::string_view, N>& list) {
    return std::find(list.begin(), list.end(), tag) != list.end();
}

/// Elements that end by themselves or need no end: they do not make the tree deeper by being
/// repeated.
constexpr std::array<std::string_view, 30> kEndThemselves{
    "area",  "base",   "br",    "col",  "embed", "hr",       "img",      "input",  "link", "meta",
    "param", "source", "track", "wbr",  "p",     "li",       "dt",       "dd",     "tr",   "thead",
    "tbody", "tfoot",  "html",  "head", "body",  "optgroup", "colgroup", "option", "rt",   "rp"};
/// Their content is no markup.
constexpr std::array<std::string_view, 8> kRaw{"script", "style",   "textarea", "title",
                                               "iframe", "noembed", "noframes", "xmp"};
/// A parser opens them again behind the block in which they were left open.
constexpr std::array<std::string_view, 13> kFormatting{
    "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"};
/// No end tag of an outer element reaches through them.
constexpr std::array<std::string_view, 9> kWalls{
    "table", "td", "th", "caption", "object", "applet", "marquee", "template", "button"};
/// They end a drawing in which they stand.
constexpr std::array<std::string_view, 5> kLeaveDrawings{"div", "span", "ul", "ol", "table"};

struct Tag {
    std::string name; ///< lower case; empty: no tag
    bool closing = false, selfClosing = false;
    std::size_t end = 0; ///< behind it
};

/// The tag whose '<' is at `at`; quoted values may hold '>'.
Tag tagAt(std::string_view html, std::size_t at) {
    Tag tag;
    ++at;
    tag.closing = at < html.size() && html[at] == '/';
    at += tag.closing ? 1 : 0;
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    if (at < html.size() && lower(html[at]) >= 'a' && lower(html[at]) <= 'z') {
        while (at < html.size() &&
               std::string_view(" \t\n\r\f/>").find(html[at]) == std::string_view::npos) {
            tag.name += lower(html[at++]);
        }
    }
    char quote = 0;
    for (; !tag.name.empty() && at < html.size() && (quote != 0 || html[at] != '>'); ++at) {
        const char c = html[at];
        if (quote != 0) {
            quote = c == quote ? char{0} : quote;
        } else if ((c == '"' || c == '\'') && html[at - 1] == '=') {
            quote = c;
        }
        tag.selfClosing = quote == 0 && c == '/';
    }
    tag.end = std::min(at, html.size());
    return tag;
}

/// Behind the end tag of an element whose content is no markup.
std::size_t behindRaw(std::string_view html, std::size_t at, const std::string& name) {
    for (at = html.find("</", at); at != std::string_view::npos; at = html.find("</", at + 2)) {
        if (const Tag tag = tagAt(html, at); tag.name == name) {
            return tag.end;
        }
    }
    return html.size();
}

/// A cell ends with the next one of its table, and with it all that was left open in it.
void closeCell(Names& open) {
    for (std::size_t i = open.size(); i-- > 0 && open[i] != "table";) {
        if (open[i] == "td" || open[i] == "th") {
            open.resize(i);
            return;
        }
    }
}

void close(Names& open, const std::string& name) {
    if (name == "td" || name == "th" || name == "tr" || name == "tbody") {
        return closeCell(open);
    }
    if (name == "table") {
        closeCell(open);
    }
    std::size_t i = open.size();
    while (i > 0 && open[i - 1] != name) {
        if (isOneOf(open[--i], kWalls)) {
            return;
        }
    }
    if (i == 0) {
        return;
    }
    // What stands open inside goes with it, but for formatting.
    Names rest(open.begin() + static_cast<std::ptrdiff_t>(i), open.end());
    open.resize(i - 1);
    const bool block = !isOneOf(name, kFormatting) && name != "a" && name != "span";
    for (std::string& inner : rest) {
        if (!block || isOneOf(inner, kFormatting)) {
            open.push_back(std::move(inner));
        }
    }
}

} // namespace

std::size_t nestingOf(std::string_view html, std::size_t limit) {
    Names open;
    std::size_t deepest = 0;
    for (std::size_t at = html.find('<'); at != std::string_view::npos && deepest <= limit;
         at = html.find('<', at)) {
        if (html.substr(at).starts_with("<!--")) {
            const std::size_t end = html.find("-->", at + 2); // "<!-->" is a whole comment
            at = end == std::string_view::npos ? html.size() : end + 3;
            continue;
        }
        const Tag tag = tagAt(html, at);
        at = std::max(tag.end, at + 1);
        if (tag.name.empty()) {
            continue;
        }
        if (tag.closing) {
            close(open, tag.name);
            continue;
        }
        const bool drawing = std::find(open.begin(), open.end(), "svg") != open.end() ||
                             std::find(open.begin(), open.end(), "math") != open.end();
        if (!drawing && isOneOf(tag.name, kRaw)) {
            at = behindRaw(html, at, tag.name);
            continue;
        }
        const bool empty = drawing && tag.selfClosing && !isOneOf(tag.name, kLeaveDrawings) &&
                           !isOneOf(tag.name, kFormatting);
        if (tag.name == "td" || tag.name == "th" || tag.name == "tr") {
            closeCell(open);
        } else if (tag.name == "a") {
            close(open, tag.name); // links do not nest
        }
        if (!empty && !isOneOf(tag.name, kEndThemselves)) {
            open.push_back(tag.name);
            deepest = std::max(deepest, open.size());
        }
    }
    return deepest;
}

} // namespace dossier::ingest::readers
