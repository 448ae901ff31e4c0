// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/error.h"
#include "engine/lanes/self_check.h"
#include "engine/scheduler/jobs.h"

namespace dossier::engine {

void RestoreJob::note(const std::string& sentence) {
    m_result.note += (m_result.note.empty() ? "" : " ") + sentence + ".";
}

/// The lane goes on at `tokens`, a frontier or the start; what follows is read again.
void RestoreJob::giveUpBehind(std::uint64_t tokens, const std::string& why) {
    note(why + ", so the lane ends after " + std::to_string(tokens) + " tokens");
    index().keep(tokens);
}

void RestoreJob::begin(Runtime& runtime) {
    LoadedModel& m = runtime.model();
    if (m_store && m_store->writable()) {
        runtime.requireFree(m_store->file().file());
    }
    m_lane = std::make_shared<Lane>(m, std::move(m_store));
    m_result.check = "none";
    if (!m_lane->store || m_lane->store->isNew()) {
        m_phase = Phase::Done;
        return;
    }
    if (!index().stopped.empty()) {
        note(index().stopped + "; what follows it is not used");
    }
    index().keep(m_keep);
    m_wanted = index().tokens.size();
    if (m_wanted > m.contextTokens) {
        throw Error(ErrorCode::TooLarge,
                    "The lane holds " + std::to_string(m_wanted) +
                        " tokens and the model was loaded with room for " +
                        std::to_string(m.contextTokens),
                    "Load the model with a larger context");
    }
    m_lane->timeline.sequence->prepare(m_wanted);
    m_loader = std::make_unique<LaneLoader>(*m.ops, m.config(), m_lane->store->file(), index(),
                                            *m_lane->timeline.sequence);
    m_phase = Phase::Load;
}

void RestoreJob::load(Runtime&) {
    const bool loaded = m_loader->step();
    if (m_progress) {
        const std::chrono::duration<double> seconds = Clock::now() - m_start;
        m_progress({"Restoring", m_loader->bytesDone(), m_loader->bytesTotal(),
                    static_cast<double>(m_loader->bytesDone()) / std::max(seconds.count(), 1e-6)});
    }
    if (!loaded) {
        return;
    }
    m_result.bytesRead = m_loader->bytesTotal();
    const std::uint64_t good = m_loader->goodEnd();
    m_loader.reset();
    if (good < index().rowsEnd()) {
        giveUpBehind(good, "Rows on the disk are damaged");
    }
    m_lane->timeline.sequence->advance(index().rowsEnd());
    m_phase = Phase::Check;
}

void RestoreJob::check(Runtime& runtime) {
    LoadedModel& m = runtime.model();
    Sequence& sequence = *m_lane->timeline.sequence;
    m_result.check = "equal";
    if (!index().records.empty()) {
        m_result.writtenBy = index().records.back().numerics;
    }
    while (!index().frontiers.empty()) {
        const LaneFrontier& last = index().frontiers.back();
        const std::size_t count = index().frontiers.size();
        const std::uint64_t before = count > 1 ? index().frontiers[count - 2].position : 0;
        const std::string& writtenBy = index().records[last.record].numerics;
        m_result.writtenBy = writtenBy;
        auto stored = m_lane->store->frontier(last.position);
        if (stored && stored->state.size() == frontierBytes(m.config())) {
            const Frontier frontier{last.position, std::move(stored->state)};
            const auto logits = probeLogits(*m.forward, *m.ops, sequence, frontier);
            m.checkpoint.checkIntact();
            const ProbeMatch match = compareProbe(stored->probe, logits);
            if (match == ProbeMatch::Equal ||
                (match == ProbeMatch::Close && writtenBy != m.device.numerics)) {
                m_result.check = match == ProbeMatch::Equal ? "equal" : "close";
                applyFrontier(*m.ops, m.config(), frontier, sequence);
                break;
            }
            giveUpBehind(before, "The self-check after " + std::to_string(last.position) +
                                     " tokens gave other results than when they were read");
        } else {
            giveUpBehind(before, "The state after " + std::to_string(last.position) +
                                     " tokens is damaged on the disk");
        }
        sequence.rewind(before);
        m_result.check = before ? "equal" : "failed";
    }
    m_result.classChanged = !m_result.writtenBy.empty() && m_result.writtenBy != m.device.numerics;
    if (m_result.classChanged) {
        note("It was read by another numerics class (" + m_result.writtenBy + ", now " +
             m.device.numerics + "): answers may differ in rounding");
    }
    const auto rows = static_cast<std::ptrdiff_t>(index().rowsEnd());
    m_lane->record({index().tokens.data(), index().rowsEnd()}, {});
    m_replay.assign(index().tokens.begin() + rows, index().tokens.end());
    m_lane->marks = index().marks;
    for (const LaneFrontier& frontier : index().frontiers) {
        m_lane->frontiers.push_back({frontier.position, {}});
    }
    m_lane->recordBegin = index().resumeAt();
    m_phase = Phase::Replay;
}

void RestoreJob::replay(Runtime& runtime) {
    const auto done = m_lane->log->size() - index().rowsEnd();
    const auto left = std::span<const Token>(m_replay).subspan(done);
    if (left.empty()) {
        m_result.replayed = done;
        m_phase = Phase::Done;
        return;
    }
    const auto part = left.first(std::min<std::size_t>(left.size(), runtime.model().superChunk));
    runtime.feed(m_lane->timeline, part, {}, m_stop);
    m_lane->record(part, {});
}

bool RestoreJob::step(Runtime& runtime) {
    if (m_stop.stop_requested()) {
        throw Error(ErrorCode::Cancelled, "Stopped");
    }
    switch (m_phase) {
    case Phase::Begin:
        begin(runtime);
        return false;
    case Phase::Load:
        load(runtime);
        return false;
    case Phase::Check:
        check(runtime);
        return false;
    case Phase::Replay:
        replay(runtime);
        return false;
    case Phase::Done:
        break;
    }
    m_result.tokens = m_lane->log->size();
    m_result.lost = m_wanted - m_result.tokens;
    m_result.seconds = std::chrono::duration<double>(Clock::now() - m_start).count();
    if (m_lane->store) {
        m_lane->restored = m_result;
    }
    finished.set_value(runtime.addLane(std::move(m_lane)));
    return true;
}

} // namespace dossier::engine
