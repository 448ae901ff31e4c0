// SPDX-License-Identifier: GPL-3.0-or-later
// The calling thread reads; a second one writes the status and takes wishes every 100 ms.
#include "app/lanes/reading_run.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "app/job_list.h"
#include "app/lanes/lane_catalogue.h"
#include "app/lanes/suspend_inhibitor.h"
#include "app/store/lock.h"
#include "app/store/store.h"
#include "engine/base/grouped.h"
#include "engine/base/memory_ledger.h"

namespace dossier::app {
namespace {

using State = ReadingStatus::State;

constexpr std::chrono::milliseconds kLook{100};
constexpr int kStatusEvery = 3; ///< looks
constexpr int kMostRounds = 5;  ///< sources may change while their lane is read
/// Rows, frontiers and the rest of a lane file, over the rows alone, before one was written.
constexpr double kBytesOverRows = 1.6;
constexpr const char* kWhyAwake = "Reading documents";

} // namespace

std::string ReadingForecast::text() const {
    if (read == 0) {
        return "all " + grouped(total) + " tokens are read";
    }
    std::string text = keep > 0 ? "keeps " + grouped(keep) + " tokens, reads " : "reads ";
    text += grouped(read) + (keep > 0 ? " (" : " tokens (");
    return text + (seconds > 0 ? aboutTime(seconds) + ", " : "") + formatBytes(bytes) + ")";
}

class ReadingRun::Impl {
  public:
    Impl(ReadingOptions given, EngineHost::EngineFactory makeEngine,
         EngineHost::EncoderFactory makeEncoder)
        : options(std::move(given)),
          lock(options.dossier / "lanes", DossierLock::Purpose::Reading),
          board(options.dossier),
          core(std::move(makeEngine), std::move(makeEncoder)) {}

    void load(const std::stop_token& stop);
    std::vector<LanePiece> pieces(const std::stop_token& stop);
    LaneRequest request(std::span<const LanePiece> all) const {
        return {level->effort, all, options.dossier / "lanes", LaneChange::Any, false};
    }
    void reuse(std::span<const LanePiece> all, const std::stop_token& stop);
    ReadingForecast forecast(std::span<const LanePiece> all);
    void readAll(const std::stop_token& stop);
    /// Reads until done or cancelled, over pauses.
    void readNow(std::span<const LanePiece> all, const std::stop_token& stop);
    void watch(const std::stop_token& stop);
    /// Returns when it has taken effect.
    void setPaused(bool now);
    void change(const std::function<void(ReadingStatus&)>& edit);
    void tell(bool always);

    ReadingOptions options;
    DossierLock lock;
    ReadingBoard board; ///< of the watching thread while it runs
    EngineHost::Core core;
    std::optional<EngineHost::Core::Loaded> loaded;
    std::optional<Profile> profile;
    const ProfileLevel* level = nullptr;
    LaneKeeper keeper;

    std::mutex mutex; ///< guards what follows
    std::condition_variable_any wake;
    ReadingStatus status;
    bool changed = false, paused = false;
    std::stop_source cancelled;
    std::function<void(const ReadingStatus&)> listener;

    std::optional<SuspendInhibitor> awake; ///< of the watching thread while it runs
};

void ReadingRun::Impl::load(const std::stop_token& stop) {
    core.load(options.load, stop);
    loaded = core.acquire(stop);
    profile = loadProfile(loaded->model, options.profiles);
    level = &profile->requireLevel(options.level);
    if (profile->documentHeader.empty()) {
        throw Error(ErrorCode::Unsupported,
                    "The profile of " + loaded->model.name + " has no form for whole documents",
                    "Ask without reading first; each question takes what it needs");
    }
    if (level->minContext > loaded->contextTokens && loaded->contextTokens != 0) {
        throw Error(ErrorCode::TooLarge,
                    level->title + " needs a context of " + grouped(level->minContext) +
                        " tokens; this model was loaded with " + grouped(loaded->contextTokens),
                    "Load the model with a larger context, or choose another level");
    }
}

std::vector<LanePiece> ReadingRun::Impl::pieces(const std::stop_token& stop) {
    StoreReader store(options.dossier);
    const PieceMaker maker(*profile, *loaded->encoder);
    std::vector<LanePiece> all{maker.prelude(*level)};
    std::uint64_t total = all.front().tokens.size();
    for (const Source& source : store.sources()) {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Reading was stopped");
        }
        if (source.included && source.state == SourceState::Ready) {
            const ingest::Document document = ingest::deserialize(store.document(source.id));
            all.push_back(maker.document(source.id, source.path(), document.text));
            total += all.back().tokens.size();
        }
    }
    if (all.size() == 1) {
        throw Error(ErrorCode::InvalidArgument, "There are no documents to read",
                    "Add documents, and check the ones that questions are about");
    }
    if (loaded->contextTokens != 0 && total + profile->reserveTokens > loaded->contextTokens) {
        throw Error(ErrorCode::TooLarge,
                    "The documents need " + grouped(total) + " tokens and questions up to " +
                        grouped(profile->reserveTokens) + "; the model's context holds " +
                        grouped(loaded->contextTokens),
                    "Leave out at least " +
                        grouped(total + profile->reserveTokens - loaded->contextTokens) +
                        " tokens");
    }
    return all;
}

