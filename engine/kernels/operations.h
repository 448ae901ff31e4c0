// SPDX-License-Identifier: Apache-2.0
// The operations that the transformer (engine/transformer/forward.h) is written over. CPU and CUDA
// implement them; the forward pass knows neither.
//
// Arguments are device addresses unless marked "host". n = rows of the batch begun last; d hidden
// size, k streams, H heads of D dims (the last R rotated), row i of a matrix starts at i * columns.
// Formulas: DeepSeek-V4 technical report (arXiv 2606.19348), sections 2-3; rounding points are
// those of the official reference implementation: every result type below is rounded once from FP32
// sums.
//
// Determinism: on one path (types.h) a row's result depends only on that row's inputs and state,
// never on n, on the other rows or on the number of threads: every sum runs along its own axis in a
// fixed order.
//
// Threads: one owner thread calls; implementations may be asynchronous until synchronise().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/engine.h"
#include "engine/kernels/types.h"

namespace dossier::engine {

/// Owning device memory, counted in the memory ledger under the owner it was taken for.
class DeviceMemory {
  public:
    virtual ~DeviceMemory() = default;
    virtual std::byte* data() const = 0;
    virtual std::uint64_t bytes() const = 0;
    /// Makes at least `bytes` usable without moving data(), up to the size reserved at creation.
    virtual void grow(std::uint64_t bytes) = 0;
};

/// What the routed experts may take, besides everything that was taken before them.
struct ExpertBudget {
    std::optional<std::uint64_t> vram; ///< bytes of GPU memory; absent: all that is free
    std::optional<std::uint64_t> ram;  ///< bytes of pinned RAM; absent: as many as needed
    /// Bytes of GPU memory that must stay free when `vram` is absent: lanes, buffers for reading.
    std::uint64_t keepFree = 0;
};

enum class Rope { Window, Compressed }; ///< base 10000, or base 160000 with YaRN
enum class Pool { Main, Index };        ///< which compressor of a layer

class Operations {
  public:
    virtual ~Operations() = default;

    /// Names the numerics class: equal strings give equal bits for equal tokens.
    virtual std::string numerics() const = 0;

    // -- memory
    virtual std::unique_ptr<DeviceMemory> allocate(std::uint64_t bytes, const char* owner) = 0;
    /// Address space for up to `maxBytes`; memory is taken as grow() asks for it.
    virtual std::unique_ptr<DeviceMemory> reserve(std::uint64_t maxBytes, const char* owner) = 0;
    /// Host memory that upload and download reach at full speed (pinned where there is a bus). This
    /// default is for devices that compute in host memory.
    virtual std::unique_ptr<DeviceMemory> allocateStaging(std::uint64_t bytes) {
        return allocate(bytes, "staging");
    }
    /// From staging memory possibly asynchronous: it must stay as it is until synchronise(). On a
    /// synchronous() device any thread may call it.
    virtual void upload(void* device, const void* host, std::uint64_t bytes) = 0;
    virtual void download(void* host, const void* device, std::uint64_t bytes) = 0;
    virtual void copy(void* to, const void* from, std::uint64_t bytes) = 0;
    virtual void zero(void* device, std::uint64_t bytes) = 0;
    virtual void synchronise() = 0;

    /// Host data of a weight that stays valid for the life of this object -> what kernels read
    /// (the CPU maps in place, CUDA copies into VRAM).
    virtual const void* weight(const void* host, std::uint64_t bytes) = 0;

    /// Routed experts of a layer, host addresses that stay valid for the life of this object.
    virtual void setExperts(std::uint32_t layer, std::span<const ExpertParameters>) = 0;
    /// Puts the experts of all layers where they will be used from; after the last setExperts and
    /// before the first batch. Progress in bytes. Errors: OutOfMemory, Io, Cancelled.
    virtual void loadExperts(const ExpertBudget&, const ProgressFn& = {}, std::stop_token = {}) {}

    // -- a batch: uploads ids, positions, rotation tables, segment states
    virtual void begin(const Batch&) = 0;
    /// The layer that the following operations belong to, in a run of `rows` rows on the reading
    /// path: a device may fetch the experts of the next one and wait until it has kept up. `first`:
    /// the run begins here, or goes on after other work.
    virtual void beginLayer(std::uint32_t /*layer*/, std::uint64_t /*rows*/, bool /*first*/) {}
    /// Rows that should go through the experts together on the reading path; 0 = as many as
    /// through attention. More than that pays where experts are fetched from elsewhere.
    virtual std::uint32_t expertRows() const { return 0; }
    /// Answering, before the layers of a batch: the experts of a hash layer follow from its tokens,
    /// so a device may fetch them while earlier layers run.
    virtual void expectExperts(std::uint32_t /*layer*/, const RouterParameters&) {}
    /// Whether work is done when a call returns, so that a run can be given up in the middle of a
    /// token.
    virtual bool synchronous() const { return true; }

