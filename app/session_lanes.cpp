// SPDX-License-Identifier: GPL-3.0-or-later
// What is read of the dossier: looked at from a thread of the session, read by another process.
#include <algorithm>
#include <set>

#include "app/session_impl.h"
#include "engine/base/grouped.h"
#include "engine/base/memory_ledger.h"

namespace dossier::app {
namespace {

/// Rows, frontiers and the rest of a lane file, over the rows alone.
constexpr double kBytesOverRows = 1.6;

std::string priceText(const LaneOutlook& outlook) {
    std::string text = grouped(outlook.read) + " tokens";
    if (outlook.seconds > 0) {
        text += ", " + aboutTime(outlook.seconds);
    }
    return text;
}

} // namespace

// ---------------------------------------------------------------- looking, lookup thread

/// One source in the forms that lanes are compared by. The session's cache knows it by its text.
struct Session::Impl::LaneLook {
    Impl& d;
    EngineHost::Core::Loaded loaded;
    Profile profile;
    std::vector<Source> sources;
    std::shared_ptr<engine::Engine> engine;
    double speed = 0;

    PieceMaker maker() const { return {profile, *loaded.encoder}; }

    const WantedPiece& pieceOf(const Source& source) {
        auto& cache = d.lanePieces[{source.id, loaded.encoder->fingerprint()}];
        if (cache.id.empty()) {
            const std::string text = d.corpus.document(source.id)->text;
            cache.id = maker().documentId(source.path(), text);
            cache.tokens = maker().document(source.id, source.path(), text).tokens.size();
        }
        return cache;
    }

    std::filesystem::path fileOf(const ProfileLevel& level) const {
        return laneFile(d.store->folder() / "lanes", loaded.model.fingerprint,
                        loaded.encoder->fingerprint(), level.effort);
    }

    engine::LaneFileInfo infoOf(const ProfileLevel& level) const {
        const auto file = fileOf(level);
        std::error_code error;
        return std::filesystem::exists(file, error)
                   ? engine->inspectLane(file, engine::Verify::Directory, {}, {})
                   : engine::LaneFileInfo();
    }

    /// Piece 0 is the prelude, piece i + 1 the document of `documents[i]`.
    LanePlan plan(const ProfileLevel& level, const engine::LaneFileInfo& info,
                  const std::vector<Source>& documents) {
        std::vector<WantedPiece> wanted{
            {maker().preludeId(level), maker().prelude(level).tokens.size()}};
        for (const Source& source : documents) {
            wanted.push_back(pieceOf(source));
        }
        const auto startsWith = [&](std::size_t piece, std::span<const engine::Token> begin) {
            const auto tokens =
                piece == 0 ? maker().prelude(level).tokens
                           : maker()
                                 .document(documents[piece - 1].id, documents[piece - 1].path(),
                                           d.corpus.document(documents[piece - 1].id)->text)
                                 .tokens;
            return begin.size() < tokens.size() &&
                   std::equal(begin.begin(), begin.end(), tokens.begin());
        };
        return planLane(info.contents.marks, info.tail, wanted, startsWith);
    }

    LaneOutlook outlook(const ProfileLevel& level) {
        const engine::LaneFileInfo info = infoOf(level);
        const LanePlan plan = this->plan(level, info, sources);
        LaneOutlook result;
        result.level = level.name;
        result.keep = plan.keep;
        result.read = plan.toRead();
        result.total = plan.total();
        const double perToken =
            info.tokens > 0 ? static_cast<double>(info.fileBytes) / static_cast<double>(info.tokens)
                            : loaded.model.kvBytesPerToken * kBytesOverRows;
        result.bytes = static_cast<std::uint64_t>(static_cast<double>(result.read) * perToken);
        result.seconds = secondsFor(result.read);
        result.tokensPerSecond = speed;
        const std::vector<std::uint64_t>& frontiers = info.contents.frontiers;
        for (std::size_t i = 1; i < plan.order.size(); ++i) {
            const std::uint64_t end = plan.ends[i];
            // The last token is always read again: it gives the logits to go on from.
            const auto behind =
                std::lower_bound(frontiers.begin(), frontiers.end(), std::min(end, plan.keep));
            result.documents.push_back({sources[plan.order[i] - 1].id, end,
                                        behind == frontiers.begin() ? 0 : *std::prev(behind)});
        }
        return result;
    }

