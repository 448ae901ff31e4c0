// SPDX-License-Identifier: GPL-3.0-or-later
// Loading happens on the thread that asks for it; others wait for it.
#include "app/engine_core.h"

#include <algorithm>

namespace dossier::app {

EngineHost::Core::Core(EngineFactory makeEngine, EncoderFactory makeEncoder)
    : m_makeEngine(std::move(makeEngine)), m_makeEncoder(std::move(makeEncoder)) {
    if (!m_makeEncoder) {
        m_makeEncoder = [](const engine::ModelInfo& model) { return loadEncoder(model.path); };
    }
}

void EngineHost::Core::setStatus(const std::function<void(EngineStatus&)>& change) {
    std::function<void()> listener;
    {
        const std::lock_guard lock(m_mutex);
        change(m_status);
        listener = m_listener;
    }
    m_changed.notify_all();
    if (listener) {
        listener();
    }
}

std::shared_ptr<engine::Engine> EngineHost::Core::engine() {
    {
        const std::lock_guard lock(m_mutex);
        if (m_engine) {
            return m_engine;
        }
    }
    std::shared_ptr<engine::Engine> made = m_makeEngine();
    const std::lock_guard lock(m_mutex);
    if (!m_engine) {
        m_engine = std::move(made);
    }
    return m_engine;
}

std::shared_ptr<engine::Engine> EngineHost::Core::engineIfMade() const {
    const std::lock_guard lock(m_mutex);
    return m_engine;
}

void EngineHost::Core::loadWith(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const engine::LoadOptions options = *m_options;
    m_loading = true;
    m_loaded.reset();
    lock.unlock();
    setStatus([](EngineStatus& s) {
        if (s.state != EngineState::Stopped) {
            s.failure.reset();
        }
        s.state = EngineState::Loading;
        s.progress = {};
    });
    std::optional<Error> error;
    Loaded loaded;
    engine::DeviceInfo device;
    try {
        loaded.engine = engine();
        const auto progress = [this](const engine::Progress& p) {
            setStatus([&p](EngineStatus& s) { s.progress = p; });
        };
        loaded.model = loaded.engine->load(options, progress, stop);
        loaded.encoder = m_makeEncoder(loaded.model);
        loaded.contextTokens = options.contextTokens != 0
                                   ? std::min(options.contextTokens, loaded.model.maxContext)
                                   : loaded.model.maxContext;
        device = loaded.engine->device();
    } catch (const Error& e) {
        error = e;
    } catch (const std::exception& e) {
        error = Error(ErrorCode::Internal, std::string("Loading the model failed: ") + e.what());
    }
    lock.lock();
    m_loading = false;
    if (error && error->code() == ErrorCode::ProcessDied) {
        m_engine.reset();
    }
    if (!error) {
        loaded.generation = ++m_generation;
        m_loaded = loaded;
    }
    lock.unlock();
    setStatus([&](EngineStatus& s) {
        if (error) {
            const bool cancelled = error->code() == ErrorCode::Cancelled;
            s.state = cancelled ? EngineState::NoModel : EngineState::Failed;
            s.failure = cancelled ? std::nullopt : std::optional(failureOf(*error));
        } else {
            s = {EngineState::Ready, loaded.model, device, std::nullopt, {}};
        }
    });
    lock.lock();
    if (error) {
        throw Error(*error);
    }
}

EngineHost::Core::Loaded EngineHost::Core::acquire(const std::stop_token& stop) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, stop, [this] { return !m_loading; });
    if (stop.stop_requested()) {
        throw Error(ErrorCode::Cancelled, "Waiting for the model was cancelled");
    }
    if (!m_options) {
        throw Error(ErrorCode::NotFound, "No model is loaded",
                    "Choose a model folder on the model page");
    }
    if (!m_loaded) {
        loadWith(lock, stop);
    }
    return *m_loaded;
}

std::optional<EngineHost::Core::Loaded> EngineHost::Core::loadedNow() const {
    const std::lock_guard lock(m_mutex);
    return m_loaded;
}

void EngineHost::Core::died(const std::shared_ptr<engine::Engine>& dead, const Error& error) {
    setStatus([&](EngineStatus& s) { // all under one lock: somebody may be about to load again
        if (!dead || dead != m_engine) {
            return; // somebody else has told it already
        }
        m_engine.reset();
        if (!m_loaded) {
            return; // nothing is lost; what is being loaded tells its failure itself
        }
        m_loaded.reset();
        s.state = EngineState::Stopped;
        s.failure = failureOf(error);
    });
}

void EngineHost::Core::load(const engine::LoadOptions& options, const std::stop_token& stop) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, stop, [this] { return !m_loading; });
    if (stop.stop_requested()) {
        return;
    }
    m_options = options;
    m_speed = {};
    try {
        loadWith(lock, stop);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Cancelled) {
            m_options.reset();
        }
        throw;
    }
}

void EngineHost::Core::unload() {
    std::shared_ptr<engine::Engine> engine;
    {
        const std::lock_guard lock(m_mutex);
        m_options.reset();
        m_loaded.reset();
        engine = m_engine;
    }
    if (engine) {
        engine->unload();
    }
    setStatus([](EngineStatus& s) { s = {}; });
}

void EngineHost::Core::release() {
    std::shared_ptr<engine::Engine> engine;
    {
        const std::lock_guard lock(m_mutex);
        m_loaded.reset();
        engine = m_engine;
    }
    if (engine) {
        engine->unload();
    }
    setStatus([](EngineStatus& s) { s = {}; });
}

std::optional<engine::LoadOptions> EngineHost::Core::options() const {
    const std::lock_guard lock(m_mutex);
    return m_options;
}

EngineStatus EngineHost::Core::status() const {
    const std::lock_guard lock(m_mutex);
    return m_status;
}

void EngineHost::Core::onStatusChanged(std::function<void()> listener) {
    const std::lock_guard lock(m_mutex);
    m_listener = std::move(listener);
}

MeasuredSpeed EngineHost::Core::speed() const {
    const std::lock_guard lock(m_mutex);
    return m_speed;
}

void EngineHost::Core::measured(const MeasuredSpeed& latest) {
    const std::lock_guard lock(m_mutex);
    const auto take = [](double& kept, double value) { kept = value > 0 ? value : kept; };
    take(m_speed.readTokensPerSecond, latest.readTokensPerSecond);
    take(m_speed.answerTokensPerSecond, latest.answerTokensPerSecond);
    take(m_speed.questionSeconds, latest.questionSeconds);
}

} // namespace dossier::app
