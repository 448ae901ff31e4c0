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
#include "engine/scheduler/tier_telemetry.h"

namespace dossier::engine {
namespace {

/// How old the picture of the tiers may get while answering; a look waits for the GPU.
constexpr std::chrono::milliseconds kTierInterval{500};

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

    template<class Prepare, class Info>
    auto read(const std::shared_ptr<ReadJob>& job, Prepare prepare, Info info) {
        std::future<void> done = job->finished.get_future();
        const std::stop_callback wake(job->stop(), [this] { post([] {}); }); // while it is held
        call([&] {
            prepare();
            m_runtime.model();
            (job->branch ? m_extends : m_appends).push_back(job);
        });
        done.get();
        return call(info);
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
            setActivity("loading");
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
        auto job = std::make_shared<ReadJob>(tokens, std::move(progress), std::move(stop), marks);
        return read(
            job,
            [&] {
                job->lane = m_runtime.lane(id);
                job->hold = hold(id);
            },
            [&] { return m_runtime.laneInfo(id); });
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

    BranchInfo branch(LaneId id, std::optional<std::uint64_t> position) override {
        return call([&] { return m_runtime.branchAt(id, position); });
    }
    BranchInfo fork(BranchId id) override {
        return call([&] { return m_runtime.fork(id); });
    }
    BranchInfo extend(BranchId id, std::span<const Token> tokens, ProgressFn progress,
                      std::stop_token stop) override {
        auto job = std::make_shared<ReadJob>(tokens, std::move(progress), std::move(stop));
        return read(
            job, [&] { job->branch = m_runtime.branch(id); },
            [&] {
                return BranchInfo{id, job->branch->size(), 0};
            });
    }
    void closeBranch(BranchId id) override {
        call([&] { m_runtime.closeBranch(id); });
    }

    GenerateResult generate(BranchId id, const GenerateOptions& options, TokenFn onToken,
                            std::stop_token stop) override {
        std::shared_ptr<AnswerJob> job;
        std::future<GenerateResult> result;
        call([&] {
            const auto branch = m_runtime.branch(id);
            m_runtime.requireLogits(*branch);
            for (const auto& other : m_answers) {
                if (&other->branch() == branch.get()) {
                    throw Error(ErrorCode::Busy, "This branch is already being answered",
                                "Fork it, or wait for that answer");
                }
            }
            job = std::make_shared<AnswerJob>(branch, options, std::move(onToken), std::move(stop),
                                              m_runtime.model());
            result = job->finished.get_future();
            m_answers.push_back(job);
        });
        return result.get();
    }

    std::vector<std::vector<float>> score(BranchId id,
                                          const std::vector<std::vector<Token>>& continuations,
                                          std::stop_token stop) override {
        return call([&] {
            setActivity("scoring");
            return m_runtime.score(*m_runtime.branch(id), continuations, stop);
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
    Telemetry telemetry() override {
        const std::lock_guard lock(m_telemetryMutex);
        return m_telemetry;
    }

  private:
    std::shared_ptr<LaneHold> hold(LaneId id) {
        const std::lock_guard lock(m_mutex);
        const auto found = m_holds.find(id);
        if (found == m_holds.end()) {
            throw laneNotOpen(id);
        }
        return found->second;
    }
    static bool anyRuns(const std::list<std::shared_ptr<ReadJob>>& jobs) {
        return std::any_of(jobs.begin(), jobs.end(),
                           [](const auto& job) { return job->runnable(); });
    }
    void serve();
    void stepAnswers();
    void stepReading(std::list<std::shared_ptr<ReadJob>>& jobs);
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
    void stepRestoring();
    /// Where the weights of recent tokens came from, into the telemetry.
    void watchTiers();
    /// Ends what works on the model's lanes and branches, then unloads it.
    void dropModel();
    void setActivity(const char* activity) {
        const std::lock_guard lock(m_telemetryMutex);
        m_telemetry.activity = activity;
    }

    MemoryLedger m_ledger;
    Runtime m_runtime;
    std::mutex m_telemetryMutex;
    Telemetry m_telemetry;

    std::mutex m_mutex; ///< guards the queue and the holds
    std::condition_variable m_wake;
    std::deque<std::function<void()>> m_queue;
    std::map<LaneId, std::shared_ptr<LaneHold>> m_holds; ///< of open lanes
    bool m_closing = false;

    // The owner thread's.
    std::list<std::shared_ptr<AnswerJob>> m_answers;
    std::list<std::shared_ptr<ReadJob>> m_extends, m_appends;
    std::list<std::shared_ptr<RestoreJob>> m_restores;
    std::optional<ExpertTelemetry> m_tiers; ///< when last looked at
    unsigned m_steps = 0;                   ///< of all answers since then
    double m_stepSeconds = 0;
    Clock::time_point m_tiersSeen;
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
                setActivity("idle");
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
        if (!m_answers.empty()) {
            stepAnswers();
        } else if (!m_extends.empty()) {
            stepReading(m_extends);
        } else if (!m_restores.empty()) {
            stepRestoring();
        } else if (anyRuns(m_appends)) {
            stepReading(m_appends);
        }
    }
    dropModel();
}

void InProcessEngine::stepAnswers() {
    setActivity("answering");
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
    const Clock::time_point begin = Clock::now();
    try {
        m_runtime.step(timelines, tokens);
        ++m_steps;
        m_stepSeconds += std::chrono::duration<double>(Clock::now() - begin).count();
    } catch (...) {
        for (const auto& job : running) {
            fail(job);
        }
        return;
    }
    double speed = 0;
    for (const auto& job : running) {
        speed += job->tokensPerSecond();
        if (job->ended()) {
            finish(job);
        }
    }
    {
        const std::lock_guard lock(m_telemetryMutex);
        m_telemetry.answerTokensPerSecond = speed;
    }
    if (m_answers.empty() || Clock::now() - m_tiersSeen > kTierInterval) {
        watchTiers();
    }
}

void InProcessEngine::watchTiers() {
    m_tiersSeen = Clock::now();
    const LoadedModel& model = m_runtime.model();
    std::optional<ExpertTelemetry> now;
    try {
        now = gpuExperts(*model.ops);
    } catch (const Error&) {
        return; // a lost GPU is told to whoever answers next
    }
    if (!now) {
        return;
    }
    if (const auto use = tierUse(model.config(), m_tiers, *now)) {
        const std::lock_guard lock(m_telemetryMutex);
        m_telemetry.bytesPerTokenVram = use->vramBytes;
        m_telemetry.bytesPerTokenRam = use->ramBytes;
        m_telemetry.bytesPerTokenDisk = use->diskBytes;
        m_telemetry.bytesPerTokenCpu = use->cpuBytes;
        const bool offloaded = !use->hitRate.empty();
        m_telemetry.stepSeconds = offloaded && m_steps > 0 ? m_stepSeconds / m_steps : 0;
        m_telemetry.fetchSeconds = use->fetchSeconds;
        m_telemetry.cpuSeconds = use->cpuSeconds;
        m_telemetry.expertHitRate = use->hitRate;
        m_tiers = std::move(now);
        m_steps = 0;
        m_stepSeconds = 0;
    }
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
    m_tiers.reset();
    {
        const std::lock_guard lock(m_telemetryMutex);
        m_telemetry.bytesPerTokenVram = m_telemetry.bytesPerTokenRam = 0;
        m_telemetry.bytesPerTokenDisk = m_telemetry.bytesPerTokenCpu = 0;
        m_telemetry.stepSeconds = m_telemetry.fetchSeconds = m_telemetry.cpuSeconds = 0;
        m_telemetry.expertHitRate.clear();
    }
    m_runtime.setModel(nullptr);
    const std::lock_guard lock(m_mutex);
    m_holds.clear();
}

void InProcessEngine::stepRestoring() {
    setActivity("restoring");
    const std::shared_ptr<RestoreJob> job = m_restores.front();
    try {
        if (job->step(m_runtime)) {
            m_restores.remove(job);
        } else {
            m_restores.splice(m_restores.end(), m_restores, m_restores.begin());
        }
    } catch (...) {
        m_restores.remove(job);
        job->release();
        job->finished.set_exception(std::current_exception());
    }
}

void InProcessEngine::stepReading(std::list<std::shared_ptr<ReadJob>>& jobs) {
    const auto place = std::find_if(jobs.begin(), jobs.end(),
                                    [](const auto& candidate) { return candidate->runnable(); });
    if (place == jobs.end()) {
        return; // held since it was looked at
    }
    const std::shared_ptr<ReadJob> job = *place;
    setActivity("reading");
    if (!beginStep(*job)) {
        return;
    }
    try {
        const bool finished = job->step(m_runtime);
        {
            const std::lock_guard lock(m_telemetryMutex);
            if (job->tokensPerSecond() > 0) {
                m_telemetry.readTokensPerSecond = job->tokensPerSecond();
            }
        }
        endStep(*job);
        if (finished) {
            jobs.erase(place);
            job->finished.set_value();
        } else if (!job->inside()) {
            jobs.splice(jobs.end(), jobs, place); // take turns
        }
    } catch (...) {
        endStep(*job);
        jobs.erase(place);
        job->finished.set_exception(std::current_exception());
    }
}

} // namespace

std::unique_ptr<Engine> makeInProcessEngine() {
    return std::make_unique<InProcessEngine>();
}

} // namespace dossier::engine
