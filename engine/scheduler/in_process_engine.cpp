// SPDX-License-Identifier: Apache-2.0
// The engine inside this process: one owner thread serves all calls. Short calls come first, then
// one batched step of all answers, then what answers wait for (questions, lanes coming back), and
// only then a super-chunk of reading.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <list>
#include <mutex>
#include <thread>

#include <unistd.h>

#include "engine/lanes/lane_copy.h"
#include "engine/scheduler/gpu.h"
#include "engine/scheduler/jobs.h"
#include "engine/scheduler/telemetry_board.h"

namespace dossier::engine {
namespace {

std::uint64_t residentBytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

class InProcessEngine final : public Engine {
    /// Runs fn on the owner thread and gives its result, or throws what it threw.
    template<class Fn>
    auto call(Fn fn) {
        std::packaged_task<decltype(fn())()> task(std::move(fn));
        auto result = task.get_future();
        post([&task] { task(); });
        return result.get();
    }
    void post(std::function<void()> task) {
        {
            const std::lock_guard lock(m_mutex);
            m_queue.push_back(std::move(task));
        }
        m_wake.notify_all();
    }

    /// Runs a job to its end or to its stop. `make` gives it, null when there is nothing to read;
    /// `result` gets it and gives what becomes of it, before others have their turn. Both run on
    /// the owner thread.
    template<class Make, class Result>
    auto read(const std::stop_token& stop, Make make, Result result) {
        std::optional<decltype(result(nullptr))> value;
        std::future<void> done;
        const std::stop_callback wake(stop, [this] { post([] {}); }); // while it is held
        call([&] {
            m_runtime.model();
            const std::shared_ptr<ReadJob> job = make();
            if (!job) {
                value = result(nullptr);
                return;
            }
            job->atEnd = [&value, &result, one = job.get()] { value = result(one); };
            done = job->finished.get_future();
            (job->branch ? m_extends : m_appends).push_back(job);
        });
        if (done.valid()) {
            done.get();
        }
        return std::move(*value);
    }
    /// Reads again what leads to a branch's start: `start` gives the branch in the making, `result`
    /// gets it when it is there. Error(Cancelled).
    template<class Start, class Result>
    auto replay(const ProgressFn& progress, const std::stop_token& stop, Start start,
                Result result) {
        Runtime::BranchStart made; // its timeline is on the owner thread alone
        return read(
            stop,
            [&]() -> std::shared_ptr<ReadJob> {
                made = start();
                if (made.replay.empty()) {
                    return nullptr;
                }
                auto job = std::make_shared<ReadJob>(made.replay, progress, stop,
                                                     std::span<const LaneMark>(), "Reading again");
                job->branch = std::move(made.timeline);
                return job;
            },
            [&](ReadJob* job) {
                if (job && !job->complete()) {
                    throw Error(ErrorCode::Cancelled, "Stopped");
                }
                if (job) {
                    made.timeline = std::move(job->branch);
                }
                const Runtime::BranchStart fed = std::move(made);
                return result(fed);
            });
    }
    /// The same for the logits at a branch's end, which are known when `result` runs.
    template<class Result>
    auto withLogits(BranchId id, const std::stop_token& stop, Result result) {
        return replay(
            {}, stop, [&] { return m_runtime.startLogits(*m_runtime.branch(id), stop); },
            [&](const Runtime::BranchStart& fed) {
                const auto branch = m_runtime.branch(id);
                if (fed.timeline && branch->logits.empty()) { // nobody extended it meanwhile
                    branch->logits = std::move(fed.timeline->logits);
                }
                return result(branch);
            });
    }

  public:
    InProcessEngine() : m_runtime(m_ledger), m_thread([this] { serve(); }) {}

    ~InProcessEngine() override {
        {
            const std::lock_guard lock(m_mutex);
            m_closing = true;
        }
        m_wake.notify_all();
        m_thread.join();
    }

    ModelInfo inspect(const std::filesystem::path& model, Verify verify, ProgressFn progress,
                      std::stop_token stop) override {
        return inspectModel(model, verify, progress, stop); // touches nothing of the runtime
    }
    Forecast forecast(const LoadOptions& options) override { return forecastMemory(options); }

    ModelInfo load(const LoadOptions& options, ProgressFn progress, std::stop_token stop) override {
        return call([&] {
            m_telemetry.setActivity("loading");
            dropModel();
            m_runtime.setModel(loadModel(options, m_ledger, progress, stop));
            return m_runtime.model().info;
        });
    }
    void unload() override {
        call([&] { dropModel(); });
    }
    std::optional<ModelInfo> model() override {
        return call([&] {
            return m_runtime.loaded() ? std::optional(m_runtime.model().info) : std::nullopt;
        });
    }
    DeviceInfo device() override {
        return call([&] { return m_runtime.loaded() ? m_runtime.model().device : DeviceInfo{}; });
    }

