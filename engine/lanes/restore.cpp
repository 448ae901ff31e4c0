// SPDX-License-Identifier: Apache-2.0
#include "engine/lanes/restore.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"
#include "engine/model/kv_layout.h"

namespace dossier::engine {
namespace {

/// Sections of one record that are read together, and where their rows in use go.
struct Unit {
    const LaneRecord* record = nullptr;
    struct Part {
        const lane::Section* section = nullptr;
        std::byte* device = nullptr;
        std::uint64_t live = 0; ///< bytes from the section's start that are in use
    };
    std::vector<Part> parts;
    std::uint64_t begin() const { return parts.front().section->offset; }
    std::uint64_t end() const { return parts.back().section->offset + parts.back().section->bytes; }
};

} // namespace

std::vector<RowSlice> rowSlices(const ModelConfig& config, Sequence& lane, std::uint64_t begin,
                                std::uint64_t end) {
    std::vector<RowSlice> slices;
    for (std::uint32_t layer = 0; layer < config.layers && end > begin; ++layer) {
        const std::uint64_t ratio = config.compressRatios[layer];
        if (ratio == 0) {
            continue;
        }
        const LayerState& state = lane.layers()[layer];
        const std::uint64_t rows = (end - begin) / ratio, first = begin / ratio;
        const std::uint64_t rowBytes = kvRowLayout(config).bytes;
        slices.push_back({lane::SectionKind::Entries, layer, state.entries.own + first * rowBytes,
                          rows * rowBytes});
        if (ratio == 4) {
            const std::uint64_t keyBytes = indexKeyBytes(config.indexHeadDim);
            slices.push_back({lane::SectionKind::Keys, layer, state.keys.own + first * keyBytes,
                              rows * keyBytes});
        }
    }
    return slices;
}

struct LaneLoader::Impl {
    Impl(Operations& operations, const ModelConfig& config, const LaneHandle& handle,
         const LaneIndex& index, Sequence& sequence)
        : ops(operations), file(handle), goodEnd(index.rowsEnd()) {
        for (const LaneRecord& record : index.records) {
            if (record.liveEnd > record.header.begin && record.header.begin < goodEnd) {
                plan(config, record, sequence);
            }
        }
        std::uint64_t largest = 0;
        for (const Unit& unit : units) {
            total += unit.end() - unit.begin();
            largest = std::max(largest, unit.end() - unit.begin());
        }
        if (units.empty()) {
            return;
        }
        const std::uint64_t bytes = lane::aligned(largest, lane::kBlock) + 3 * lane::kBlock;
        for (unsigned i = 0; i < kRestoreThreads + 2 && i < units.size(); ++i) {
            staging.push_back(ops.allocateStaging(bytes));
            free.push_back(staging.back().get());
        }
        for (unsigned i = 0; i < kRestoreThreads && i < units.size(); ++i) {
            workers.emplace_back([this](const std::stop_token& stop) { work(stop); });
        }
    }

    ~Impl() {
        for (std::jthread& worker : workers) {
            worker.request_stop();
        }
        wake.notify_all();
        workers.clear(); // joins before staging memory goes
        ops.synchronise();
    }

    /// Compares the record's sections with what its positions call for, and makes units of them.
    void plan(const ModelConfig& config, const LaneRecord& record, Sequence& sequence) {
        const std::uint64_t begin = record.header.begin;
        const auto whole = rowSlices(config, sequence, begin, record.header.rowsEnd);
        const auto live = rowSlices(config, sequence, begin, record.liveEnd);
        std::size_t at = 0;
        std::vector<Unit> made;
        for (const lane::Section& section : record.sections) {
            if (section.kind != lane::SectionKind::Entries &&
                section.kind != lane::SectionKind::Keys) {
                continue;
            }
            if (at == whole.size() || section.kind != whole[at].kind ||
                section.index != whole[at].layer || section.bytes != whole[at].bytes) {
                goodEnd = std::min(goodEnd, begin);
                return;
            }
            if (made.empty() ||
                section.offset + section.bytes - made.back().begin() > kRestorePiece) {
                made.emplace_back().record = &record;
            }
            made.back().parts.push_back({&section, live[at].device, live[at].bytes});
            ++at;
        }
        if (at != whole.size()) {
            goodEnd = std::min(goodEnd, begin);
            return;
        }
        std::move(made.begin(), made.end(), std::back_inserter(units));
    }

