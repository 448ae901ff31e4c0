// SPDX-License-Identifier: Apache-2.0
#include "engine/base/memory_ledger.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>
#include <utility>

#include "engine/base/error.h"

namespace dossier {

namespace {
constexpr std::size_t kPlaces = 5;

constexpr std::size_t indexOf(MemoryPlace place) {
    return static_cast<std::size_t>(place);
}

/// Pinned memory is RAM: both draw on one limit.
constexpr MemoryPlace limitedPlace(MemoryPlace place) {
    return place == MemoryPlace::Pinned ? MemoryPlace::Ram : place;
}
} // namespace

std::string_view memoryPlaceName(MemoryPlace place) {
    constexpr std::array<std::string_view, kPlaces> kNames{"vram", "ram", "pinned", "mapped",
                                                           "disk"};
    return kNames[indexOf(place)];
}

std::string formatBytes(std::uint64_t bytes) {
    constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        return std::to_string(bytes) + " bytes";
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value < 10 ? "%.2f %s" : "%.1f %s", value,
                  kUnits[unit]);
    return text.data();
}

struct MemoryLedger::State {
    mutable std::mutex mutex;
    std::vector<Row> rows; ///< never shrinks: entries keep indices
    std::array<std::uint64_t, kPlaces> totals{};
    std::array<std::optional<std::uint64_t>, kPlaces> limits;

    std::uint64_t counted(MemoryPlace limited) const {
        std::uint64_t sum = totals[indexOf(limited)];
        return limited == MemoryPlace::Ram ? sum + totals[indexOf(MemoryPlace::Pinned)] : sum;
    }

    void grow(std::size_t row, std::uint64_t bytes) {
        Row& entry = rows[row];
        const MemoryPlace limited = limitedPlace(entry.place);
        const std::optional<std::uint64_t> limit = limits[indexOf(limited)];
        const std::uint64_t used = counted(limited);
        if (limit && (used > *limit || bytes > *limit - used)) {
            const std::uint64_t room = used > *limit ? 0 : *limit - used;
            const char* name = limited == MemoryPlace::Vram ? "GPU memory" : "memory";
            throw Error(ErrorCode::OutOfMemory,
                        "\"" + entry.owner + "\" needs " + formatBytes(bytes) + " of " + name +
                            ", but only " + formatBytes(room) + " of the " + formatBytes(*limit) +
                            " allowed are left: " + formatBytes(bytes - room) + " are missing",
                        "Allow more memory in the settings, choose a shorter context, or close "
                        "other documents");
        }
        entry.bytes += bytes;
        entry.peak = std::max(entry.peak, entry.bytes);
        totals[indexOf(entry.place)] += bytes;
    }

    void shrink(std::size_t row, std::uint64_t bytes) noexcept {
        rows[row].bytes -= bytes;
        totals[indexOf(rows[row].place)] -= bytes;
    }
};

MemoryLedger::MemoryLedger() : m_state(std::make_shared<State>()) {}

void MemoryLedger::setLimit(MemoryPlace place, std::optional<std::uint64_t> bytes) {
    const std::lock_guard lock(m_state->mutex);
    if (place == MemoryPlace::Vram || place == MemoryPlace::Ram) {
        m_state->limits[indexOf(place)] = bytes;
    }
}

LedgerEntry MemoryLedger::take(std::string_view owner, MemoryPlace place, std::uint64_t bytes) {
    const std::lock_guard lock(m_state->mutex);
    std::vector<Row>& rows = m_state->rows;
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
        return row.place == place && row.owner == owner;
    });
    const auto row = static_cast<std::size_t>(found - rows.begin());
    if (found == rows.end()) {
        rows.push_back({std::string(owner), place, 0, 0});
    }
    m_state->grow(row, bytes);
    LedgerEntry entry;
    entry.m_state = m_state;
    entry.m_row = row;
    entry.m_bytes = bytes;
    return entry;
}

std::vector<MemoryLedger::Row> MemoryLedger::snapshot() const {
    std::vector<Row> rows;
    {
        const std::lock_guard lock(m_state->mutex);
        rows = m_state->rows;
    }
    std::erase_if(rows, [](const Row& row) { return row.bytes == 0; });
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return std::pair(a.place, std::string_view(a.owner)) <
               std::pair(b.place, std::string_view(b.owner));
    });
    return rows;
}

std::uint64_t MemoryLedger::total(MemoryPlace place) const {
    const std::lock_guard lock(m_state->mutex);
    return m_state->totals[indexOf(place)];
}

std::optional<std::uint64_t> MemoryLedger::available(MemoryPlace place) const {
    const std::lock_guard lock(m_state->mutex);
    const MemoryPlace limited = limitedPlace(place);
    const std::optional<std::uint64_t> limit = m_state->limits[indexOf(limited)];
    if (!limit) {
        return std::nullopt;
    }
    const std::uint64_t used = m_state->counted(limited);
    return used >= *limit ? 0 : *limit - used;
}

LedgerEntry::LedgerEntry(LedgerEntry&& other) noexcept
    : m_state(std::move(other.m_state)),
      m_row(other.m_row),
      m_bytes(std::exchange(other.m_bytes, 0)) {}

LedgerEntry& LedgerEntry::operator=(LedgerEntry&& other) noexcept {
    if (this != &other) {
        release();
        m_state = std::move(other.m_state);
        m_row = other.m_row;
        m_bytes = std::exchange(other.m_bytes, 0);
    }
    return *this;
}

LedgerEntry::~LedgerEntry() {
    release();
}

void LedgerEntry::resize(std::uint64_t bytes) {
    if (m_state == nullptr) {
        throw Error(ErrorCode::Internal, "an empty ledger entry cannot be resized");
    }
    const std::lock_guard lock(m_state->mutex);
    if (bytes > m_bytes) {
        m_state->grow(m_row, bytes - m_bytes);
    } else {
        m_state->shrink(m_row, m_bytes - bytes);
    }
    m_bytes = bytes;
}

void LedgerEntry::release() noexcept {
    if (m_state != nullptr) {
        const std::lock_guard lock(m_state->mutex);
        m_state->shrink(m_row, m_bytes);
    }
    m_state.reset();
    m_bytes = 0;
}

} // namespace dossier