    LaneInfo openLane(const LaneOptions& options, ProgressFn progress,
                      std::stop_token stop) override {
        std::shared_ptr<RestoreJob> job;
        std::future<LaneInfo> result;
        const std::optional<LaneKey> key = call([&] {
            const LoadedModel& model = m_runtime.model();
            if (options.file.empty()) {
                return std::optional<LaneKey>();
            }
            if (!options.readOnly) {
                m_runtime.requireFree(options.file);
            }
            return std::optional(laneKey(model, options.prefix));
        });
        std::unique_ptr<LaneStore> store; // looks through the file on the caller's thread
        if (key) {
            store = std::make_unique<LaneStore>(options.file, *key, options.readOnly, m_ledger);
        }
        call([&] {
            m_runtime.model();
            job = std::make_shared<RestoreJob>(std::move(store), options, std::move(progress),
                                               std::move(stop));
            result = job->finished.get_future();
            m_restores.push_back(job);
        });
        const LaneInfo info = result.get();
        const std::lock_guard lock(m_mutex);
        m_holds[info.id] = std::make_shared<LaneHold>();
        return info;
    }
    LaneInfo append(LaneId id, std::span<const Token> tokens, ProgressFn progress,
                    std::stop_token stop, std::span<const LaneMark> marks) override {
        return read(
            stop,
            [&] {
                auto job = std::make_shared<ReadJob>(tokens, std::move(progress), stop, marks);
                job->lane = m_runtime.lane(id);
                job->hold = hold(id);
                return job;
            },
            [&](const ReadJob*) { return m_runtime.laneInfo(id); });
    }
    void pauseReading(LaneId id, bool paused) override {
        const auto hold = this->hold(id);
        std::unique_lock lock(m_mutex);
        hold->wanted = paused;
        m_wake.notify_all();
        if (paused) {
            m_wake.wait(lock, [&] { return !hold->computing || !hold->wanted; });
        }
    }
    LaneInfo lane(LaneId id) override {
        return call([&] { return m_runtime.laneInfo(id); });
    }
    LaneContents laneContents(LaneId id) override {
        return call([&] {
            const auto lane = m_runtime.lane(id);
            LaneContents contents{lane->marks, lane->positions()};
            std::erase_if(contents.marks,
                          [&](const LaneMark& mark) { return mark.end > lane->log->size(); });
            return contents;
        });
    }
    LaneFileInfo inspectLane(const std::filesystem::path& file, Verify verify, ProgressFn progress,
                             std::stop_token stop) override {
        return describeLane(file, verify == Verify::Contents, progress, stop);
    }
    LaneFileInfo copyLane(const std::filesystem::path& from, const std::filesystem::path& to,
                          std::uint64_t tokens, ProgressFn progress,
                          std::stop_token stop) override {
        return copyLaneFile(from, to, tokens, progress, stop);
    }
    void closeLane(LaneId id) override {
        std::shared_ptr<Lane> lane; // its file may still be busy; not the owner thread's trouble
        call([&] {
            lane = m_runtime.lane(id);
            if (std::any_of(m_appends.begin(), m_appends.end(),
                            [&](const auto& job) { return job->lane == lane; })) {
                lane.reset();
                throw Error(ErrorCode::Busy, "The lane is being read",
                            "Stop the reading before closing it");
            }
            m_runtime.closeLane(id);
            const std::lock_guard lock(m_mutex);
            m_holds.erase(id);
        });
        if (lane->store) {
            try {
                while (!lane->store->settled(std::chrono::milliseconds(100))) {
                }
            } catch (const Error&) { // told by saved < tokens before; nothing valid is lost
            }
        }
        call([&] { lane.reset(); }); // device memory is the owner thread's
    }

    BranchInfo branch(LaneId id, std::optional<std::uint64_t> position, ProgressFn progress,
                      std::stop_token stop) override {
        return replay(
            progress, stop, [&] { return m_runtime.startBranch(id, position, stop); },
            [&](const Runtime::BranchStart& fed) { return m_runtime.addBranch(fed); });
    }
    BranchInfo fork(BranchId id) override {
        return call([&] { return m_runtime.fork(id); });
    }
    BranchInfo extend(BranchId id, std::span<const Token> tokens, ProgressFn progress,
                      std::stop_token stop) override {
        return read(
            stop,
            [&] {
                auto job = std::make_shared<ReadJob>(tokens, std::move(progress), stop);
                job->branch = m_runtime.branch(id);
                return job;
            },
            [&](const ReadJob* job) {
                return BranchInfo{id, job->branch->size(), 0};
            });
    }
    void closeBranch(BranchId id) override {
        call([&] { m_runtime.closeBranch(id); });
    }

