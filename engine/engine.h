// SPDX-License-Identifier: Apache-2.0
// The whole public interface of the inference engine for the DeepSeek-V4 architecture.
//
// An Engine holds at most one loaded model. Text that has been read is a *lane*: an append-only
// sequence of tokens with its key/value rows. A *branch* continues a lane from some position; it
// shares the lane's rows and costs only its own. Answers are generated on branches.
//
// Threads: every method may be called from any thread and blocks until done; calls are served one
// after another by the engine's owner thread (queries at the bottom are answered at once).
// Callbacks run on an engine thread and must return quickly. Cancellation through std::stop_token
// takes effect within 250 ms and keeps finished work.
// Errors: dossier::Error. An engine stays usable after any error but ErrorCode::ProcessDied.
//
// Implementations: makeInProcessEngine() below; ChildEngine (engine/client/child_engine.h), which
// runs dossier-engine as a process and watches it; FakeEngine (tests/support).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/types.h"

namespace dossier::engine {

enum class LaneId : std::uint64_t {};
enum class BranchId : std::uint64_t {};

// ---------------------------------------------------------------- model

/// What inspecting a checkpoint directory finds out, without loading weights.
struct ModelInfo {
    std::filesystem::path path;
    std::string name;         ///< "DeepSeek-V4-Flash", "Dossier embedded 2", or the folder's name
    std::string release;      ///< "april", "0731" or "embedded": decides encoding and levels
    std::string expertFormat; ///< "fp4" or "fp8"
    std::string fingerprint;  ///< hex; config, tensor directory and tokenizer; names lanes
    std::uint64_t parameters = 0;
    std::uint64_t activeParameters = 0; ///< per token, with the head, without the embedding
    std::uint64_t tensorBytes = 0;
    std::uint32_t tensors = 0;
    std::uint32_t shards = 0;
    std::uint32_t layers = 0;
    std::uint32_t hiddenSize = 0;
    std::uint32_t routedExperts = 0; ///< per layer
    std::uint32_t expertsPerToken = 0;
    std::uint32_t vocabulary = 0;
    std::uint64_t maxContext = 0;    ///< tokens (max_position_embeddings)
    double kvBytesPerToken = 0;      ///< packed rows, averaged
    std::vector<std::string> levels; ///< reasoning levels by increasing depth: "none", "high", ...
    std::vector<std::string> notes;  ///< ignored parts ("mtp.* skipped"), oddities worth showing
};

enum class Verify {
    Directory, ///< names, shapes, dtypes and file sizes of every tensor (milliseconds)
    Contents,  ///< also reads every scale and refuses NaN scales (reads the whole model)
};

enum class Device { Auto, Cpu, Cuda };

/// What may be used. Absent budgets mean: what is free now, less `leaveFree`.
struct LoadOptions {
    std::filesystem::path model;
    Device device = Device::Auto; ///< Auto: CUDA when a usable GPU is there, else CPU. Never silent
    std::uint32_t threads = 0;    ///< 0 = all cores
    std::uint64_t contextTokens = 0; ///< room to plan for; 0 = the model's maximum or what fits
    std::optional<std::uint64_t> vramBudget, ramBudget;                        ///< bytes
    std::uint64_t vramLeaveFree = 1'610'612'736, ramLeaveFree = 2'147'483'648; ///< bytes
    /// Forbids computing experts on the CPU beside a GPU, which is done where measuring says that
    /// it pays: what a token's bits are then depends on which experts were computed where.
    bool reproducible = false;
    /// On Hopper (compute capability 9.0) experts are read with FP8 products: a tenth faster, less
    /// exact than the oracle's tolerances allow (docs/performance.md). Elsewhere it changes
    /// nothing.
    bool fp8Experts = false;
    std::string kernels; ///< "", "plain", "avx2" or "avx512": forces a CPU path (tests)
};

struct MemoryRow {
    std::string owner; ///< "dense weights", "expert cache", "lane rows", "scratch", ...
    std::string where; ///< "vram", "ram" (heap), "pinned", "mapped" (page cache), "disk"
    std::uint64_t bytes = 0;
};

/// Where memory will go, computed from shapes alone before anything is allocated.
struct Forecast {
    std::vector<MemoryRow> rows;
    std::uint64_t contextTokens = 0;
    bool fits = false;
    std::string verdict; ///< one sentence for the person; when it does not fit, what would
    std::uint64_t expertsInVram = 0, expertsInRam = 0, expertsOnDisk = 0;
};

struct DeviceInfo {
    Device device = Device::Cpu;
    std::string name;     ///< "AMD EPYC (AVX-512 BF16, 2 threads)", "NVIDIA H200 (driver 580.1)"
    std::string whyNot;   ///< when a GPU was looked for and not used: the reason, else empty
    std::string numerics; ///< numerics class: equal strings give equal bits for equal tokens
};

// ---------------------------------------------------------------- lanes and branches

/// A piece of a lane's text, a document as a rule, that ends at position `end`.
struct LaneMark {
    std::uint64_t end = 0; ///< tokens of the lane before its end
    std::string id;        ///< chosen by the caller, at most 128 bytes without line ends

