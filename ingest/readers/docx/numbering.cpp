// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/docx/numbering.h"

#include <algorithm>

#include <pugixml.hpp>

namespace dossier::ingest::readers {
namespace {

std::string roman(std::uint32_t number) {
    struct Digit {
        std::uint32_t value;
        const char* text;
    };
    constexpr std::array<Digit, 13> digits{{{1000, "m"},
                                            {900, "cm"},
                                            {500, "d"},
                                            {400, "cd"},
                                            {100, "c"},
                                            {90, "xc"},
                                            {50, "l"},
                                            {40, "xl"},
                                            {10, "x"},
                                            {9, "ix"},
                                            {5, "v"},
                                            {4, "iv"},
                                            {1, "i"}}};
    std::string text;
    for (const Digit& digit : digits) {
        for (; number >= digit.value && text.size() < 32; number -= digit.value) {
            text += digit.text;
        }
    }
    return text;
}

/// a ... z, aa, bb, ... as Word counts.
std::string letters(std::uint32_t number) {
    if (number == 0) {
        return {};
    }
    const std::size_t repeat = std::min<std::size_t>((number - 1) / 26 + 1, 16);
    return std::string(repeat, static_cast<char>('a' + (number - 1) % 26));
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return text;
}

} // namespace

bool isOn(const pugi::xml_node& toggle) {
    const std::string_view value = toggle.attribute("w:val").as_string("true");
    return toggle && value != "0" && value != "false" && value != "off";
}

std::string formatNumber(std::uint32_t number, std::string_view format) {
    if (format == "lowerLetter") {
        return letters(number);
    }
    if (format == "upperLetter") {
        return upper(letters(number));
    }
    if (format == "lowerRoman") {
        return roman(number);
    }
    if (format == "upperRoman") {
        return upper(roman(number));
    }
    if (format == "decimalZero" && number < 10) {
        return {'0', static_cast<char>('0' + number)};
    }
    if (format == "none") {
        return {};
    }
    return std::to_string(number);
}

void Numbering::readLevel(const pugi::xml_node& node, Levels& levels) {
    const std::size_t index = node.attribute("w:ilvl").as_uint();
    if (index >= kNumberingLevels) {
        return;
    }
    Level& level = levels[index];
    level.start = node.child("w:start").attribute("w:val").as_uint(1);
    level.format = node.child("w:numFmt").attribute("w:val").as_string("decimal");
    level.text = node.child("w:lvlText").attribute("w:val").as_string();
    level.style = node.child("w:pStyle").attribute("w:val").as_string();
    level.legal = isOn(node.child("w:isLgl"));
    level.restarts =
        node.child("w:lvlRestart").attribute("w:val").as_string("1") != std::string_view("0");
}

Numbering::Numbering(const pugi::xml_node& root) {
    std::map<std::string, Levels> abstracts;
    for (const pugi::xml_node node : root.children("w:abstractNum")) {
        Levels& levels = abstracts[node.attribute("w:abstractNumId").as_string()];
        for (const pugi::xml_node level : node.children("w:lvl")) {
            readLevel(level, levels);
        }
    }
    for (const pugi::xml_node node : root.children("w:num")) {
        const std::string id = node.attribute("w:numId").as_string();
        List& list = m_lists[id];
        list.abstract = node.child("w:abstractNumId").attribute("w:val").as_string();
        list.levels = abstracts[list.abstract];
        for (const pugi::xml_node change : node.children("w:lvlOverride")) {
            const std::size_t index = change.attribute("w:ilvl").as_uint();
            if (const auto level = change.child("w:lvl")) {
                readLevel(level, list.levels);
            }
            if (const auto start = change.child("w:startOverride");
                start && index < kNumberingLevels) {
                list.levels[index].start = start.attribute("w:val").as_uint(1);
                list.abstract.assign("override ").append(id); // counts for itself
            }
        }
    }
}

std::optional<std::size_t> Numbering::levelOfStyle(const std::string& id,
                                                   const std::string& style) const {
    const auto found = m_lists.find(id);
    if (found == m_lists.end() || style.empty()) {
        return std::nullopt;
    }
    const Levels& levels = found->second.levels;
    const auto level = std::find_if(levels.begin(), levels.end(),
                                    [&](const Level& l) { return l.style == style; });
    return level == levels.end() ? std::nullopt
                                 : std::optional(static_cast<std::size_t>(level - levels.begin()));
}

std::string Numbering::next(const std::string& id, std::size_t index) {
    const auto found = m_lists.find(id);
    if (found == m_lists.end() || index >= kNumberingLevels) {
        return {};
    }
    const Levels& levels = found->second.levels;
    Counters& counters = m_counters[found->second.abstract];
    for (std::size_t i = 0; i <= index; ++i) {
        if (!counters.running[i]) {
            counters.values[i] = levels[i].start;
            counters.running[i] = true;
        } else if (i == index) {
            ++counters.values[i];
        }
    }
    for (std::size_t i = index + 1; i < kNumberingLevels; ++i) {
        counters.running[i] = counters.running[i] && !levels[i].restarts;
    }
    const Level& level = levels[index];
    if (level.format == "bullet") {
        return "•";
    }
    std::string label;
    for (std::size_t i = 0; i < level.text.size(); ++i) {
        const bool reference = level.text[i] == '%' && i + 1 < level.text.size() &&
                               level.text[i + 1] >= '1' && level.text[i + 1] <= '9';
        if (!reference) {
            label += level.text[i];
            continue;
        }
        const auto which = static_cast<std::size_t>(level.text[++i] - '1');
        label += formatNumber(counters.values[which],
                              level.legal && levels[which].format != "decimalZero"
                                  ? std::string_view("decimal")
                                  : std::string_view(levels[which].format));
    }
    return label;
}

} // namespace dossier::ingest::readers