    GenerateResult generate(BranchId id, const GenerateOptions& options, TokenFn onToken,
                            std::stop_token stop) override {
        try {
            return withLogits(id, stop,
                              [&](const std::shared_ptr<Timeline>& branch) {
                                  for (const auto& other : m_answers) {
                                      if (&other->branch() == branch.get()) {
                                          throw Error(ErrorCode::Busy,
                                                      "This branch is already being answered",
                                                      "Fork it, or wait for that answer");
                                      }
                                  }
                                  const auto job = std::make_shared<AnswerJob>(
                                      branch, options, std::move(onToken), stop, m_runtime.model());
                                  m_answers.push_back(job);
                                  return job->finished.get_future();
                              })
                .get();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Cancelled || !stop.stop_requested()) {
                throw;
            }
            GenerateResult nothing; // stopped before the first token
            nothing.ended = "cancelled";
            return nothing;
        }
    }

    std::vector<std::vector<float>> score(BranchId id,
                                          const std::vector<std::vector<Token>>& continuations,
                                          std::stop_token stop) override {
        return withLogits(id, stop, [&](const std::shared_ptr<Timeline>& branch) {
            m_telemetry.setActivity("scoring");
            return m_runtime.score(*branch, continuations, stop);
        });
    }

    MemorySnapshot memory() override {
        MemorySnapshot snapshot;
        for (const MemoryLedger::Row& row : m_ledger.snapshot()) {
            snapshot.ledger.push_back(
                {row.owner, std::string(memoryPlaceName(row.place)), row.bytes});
        }
        snapshot.processResident = residentBytes();
        if (const auto gpu = gpuMemoryUse()) {
            snapshot.vramUsed = gpu->used;
            snapshot.vramTotal = gpu->total;
        }
        return snapshot;
    }
    Telemetry telemetry() override { return m_telemetry.now(); }

  private:
    std::shared_ptr<LaneHold> hold(LaneId id) {
        const std::lock_guard lock(m_mutex);
        const auto found = m_holds.find(id);
        if (found == m_holds.end()) {
            throw laneNotOpen(id);
        }
        return found->second;
    }
    using ReadJobs = std::list<std::shared_ptr<ReadJob>>;
    using RestoreJobs = std::list<std::shared_ptr<RestoreJob>>;
    static bool anyRuns(const ReadJobs& jobs) {
        return std::any_of(jobs.begin(), jobs.end(),
                           [](const auto& job) { return job->runnable(); });
    }
    void serve();
    void stepAnswers();
    /// The first one that runs.
    void stepReading(ReadJobs&);
    void stepReading(ReadJobs&, ReadJobs::iterator);
    /// Jobs whose stop was requested end now, whoever else has the turn.
    void endStopped();
    /// Enters that a job of a lane computes. False: it was held meanwhile.
    bool beginStep(const ReadJob& job) {
        const std::lock_guard lock(m_mutex);
        const bool runs = job.runnable();
        if (job.hold) {
            job.hold->computing = runs;
        }
        return runs;
    }
    void endStep(const ReadJob& job) {
        if (job.hold) {
            const std::lock_guard lock(m_mutex);
            job.hold->computing = false;
            m_wake.notify_all();
        }
    }
    void stepRestoring(RestoreJobs::iterator);
    /// Ends what works on the model's lanes and branches, then unloads it.
    void dropModel();

    MemoryLedger m_ledger;
    Runtime m_runtime;
    TelemetryBoard m_telemetry;

    std::mutex m_mutex; ///< guards the queue and the holds
    std::condition_variable m_wake;
    std::deque<std::function<void()>> m_queue;
    std::map<LaneId, std::shared_ptr<LaneHold>> m_holds; ///< of open lanes
    bool m_closing = false;

