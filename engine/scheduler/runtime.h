// SPDX-License-Identifier: Apache-2.0
// What the engine's owner thread works with: the loaded model, its lanes and its branches.
// Everything here is touched by that thread only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/thread_pool.h"
#include "engine/engine.h"
#include "engine/model/checkpoint.h"
#include "engine/model/scale_checks.h"
#include "engine/scheduler/lane.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/transformer/forward.h"

namespace dossier::engine {

/// A checkpoint on a device, ready to run.
struct LoadedModel {
    explicit LoadedModel(Checkpoint opened)
        : checkpoint(std::move(opened)), info(checkpoint.info()) {}

    Checkpoint checkpoint;
    ModelInfo info;
    DeviceInfo device;
    std::shared_ptr<const Tokenizer> tokenizer;
    std::uint64_t contextTokens = 0; ///< room of every lane
    std::uint32_t superChunk = 0;    ///< tokens read between two looks at the queue
    std::unique_ptr<ScaleChecks> scales;
    std::unique_ptr<ThreadPool> pool;
    std::unique_ptr<Operations> ops;
    std::unique_ptr<Forward> forward;

    const ModelConfig& config() const { return checkpoint.config(); }
};

/// Opens, places and prepares a model. Errors as Checkpoint::open; OutOfMemory; for Device::Cuda
/// also Unsupported (no usable GPU) and Busy. With Device::Auto those lead to the CPU, and the
/// result's device says why. Limits the ledger's VRAM to the budget.
std::unique_ptr<LoadedModel> loadModel(const LoadOptions&, MemoryLedger&, const ProgressFn&,
                                       std::stop_token = {});

/// Where memory will go; from the configuration alone.
Forecast forecastMemory(const LoadOptions&);

Error laneNotOpen(LaneId); ///< NotFound

/// Error(InvalidArgument) when an id is not in the vocabulary.
void checkTokens(const ModelConfig&, std::span<const Token>);

/// "AMD EPYC 9R14 (AVX-512 BF16, 2 threads)".
std::string processorName(std::string_view kernels, unsigned threads);

class Runtime {
  public:
    explicit Runtime(MemoryLedger& ledger) : m_ledger(ledger) {}

    MemoryLedger& ledger() { return m_ledger; }
    LoadedModel& model(); ///< Error(NotFound) when none is loaded
    const std::unique_ptr<LoadedModel>& loaded() const { return m_model; }
    void setModel(std::unique_ptr<LoadedModel>); ///< closes all lanes and branches

    LaneInfo addLane(std::shared_ptr<Lane>);
    std::shared_ptr<Lane> lane(LaneId) const; ///< Error(NotFound)
    /// Error(Busy) when a lane of this process writes to that file.
    void requireFree(const std::filesystem::path& file) const;
    LaneInfo laneInfo(LaneId) const;
    void closeLane(LaneId);

    std::shared_ptr<Timeline> branch(BranchId) const; ///< Error(NotFound)
    /// A branch in the making. `replay` is fed to the timeline, which stands where those tokens
    /// begin, before addBranch() enters it.
    struct BranchStart {
        std::shared_ptr<Timeline> timeline;
        std::vector<Token> replay; ///< copied from the lane; empty at the lane's end
    };
    /// At the lane's end or at `position`. Runs the probe of a frontier that is used for the first
    /// time. Error(InvalidArgument): outside of the lane; Error(Cancelled).
    BranchStart startBranch(LaneId, std::optional<std::uint64_t> position, std::stop_token = {});
    /// What to replay for the logits at a timeline's end; nothing, no timeline either, where they
    /// are known. Error(InvalidArgument) when nothing was read.
    BranchStart startLogits(const Timeline&, std::stop_token);
    BranchInfo addBranch(const BranchStart&);
    BranchInfo fork(BranchId);
    void closeBranch(BranchId);

    /// Runs tokens [0, count) of the span on a timeline and keeps the last one's logits. Returns
    /// the frontiers at `captures`, positions in the part that is fed or where it begins.
    std::vector<Frontier> feed(Timeline&, std::span<const Token>,
                               const std::function<void(std::uint64_t)>& onRows, std::stop_token,
                               std::span<const std::uint64_t> captures = {});
    /// The timeline's logits are known: startLogits() gave nothing, or they were replayed.
    std::vector<std::vector<float>>
    score(Timeline&, const std::vector<std::vector<Token>>& continuations, std::stop_token);
    /// One more token for each timeline, as one batch; updates their logits.
    void step(std::span<Timeline* const> timelines, std::span<const Token> tokens);

  private:
    BranchStart startReplay(const std::shared_ptr<Lane>&, std::uint64_t position, std::stop_token);

    MemoryLedger& m_ledger;
    std::unique_ptr<LoadedModel> m_model;
    std::map<LaneId, std::shared_ptr<Lane>> m_lanes;
    std::map<BranchId, std::shared_ptr<Timeline>> m_branches;
    std::uint64_t m_nextId = 1;
};

} // namespace dossier::engine
