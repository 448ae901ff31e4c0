// SPDX-License-Identifier: GPL-3.0-or-later
// Owns the engine thread and the sampling thread; both post to the window thread.
#include "app/engine_host.h"

#include <QPointer>
#include <QTimer>
#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "app/engine_core.h"
#include "app/job_list.h"
#include "app/work_queue.h"

namespace dossier::app {
namespace {

constexpr std::chrono::milliseconds kSampleEvery{250};
constexpr std::size_t kSamplesKept = 10 * 60 * 4; ///< ten minutes

/// Value of "VmRSS:  123 kB" and the like, in bytes.
std::uint64_t kilobytesLine(const std::string& file, const std::string& key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(key)) {
            std::uint64_t value = 0;
            std::istringstream(line.substr(key.size())) >> value;
            return value * 1024;
        }
    }
    return 0;
}

MemorySample sampleNow(engine::Engine* engine) {
    MemorySample sample;
    sample.timeMs = nowMs();
    if (engine != nullptr) {
        sample.engine = engine->memory();
        sample.telemetry = engine->telemetry();
    }
    sample.applicationResident = kilobytesLine("/proc/self/status", "VmRSS:");
    sample.ramTotal = kilobytesLine("/proc/meminfo", "MemTotal:");
    sample.ramAvailable = kilobytesLine("/proc/meminfo", "MemAvailable:");
    return sample;
}

} // namespace

class EngineHost::Impl {
  public:
    Impl(EngineHost* owner, EngineFactory makeEngine, EncoderFactory makeEncoder)
        : host(owner), core(std::make_shared<Core>(std::move(makeEngine), std::move(makeEncoder))) {
        core->onStatusChanged([dirty = statusDirty] { *dirty = true; });
        timer.setInterval(kRefreshMs);
        QObject::connect(&timer, &QTimer::timeout, host, [this] { refresh(); });
        timer.start();
    }

    ~Impl() {
        sampler = {};
        loadStop.request_stop();
        jobs.cancelAll();
        core->onStatusChanged({});
    }

    void refresh() {
        if (statusDirty->exchange(false)) {
            status = core->status();
            emit host->statusChanged();
        }
        for (const JobId id : jobs.refresh()) {
            emit host->jobChanged(id);
        }
    }

    void sampleLoop(const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        while (!stop.stop_requested()) {
            MemorySample sample;
            const std::shared_ptr<engine::Engine> engine = core->engineIfMade();
            try {
                sample = sampleNow(engine.get());
            } catch (const Error& error) {
                // The computer's own figures are shown meanwhile. That an engine died while nothing
                // was asked is seen here first, and the next question need not fail of it.
                if (error.code() == ErrorCode::ProcessDied) {
                    core->died(engine, error);
                }
                sample = sampleNow(nullptr);
            }
            QMetaObject::invokeMethod(
                host, [this, sample] { keep(sample); }, Qt::QueuedConnection);
            std::unique_lock lock(mutex);
            wake.wait_for(lock, stop, kSampleEvery, [] { return false; });
        }
    }

    void keep(MemorySample sample) {
        if (rowsOwner) {
            sample.application = applicationRows();
        }
        if (samples.size() >= kSamplesKept) {
            samples.erase(samples.begin(),
                          samples.begin() + static_cast<std::ptrdiff_t>(kSamplesKept / 10));
        }
        samples.push_back(sample);
        emit host->memorySampled(sample);
    }

    EngineHost* host;
    std::shared_ptr<Core> core;
    EngineStatus status;
    /// Shared: a status change may still be on its way when the host goes.
    std::shared_ptr<std::atomic<bool>> statusDirty = std::make_shared<std::atomic<bool>>(false);
    std::stop_source loadStop;
    JobList jobs;
    std::vector<MemorySample> samples;
    QPointer<const QObject> rowsOwner;
    std::function<std::vector<engine::MemoryRow>()> applicationRows;
    QTimer timer;
    WorkQueue queue{WorkQueue::AtEnd::Drop};
    std::jthread sampler;
};

EngineHost::EngineHost(EngineFactory makeEngine, EncoderFactory makeEncoder, QObject* parent)
    : QObject(parent),
      d(std::make_unique<Impl>(this, std::move(makeEngine), std::move(makeEncoder))) {
    setSampling(true);
}

EngineHost::~EngineHost() = default;

const EngineStatus& EngineHost::status() const {
    return d->status;
}

void EngineHost::load(const engine::LoadOptions& options) {
    d->loadStop.request_stop();
    d->loadStop = {};
    d->status.state = EngineState::Loading;
    d->status.failure.reset();
    d->status.progress = {};
    d->queue.post([core = d->core, options, stop = d->loadStop.get_token()](std::stop_token) {
        try {
            core->load(options, stop);
        } catch (const Error&) {
            // Told through the status.
        }
    });
    emit statusChanged();
}

void EngineHost::cancelLoad() {
    d->loadStop.request_stop();
}

void EngineHost::unload() {
    d->loadStop.request_stop();
    d->queue.post([core = d->core](std::stop_token) {
        try {
            core->unload();
        } catch (const Error&) {
            // A dead engine has nothing left to unload.
        }
    });
}

void EngineHost::inspect(const engine::LoadOptions& options, QObject* context, InspectDone done) {
    d->queue.post([this, options, guard = QPointer<QObject>(context),
                   done = std::move(done)](std::stop_token stop) {
        std::optional<engine::ModelInfo> info;
        std::optional<engine::Forecast> forecast;
        std::optional<Failure> failure;
        try {
            const auto engine = d->core->engine();
            info = engine->inspect(options.model, engine::Verify::Directory, {}, stop);
            forecast = engine->forecast(options);
        } catch (const Error& error) {
            info.reset();
            failure = failureOf(error);
        }
        QMetaObject::invokeMethod(
            this,
            [guard, done, info, forecast, failure] {
                if (guard) {
                    done(info, forecast, failure);
                }
            },
            Qt::QueuedConnection);
    });
}

JobId EngineHost::verifyModel(const std::filesystem::path& folder) {
    const auto job = d->jobs.start(JobKind::CheckModel, "Checking " + folder.filename().string());
    d->queue.post([core = d->core, folder, job](std::stop_token) {
        std::optional<Error> error;
        try {
            core->engine()->inspect(
                folder, engine::Verify::Contents,
                [&](const engine::Progress& p) { job->update([&](Job& j) { j.progress = p; }); },
                job->stop());
        } catch (const Error& e) {
            error = e;
        }
        JobList::end(*job, error);
    });
    return job->copy().id;
}

void EngineHost::cancelJob(JobId id) {
    d->jobs.cancel(id);
}

const std::vector<Job>& EngineHost::jobs() const {
    return d->jobs.jobs();
}

const std::vector<MemorySample>& EngineHost::memory() const {
    return d->samples;
}

void EngineHost::setApplicationRows(const QObject* owner,
                                    std::function<std::vector<engine::MemoryRow>()> rows) {
    d->rowsOwner = owner;
    d->applicationRows = std::move(rows);
}

void EngineHost::setSampling(bool on) {
    d->sampler =
        on ? std::jthread([this](const std::stop_token& s) { d->sampleLoop(s); }) : std::jthread();
}

std::shared_ptr<EngineHost::Core> EngineHost::core() const {
    return d->core;
}

} // namespace dossier::app
