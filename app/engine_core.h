// SPDX-License-Identifier: GPL-3.0-or-later
// The engine as the services use it from their own threads: the loaded model with its tokenizer,
// and a new engine in place of one whose process died.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "app/asking/text_encoder.h"
#include "app/engine_host.h"
#include "app/model_types.h"

namespace dossier::app {

/// Speeds measured on this computer with the loaded model; 0 = nothing measured yet.
struct MeasuredSpeed {
    double readTokensPerSecond = 0;
    double answerTokensPerSecond = 0;
    double questionSeconds = 0; ///< of a whole question by the answer procedure
};

/// Thread-safe.
class EngineHost::Core {
  public:
    Core(EngineFactory makeEngine, EncoderFactory makeEncoder);

    /// A loaded model at one moment. The engine object lives as long as somebody holds this.
    struct Loaded {
        std::shared_ptr<engine::Engine> engine; ///< shared: a call may outlast a restart
        engine::ModelInfo model;
        std::shared_ptr<const TextEncoder> encoder;
        std::uint64_t contextTokens = 0; ///< that the model was loaded for
        std::uint64_t generation = 0;    ///< changes with every load: lanes of another one are gone
    };

    /// The loaded model. Waits while one is being loaded; starts and loads again after the engine's
    /// process has died. Throws Error: NotFound when no model was chosen, what loading threw, or
    /// Cancelled.
    Loaded acquire(const std::stop_token& stop);
    std::optional<Loaded> loadedNow() const; ///< never waits
    /// To be called by who caught ProcessDied from that engine: it is used no more, and where a
    /// model was loaded, the status tells it.
    void died(const std::shared_ptr<engine::Engine>& dead, const Error& error);

    /// Blocks until loaded; replaces what is loaded.
    void load(const engine::LoadOptions& options, const std::stop_token& stop);
    void unload();
    /// Gives the model's memory back; the next acquire() loads it again.
    void release();
    std::optional<engine::LoadOptions> options() const; ///< of the model that is or was loaded
    /// The engine, made when there is none yet; for calls that need no model.
    std::shared_ptr<engine::Engine> engine();
    /// Null when none was made yet; never waits.
    std::shared_ptr<engine::Engine> engineIfMade() const;

    EngineStatus status() const;
    void onStatusChanged(std::function<void()> listener); ///< called from any thread

    MeasuredSpeed speed() const;
    void measured(const MeasuredSpeed& latest); ///< zero fields leave the former value

  private:
    void setStatus(const std::function<void(EngineStatus&)>& change);
    void loadWith(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);

    EngineFactory m_makeEngine;
    EncoderFactory m_makeEncoder;
    mutable std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::function<void()> m_listener;
    std::shared_ptr<engine::Engine> m_engine;
    std::optional<engine::LoadOptions> m_options; ///< of the model that should be loaded
    std::optional<Loaded> m_loaded;
    bool m_loading = false;
    std::uint64_t m_generation = 0;
    EngineStatus m_status;
    MeasuredSpeed m_speed;
};

} // namespace dossier::app