/// Copies the beginning of another dossier's lane when it saves more than our own.
void ReadingRun::Impl::reuse(std::span<const LanePiece> all, const std::stop_token& stop) {
    const auto own = laneFile(options.dossier / "lanes", loaded->model.fingerprint,
                              loaded->encoder->fingerprint(), level->effort);
    std::uint64_t best = keeper.plan(*loaded, request(all)).keep;
    std::filesystem::path from;
    for (const auto& other : options.reuse) {
        LaneRequest theirs = request(all);
        theirs.folder = other / "lanes";
        const LanePlan plan = keeper.plan(*loaded, theirs);
        const std::uint64_t whole = plan.keptPieces > 0 ? plan.ends[plan.keptPieces - 1] : 0;
        if (whole > best) {
            best = whole;
            from = laneFile(theirs.folder, loaded->model.fingerprint,
                            loaded->encoder->fingerprint(), level->effort);
        }
    }
    if (from.empty()) {
        return;
    }
    const std::filesystem::path copy = own.string() + ".copy";
    std::error_code error;
    std::filesystem::remove(copy, error);
    loaded->engine->copyLane(from, copy, best, {}, stop);
    std::filesystem::rename(copy, own);
    change([&](ReadingStatus& s) {
        s.note = grouped(best) + " tokens were taken over from " +
                 from.parent_path().parent_path().string() + ".";
    });
}

ReadingForecast ReadingRun::Impl::forecast(std::span<const LanePiece> all) {
    const LanePlan plan = keeper.plan(*loaded, request(all));
    ReadingForecast result{plan.total(), plan.keep, plan.toRead(), 0, 0};
    const auto file = laneFile(options.dossier / "lanes", loaded->model.fingerprint,
                               loaded->encoder->fingerprint(), level->effort);
    double perToken = loaded->model.kvBytesPerToken * kBytesOverRows;
    std::error_code error;
    if (const auto bytes = std::filesystem::file_size(file, error); !error && plan.keep > 0) {
        perToken = static_cast<double>(bytes) / static_cast<double>(plan.keep);
    }
    result.bytes = static_cast<std::uint64_t>(static_cast<double>(result.read) * perToken);
    if (const double speed = board.speed(loaded->model.fingerprint); speed > 0) {
        result.seconds = static_cast<double>(result.read) / speed;
    }
    return result;
}

void ReadingRun::Impl::change(const std::function<void(ReadingStatus&)>& edit) {
    const std::lock_guard guard(mutex);
    edit(status);
    status.updatedMs = nowMs();
    changed = true;
}

void ReadingRun::Impl::tell(bool always) {
    ReadingStatus copy;
    {
        const std::lock_guard guard(mutex);
        if (!changed && !always) {
            return;
        }
        changed = false;
        copy = status;
    }
    try {
        board.setStatus(copy);
    } catch (const Error&) {
        // A full disk must not end the reading; the lane's own file tells what is safe.
    }
    if (listener) {
        listener(copy);
    }
}

void ReadingRun::Impl::setPaused(bool now) {
    {
        const std::lock_guard guard(mutex);
        paused = now;
    }
    try {
        keeper.hold(now);
    } catch (const Error&) {
        // The engine is dead: the reading thread tells.
    }
    change([&](ReadingStatus& s) {
        if (s.state == State::Reading || s.state == State::Paused) {
            s.state = now ? State::Paused : State::Reading;
            s.perSecond = 0;
        }
    });
    tell(true);
    if (now) {
        awake.reset(); // nothing is lost when the computer sleeps now
    } else if (!awake) {
        awake.emplace(kWhyAwake);
    }
}

void ReadingRun::Impl::watch(const std::stop_token& stop) {
    for (int look = 1; !stop.stop_requested(); ++look) {
        std::optional<ReadingWish> wish;
        try {
            wish = board.takeWish();
        } catch (const Error&) {
            // Asked again at the next look.
        }
        if (wish == ReadingWish::Pause || wish == ReadingWish::Resume) {
            setPaused(wish == ReadingWish::Pause);
        }
        if (wish == ReadingWish::Cancel) {
            cancelled.request_stop();
        }
        wake.notify_all();
        if (wish || look % kStatusEvery == 0) {
            tell(false);
        }
        std::unique_lock guard(mutex);
        wake.wait_for(guard, stop, kLook, [] { return false; });
    }
}

