// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "engine/scheduler/jobs.h"

namespace dossier::engine {
namespace {

/// How long a step may wait for the disk before the queue gets a look.
constexpr std::chrono::milliseconds kDiskWait{20};

/// The most that cancelling or a crash may lose, and the grain of what is read instead.
constexpr double kChunkSeconds = 20;
constexpr std::uint64_t kChunkStep = 2048;

void checkMarks(std::span<const LaneMark> marks, std::uint64_t begin, std::uint64_t end) {
    std::uint64_t before = begin;
    for (const LaneMark& mark : marks) {
        if (mark.end <= begin || mark.end < before || mark.end > end ||
            mark.id.size() > lane::kMaxMarkId || mark.id.find('\n') != std::string::npos) {
            throw Error(ErrorCode::InvalidArgument,
                        "The mark \"" + mark.id.substr(0, lane::kMaxMarkId) + "\" at " +
                            std::to_string(mark.end) +
                            " is not in order or outside of what is "
                            "appended",
                        "Give ends of documents in ascending order and short ids");
        }
        before = mark.end;
    }
}

} // namespace

void ReadJob::begin() {
    m_begun = true;
    Timeline& timeline = lane ? lane->timeline : *branch;
    timeline.readSeconds = 0;
    timeline.readTokens = 0;
    if (!lane) {
        return;
    }
    checkMarks(m_marks, timeline.size(), timeline.size() + m_tokens.size());
    if (lane->store) {
        lane->store->requireWritable();
        m_saveDue = lane->due(); // what could not be written before
        m_tailDue = true;
    }
    // Marks of tokens that an earlier job was to read and did not.
    std::erase_if(lane->marks, [&](const LaneMark& mark) { return mark.end > timeline.size(); });
    lane->marks.insert(lane->marks.end(), m_marks.begin(), m_marks.end());
}

void ReadJob::beginChunk(Runtime& runtime) {
    Timeline& timeline = lane ? lane->timeline : *branch;
    // Super-chunks end at multiples of their size, where frontiers can stand.
    const std::uint64_t position = timeline.size(), size = runtime.model().superChunk;
    std::uint64_t end = lane ? lane->policy.chunkEnd(position) : (position / size + 1) * size;
    if (m_secondsPerToken > 0) { // deep in a long text a whole one takes longer
        const auto steps = static_cast<std::uint64_t>(kChunkSeconds / m_secondsPerToken /
                                                      static_cast<double>(kChunkStep));
        end = std::min(end, position + std::max<std::uint64_t>(steps, 1) * kChunkStep);
    }
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(m_tokens.size() - m_done, end - position));
    std::vector<std::uint64_t> captures;
    if (lane) {
        captures = lane->captures(position, position + count, m_done + count == m_tokens.size());
    }
    m_chunk = m_tokens.subspan(m_done, count);
    m_chunkSeconds = 0;
    m_feed = std::make_unique<Feed>(runtime.model(), timeline, m_chunk, captures);
}

bool ReadJob::readChunk() {
    Timeline& timeline = lane ? lane->timeline : *branch;
    const SteadyClock::time_point start = SteadyClock::now();
    SteadyClock::time_point told = start;
    const auto report = [&](std::uint64_t rows) {
        if (m_progress && secondsSince(told) > 0.1) {
            told = SteadyClock::now();
            const double seconds = m_seconds + secondsSince(start);
            m_progress({m_phase, m_done + rows, m_tokens.size(),
                        static_cast<double>(m_done + rows) / std::max(seconds, 1e-6)});
        }
    };
    auto frontiers = m_feed->run(report, m_stop, [&] { return hold && hold->wanted; });
    const double seconds = secondsSince(start);
    m_seconds += seconds;
    m_chunkSeconds += seconds;
    if (!frontiers) {
        return false;
    }
    m_feed.reset();
    if (lane) {
        lane->record(m_chunk, std::move(*frontiers));
        m_saveDue = lane->due();
    }
    if (m_chunk.size() >= kChunkStep) {
        m_secondsPerToken = m_chunkSeconds / static_cast<double>(m_chunk.size());
    }
    m_done += m_chunk.size();
    m_speed = static_cast<double>(m_done) / std::max(m_seconds, 1e-6);
    timeline.readSeconds = m_seconds;
    timeline.readTokens = m_done;
    if (m_progress) {
        m_progress({m_phase, m_done, m_tokens.size(), m_speed});
    }
    return true;
}

bool ReadJob::save(Runtime& runtime) {
    if (!lane || (!m_saveDue && m_done < m_tokens.size())) {
        return true;
    }
    if (!lane->settled(kDiskWait)) {
        return false;
    }
    if (std::exchange(m_saveDue, false)) {
        lane->save(runtime.model());
        return m_done < m_tokens.size() || !lane->store;
    }
    if (std::exchange(m_tailDue, false) && lane->saveTail(runtime.model())) {
        return false; // until it is on the disk
    }
    return true;
}

bool ReadJob::step(Runtime& runtime) {
    if (!m_begun) {
        begin();
    }
    if (m_stop.stop_requested()) {
        m_feed.reset();
        // A super-chunk that is finished goes to the disk, unless that is still busy.
        if (m_saveDue && lane && lane->settled(kDiskWait)) {
            m_saveDue = false;
            lane->save(runtime.model());
        }
        return true;
    }
    if (!m_feed) {
        if (!save(runtime)) {
            return false;
        }
        if (m_done == m_tokens.size()) {
            return true;
        }
        beginChunk(runtime);
    }
    try {
        if (!readChunk()) {
            return false;
        }
    } catch (const Error& error) {
        m_feed.reset();
        if (error.code() == ErrorCode::Cancelled) {
            return true; // what was read before stays
        }
        throw;
    } catch (...) {
        m_feed.reset();
        throw;
    }
    return m_done == m_tokens.size() && save(runtime);
}

} // namespace dossier::engine