    bool operator==(const LaneMark&) const = default;
};

struct LaneOptions {
    std::filesystem::path file;      ///< made when it is not there; empty = in memory only
    std::string prefix;              ///< reasoning prefix: lanes with different ones never mix
    std::uint64_t keep = UINT64_MAX; ///< use this many tokens of the file, drop what follows
    bool readOnly = false;           ///< restore, never write; the file may be in use elsewhere
    /// Runs the probe of every frontier and not only of the one that the lane goes on from: a token
    /// each, for looking the whole file through.
    bool probeEveryFrontier = false;
};

/// A frontier whose checksum is right and whose probe gives other logits than were stored with it:
/// a wrong state. It is not used.
struct LaneMismatch {
    std::uint64_t position = 0;
    std::uint64_t before = 0; ///< the nearest right frontier before it, from where its tokens are
                              ///< read again when they are needed; 0: the lane's start

    bool operator==(const LaneMismatch&) const = default;
};

/// How a lane came back from its file. Nothing is restored silently wrong: rows are compared with
/// their checksums, the state at the end with the logits of a probe token that were stored with it.
/// States before the end are compared when a branch first goes back to them, or on opening when
/// every frontier is to be probed; a wrong one there costs the lane no tokens, as the state at its
/// end, which was right, came from the same rows.
struct LaneRestore {
    std::uint64_t tokens = 0;   ///< now in the lane
    std::uint64_t replayed = 0; ///< of them computed again, behind the last frontier
    std::uint64_t lost = 0;     ///< tokens of the file that were damaged and must be appended again
    std::uint64_t bytesRead = 0;
    double seconds = 0;
    std::string check; ///< at the end: "equal" (every bit), "close" (another class), "failed" (no
                       ///< state was right), "none" (new)
    std::uint64_t probed = 0;            ///< frontiers whose probe was run on opening
    std::vector<LaneMismatch> differing; ///< ascending; with those found by branches since
    std::string writtenBy; ///< numerics class of the last record; other than ours: it changed class
    bool classChanged = false;
    std::string note; ///< what the person should know, sentences; empty when all is well
};

struct LaneInfo {
    LaneId id{};
    std::uint64_t tokens = 0;
    std::uint64_t bytes = 0; ///< rows and frontiers held for it in memory
    // Only of lanes with a file:
    std::filesystem::path file;
    std::uint64_t saved = 0; ///< tokens that are safely on disk
    std::uint64_t fileBytes = 0;
    std::optional<LaneRestore> restored;
};

/// What a lane is made of.
struct LaneContents {
    std::vector<LaneMark> marks;
    std::vector<std::uint64_t>
        frontiers; ///< positions; a branch replays from the nearest before it
};

/// A lane file, looked at without a model.
struct LaneFileInfo {
    std::filesystem::path file;
    std::string model, modelName, tokenizer, prefix, numerics; ///< fingerprints, see LaneOptions
    std::uint64_t tokens = 0, fileBytes = 0;
    std::uint64_t unusedBytes = 0;  ///< of replaced records, and behind the last good one
    std::uint64_t damagedBytes = 0; ///< at the end of the file, not part of the lane
    LaneContents contents;
    std::vector<Token> tail; ///< tokens behind the last mark: of a document that is not finished
    std::string note;        ///< what is wrong, sentences; empty when nothing is
};

struct BranchInfo {
    BranchId id{};
    std::uint64_t position = 0; ///< tokens before the next one
    std::uint64_t replayed = 0; ///< tokens computed again to reach it
};

// ---------------------------------------------------------------- answering

/// Part of a branch's own text that an answer may quote: tokens [begin, end) of the branch,
/// addressed in the answer by `label` ("7" for a passage printed as "[7] ...").
struct QuotableRange {
    std::string label;
    std::uint64_t begin = 0, end = 0;
};

/// Quotation decoding: after `[label]` and the opening mark, only tokens that continue a verbatim
/// piece of that range are accepted, until the model closes the quotation.
struct QuotationRule {
    std::vector<QuotableRange> ranges;
    std::string labelOpen = "[", labelClose = "]";
    std::string quoteOpen = "\"", quoteClose = "\"";
    std::uint32_t maxTokens = 256; ///< longest quotation; closed by force after that
};

struct GenerateOptions {
    std::uint32_t maxTokens = 1024;
    double temperature = 0; ///< 0 = greedy
    double topP = 1, minP = 0;
    std::uint32_t topK = 0; ///< 0 = off
    std::uint64_t seed = 0;
    std::vector<Token> stop; ///< besides the model's end token; not part of the answer
    std::optional<QuotationRule> quotation;
};

struct TokenEvent {
    Token token = 0;
    std::string text;    ///< UTF-8 that this token completed; may be empty inside a character
    float logProb = 0;   ///< natural logarithm, of the unconstrained model at temperature 1
    bool forced = false; ///< quotation decoding rejected the model's own choice here
};
using TokenFn = std::function<void(const TokenEvent&)>;

struct GenerateResult {
    std::vector<Token> tokens;
    std::string text;
    std::string ended; ///< "stop", "length", "cancelled"
    std::uint64_t promptTokens = 0;
    double promptSeconds = 0, answerSeconds = 0;
};

// ---------------------------------------------------------------- watching

struct MemorySnapshot {
    std::vector<MemoryRow> ledger;             ///< what the engine took, by owner
    std::uint64_t processResident = 0;         ///< VmRSS of the engine process, bytes
    std::uint64_t vramUsed = 0, vramTotal = 0; ///< as the driver says, all programs; 0 = no GPU
};

struct Telemetry {
    double readTokensPerSecond = 0, answerTokensPerSecond = 0; ///< most recent, 0 = none yet
    std::uint64_t bytesPerTokenVram = 0, bytesPerTokenRam = 0, bytesPerTokenDisk = 0;
    std::uint64_t bytesPerTokenCpu = 0; ///< of those in RAM: computed by the processor beside a GPU
    /// A step of all answers, recent: all of it; from the routers' choices until all experts were
    /// there; while the processor computed experts, which is part of that. 0 without offloading.
    double stepSeconds = 0, fetchSeconds = 0, cpuSeconds = 0;
    std::vector<float> expertHitRate; ///< per layer, 0..1, recent; empty without offloading
    std::string activity = "idle"; ///< "idle", "loading", "restoring", "reading", "answering", ...
};

// ---------------------------------------------------------------- the engine

class Engine {
  public:
    virtual ~Engine() = default;