    /// Runs `work`, whose operations do not depend on each other's results: a device may do them
    /// at the same time.
    virtual void together(const std::function<void()>& work) { work(); }
    /// Runs `work`, which calls the same operations with the same arguments whenever `key` and the
    /// number of rows are the same: a device may record it once and replay it. Only on the
    /// answering path, behind begin().
    virtual void section(std::uint64_t /*key*/, const std::function<void()>& work) { work(); }

    // -- streams
    virtual void embed(const Bf16Weight& embedding, Bf16* streams) = 0;
    /// streams [n,k,d] -> h [n,d] normed, its FP8 form, and post [n,k], comb [n,k,k] for hyperOut.
    virtual void hyperIn(const HyperSite&, const Bf16* streams, Bf16* h, QuantRows hq, float* post,
                         float* comb) = 0;
    /// streams[k'] = bf16(post[k'] * y + sum_j comb[j][k'] * streams[j]), in place.
    virtual void hyperOut(Bf16* streams, const Bf16* y, const float* post, const float* comb) = 0;
    /// hyperOut of one site, then hyperIn of the next; post and comb are read, then written.
    virtual void hyperOutIn(Bf16* streams, const Bf16* y, const HyperSite& next, Bf16* h,
                            QuantRows hq, float* post, float* comb) {
        hyperOut(streams, y, post, comb);
        hyperIn(next, streams, h, hq, post, comb);
    }

    // -- linear layers
    virtual void quantise(const Bf16* x, std::uint32_t columns, QuantRows q) = 0;
    virtual void linear(const QuantRows& x, const Fp8Weight&, Bf16* y) = 0;
    virtual void linear32(const Bf16* x, const Bf16Weight&, float* y) = 0;
    /// x [n, groups*in], w [groups*out, in] dequantised to BF16 -> y [n, groups*out] and its FP8
    /// form.
    virtual void linearGrouped(const Bf16* x, const Fp8Weight&, std::uint32_t groups, Bf16* y,
                               QuantRows q) = 0;

    // -- attention
    /// RMSNorm(x, w) and its FP8 form; x [n, columns].
    virtual void normQuantise(const Bf16* x, std::uint32_t columns, const Bf16* w, QuantRows q) = 0;
    /// Per-head RMS norm in bf16 arithmetic, then rotation; q [n,H,D] in place.
    virtual void finishQueries(Bf16* q, Rope) = 0;
    /// kv [n,D] -> norm, rotation, FP8 of the unrotated part -> packed rows [n, rowBytes].
    virtual void finishRows(const Bf16* kv, const Bf16* norm, Rope, std::byte* rows) = 0;
    /// Adds this batch's projections a, s [n, overlap*width] (without the position rows) to the
    /// pools of layer `layer`, appending completed entries to the segments' states.
    virtual void compress(const Compressor&, Pool, std::uint32_t layer, const float* a,
                          float* s) = 0;
    /// weights [n,hi] = bf16(bf16(h.proj) * scale).
    virtual void indexWeights(const Bf16* h, const Bf16Weight& proj, Bf16* weights) = 0;
    /// qi [n, hi*di] in place: rotation, Hadamard, FP4.
    virtual void finishIndexQueries(Bf16* qi) = 0;
    /// For each row the min(topk, visible) best entries in ascending order into ids [n, topk];
    /// equal scores: the lowest index wins.
    virtual void selectEntries(const Bf16* qi, const Bf16* weights, std::uint32_t layer,
                               std::int32_t* ids) = 0;
    /// q [n,H,D] over window and entries (ids of selectEntries, or null: all visible entries of a
    /// layer with `ratio`) -> o [n,H,D] with the inverse rotation applied. Then moves the batch's
    /// last rows into the segments' window rings.
    virtual void attend(const Bf16* q, const std::byte* rows, const float* sink,
                        std::uint32_t layer, std::uint32_t ratio, const std::int32_t* ids, Rope,
                        Bf16* o) = 0;

    // -- mixture of experts
    /// h [n,d] -> ids [n,top], weights [n,top].
    virtual void route(const Bf16* h, std::uint32_t layer, const RouterParameters&,
                       std::int32_t* ids, float* weights) = 0;
    /// y [n,d] = bf16(sum over chosen experts, ascending id, + shared expert).
    virtual void experts(const QuantRows& hq, std::uint32_t layer, const std::int32_t* ids,
                         const float* weights, const ExpertParameters& shared, Bf16* y) = 0;

    // -- head
    /// rows (host indices of the batch) of streams [n,k,d] -> logits [rows, vocabulary].
    virtual void head(const HeadParameters&, const Bf16* streams,
                      std::span<const std::uint32_t> rows, float* logits) = 0;
};

} // namespace dossier::engine
