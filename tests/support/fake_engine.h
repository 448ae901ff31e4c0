// SPDX-License-Identifier: GPL-3.0-or-later
// A scripted engine for tests and for measuring the window: it streams given pieces at a given
// rate, gives out given log-probabilities, keeps count of lanes and branches, honours cancellation,
// and fails or dies when told to. No model, no arithmetic.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "engine/engine.h"

namespace dossier::test {

struct FakeScript {
    engine::ModelInfo model;          ///< what inspect and load return
    double readTokensPerSecond = 0;   ///< 0 = at once
    double answerTokensPerSecond = 0; ///< 0 = at once
    std::chrono::milliseconds loadTime{0};
    /// Pieces that generate() streams, one token each; the answer ends with the list. Called with
    /// everything on the branch, so that a script can depend on the prompt.
    std::function<std::vector<std::string>(std::span<const engine::Token> prompt)> answer;
    /// Natural log-probability of each token of `continuation` after `prompt`.
    std::function<std::vector<float>(std::span<const engine::Token> prompt,
                                     std::span<const engine::Token> continuation)>
        score;
    /// Thrown by load(), and by the n-th next call of append/extend/generate/score, when set.
    std::optional<Error> loadError;
    std::optional<Error> nextError;
    std::vector<engine::MemoryRow> ledger; ///< base rows; lane rows are added
};

/// A model that looks like the April release with three levels and 1M tokens of context.
FakeScript aprilScript();
/// Streams `words` words of running text with a quotation of `quote` after every 40 words.
std::vector<std::string> wordsToStream(std::size_t words, const std::string& quote);

class FakeEngine final : public engine::Engine {
  public:
    explicit FakeEngine(FakeScript script);

    /// From now on every call throws ProcessDied, as when the engine's process was killed. Wakes
    /// a running call.
    void die();
    void setScript(FakeScript script);

    engine::ModelInfo inspect(const std::filesystem::path& model, engine::Verify,
                              engine::ProgressFn, std::stop_token) override;
    engine::Forecast forecast(const engine::LoadOptions&) override;
    engine::ModelInfo load(const engine::LoadOptions&, engine::ProgressFn,
                           std::stop_token) override;
    void unload() override;
    std::optional<engine::ModelInfo> model() override;
    engine::DeviceInfo device() override;

    /// A file's tokens are remembered by its path for as long as this object lives, as if it were
    /// on a disk; an empty file is made there.
    engine::LaneInfo openLane(const engine::LaneOptions& = {}, engine::ProgressFn = {},
                              std::stop_token = {}) override;
    engine::LaneInfo append(engine::LaneId, std::span<const engine::Token>, engine::ProgressFn,
                            std::stop_token, std::span<const engine::LaneMark> = {}) override;
    void pauseReading(engine::LaneId, bool paused) override;
    engine::LaneContents laneContents(engine::LaneId) override;
    engine::LaneFileInfo inspectLane(const std::filesystem::path&, engine::Verify,
                                     engine::ProgressFn, std::stop_token) override;
    engine::LaneFileInfo copyLane(const std::filesystem::path& from,
                                  const std::filesystem::path& to, std::uint64_t tokens,
                                  engine::ProgressFn, std::stop_token) override;
    engine::LaneInfo lane(engine::LaneId) override;
    void closeLane(engine::LaneId) override;
    engine::BranchInfo branch(engine::LaneId, std::optional<std::uint64_t>, engine::ProgressFn = {},
                              std::stop_token = {}) override;
    engine::BranchInfo fork(engine::BranchId) override;
    engine::BranchInfo extend(engine::BranchId, std::span<const engine::Token>, engine::ProgressFn,
                              std::stop_token) override;
    void closeBranch(engine::BranchId) override;
    engine::GenerateResult generate(engine::BranchId, const engine::GenerateOptions&,
                                    engine::TokenFn, std::stop_token) override;
    std::vector<std::vector<float>>
    score(engine::BranchId, const std::vector<std::vector<engine::Token>>& continuations,
          std::stop_token) override;
    engine::MemorySnapshot memory() override;
    engine::Telemetry telemetry() override;

    std::size_t openLanes() const;
    std::size_t openBranches() const;
    std::uint64_t tokensRead() const;     ///< by append and extend, since it was made
    std::uint64_t tokensReplayed() const; ///< by branch; frontiers stand every 2,048 tokens

  private:
    using Tokens = std::vector<engine::Token>;
    struct FakeLane {
        Tokens tokens;
        std::vector<engine::LaneMark> marks;
        std::string prefix;
        std::filesystem::path file;
    };
    void check(bool consumeError = false);
    FakeLane& laneOf(engine::LaneId);
    static engine::LaneInfo infoOf(engine::LaneId, const FakeLane&);
    Tokens& tokensOf(engine::BranchId);
    /// Adds tokens at the reading rate until done, cancelled or dead.
    void read(Tokens& to, std::span<const engine::Token> tokens, const engine::ProgressFn&,
              const std::stop_token&);
    /// False when cancelled; throws when dead.
    bool wait(std::chrono::duration<double> time, const std::stop_token&);

    mutable std::mutex m_mutex; ///< of everything below but the atomic ones
    std::atomic<bool> m_dead = false;
    std::atomic<bool> m_held = false;      ///< of all lanes
    std::atomic<bool> m_computing = false; ///< in read(), and not held there
    FakeScript m_script;
    bool m_loaded = false;
    std::uint64_t m_nextId = 1;
    std::map<std::uint64_t, std::shared_ptr<FakeLane>> m_lanes;
    std::map<std::filesystem::path, std::shared_ptr<FakeLane>> m_files;
    std::map<std::uint64_t, Tokens> m_branches;
    std::uint64_t m_tokensRead = 0, m_tokensReplayed = 0;
    std::atomic<const char*> m_activity = "idle";
    std::atomic<double> m_answerSpeed = 0;
};

} // namespace dossier::test
