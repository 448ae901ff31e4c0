// SPDX-License-Identifier: Apache-2.0
// Records what is done to a lane file, and makes from it what a disk may hold when the power fails:
// everything before the last flush, and of what came after it any of the sectors.
#pragma once

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include "engine/lanes/lane_io.h"

namespace dossier::engine::test_lanes {

/// One file, which begins empty; one of these at a time.
class RecordedDisk {
  public:
    explicit RecordedDisk(const std::filesystem::path& file) : m_file(file.filename()) {
        LaneHandle::setWriteFunction([this](int fd, const void* data, std::size_t bytes) -> long {
            const long n = ::write(fd, data, bytes);
            if (n > 0) {
                note(fd, {Kind::Write, 0, {static_cast<const char*>(data), std::size_t(n)}});
            }
            return n;
        });
        LaneHandle::setCutFunction([this](int fd, std::uint64_t size) {
            note(fd, {Kind::Cut, size, {}});
            return ::ftruncate(fd, static_cast<off_t>(size));
        });
        LaneHandle::setFlushFunction([this](int fd) { // the test's own disk need not be slow
            note(fd, {Kind::Flush, 0, {}});
            return 0;
        });
    }
    ~RecordedDisk() {
        LaneHandle::setWriteFunction({});
        LaneHandle::setCutFunction({});
        LaneHandle::setFlushFunction({});
    }
    RecordedDisk(const RecordedDisk&) = delete;
    RecordedDisk& operator=(const RecordedDisk&) = delete;

    /// Operations so far.
    std::size_t operations() const {
        const std::lock_guard lock(m_mutex);
        return m_operations.size();
    }

    /// What may be on the disk when the power fails during operation `n` (counted from 0).
    std::string afterPowerLoss(std::size_t n, std::mt19937& random) const {
        const std::lock_guard lock(m_mutex);
        std::string safe, now; // at the last flush; as programs saw it
        for (std::size_t i = 0; i <= n && i < m_operations.size(); ++i) {
            const Operation& o = m_operations[i];
            if (o.kind == Kind::Write) {
                now += o.bytes;
            } else if (o.kind == Kind::Cut) {
                now.resize(o.size);
            } else if (i < n) { // the flush under way promises nothing yet
                safe = now;
            }
        }
        const auto chance = [&](unsigned of) { return random() % of == 0; };
        const std::size_t sector = chance(2) ? 512 : 4096;
        // The size is kept apart from the contents.
        const std::size_t least = std::min(safe.size(), now.size()),
                          most = std::max(safe.size(), now.size());
        std::string disk(chance(3)   ? safe.size()
                         : chance(2) ? now.size()
                                     : least + random() % (most - least + 1),
                         '\0');
        const unsigned written = random() % 4; // of 3: how much of it reached the disk
        for (std::size_t at = 0; at < disk.size(); at += sector) {
            const std::size_t bytes = std::min(sector, disk.size() - at);
            const auto part = [&](const std::string& from) {
                std::string piece = at < from.size() ? from.substr(at, bytes) : std::string();
                piece.resize(bytes);
                return piece;
            };
            std::string piece = part(safe);
            if (piece != part(now) || at + bytes > safe.size()) {
                if (random() % 3 < written) {
                    piece = part(now);
                } else if (chance(3)) { // what the disk had there before
                    for (char& c : piece) {
                        c = static_cast<char>(random());
                    }
                } else if (chance(2) && now.size() > sector) { // and that was of this file
                    piece = now.substr(random() % (now.size() / sector) * sector, bytes);
                    piece.resize(bytes);
                }
            }
            disk.replace(at, bytes, piece);
        }
        return disk;
    }

  private:
    enum class Kind { Write, Cut, Flush };
    struct Operation {
        Kind kind;
        std::uint64_t size;
        std::string bytes;
    };
    void note(int fd, Operation operation) {
        std::error_code error;
        const auto name =
            std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).filename();
        if (name == m_file) {
            const std::lock_guard lock(m_mutex);
            m_operations.push_back(std::move(operation));
        }
    }

    const std::filesystem::path m_file;
    mutable std::mutex m_mutex;
    std::vector<Operation> m_operations;
};

} // namespace dossier::engine::test_lanes
