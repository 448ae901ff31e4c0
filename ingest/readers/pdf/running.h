// SPDX-License-Identifier: GPL-3.0-or-later
// Which lines at the edges of pages are printed on page after page: running headers and footers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dossier::ingest::readers {

/// "Page 3 of 12", "- 7 -", "iv", "A-2": a page number and nothing else.
bool isPageNumber(std::string_view text);

/// Text at the top or bottom of a page.
struct EdgeLine {
    std::string_view text;
    std::uint32_t page = 0;
    float middle = 0; ///< share of the page's height
};

/// Remembers lines and finds them again on other pages. Two lines are the same if their text is, or
/// if it is but for a number that counts up with the pages. "SCHEDULE 2" behind "SCHEDULE 1" and
/// sentences with amounts are none: taken for headers they would not be searched.
class EdgeLines {
  public:
    void add(const EdgeLine&);

    /// It stands on another page at the same height.
    bool recurs(const EdgeLine&) const;

    /// On how many pages it stands, itself included, counted up to `enough`. A number may count
    /// only in lines at the same height, and only if `counting`.
    std::size_t pagesWith(const EdgeLine&, bool counting, std::size_t enough) const;

  private:
    struct Place {
        std::uint32_t page;
        float middle;
    };
    using Places = std::vector<Place>;
    std::unordered_map<std::string, Places> m_places; ///< in ascending order of pages
};

} // namespace dossier::ingest::readers
