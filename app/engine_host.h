// SPDX-License-Identifier: GPL-3.0-or-later
// The one engine of the program as the window sees it: which model is loaded, how loading goes,
// memory four times a second, and how it comes back after its process died. Dossiers come and go;
// the loaded model stays.
//
// Threads: a QObject of the window thread; its methods are called there and never wait, signals are
// emitted there. The engine's own calls run on a thread of this class, one after another.
#pragma once

#include <QObject>
#include <filesystem>
#include <functional>
#include <memory>

#include "app/model_types.h"

namespace dossier::app {

class TextEncoder; // app/asking/text_encoder.h
class Profile;     // app/asking/profile.h

class EngineHost : public QObject {
    Q_OBJECT
  public:
    using EngineFactory = std::function<std::unique_ptr<engine::Engine>()>;
    /// The tokenizer that belongs to a loaded model. Runs on the engine thread.
    using EncoderFactory =
        std::function<std::shared_ptr<const TextEncoder>(const engine::ModelInfo&)>;

    /// `makeEngine` runs on the engine thread, at the first load and after the engine died.
    /// Without `makeEncoder` the checkpoint's tokenizer.json is used.
    explicit EngineHost(EngineFactory makeEngine, EncoderFactory makeEncoder = {},
                        QObject* parent = nullptr);
    /// Cancels what runs and waits for it (at most the engine's 250 ms).
    ~EngineHost() override;

    // ---- model
    const EngineStatus& status() const;
    /// Replaces the loaded model. Progress and result: statusChanged.
    void load(const engine::LoadOptions&);
    void cancelLoad();
    void unload();
    /// Inspects and forecasts a folder without loading it, for the model page. `done` is called in
    /// the window thread unless `context` is gone; with a Failure the other two are empty.
    using InspectDone = std::function<void(
        std::optional<engine::ModelInfo>, std::optional<engine::Forecast>, std::optional<Failure>)>;
    void inspect(const engine::LoadOptions&, QObject* context, InspectDone done);
    /// Reads the whole model and checks every scale; progress through jobChanged.
    JobId verifyModel(const std::filesystem::path& folder);
    void cancelJob(JobId);
    const std::vector<Job>& jobs() const; ///< newest last

    // ---- memory
    const std::vector<MemorySample>& memory() const; ///< the last ten minutes, oldest first
    /// Adds rows of this process to every sample while `owner` lives: the session opened last does.
    void setApplicationRows(const QObject* owner,
                            std::function<std::vector<engine::MemoryRow>()> rows);
    /// On by default; switch off to test without a clock.
    void setSampling(bool on);

    // ---- for the services that ask; any thread
    class Core;
    std::shared_ptr<Core> core() const; ///< shared with the services' own threads

  signals:
    void statusChanged();
    void jobChanged(dossier::app::JobId);
    void memorySampled(const dossier::app::MemorySample&);

  private:
    class Impl;
    std::unique_ptr<Impl> d;
};

} // namespace dossier::app