    virtual ModelInfo inspect(const std::filesystem::path& model, Verify, ProgressFn = {},
                              std::stop_token = {}) = 0;
    virtual Forecast forecast(const LoadOptions&) = 0;

    /// Replaces the loaded model; lanes and branches of the former one are closed.
    virtual ModelInfo load(const LoadOptions&, ProgressFn = {}, std::stop_token = {}) = 0;
    virtual void unload() = 0;
    virtual std::optional<ModelInfo> model() = 0;
    virtual DeviceInfo device() = 0;

    /// A new, empty lane, or with a file: what was read before, at the speed of the disk. Progress
    /// in bytes, then in frontiers when all are probed. Errors: InvalidArgument (of another model,
    /// tokenizer or prefix, in words), Busy (being written elsewhere), Corrupt, Unsupported,
    /// TooLarge, Permission, Io, Cancelled.
    virtual LaneInfo openLane(const LaneOptions& = {}, ProgressFn = {}, std::stop_token = {}) = 0;
    /// Reads tokens into the lane; `marks` are ends of documents in them. Cancelled: what was read
    /// stays, Cancelled is not thrown; look at LaneInfo::tokens. A lane with a file: returns when
    /// all is on the disk; DiskFull, Io: what is on the disk stays, a later append tries again.
    virtual LaneInfo append(LaneId, std::span<const Token>, ProgressFn = {}, std::stop_token = {},
                            std::span<const LaneMark> marks = {}) = 0;
    /// Holds appending to a lane: returns when nothing is computed for it any more. append() does
    /// not return; what is computed of the super-chunk under way stays in memory and is gone on
    /// with. Meanwhile everything before it can be asked about. Held or not, append() can be
    /// cancelled. Any thread. Error(NotFound).
    virtual void pauseReading(LaneId, bool paused) = 0;
    virtual LaneInfo lane(LaneId) = 0;
    virtual LaneContents laneContents(LaneId) = 0;
    virtual void closeLane(LaneId) = 0; ///< branches that share its rows stay usable