    void work(const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        for (;;) {
            wake.wait(lock, stop, [&] { return error || next == units.size() || !free.empty(); });
            if (stop.stop_requested() || error || next == units.size()) {
                return;
            }
            DeviceMemory* buffer = free.back();
            free.pop_back();
            const Unit& unit = units[next++];
            ++reading;
            lock.unlock();
            std::exception_ptr failure;
            bool good = false;
            std::byte* data = alignedStart(*buffer);
            try {
                good = read(unit, data);
                if (good && ops.synchronous()) {
                    upload(unit, data);
                }
            } catch (...) {
                failure = std::current_exception();
            }
            lock.lock();
            --reading;
            if (failure) {
                error = failure;
            } else if (!good) {
                goodEnd = std::min(goodEnd, unit.record->header.begin);
            }
            if (good && !ops.synchronous()) {
                ready.push_back({&unit, buffer});
            } else {
                done += unit.end() - unit.begin();
                free.push_back(buffer);
            }
            wake.notify_all();
        }
    }

    static std::byte* alignedStart(const DeviceMemory& buffer) {
        const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
        return buffer.data() + (lane::aligned(address, lane::kBlock) - address);
    }

    /// Where the unit's bytes lie in its buffer: the file is read from a multiple of kBlock on.
    static std::uint64_t offsetIn(const Unit& unit, std::uint64_t sectionOffset) {
        const std::uint64_t at = unit.record->offset + unit.begin();
        return at % lane::kBlock + (sectionOffset - unit.begin());
    }

    bool read(const Unit& unit, std::byte* data) const {
        const std::uint64_t at = unit.record->offset + unit.begin();
        const std::uint64_t from = at / lane::kBlock * lane::kBlock;
        const std::uint64_t to = lane::aligned(unit.record->offset + unit.end(), lane::kBlock);
        if (!file.readAround(from, {data, to - from})) {
            return false;
        }
        return std::all_of(unit.parts.begin(), unit.parts.end(), [&](const Unit::Part& part) {
            return crc32c({data + offsetIn(unit, part.section->offset), part.section->bytes}) ==
                   part.section->checksum;
        });
    }

    void upload(const Unit& unit, const std::byte* data) const {
        for (const Unit::Part& part : unit.parts) {
            ops.upload(part.device, data + offsetIn(unit, part.section->offset), part.live);
        }
    }

    Operations& ops;
    const LaneHandle& file;
    std::vector<Unit> units;
    std::uint64_t total = 0;
    std::vector<std::unique_ptr<DeviceMemory>> staging;

    mutable std::mutex mutex; ///< guards what follows
    std::condition_variable_any wake;
    std::size_t next = 0;
    unsigned reading = 0;
    std::uint64_t done = 0, goodEnd;
    std::vector<DeviceMemory*> free;
    std::deque<std::pair<const Unit*, DeviceMemory*>> ready; ///< for the owner to upload
    std::exception_ptr error;
    std::vector<std::jthread> workers; ///< last
};

LaneLoader::LaneLoader(Operations& ops, const ModelConfig& config, const LaneHandle& file,
                       const LaneIndex& index, Sequence& sequence)
    : d(std::make_unique<Impl>(ops, config, file, index, sequence)) {}

LaneLoader::~LaneLoader() = default;

bool LaneLoader::step() {
    std::unique_lock lock(d->mutex);
    const auto finished = [&] {
        return d->ready.empty() && d->reading == 0 && d->next == d->units.size();
    };
    d->wake.wait_for(lock, std::chrono::milliseconds(20),
                     [&] { return d->error || !d->ready.empty() || finished(); });
    if (d->error) {
        std::rethrow_exception(d->error);
    }
    while (!d->ready.empty()) {
        // Queue all that is ready, wait for the copies once, give the buffers back.
        const auto batch = std::exchange(d->ready, {});
        lock.unlock();
        for (const auto& [unit, buffer] : batch) {
            d->upload(*unit, Impl::alignedStart(*buffer));
        }
        d->ops.synchronise();
        lock.lock();
        for (const auto& [unit, buffer] : batch) {
            d->done += unit->end() - unit->begin();
            d->free.push_back(buffer);
        }
        d->wake.notify_all();
    }
    return finished();
}

std::uint64_t LaneLoader::bytesDone() const {
    const std::lock_guard lock(d->mutex);
    return d->done;
}
std::uint64_t LaneLoader::bytesTotal() const {
    return d->total;
}
std::uint64_t LaneLoader::goodEnd() const {
    const std::lock_guard lock(d->mutex);
    return d->goodEnd;
}

} // namespace dossier::engine
