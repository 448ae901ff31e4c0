// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/grouped.h"
#include "engine/lanes/self_check.h"
#include "engine/scheduler/jobs.h"

namespace dossier::engine {

void RestoreJob::note(const std::string& sentence) {
    m_result.note += (m_result.note.empty() ? "" : " ") + sentence + ".";
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
                    "The lane holds " + grouped(m_wanted) +
                        " tokens and the model was loaded with room for " +
                        grouped(m.contextTokens),
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
        const std::chrono::duration<double> seconds = SteadyClock::now() - m_start;
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
        note("Rows on the disk are damaged, so the lane ends after " + grouped(good) + " tokens");
        index().keep(good);
    }
    m_lane->timeline.sequence->advance(index().rowsEnd());
    m_unchecked = index().frontiers.size();
    m_result.check = m_unchecked ? "failed" : "equal"; // until a state is right
    if (!index().records.empty()) {
        m_result.writtenBy = index().records.back().numerics;
    }
    m_phase = Phase::Check;
}

void RestoreJob::giveUpLast(const std::string& why) {
    if (m_givenUp++ == 0) {
        m_ends = why;
    }
    const std::size_t left = index().frontiers.size() - 1;
    const std::uint64_t before = left ? index().frontiers[left - 1].position : 0;
    index().keep(before);
    m_lane->timeline.sequence->rewind(before);
}

void RestoreJob::check(Runtime& runtime) {
    LoadedModel& m = runtime.model();
    if (m_unchecked == 0) {
        startReplay(runtime);
        return;
    }
    const LaneFrontier place = index().frontiers[--m_unchecked];
    const bool last = m_unchecked + 1 == index().frontiers.size();
    const std::string after = " after " + grouped(place.position) + " tokens ";
    const auto probed = m_lane->probe(m, place, m_stop);
    m_result.probed += probed ? 1 : 0;
    if (probed && probed->match != ProbeMatch::Different) {
        for (LaneMismatch& wrong : m_result.differing) {
            wrong.before = wrong.before ? wrong.before : place.position;
        }
        m_trusted.push_back(place.position);
        if (last) {
            m_result.check = probed->match == ProbeMatch::Equal ? "equal" : "close";
            m_result.writtenBy = index().records[place.record].numerics;
            applyFrontier(*m.ops, m.config(), probed->frontier, *m_lane->timeline.sequence);
            m_unchecked = m_every ? m_unchecked : 0;
        }
    } else if (probed) {
        m_result.differing.push_back({place.position, 0});
        if (last) {
            giveUpLast("The self-check" + after + "gave other results than when they were read");
        }
    } else if (last) {
        giveUpLast("The state" + after + "is damaged on the disk");
    } else {
        note("The state" + after +
             "is damaged on the disk, so going back there reads again from an earlier state");
    }
    ++m_checks;
    if (m_every && m_progress) {
        m_progress({"Checking states", m_checks, m_checks + m_unchecked, 0});
    }
}

void RestoreJob::startReplay(Runtime& runtime) {
    const std::string& numerics = runtime.model().device.numerics;
    if (m_givenUp > 0) {
        if (m_givenUp > 1) {
            m_ends.append(", and the ")
                .append(std::to_string(m_givenUp - 1))
                .append(m_givenUp == 2 ? " state before it is wrong, too"
                                       : " states before it are wrong, too");
        }
        note(m_ends + ", so the lane ends after " + grouped(index().rowsEnd()) + " tokens");
    }
    std::reverse(m_result.differing.begin(), m_result.differing.end());
    std::vector<std::uint64_t> inside; // the lane goes on behind them
    for (const LaneMismatch& wrong : m_result.differing) {
        if (wrong.position < index().rowsEnd()) {
            inside.push_back(wrong.position);
        }
    }
    if (!inside.empty()) {
        note(differingText(inside));
    }
    m_result.classChanged = !m_result.writtenBy.empty() && m_result.writtenBy != numerics;
    if (m_result.classChanged) {
        note("It was read by another numerics class (" + m_result.writtenBy + ", now " + numerics +
             "): answers may differ in rounding");
    }
    const auto rows = static_cast<std::ptrdiff_t>(index().rowsEnd());
    m_lane->record({index().tokens.data(), index().rowsEnd()}, {});
    m_replay.assign(index().tokens.begin() + rows, index().tokens.end());
    m_lane->marks = index().marks;
    for (const LaneFrontier& frontier : index().frontiers) {
        const auto has = [&](const auto& list) {
            return std::find(list.begin(), list.end(), frontier.position) != list.end();
        };
        if (!has(inside)) {
            m_lane->frontiers.push_back({frontier.position, {}, has(m_trusted)});
        }
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
    m_result.seconds = std::chrono::duration<double>(SteadyClock::now() - m_start).count();
    if (m_lane->store) {
        m_lane->restored = m_result;
    }
    finished.set_value(runtime.addLane(std::move(m_lane)));
    return true;
}

} // namespace dossier::engine