    /// Over all lanes of this model that hold anything.
    LanePrice price(SourceChange change, const std::vector<SourceId>& ids) {
        const auto affected = [&](const Source& source) {
            return std::find(ids.begin(), ids.end(), source.id) != ids.end();
        };
        std::vector<Source> rest = sources;
        std::erase_if(rest, affected);
        LanePrice result;
        std::set<std::string> seen; // levels with one effort text share a lane
        for (const ProfileLevel& level : profile.levels) {
            if (!seen.insert(level.effort).second) {
                continue;
            }
            const engine::LaneFileInfo info = infoOf(level);
            if (info.tokens == 0) {
                continue;
            }
            const LanePlan before = plan(level, info, sources);
            const LanePlan after = plan(level, info, rest);
            const std::uint64_t wanted = keptTokens(before, [&](std::size_t piece) {
                return piece == 0 || change == SourceChange::Replaced ||
                       !affected(sources[piece - 1]);
            });
            ++result.lanes;
            result.keep += after.keep;
            result.again += wanted - std::min(wanted, after.keep);
        }
        result.seconds = secondsFor(result.again);
        return result;
    }

    double secondsFor(std::uint64_t tokens) {
        if (speed <= 0) {
            speed = ReadingBoard(d.store->folder()).speed(loaded.model.fingerprint);
        }
        return speed > 0 ? static_cast<double>(tokens) / speed : 0;
    }
};

std::optional<Session::Impl::LaneLook> Session::Impl::laneLook() {
    if (options.engine == nullptr || !profile) {
        return std::nullopt;
    }
    const auto core = options.engine->core();
    const auto loaded = core->loadedNow();
    if (!loaded) {
        return std::nullopt;
    }
    std::vector<Source> included;
    std::copy_if(sources.begin(), sources.end(), std::back_inserter(included),
                 [](const Source& s) { return s.included && s.state == SourceState::Ready; });
    return LaneLook{*this,          *loaded,
                    *profile,       std::move(included),
                    loaded->engine, core->speed().readTokensPerSecond};
}

void Session::Impl::lookAtLanes() {
    if (lookingAtLanes) {
        return; // again when that is done
    }
    lanesDirty = false;
    auto look = laneLook();
    if (!look) {
        return; // until a model is loaded
    }
    lookingAtLanes = true;
    auto shared = std::make_shared<LaneLook>(std::move(*look));
    lookup.post([this, shared](std::stop_token stop) {
        std::vector<LaneEntry> found;
        std::map<std::string, LaneOutlook> outlooks;
        std::optional<Error> error;
        try {
            found = LaneCatalogue(store->folder(), *shared->engine)
                        .list(engine::Verify::Directory, {}, stop);
            ReadingBoard board(store->folder());
            for (LaneEntry& entry : found) {
                entry.checked = board.laneCheck(entry.name);
                for (const ProfileLevel& level : shared->profile.levels) {
                    if (level.effort == entry.info.prefix && !entry.failure) {
                        entry.levels.push_back(level.title);
                    }
                }
            }
            if (shared->profile.whole && !shared->profile.documentHeader.empty()) {
                for (const ProfileLevel& level : shared->profile.levels) {
                    outlooks[level.name] = shared->outlook(level);
                }
            }
        } catch (const Error& e) {
            error = e; // shown where the lane is used; here it only leaves the view as it was
        }
        post([this, found = std::move(found), outlooks = std::move(outlooks),
              failed = error.has_value()]() mutable {
            lookingAtLanes = false;
            if (!failed) {
                lanes = std::move(found);
                laneOutlooks = std::move(outlooks);
                emit session->lanesChanged();
                emit session->levelsChanged();
            }
        });
    });
}

void Session::Impl::lookAtReading() {
    std::error_code error;
    if (askingBoard ||
        !std::filesystem::exists(store->folder() / "lanes" / "dossier.lock", error)) {
        return;
    }
    askingBoard = true;
    lookup.post([this](std::stop_token) {
        std::optional<ReadingStatus> now;
        try {
            now = ReadingBoard(store->folder()).status();
        } catch (const Error&) {
            // Asked again soon.
        }
        post([this, now] {
            askingBoard = false;
            if (now && !(*now == readingStatus)) {
                const bool ended = readingStatus.active() && !now->active();
                readingStatus = *now;
                lanesDirty = lanesDirty || ended;
                emit session->readingChanged();
                emit session->levelsChanged();
            }
        });
    });
}

bool Session::Impl::describeLevel(const ProfileLevel& level, LevelInfo& info) const {
    const auto it = laneOutlooks.find(level.name);
    const bool sharesReading = readingStatus.active() && profile->level(readingStatus.level) &&
                               profile->level(readingStatus.level)->effort == level.effort;
    if (sharesReading && readingStatus.total > 0) {
        info.state = LevelState::Preparing;
        info.prepared =
            static_cast<double>(readingStatus.done) / static_cast<double>(readingStatus.total);
        info.stateText =
            (readingStatus.state == ReadingStatus::State::Paused ? "Paused at " : "Preparing ") +
            std::to_string(static_cast<int>(info.prepared * 100)) + " %";
        return true;
    }
    if (it == laneOutlooks.end()) {
        return false;
    }
    const LaneOutlook& outlook = it->second;
    if (outlook.read == 0 || outlook.total == 0) {
        return true; // ready
    }
    info.prepared = static_cast<double>(outlook.keep) / static_cast<double>(outlook.total);
    if (level.effort.empty()) {
        info.stateText = "Reads " + priceText(outlook) + " first";
        return true;
    }
    info.state = LevelState::NeedsReading;
    info.stateText = "Needs " +
                     (outlook.seconds > 0 ? aboutTime(outlook.seconds)
                                          : grouped(outlook.read) + " tokens of reading") +
                     " and " + formatBytes(outlook.bytes);
    return true;
}

// ---------------------------------------------------------------- Session

const std::vector<LaneEntry>& Session::lanes() const {
    return d->lanes;
}

const ReadingStatus& Session::reading() const {
    return d->readingStatus;
}

std::optional<Job> Session::readingJob() const {
    const ReadingStatus& status = d->readingStatus;
    if (!status.active()) {
        return std::nullopt;
    }
    Job job;
    job.id = static_cast<JobId>(-1); // no other job has it
    job.kind = JobKind::ReadLane;
    const ProfileLevel* level = d->profile ? d->profile->level(status.level) : nullptr;
    job.title = "Reading for " + (level != nullptr ? level->title : status.level);
    if (status.state == ReadingStatus::State::Paused) {
        job.title += ", paused";
    }
    job.item = status.state == ReadingStatus::State::Loading ? "Loading the model" : "";
    job.progress = {"Reading", status.done, status.total,
                    status.state == ReadingStatus::State::Reading ? status.perSecond : 0};
    job.startedMs = status.startedMs;
    return job;
}

std::optional<LaneOutlook> Session::laneOutlook(const std::string& level) const {
    const auto it = d->laneOutlooks.find(level.empty() ? defaultLevel() : level);
    return it == d->laneOutlooks.end() ? std::nullopt : std::optional(it->second);
}

void Session::priceOf(SourceChange change, const std::vector<SourceId>& ids, QObject* context,
                      std::function<void(std::optional<LanePrice>)> done) {
    auto look = d->laneLook();
    if (!look) {
        done(std::nullopt);
        return;
    }
    const auto shared = std::make_shared<Impl::LaneLook>(std::move(*look));
    d->lookup.post([this, shared, change, ids, guard = QPointer<QObject>(context),
                    done = std::move(done)](std::stop_token) {
        std::optional<LanePrice> price;
        try {
            price = shared->price(change, ids);
        } catch (const Error&) {
            // A lane that cannot be looked at: it is told where the lane is used.
        }
        d->post([guard, done, price] {
            if (guard) {
                done(price);
            }
        });
    });
}

void Session::startReading(const std::string& level) {
    if (!d->options.startReader || d->options.engine == nullptr) {
        throw Error(ErrorCode::InvalidArgument, "This session cannot start a reading",
                    "Use dossier read");
    }
    if (d->profile) {
        d->profile->requireLevel(level);
    }
    // Our own engine lets go of the lanes first: a lane has one writer.
    d->asking.post([this, level = level.empty() ? defaultLevel() : level](std::stop_token) {
        d->asker->closeLanes();
        d->post([this, level] {
            try {
                d->options.startReader(folder(), level);
            } catch (const Error& error) {
                emit failed(failureOf(error));
            }
        });
    });
}

void Session::Impl::wish(ReadingWish what) {
    lookup.post([this, what](std::stop_token) {
        try {
            ReadingBoard(store->folder()).wish(what);
        } catch (const Error& error) {
            tellFailure(error);
        }
    });
}

void Session::pauseReading() {
    d->wish(ReadingWish::Pause);
}

void Session::resumeReading() {
    d->wish(ReadingWish::Resume);
}

void Session::cancelReading() {
    d->wish(ReadingWish::Cancel);
}

JobId Session::Impl::laneJob(const std::string& title,
                             std::function<void(LaneCatalogue&, RunningJob&)> work) {
    const auto job = jobs.start(JobKind::CheckModel, title);
    // Behind the answers: our own engine lets go of the lanes first.
    asking.post([this, job, work = std::move(work)](std::stop_token) {
        std::optional<Error> error;
        try {
            if (!asker) {
                throw Error(ErrorCode::NotFound, "There is no engine", "Load a model first");
            }
            asker->closeLanes();
            const auto engine = options.engine->core()->engine();
            LaneCatalogue catalogue(store->folder(), *engine);
            work(catalogue, *job);
        } catch (const Error& e) {
            error = e;
        }
        JobList::end(*job, error);
        post([this] { lanesDirty = true; });
    });
    return job->copy().id;
}

namespace {

engine::ProgressFn progressOf(RunningJob& job) {
    return [&job](const engine::Progress& p) { job.update([&](Job& j) { j.progress = p; }); };
}

} // namespace

JobId Session::verifyLanes() {
    return d->laneJob("Checking what is read", [this](LaneCatalogue& lanes, RunningJob& job) {
        auto entries = lanes.list(engine::Verify::Contents, progressOf(job), job.stop());
        ReadingBoard board(d->store->folder());
        for (LaneEntry& entry : entries) {
            lanes.selfCheck(entry, progressOf(job), job.stop());
            board.setLaneCheck(entry.name, entry.state());
            if (!entry.good()) {
                job.update([&](Job& j) {
                    j.problems.push_back({entry.name,
                                          {ErrorCode::Corrupt, entry.state(),
                                           "What is whole stays; the rest is read again with "
                                           "the next question or reading"}});
                });
            }
        }
    });
}

JobId Session::deleteLane(const std::string& name) {
    return d->laneJob("Deleting a lane",
                      [name](LaneCatalogue& lanes, RunningJob&) { lanes.remove(name); });
}

JobId Session::moveLane(const std::string& name, const std::filesystem::path& to) {
    return d->laneJob("Moving a lane", [name, to](LaneCatalogue& lanes, RunningJob& job) {
        lanes.move(name, to, progressOf(job), job.stop());
    });
}

} // namespace dossier::app
