// SPDX-License-Identifier: GPL-3.0-or-later
// app::EngineHost on invented numbers.
#include <QDateTime>
#include <QTimer>
#include <cmath>

#include "app/asking/text_encoder.h"
#include "app/engine_host.h"
#include "tests/support/fake_encoder.h"
#include "tests/ui/support/demo.h"

namespace dossier::test {

app::MemorySample demoMemory(double secondsAgo, std::int64_t nowMs) {
    constexpr double kGiB = 1073741824.0;
    const auto bytes = [](double gib) { return static_cast<std::uint64_t>(gib * kGiB); };
    const double t = 600 - secondsAgo;
    const auto wave = [t](double base, double amplitude, double phase) {
        return base + amplitude * std::sin(t / 36 + phase) + 0.02 * std::sin(t * 3.7 + phase);
    };
    app::MemorySample sample;
    sample.timeMs = nowMs - static_cast<std::int64_t>(secondsAgo * 1000);
    const double cache = wave(9.2, 0.12, 2) + (t > 120 ? 0.3 : 0) + (t > 280 ? 0.15 : 0);
    sample.engine.ledger = {
        {"dense weights", "vram", bytes(7.3)},
        {"lane rows", "vram", bytes(t > 384 ? 2.71 : 2.66)},
        {"frontiers", "vram", bytes(wave(0.9, 0.12, 1))},
        {"expert cache", "vram", bytes(cache)},
        {"expert store", "ram", bytes(t > 48 ? 85.5 : 84.0)},
        {"staging", "pinned", bytes(5.3)},
    };
    sample.application = {{"documents", "ram", bytes(0.4)}, {"search index", "ram", bytes(0.9)}};
    sample.applicationResident = bytes(1.4);
    sample.engine.processResident = bytes(90.9);
    sample.engine.vramTotal = bytes(24);
    sample.engine.vramUsed = bytes(7.3 + 2.7 + 0.9 + cache + 0.9);
    sample.ramTotal = bytes(128);
    sample.ramAvailable = bytes(128 - 96.2 + 0.3 * std::sin(t / 50));
    sample.telemetry.activity = "answering";
    sample.telemetry.answerTokensPerSecond = wave(12.1, 0.5, 0);
    sample.telemetry.readTokensPerSecond = 308;
    sample.telemetry.bytesPerTokenVram = 1'311'000'000;
    sample.telemetry.bytesPerTokenRam = 1'980'000'000;
    sample.telemetry.bytesPerTokenDisk = 158'000'000;
    sample.telemetry.bytesPerTokenCpu = 936'000'000;
    sample.telemetry.stepSeconds = 0.0826;
    sample.telemetry.fetchSeconds = 0.0554;
    sample.telemetry.cpuSeconds = 0.0471;
    for (int layer = 0; layer < 43; ++layer) {
        sample.telemetry.expertHitRate.push_back(
            layer < 3 ? 0.22f
                      : static_cast<float>(0.26 + 0.4 * std::abs(std::sin(layer * 1.7)) * 0.8));
    }
    return sample;
}

} // namespace dossier::test

namespace dossier::app {

std::shared_ptr<const TextEncoder> loadEncoder(const std::filesystem::path&) {
    return std::make_shared<test::FakeEncoder>();
}

class EngineHost::Impl {
  public:
    EngineStatus status;
    std::vector<Job> jobs;
    std::vector<MemorySample> memory;
    QTimer sampling;
};

EngineHost::EngineHost(EngineFactory, EncoderFactory, QObject* parent)
    : QObject(parent), d(std::make_unique<Impl>()) {
    const std::int64_t now = QDateTime::currentMSecsSinceEpoch();
    for (int i = 2400; i >= 0; --i) {
        d->memory.push_back(test::demoMemory(i / 4.0, now));
    }
    d->status.state = EngineState::Ready;
    engine::ModelInfo model;
    model.path = "/data/models/v4-flash-preview";
    model.name = "V4 Flash, April preview";
    model.release = "april";
    model.expertFormat = "fp4";
    model.fingerprint = "c0ffee1234567890";
    model.parameters = 284'000'000'000;
    model.activeParameters = 13'000'000'000;
    model.tensorBytes = 157'000'000'000;
    model.shards = 46;
    model.layers = 43;
    model.maxContext = 1'048'576;
    model.kvBytesPerToken = 3440;
    model.levels = {"none", "high", "max"};
    d->status.model = model;
    d->status.device = {engine::Device::Cuda, "NVIDIA RTX 4090 (driver 580.65)", {}, "cuda"};
    d->sampling.setInterval(250);
    connect(&d->sampling, &QTimer::timeout, this, [this] {
        d->memory.push_back(test::demoMemory(0, QDateTime::currentMSecsSinceEpoch()));
        emit memorySampled(d->memory.back());
    });
}

EngineHost::~EngineHost() = default;
const EngineStatus& EngineHost::status() const {
    return d->status;
}
void EngineHost::load(const engine::LoadOptions&) {
    emit statusChanged();
}
void EngineHost::cancelLoad() {}
void EngineHost::unload() {
    d->status = {};
    emit statusChanged();
}

void EngineHost::inspect(const engine::LoadOptions& options, QObject* context, InspectDone done) {
    QTimer::singleShot(0, context, [this, options, done] {
        constexpr double kGiB = 1073741824.0;
        const auto bytes = [](double gib) { return static_cast<std::uint64_t>(gib * kGiB); };
        engine::Forecast forecast;
        const double free = static_cast<double>(options.vramLeaveFree) / kGiB;
        forecast.rows = {{"dense weights", "vram", bytes(7.3)},
                         {"lane rows", "vram", bytes(3.4)},
                         {"frontiers", "vram", bytes(0.9)},
                         {"expert cache", "vram", bytes(std::max(0.5, 10.2 - free))},
                         {"staging", "pinned", bytes(5.3)},
                         {"expert store", "ram", bytes(97.3)},
                         {"experts", "disk", bytes(30.7)}};
        forecast.contextTokens = 1'048'576;
        forecast.fits = true;
        forecast.verdict =
            "With these settings: about 12 tokens a second. Of the expert reads, 38 % "
            "come from GPU memory and 57 % from RAM.";
        done(d->status.model, forecast, std::nullopt);
    });
}

JobId EngineHost::verifyModel(const std::filesystem::path&) {
    return {};
}
void EngineHost::cancelJob(JobId) {}
const std::vector<Job>& EngineHost::jobs() const {
    return d->jobs;
}
const std::vector<MemorySample>& EngineHost::memory() const {
    return d->memory;
}
void EngineHost::setSampling(bool on) {
    on ? d->sampling.start() : d->sampling.stop();
}
std::shared_ptr<EngineHost::Core> EngineHost::core() const {
    return nullptr;
}

} // namespace dossier::app
