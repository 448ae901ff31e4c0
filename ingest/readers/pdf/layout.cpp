// SPDX-License-Identifier: GPL-3.0-or-later
// Words -> segments (pieces of a line without wide gaps) -> columns, strips and cells -> lines.
//
// Columns are found by their left edge: a vertical line that no segment of a run crosses, with
// enough well-filled text on both sides. What is no column is cut into strips at wide horizontal
// gaps, and a strip is read cell by cell if its cells hold wrapped text, else row by row.
#include "ingest/readers/pdf/layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "ingest/readers/headings.h"
#include "ingest/readers/pdf/bidi.h"

namespace dossier::ingest::readers {
namespace {

// All in heights of the text.
constexpr float kSegmentGap = 2.5F;  ///< a wider gap within a line separates segments
constexpr float kCellGap = 0.8F;     ///< narrowest gap between cells
constexpr float kWideText = 8.0F;    ///< text at least this wide may be wrapped prose
constexpr float kColumnWidth = 6.0F; ///< narrowest column of prose
constexpr float kColumnFill = 0.55F; ///< share of a column's area that prose covers
constexpr int kMaxCuts = 24;
constexpr std::size_t kMostColumns = 6; ///< of a table with wrapped text; more are words set wide
constexpr std::size_t kColumnLines = 3;

struct Segment {
    std::vector<std::uint32_t> words;
    float u0 = 0, u1 = 0, v0 = 0, v1 = 0, height = 0;
    float width() const { return u1 - u0; }
    float middle() const { return (v0 + v1) / 2; }
};

using Region = std::vector<Segment>;

struct Span {
    float low, high;
};

struct Split {
    float u = 0;               ///< left edge of the right column
    float top = 0, bottom = 0; ///< the run of lines that it divides
};

float median(std::vector<float> values) {
    if (values.empty()) {
        return 0;
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

template<typename Get>
float medianOf(const Region& region, Get get) {
    std::vector<float> values;
    values.reserve(region.size());
    for (const Segment& segment : region) {
        values.push_back(get(segment));
    }
    return median(std::move(values));
}

/// Union of intervals, joined where the gap is at most `gap`.
std::vector<Span> merged(std::vector<Span> spans, float gap) {
    std::sort(spans.begin(), spans.end(), [](Span a, Span b) { return a.low < b.low; });
    std::vector<Span> result;
    for (const Span span : spans) {
        if (!result.empty() && span.low <= result.back().high + gap) {
            result.back().high = std::max(result.back().high, span.high);
        } else {
            result.push_back(span);
        }
    }
    return result;
}

template<typename Get>
std::vector<Span> mergedSpans(const Region& region, Get get, float gap) {
    std::vector<Span> spans;
    spans.reserve(region.size());
    for (const Segment& segment : region) {
        spans.push_back(get(segment));
    }
    return merged(std::move(spans), gap);
}

Span acrossOf(const Segment& s) {
    return {s.v0, s.v1};
}
Span alongOf(const Segment& s) {
    return {s.u0, s.u1};
}

/// Segments that stand side by side, ordered along the line.
std::vector<Region> rowsOf(Region region) {
    std::sort(region.begin(), region.end(), [](const Segment& a, const Segment& b) {
        return a.middle() != b.middle() ? a.middle() < b.middle() : a.u0 < b.u0;
    });
    std::vector<Region> rows;
    Span row{};
    for (Segment& segment : region) {
        const float overlap = std::min(row.high, segment.v1) - std::max(row.low, segment.v0);
        const float smaller = std::min(row.high - row.low, segment.v1 - segment.v0);
        if (rows.empty() || overlap < 0.5F * smaller) {
            rows.emplace_back();
            row = {segment.v0, segment.v1};
        } else if (segment.v1 - segment.v0 > row.high - row.low) {
            row = {segment.v0, segment.v1}; // the tallest piece says where the line is
        }
        rows.back().push_back(std::move(segment));
    }
    for (Region& line : rows) {
        std::stable_sort(line.begin(), line.end(),
                         [](const Segment& a, const Segment& b) { return a.u0 < b.u0; });
    }
    return rows;
}

/// How much of the column [left, right] x (lines there) the text covers, 0..1.
float fillOf(const Region& region, float left, float right) {
    float area = 0, length = 0;
    for (const Segment& segment : region) {
        area += segment.width() * (segment.v1 - segment.v0);
    }
    for (const Span span : mergedSpans(region, acrossOf, 0)) {
        length += span.high - span.low;
    }
    return length > 0 && right > left ? area / (length * (right - left)) : 0;
}

/// Median white space between consecutive lines of a region of one column.
float lineGap(const Region& region) {
    const auto spans = mergedSpans(region, acrossOf, 0);
    std::vector<float> gaps;
    for (std::size_t i = 1; i < spans.size(); ++i) {
        gaps.push_back(spans[i].low - spans[i - 1].high);
    }
    return median(std::move(gaps));
}

/// Rows of a table end at different heights in its columns; columns of prose that happen to have a
/// gap at the same height do not.
bool looksLikeTable(const Region& left, const Region& right, float height) {
    Region both = left;
    both.insert(both.end(), right.begin(), right.end());
    const float gap = lineGap(left);
    const auto strips = mergedSpans(both, acrossOf, std::max(1.5F * gap, gap + 0.3F * height));
    if (strips.size() < 3) {
        return false;
    }
    const auto bottomIn = [](const Region& side, Span strip) {
        float bottom = strip.low;
        for (const Segment& s : side) {
            if (s.middle() >= strip.low && s.middle() <= strip.high) {
                bottom = std::max(bottom, s.v1);
            }
        }
        return bottom;
    };
    const auto ragged = std::count_if(strips.begin(), strips.end(), [&](Span strip) {
        return std::abs(bottomIn(left, strip) - bottomIn(right, strip)) > 0.8F * height;
    });
    return static_cast<std::size_t>(ragged) * 2 >= strips.size();
}

bool isProse(const Region& side, float left, float right, float height) {
    return side.size() >= kColumnLines && fillOf(side, left, right) >= kColumnFill &&
           medianOf(side, [](const Segment& s) { return s.width(); }) >= kColumnWidth * height;
}

class ColumnFinder {
  public:
    explicit ColumnFinder(const Region& region) : m_region(region) {
        std::sort(m_region.begin(), m_region.end(),
                  [](const Segment& a, const Segment& b) { return a.middle() < b.middle(); });
        m_height = medianOf(m_region, [](const Segment& s) { return s.height; });
    }

    std::optional<Split> best() {
        for (const float u : candidates()) {
            Region left, right;
            for (const Segment& segment : m_region) {
                const float slack = 0.3F * m_height;
                if (segment.u1 <= u + slack && segment.u0 < u - slack) {
                    left.push_back(segment);
                } else if (segment.u0 >= u - slack) {
                    right.push_back(segment);
                } else {
                    judge(u, left, right);
                    left.clear();
                    right.clear();
                }
            }
            judge(u, left, right);
        }
        return m_best;
    }

  private:
    /// Left edges that several segments share, but not that of the whole region.
    std::vector<float> candidates() const {
        std::vector<float> edges;
        for (const Segment& segment : m_region) {
            edges.push_back(segment.u0);
        }
        std::sort(edges.begin(), edges.end());
        std::vector<std::pair<std::size_t, float>> shared;
        for (std::size_t i = 0; i < edges.size();) {
            std::size_t next = i;
            while (next < edges.size() && edges[next] < edges[i] + 2) {
                ++next;
            }
            if (next - i >= kColumnLines && edges[i] > edges[0] + kColumnWidth * m_height) {
                shared.emplace_back(next - i, edges[i]);
            }
            i = next;
        }
        std::sort(shared.rbegin(), shared.rend());
        shared.resize(std::min<std::size_t>(shared.size(), 16));
        std::vector<float> result;
        for (const auto& candidate : shared) {
            result.push_back(candidate.second);
        }
        return result;
    }

    void judge(float u, const Region& left, const Region& right) {
        const std::size_t score = std::min(left.size(), right.size());
        if (score < kColumnLines || score <= m_bestScore) {
            return;
        }
        const auto extent = [](const Region& side) {
            Span span{side.front().v0, side.front().v1};
            for (const Segment& s : side) {
                span = {std::min(span.low, s.v0), std::max(span.high, s.v1)};
            }
            return span;
        };
        const Span a = extent(left), b = extent(right);
        const float overlap = std::min(a.high, b.high) - std::max(a.low, b.low);
        const auto minLeft = std::min_element(left.begin(), left.end(),
                                              [](auto& x, auto& y) { return x.u0 < y.u0; });
        const auto maxRight = std::max_element(right.begin(), right.end(),
                                               [](auto& x, auto& y) { return x.u1 < y.u1; });
        const auto maxLeft = std::max_element(left.begin(), left.end(),
                                              [](auto& x, auto& y) { return x.u1 < y.u1; });
        if (overlap < 0.5F * std::min(a.high - a.low, b.high - b.low) ||
            !isProse(left, minLeft->u0, maxLeft->u1, m_height) ||
            !isProse(right, u, maxRight->u1, m_height) || looksLikeTable(left, right, m_height)) {
            return;
        }
        m_bestScore = score;
        m_best = Split{u, std::min(a.low, b.low), std::max(a.high, b.high)};
    }

    Region m_region;
    float m_height = 0;
    std::size_t m_bestScore = 0;
    std::optional<Split> m_best;
};

/// The right edge of a column: the furthest that several lines reach. One longer line (a page
/// header) does not make all others look short.
float rightEdge(const Region& region, float height) {
    std::vector<float> ends;
    for (const Segment& segment : region) {
        ends.push_back(segment.u1);
    }
    std::sort(ends.rbegin(), ends.rend());
    const std::size_t needed =
        std::min(ends.size(), std::max<std::size_t>(ends.size() / 20, ends.size() >= 10 ? 2 : 1));
    for (const float end : ends) {
        const auto reaching = std::count_if(ends.begin(), ends.end(),
                                            [&](float e) { return e >= end - 0.5F * height; });
        if (static_cast<std::size_t>(reaching) >= needed) {
            return end;
        }
    }
    return ends.empty() ? 0 : ends.front();
}

class Layouter {
  public:
    Layouter(const RawPage& page, Direction direction) : m_page(&page), m_direction(direction) {}

    void addSegment(Segment segment) { m_segments.push_back(std::move(segment)); }
    std::size_t size() const { return m_segments.size(); }

    void run(std::vector<Line>& lines, std::uint32_t& nextRegion) {
        m_lines = &lines;
        m_nextRegion = &nextRegion;
        order(std::move(m_segments), 0);
    }

  private:
    struct Column {
        float left, right;
        std::uint32_t tableRow;
    };

    void order(Region region, int depth) {
        if (region.empty()) {
            return;
        }
        std::optional<Split> split;
        if (region.size() >= 2 * kColumnLines && depth < kMaxCuts) {
            split = ColumnFinder(region).best();
        }
        if (!split) {
            readStrips(std::move(region));
            return;
        }
        Region above, left, right, below;
        for (Segment& segment : region) {
            const float middle = segment.middle();
            Region& part = middle < split->top                             ? above
                           : middle > split->bottom                        ? below
                           : segment.u0 < split->u - 0.3F * segment.height ? left
                                                                           : right;
            part.push_back(std::move(segment));
        }
        for (Region* part : {&above, &left, &right, &below}) {
            order(std::move(*part), depth + 1);
        }
    }

    void readStrips(Region region) {
        const float height = medianOf(region, [](const Segment& s) { return s.height; });
        Column column{region.front().u0, rightEdge(region, height), 0};
        for (const Segment& segment : region) {
            column.left = std::min(column.left, segment.u0);
        }
        const float gap = std::clamp(lineGap(region), 0.0F, height);
        const std::uint32_t number = ++*m_nextRegion;
        const auto strips =
            mergedSpans(region, acrossOf, std::max(1.5F * gap, gap + 0.25F * height));
        std::vector<Region> parts(strips.size());
        for (Segment& segment : region) {
            const auto strip =
                std::upper_bound(strips.begin(), strips.end(), segment.middle(),
                                 [](float v, const Span& span) { return v < span.low; });
            parts[static_cast<std::size_t>(strip - strips.begin()) - 1].push_back(
                std::move(segment));
        }
        for (Region& part : parts) {
            if (const auto cells = wrappedCells(part, height)) {
                readCells(part, *cells);
            } else {
                readRows(std::move(part), column, number);
            }
        }
    }

    /// The columns of a strip whose cells hold text of several lines; nullopt if rows of single
    /// lines (or a single column) is what it is.
    std::optional<std::vector<Span>> wrappedCells(const Region& strip, float height) const {
        const auto columns = mergedSpans(strip, alongOf, kCellGap * height);
        if (columns.size() < 2 || columns.size() > kMostColumns) {
            return std::nullopt;
        }
        std::size_t prose = 0;
        bool wrapped = false;
        for (const Span column : columns) {
            Region cell;
            std::copy_if(
                strip.begin(), strip.end(), std::back_inserter(cell),
                [&](const Segment& s) { return s.u0 >= column.low && s.u1 <= column.high; });
            const auto rows = rowsOf(std::move(cell));
            const float width = column.high - column.low;
            const bool full = rows.size() >= 2 && width >= kWideText * height &&
                              std::all_of(rows.begin(), rows.end() - 1, [&](const Region& row) {
                                  return row.back().u1 - column.low >= 0.75F * width;
                              });
            wrapped = wrapped || full;
            prose += full && rows.size() >= 3 ? 1U : 0U;
        }
        const auto rows = rowsOf(strip);
        const auto lone = std::count_if(rows.begin(), rows.end(),
                                        [](const Region& row) { return row.size() == 1; });
        // Lines that stand alone beside an empty cell are what wrapping leaves; where most lines
        // have their like in the other columns, they are rows.
        const bool ragged = static_cast<std::size_t>(lone) * 5 >= rows.size() * 2;
        const bool cells = !startsWithMarker(strip, columns[0]) &&
                           ((wrapped && ragged) || (prose == 2 && columns.size() == 2));
        return cells ? std::optional(columns) : std::nullopt;
    }

    /// The first column holds the number of a clause or the bullet of a list item.
    bool startsWithMarker(const Region& strip, Span column) const {
        return std::all_of(strip.begin(), strip.end(), [&](const Segment& segment) {
            const std::string& text = m_page->words[segment.words.front()].text;
            return segment.u0 > column.high ||
                   (segment.words.size() == 1 && listMarker(text + " x") == text.size() + 1);
        });
    }

    void readCells(Region& strip, const std::vector<Span>& columns) {
        const std::uint32_t row = *m_nextRegion + 1;
        for (const Span column : columns) {
            Region cell;
            for (Segment& s : strip) {
                if (!s.words.empty() && s.u0 >= column.low && s.u1 <= column.high) {
                    cell.push_back(std::move(s));
                    s.words.clear();
                }
            }
            readRows(std::move(cell), {column.low, column.high, row}, ++*m_nextRegion);
        }
    }

    void readRows(Region region, Column column, std::uint32_t number) {
        for (Region& row : rowsOf(std::move(region))) {
            Line line;
            line.u0 = row.front().u0;
            line.v0 = row.front().v0;
            line.v1 = row.front().v1;
            line.columnLeft = column.left;
            line.columnRight = column.right;
            line.region = number;
            line.tableRow = column.tableRow;
            line.direction = m_direction;
            std::size_t most = 0;
            for (const Segment& segment : row) {
                const float height = std::max(segment.height, line.height);
                const bool cell =
                    !line.words.empty() && segment.u0 - line.u1 > kSegmentGap * height;
                for (std::size_t i = 0; i < segment.words.size(); ++i) {
                    line.words.push_back(segment.words[i]);
                    line.cellBefore.push_back(cell && i == 0);
                }
                line.u1 = std::max(line.u1, segment.u1);
                line.v0 = std::min(line.v0, segment.v0);
                line.v1 = std::max(line.v1, segment.v1);
                if (segment.words.size() > most) {
                    most = segment.words.size();
                    line.height = segment.height;
                }
            }
            orderAsRead(*m_page, line.words, line.cellBefore);
            m_lines->push_back(std::move(line));
        }
    }

    const RawPage* m_page;
    Direction m_direction;
    Region m_segments;
    std::vector<Line>* m_lines = nullptr;
    std::uint32_t* m_nextRegion = nullptr;
};

/// The box of a word along its direction.
Segment placed(const RawPage& page, const RawWord& w) {
    Segment s;
    switch (w.direction) {
    case Direction::Right:
        s.u0 = w.left, s.u1 = w.right, s.v0 = w.top, s.v1 = w.bottom;
        break;
    case Direction::Left: // right-to-left script: lines still go down the page
        s.u0 = page.width - w.right, s.u1 = page.width - w.left, s.v0 = w.top, s.v1 = w.bottom;
        break;
    case Direction::Down:
        s.u0 = w.top, s.u1 = w.bottom, s.v0 = page.width - w.right, s.v1 = page.width - w.left;
        break;
    case Direction::Up:
        s.u0 = page.height - w.bottom, s.u1 = page.height - w.top, s.v0 = w.left, s.v1 = w.right;
        break;
    }
    s.height = s.v1 - s.v0;
    return s;
}

} // namespace

std::vector<Line> layOut(const RawPage& page) {
    std::array<Layouter, 4> groups{Layouter(page, Direction::Right),
                                   Layouter(page, Direction::Down), Layouter(page, Direction::Left),
                                   Layouter(page, Direction::Up)};
    Segment open;
    const auto close = [&](Direction direction) {
        if (!open.words.empty()) {
            groups.at(static_cast<std::size_t>(direction)).addSegment(std::move(open));
        }
        open = Segment();
    };
    for (std::uint32_t i = 0; i < page.words.size(); ++i) {
        const RawWord& word = page.words[i];
        Segment s = placed(page, word);
        const bool sameLine = i > 0 && page.words[i - 1].line == word.line &&
                              page.words[i - 1].direction == word.direction;
        const float gap = s.u0 - open.u1;
        if (!open.words.empty() &&
            (!sameLine || gap > kSegmentGap * open.height || gap < -open.height)) {
            close(page.words[i - 1].direction);
        }
        if (open.words.empty()) {
            open = std::move(s);
        } else {
            open.u1 = std::max(open.u1, s.u1);
            open.v0 = std::min(open.v0, s.v0);
            open.v1 = std::max(open.v1, s.v1);
            open.height = std::max(open.height, s.height);
        }
        open.words.push_back(i);
    }
    if (!page.words.empty()) {
        close(page.words.back().direction);
    }
    // The direction that most of the page is written in comes first; notes along the margin last.
    std::stable_sort(groups.begin(), groups.end(),
                     [](const Layouter& a, const Layouter& b) { return a.size() > b.size(); });
    std::vector<Line> lines;
    std::uint32_t nextRegion = 0;
    for (Layouter& group : groups) {
        group.run(lines, nextRegion);
    }
    return lines;
}

} // namespace dossier::ingest::readers