    // The owner thread's.
    std::list<std::shared_ptr<AnswerJob>> m_answers;
    ReadJobs m_extends, m_appends;
    RestoreJobs m_restores;
    std::jthread m_thread; ///< last: starts when all the rest is there
};

void InProcessEngine::serve() {
    for (;;) {
        std::deque<std::function<void()>> tasks;
        {
            std::unique_lock lock(m_mutex);
            const auto busyNow = [&] {
                return !m_answers.empty() || !m_extends.empty() || !m_restores.empty() ||
                       anyRuns(m_appends);
            };
            if (!busyNow() && m_queue.empty() && !m_closing) {
                m_telemetry.setActivity("idle");
                m_wake.wait(lock, [&] { return !m_queue.empty() || m_closing || busyNow(); });
            }
            const bool busy = busyNow();
            if (m_closing && m_queue.empty() && !busy) {
                break;
            }
            tasks.swap(m_queue);
        }
        for (const auto& task : tasks) {
            task();
        }
        endStopped();
        if (!m_answers.empty()) {
            stepAnswers();
        } else if (!m_extends.empty()) {
            stepReading(m_extends);
        } else if (!m_restores.empty()) {
            stepRestoring(m_restores.begin());
        } else if (anyRuns(m_appends)) {
            stepReading(m_appends);
        }
    }
    dropModel();
}

void InProcessEngine::stepAnswers() {
    m_telemetry.setActivity("answering");
    std::vector<std::shared_ptr<AnswerJob>> running;
    std::vector<Timeline*> timelines;
    std::vector<Token> tokens;
    const auto finish = [&](const std::shared_ptr<AnswerJob>& job) {
        m_answers.remove(job);
        job->finished.set_value(job->takeResult());
    };
    const auto fail = [&](const std::shared_ptr<AnswerJob>& job) {
        m_answers.remove(job);
        job->finished.set_exception(std::current_exception());
    };
    for (const auto& job : std::vector(m_answers.begin(), m_answers.end())) {
        try {
            if (const auto token = job->sample()) {
                running.push_back(job);
                timelines.push_back(&job->branch());
                tokens.push_back(*token);
            } else {
                finish(job);
            }
        } catch (...) {
            fail(job);
        }
    }
    if (running.empty()) {
        return;
    }
    const SteadyClock::time_point begin = SteadyClock::now();
    try {
        m_runtime.step(timelines, tokens);
    } catch (...) {
        for (const auto& job : running) {
            fail(job);
        }
        return;
    }
    const std::chrono::duration<double> seconds = SteadyClock::now() - begin;
    double speed = 0;
    for (const auto& job : running) {
        speed += job->tokensPerSecond();
        if (job->ended()) {
            finish(job);
        }
    }
    m_telemetry.answered(m_runtime.model(), seconds.count(), speed, m_answers.empty());
}

void InProcessEngine::dropModel() {
    const auto gone = std::make_exception_ptr(
        Error(ErrorCode::Cancelled, "The model was unloaded before this was done"));
    const auto fail = [&](auto& jobs) {
        for (const auto& job : jobs) {
            job->finished.set_exception(gone);
        }
        jobs.clear();
    };
    for (const auto& job : m_restores) {
        job->release();
    }
    for (auto* jobs : {&m_extends, &m_appends}) {
        for (const auto& job : *jobs) {
            job->release();
        }
        fail(*jobs);
    }
    fail(m_restores);
    fail(m_answers);
    m_telemetry.forgetModel();
    m_runtime.setModel(nullptr);
    const std::lock_guard lock(m_mutex);
    m_holds.clear();
}

void InProcessEngine::endStopped() {
    const auto stopped = [](auto& jobs) {
        return std::find_if(jobs.begin(), jobs.end(),
                            [](const auto& job) { return job->stop().stop_requested(); });
    };
    // Stopped, a step is a job's last: each turn takes one out of its list.
    for (ReadJobs* jobs : {&m_extends, &m_appends}) {
        for (auto place = stopped(*jobs); place != jobs->end(); place = stopped(*jobs)) {
            stepReading(*jobs, place);
        }
    }
    for (auto place = stopped(m_restores); place != m_restores.end(); place = stopped(m_restores)) {
        stepRestoring(place);
    }
}

void InProcessEngine::stepRestoring(RestoreJobs::iterator place) {
    m_telemetry.setActivity("restoring");
    const std::shared_ptr<RestoreJob> job = *place;
    try {
        if (job->step(m_runtime)) {
            m_restores.remove(job);
        } else {
            m_restores.splice(m_restores.end(), m_restores, place); // take turns
        }
    } catch (...) {
        m_restores.remove(job);
        job->release();
        job->finished.set_exception(std::current_exception());
    }
}

void InProcessEngine::stepReading(ReadJobs& jobs) {
    const auto place = std::find_if(jobs.begin(), jobs.end(),
                                    [](const auto& candidate) { return candidate->runnable(); });
    if (place != jobs.end()) { // else it is held since it was looked at
        stepReading(jobs, place);
    }
}

void InProcessEngine::stepReading(ReadJobs& jobs, ReadJobs::iterator place) {
    const std::shared_ptr<ReadJob> job = *place;
    m_telemetry.setActivity("reading");
    if (!beginStep(*job)) {
        return;
    }
    try {
        const bool finished = job->step(m_runtime);
        m_telemetry.setReadSpeed(job->tokensPerSecond());
        endStep(*job);
        if (finished) {
            job->atEnd();
            jobs.erase(place);
            job->release();
            job->finished.set_value();
        } else if (!job->inside()) {
            jobs.splice(jobs.end(), jobs, place); // take turns
        }
    } catch (...) {
        endStep(*job);
        jobs.erase(place);
        job->release();
        job->finished.set_exception(std::current_exception());
    }
}

} // namespace

std::unique_ptr<Engine> makeInProcessEngine() {
    return std::make_unique<InProcessEngine>();
}

} // namespace dossier::engine