    /// Looks at a lane file; needs no model. Verify::Contents compares every checksum.
    virtual LaneFileInfo inspectLane(const std::filesystem::path&, Verify, ProgressFn = {},
                                     std::stop_token = {}) = 0;
    /// Copies the first `tokens` tokens that are in use into a new file; needs no model.
    virtual LaneFileInfo copyLane(const std::filesystem::path& from,
                                  const std::filesystem::path& to, std::uint64_t tokens,
                                  ProgressFn = {}, std::stop_token = {}) = 0;

    /// A branch at the lane's end, at once, or at an earlier position: replays from the nearest
    /// right frontier, a super-chunk at a time as extend() reads, with progress in tokens. The
    /// frontier's probe is run before its first use. Cancelled: Error(Cancelled), no branch.
    virtual BranchInfo branch(LaneId, std::optional<std::uint64_t> position = {}, ProgressFn = {},
                              std::stop_token = {}) = 0;
    virtual BranchInfo fork(BranchId) = 0; ///< an independent continuation from the branch's end
    /// Reads tokens at the branch's end. Cancelled: what was read stays, Cancelled is not thrown;
    /// look at BranchInfo::position.
    virtual BranchInfo extend(BranchId, std::span<const Token>, ProgressFn = {},
                              std::stop_token = {}) = 0;
    virtual void closeBranch(BranchId) = 0;

    /// Samples from the branch's end; the branch then ends after the last token given out.
    virtual GenerateResult generate(BranchId, const GenerateOptions&, TokenFn,
                                    std::stop_token = {}) = 0;

    /// For every continuation the natural log-probability of each of its tokens, given the branch
    /// and the continuation's tokens before it. The branch is unchanged. Decoded as one batch.
    virtual std::vector<std::vector<float>>
    score(BranchId, const std::vector<std::vector<Token>>& continuations, std::stop_token = {}) = 0;

    virtual MemorySnapshot memory() = 0;
    virtual Telemetry telemetry() = 0;
};

std::unique_ptr<Engine> makeInProcessEngine();

} // namespace dossier::engine