void ReadingRun::Impl::readNow(std::span<const LanePiece> all, const std::stop_token& stop) {
    {
        std::unique_lock guard(mutex);
        wake.wait(guard, stop, [&] { return !paused; });
    }
    if (stop.stop_requested()) {
        throw Error(ErrorCode::Cancelled, "Reading was stopped");
    }
    const LanePlan plan = keeper.plan(*loaded, request(all));
    change([&](ReadingStatus& s) {
        s.state = paused ? State::Paused : State::Reading;
        s.done = plan.keep;
        s.total = plan.total();
    });
    try {
        const LaneReading reading = keeper.read(
            *loaded, request(all),
            [&, begin = plan.total() - plan.toRead()](const engine::Progress& p) {
                change([&](ReadingStatus& s) {
                    if (p.phase == "Reading") {
                        s.done = begin + p.done;
                        s.perSecond = paused ? 0 : p.perSecond;
                    }
                });
            },
            stop);
        change([&](ReadingStatus& s) {
            s.done = s.total;
            s.note += (s.note.empty() || reading.note.empty() ? "" : " ") + reading.note;
        });
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Cancelled) { // without the part that was under way
            const std::uint64_t left = keeper.plan(*loaded, request(all)).toRead();
            change([&](ReadingStatus& s) { s.done = s.total - left; });
        }
        throw;
    }
}

void ReadingRun::Impl::readAll(const std::stop_token& stop) {
    load(stop);
    change([&](ReadingStatus& s) {
        s.level = level->name;
        s.model = loaded->model.name;
    });
    std::vector<LanePiece> all = pieces(stop);
    reuse(all, stop);
    change([&](ReadingStatus& s) {
        const LanePlan plan = keeper.plan(*loaded, request(all));
        s.kept = plan.keep;
        s.total = plan.total();
    });
    for (int round = 0; round < kMostRounds; ++round) {
        readNow(all, stop);
        std::vector<LanePiece> latest = pieces(stop);
        const bool same = std::equal(all.begin(), all.end(), latest.begin(), latest.end(),
                                     [](const auto& a, const auto& b) { return a.id == b.id; });
        if (same) {
            break;
        }
        all = std::move(latest);
    }
    touchLane(laneFile(options.dossier / "lanes", loaded->model.fingerprint,
                       loaded->encoder->fingerprint(), level->effort));
}

ReadingRun::ReadingRun(ReadingOptions options, EngineHost::EngineFactory makeEngine,
                       EngineHost::EncoderFactory makeEncoder) {
    if (!std::filesystem::exists(options.dossier / "dossier.db")) {
        throw Error(ErrorCode::NotFound, options.dossier.string() + " is not a dossier",
                    "Choose a folder that ends in .dossier");
    }
    std::error_code error;
    std::filesystem::create_directory(options.dossier / "lanes", error);
    if (error) {
        throw systemError("make the folder " + (options.dossier / "lanes").string(), error.value());
    }
    d = std::make_unique<Impl>(std::move(options), std::move(makeEngine), std::move(makeEncoder));
}

ReadingRun::~ReadingRun() = default;

ReadingForecast ReadingRun::forecast(std::stop_token stop) {
    d->load(stop);
    return d->forecast(d->pieces(stop));
}

ReadingStatus ReadingRun::run(std::stop_token stop,
                              std::function<void(const ReadingStatus&)> onStatus) {
    d->listener = std::move(onStatus);
    d->board.takeWish(); // of an earlier time
    d->change([&](ReadingStatus& s) {
        s = {};
        s.state = State::Loading;
        s.process = getpid();
        s.level = d->options.level;
        s.startedMs = nowMs();
    });
    d->tell(true);
    const std::stop_callback onStop(stop, [&] {
        const std::lock_guard guard(d->mutex);
        d->cancelled.request_stop();
        d->wake.notify_all();
    });
    std::optional<Error> failure;
    {
        d->awake.emplace(kWhyAwake);
        const std::jthread watcher([&](const std::stop_token& end) { d->watch(end); });
        try {
            d->readAll(d->cancelled.get_token());
        } catch (const Error& error) {
            failure = error;
        } catch (const std::exception& error) {
            failure = Error(ErrorCode::Internal, std::string("Reading failed: ") + error.what());
        }
        d->keeper.closeAll();
    }
    d->awake.reset();
    d->change([&](ReadingStatus& s) {
        const bool stopped = failure && failure->code() == ErrorCode::Cancelled;
        s.state = !failure ? State::Done : stopped ? State::Cancelled : State::Failed;
        s.failure = failure && !stopped ? std::optional(failureOf(*failure)) : std::nullopt;
    });
    const ReadingStatus final = d->status;
    if (final.perSecond > 0 && d->loaded) {
        try {
            d->board.setSpeed(d->loaded->model.fingerprint, final.perSecond);
        } catch (const Error&) {
            // The next forecast does without.
        }
    }
    d->tell(true);
    if (failure && failure->code() != ErrorCode::Cancelled) {
        throw Error(*failure);
    }
    return final;
}

} // namespace dossier::app
