// SPDX-License-Identifier: GPL-3.0-or-later
// Automatic numbering of Word documents: the "4.2(a)" that is printed but stands nowhere in the
// text.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pugi {
class xml_node;
}

namespace dossier::ingest::readers {

inline constexpr std::size_t kNumberingLevels = 9;

/// A property of Word's that is there or not: <w:vanish/>, <w:vanish w:val="false"/>.
bool isOn(const pugi::xml_node& toggle);

/// A number in one of Word's formats: "decimal", "lowerLetter", "upperRoman", ... An unknown format
/// counts in decimals.
std::string formatNumber(std::uint32_t number, std::string_view format);

class Numbering {
  public:
    /// `root`: the w:numbering element; may be empty.
    explicit Numbering(const pugi::xml_node& root);

    /// Counts one paragraph of list `list` at `level` and returns its label ("4.2", "(a)", "•");
    /// empty for lists that print none.
    std::string next(const std::string& list, std::size_t level);

    /// The level of the list that belongs to a paragraph style; nullopt if none does.
    std::optional<std::size_t> levelOfStyle(const std::string& list,
                                            const std::string& style) const;

  private:
    struct Level {
        std::uint32_t start = 1;
        std::string format = "decimal", text;
        std::string style;    ///< whose paragraphs are of this level without saying so
        bool restarts = true; ///< when a higher level counts on
        bool legal = false;   ///< all numbers of its label are decimal: "1.1" below "Article I"
    };
    using Levels = std::array<Level, kNumberingLevels>;
    struct List {
        std::string abstract; ///< lists of one kind count together
        Levels levels;
    };
    struct Counters {
        std::array<std::uint32_t, kNumberingLevels> values{};
        std::array<bool, kNumberingLevels> running{};
    };
    static void readLevel(const pugi::xml_node& node, Levels& levels);

    std::map<std::string, List> m_lists;
    std::map<std::string, Counters> m_counters; ///< by abstract list
};

} // namespace dossier::ingest::readers
