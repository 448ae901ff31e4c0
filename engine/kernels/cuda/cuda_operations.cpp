// SPDX-License-Identifier: Apache-2.0
// CUDA operations: life, memory, batches, recorded sections.
#include "engine/kernels/cuda/cuda_operations.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <utility>

#include "engine/base/log.h"
#include "engine/kernels/cpu/plain.h"
#include "engine/kernels/cuda/cuda_operations_impl.h"
#include "engine/kernels/cuda/fp8_gemm_kernels.h"

namespace dossier::engine::cuda {
namespace {

constexpr std::uint64_t kWeightPiece = std::uint64_t{64} << 20;
constexpr std::uint64_t kLargeWeight = std::uint64_t{8} << 20;
constexpr std::uint64_t kWorkspaceBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kStagingBytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kLeastContext = 4096; ///< smallest context that grids are sized for
constexpr std::size_t kMostRecorded = 48;
/// Layers that the host may run ahead of the GPU: bounds how long a stop takes.
constexpr std::size_t kLayersAhead = 2;

std::uint64_t roundedUp(std::uint64_t n, std::uint64_t step) {
    return (n + step - 1) / step * step;
}

std::vector<float> frequenciesOf(const ModelConfig& c, bool compressed) {
    if (!compressed) {
        return plain::ropeFrequencies(c.ropeTheta, c.ropeDim);
    }
    return c.ropeScaling.originalMaxPositions
               ? plain::yarnFrequencies(c.compressRopeTheta, c.ropeDim, c.ropeScaling.factor,
                                        c.ropeScaling.betaFast, c.ropeScaling.betaSlow,
                                        c.ropeScaling.originalMaxPositions)
               : plain::ropeFrequencies(c.compressRopeTheta, c.ropeDim);
}

} // namespace

Stream::Stream() {
    check(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking), "create a stream");
}
Stream::~Stream() {
    cudaStreamDestroy(m_stream);
}
Event::Event() {
    check(cudaEventCreateWithFlags(&m_event, cudaEventDisableTiming), "create an event");
}
Event::~Event() {
    cudaEventDestroy(m_event);
}

CudaOperations::CudaOperations(const ModelConfig& config, const CudaProbe& probe,
                               const CudaOptions& options, MemoryLedger& ledger,
                               std::unique_ptr<GpuLock> lock)
    : m_config(config),
      m_probe(probe),
      m_options(options),
      m_ledger(ledger),
      m_lock(std::move(lock)),
      m_rowLayout(kvRowLayout(config)),
      m_expertLayout(expertLayout(config)),
      m_staging(ledger, kStaging, kStagingBytes),
      m_fp8(options.fp8 && fp8ProductsFit(probe.computeMajor, probe.computeMinor)),
      m_scratch(static_cast<std::size_t>(Slot::Count)) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, probe.device), "look at the GPU");
    m_queue.stream = m_stream.get();
    m_queue.sharedLimit = properties.sharedMemPerBlockOptin;
    m_queue.sharedPerMultiprocessor = properties.sharedMemPerMultiprocessor;
    m_queue.multiprocessors = static_cast<unsigned>(properties.multiProcessorCount);
    m_queue.overlap = options.overlap && properties.major >= 9 ? Overlap::All : Overlap::None;
    const std::vector<float> window = frequenciesOf(config, false);
    const std::vector<float> compressed = frequenciesOf(config, true);
    m_frequencies = VramBuffer(ledger, kDenseWeights, 2 * window.size() * sizeof(float));
    upload(m_frequencies.data(), window.data(), window.size() * sizeof(float));
    upload(m_frequencies.as<float>() + window.size(), compressed.data(),
           compressed.size() * sizeof(float));
    m_windowFrequencies = m_frequencies.as<float>();
    m_compressedFrequencies = m_frequencies.as<float>() + window.size();
    if (options.cublas) {
        m_workspace = VramBuffer(ledger, kScratch, kWorkspaceBytes);
        m_library = openMatrixLibrary(m_workspace.data(), m_workspace.bytes(), m_whyNoLibrary);
        if (!m_library) {
            m_workspace = VramBuffer();
            log(LogLevel::Warning, "cuda",
                "Reading will be slower: " + m_whyNoLibrary + "; own kernels are used");
        }
    }
    m_experts = std::make_unique<ExpertStore>(m_config, m_expertLayout, ledger);
    // Without recording, a kernel may have to be loaded while another one waits for the host, and
    // loading waits for it.
    m_experts->setFetchWay(options.copyEngine && options.graphs ? FetchWay::Copies
                                                                : FetchWay::Kernel);
    m_experts->setCpuExperts(options.cpuExperts);
    synchronise();
}

CudaOperations::~CudaOperations() {
    cudaStreamSynchronize(m_queue.stream);
    for (const auto& [key, recorded] : m_recorded) {
        cudaGraphExecDestroy(recorded.graph);
    }
}

std::string CudaOperations::numerics() const {
    // Reading's sums follow the algorithms that cuBLAS has for this GPU; answering's follow our
    // kernels on this generation.
    return "cuda-" + std::to_string(m_probe.computeMajor) + "." +
           std::to_string(m_probe.computeMinor) + "-2 " + (m_fp8 ? "fp8 " : "") +
           (m_library ? m_library->name() + " " + m_probe.name : std::string("own")) +
           m_experts->numerics();
}

std::unique_ptr<DeviceMemory> CudaOperations::allocate(std::uint64_t bytes, const char* owner) {
    return allocateVram(m_ledger, bytes, owner);
}

std::unique_ptr<DeviceMemory> CudaOperations::reserve(std::uint64_t maxBytes, const char* owner) {
    return reserveVram(m_ledger, maxBytes, owner, m_probe.device);
}

std::unique_ptr<DeviceMemory> CudaOperations::allocateStaging(std::uint64_t bytes) {
    return allocatePinned(m_ledger, bytes, "staging");
}

void CudaOperations::upload(void* device, const void* host, std::uint64_t bytes) {
    // From pageable memory: the driver has taken the bytes when this returns.
    check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, m_queue.stream),
          "copy to the GPU");
}

void CudaOperations::download(void* host, const void* device, std::uint64_t bytes) {
    for (std::uint64_t done = 0; done < bytes; done += kStagingBytes) {
        const std::uint64_t part = std::min(bytes - done, kStagingBytes);
        check(cudaMemcpyAsync(m_staging.data(), static_cast<const std::byte*>(device) + done, part,
                              cudaMemcpyDeviceToHost, m_queue.stream),
              "copy from the GPU");
        check(cudaStreamSynchronize(m_queue.stream), "finish work on the GPU");
        std::memcpy(static_cast<std::byte*>(host) + done, m_staging.data(), part);
    }
}

void CudaOperations::copy(void* to, const void* from, std::uint64_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, m_queue.stream),
          "copy inside the GPU");
}

void CudaOperations::zero(void* device, std::uint64_t bytes) {
    check(cudaMemsetAsync(device, 0, bytes, m_queue.stream), "clear GPU memory");
}

void CudaOperations::synchronise() {
    check(cudaStreamSynchronize(m_queue.stream), "finish work on the GPU");
    m_inRun = false;
    m_experts->finish();
}

void CudaOperations::forgetRecorded() {
    for (const auto& [key, recorded] : m_recorded) {
        cudaGraphExecDestroy(recorded.graph);
    }
    m_recorded.clear();
}

const void* CudaOperations::weight(const void* host, std::uint64_t bytes) {
    const std::uint64_t padded = roundedUp(bytes, 256);
    std::byte* to = nullptr;
    if (padded >= kLargeWeight) { // a piece of its own, so that none has an empty end
        to = m_largeWeights.emplace_back(m_ledger, kDenseWeights, padded).data();
    } else {
        if (m_weights.empty() || m_weightsUsed + padded > m_weights.back().bytes()) {
            m_weights.emplace_back(m_ledger, kDenseWeights, kWeightPiece);
            m_weightsUsed = 0;
        }
        to = m_weights.back().data() + m_weightsUsed;
        m_weightsUsed += padded;
    }
    check(cudaMemcpy(to, host, bytes, cudaMemcpyHostToDevice), "copy a weight to the GPU");
    return to;
}

void CudaOperations::setExperts(std::uint32_t layer, std::span<const ExpertParameters> experts) {
    if (!m_mappedExperts) {
        m_mappedExperts =
            std::make_shared<MappedExperts>(m_expertLayout, m_config.layers, m_options.checkExpert);
        m_experts->setSource(m_mappedExperts);
    }
    m_mappedExperts->set(layer, experts);
}

void CudaOperations::setExpertSource(std::shared_ptr<const ExpertSource> source) {
    m_experts->setSource(std::move(source));
}

void CudaOperations::forceRouting(std::span<const std::int64_t> ids) {
    const bool forced = m_forcedIds.bytes() > 0;
    if (forced == ids.empty()) { // recorded work has the one or the other in it
        forgetRecorded();
    }
    if (ids.empty()) {
        m_forcedIds = VramBuffer();
        return;
    }
    if (!forced) {
        m_forcedIds = VramBuffer(m_ledger, kScratch, ids.size_bytes());
        std::vector<std::int32_t> rows(kAnswerRows);
        std::iota(rows.begin(), rows.end(), 0);
        m_rowNumbers = VramBuffer(m_ledger, kScratch, rows.size() * sizeof(rows[0]));
        upload(m_rowNumbers.data(), rows.data(), m_rowNumbers.bytes());
    }
    upload(m_forcedIds.data(), ids.data(), ids.size_bytes());
}

void CudaOperations::setCpuExperts(const CpuExpertsOptions& options) {
    synchronise();
    forgetRecorded(); // it looks for results where they were
    m_experts->setCpuExperts(options);
}

void CudaOperations::loadExperts(const ExpertBudget& budget, const ProgressFn& progress,
                                 std::stop_token stop) {
    check(cudaStreamSynchronize(m_queue.stream), "finish work on the GPU");
    forgetRecorded(); // it reads experts where they were
    m_experts->load(budget, progress, std::move(stop));
}

template<class T>
T* CudaOperations::scratch(Slot slot, std::uint64_t count) {
    VramBuffer& buffer = m_scratch[static_cast<std::size_t>(slot)];
    const std::uint64_t bytes = count * sizeof(T);
    if (buffer.bytes() < bytes) {
        if (m_recording) {
            throw Error(ErrorCode::Internal, "A GPU buffer had to grow while work was recorded");
        }
        // Recorded work may read the old address: it goes with it.
        check(cudaStreamSynchronize(m_queue.stream), "finish work on the GPU");
        forgetRecorded();
        buffer = VramBuffer();
        buffer = VramBuffer(m_ledger, kScratch, bytes + bytes / 8);
    }
    return buffer.as<T>();
}
template float* CudaOperations::scratch<float>(Slot, std::uint64_t);
template double* CudaOperations::scratch<double>(Slot, std::uint64_t);
template Bf16* CudaOperations::scratch<Bf16>(Slot, std::uint64_t);
template std::uint8_t* CudaOperations::scratch<std::uint8_t>(Slot, std::uint64_t);
template std::uint32_t* CudaOperations::scratch<std::uint32_t>(Slot, std::uint64_t);

void CudaOperations::begin(const Batch& batch) {
    m_path = batch.path;
    m_raw.clear();
    const auto segments = static_cast<std::uint32_t>(batch.segments.size());
    if (answering()) {
        if (batch.rows() > kAnswerRows) {
            throw Error(ErrorCode::Internal, "Too many rows on the answering path");
        }
        if (!m_answerBatch) {
            m_answerBatch = std::make_unique<BatchBuffer>(m_ledger, kAnswerRows, kAnswerRows,
                                                          m_config.layers, m_config.ropeDim);
        }
        m_answerBatch->set(batch, m_queue, m_windowFrequencies, m_compressedFrequencies);
        m_view = m_answerBatch->view();
        m_lastPosition = m_answerBatch->lastPosition();
        prepareAnswer();
        m_experts->openMail();
        return;
    }
    ReadBatch* found = nullptr;
    for (ReadBatch& known : m_readBatches) {
        const bool same = known.tokens == batch.tokens.data() &&
                          known.segments == batch.segments.data() && known.rows == batch.rows();
        if (m_inRun && same) {
            m_view = known.buffer->view();
            m_lastPosition = known.buffer->lastPosition();
            return;
        }
        if (!known.tokens && known.buffer->holds(batch.rows(), segments)) {
            found = &known;
        }
    }
    if (!found) {
        found = &m_readBatches.emplace_back();
        found->buffer = std::make_unique<BatchBuffer>(m_ledger, batch.rows(),
                                                      std::max<std::uint32_t>(segments, 1),
                                                      m_config.layers, m_config.ropeDim);
    }
    found->tokens = batch.tokens.data();
    found->segments = batch.segments.data();
    found->rows = batch.rows();
    found->buffer->set(batch, m_queue, m_windowFrequencies, m_compressedFrequencies);
    m_view = found->buffer->view();
    m_lastPosition = found->buffer->lastPosition();
    if (!m_inRun) {
        found->tokens = nullptr; // outside a run a batch is used once
    }
}

void CudaOperations::beginLayer(std::uint32_t layer, std::uint64_t rows, bool first) {
    if (first) {
        m_inRun = true;
        for (ReadBatch& known : m_readBatches) {
            known.tokens = nullptr;
        }
    }
    if (m_layerDone.size() < m_config.layers) {
        m_layerDone.resize(m_config.layers);
    }
    if (!m_layerDone[layer]) {
        m_layerDone[layer] = std::make_unique<Event>();
    }
    m_layerDone[layer]->record(m_queue.stream);
    if (layer >= kLayersAhead) {
        m_layerDone[layer - kLayersAhead]->wait();
    }
    m_expanded.clear();
    m_expandUsed = 0;
    if (first) {
        m_experts->beginRun(layer, rows, m_queue.stream);
    }
}

void CudaOperations::together(const std::function<void()>& work) {
    m_grouped = answering();
    work();
    m_grouped = false;
    flushGemvs();
    flushFinish();
}

void CudaOperations::section(std::uint64_t key, const std::function<void()>& work) {
    if (!m_options.graphs) {
        work();
        return;
    }
    key = (key ^ rows()) * 0x100000001b3U;
    key = (key ^ m_contextLimit) * 0x100000001b3U;
    auto found = m_recorded.find(key);
    if (found == m_recorded.end()) {
        if (m_recorded.size() >= kMostRecorded) {
            const auto oldest =
                std::min_element(m_recorded.begin(), m_recorded.end(),
                                 [](auto& a, auto& b) { return a.second.used < b.second.used; });
            cudaGraphExecDestroy(oldest->second.graph);
            m_recorded.erase(oldest);
        }
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t exec = nullptr;
        check(cudaStreamBeginCapture(m_queue.stream, cudaStreamCaptureModeThreadLocal),
              "record work");
        m_recording = true;
        // Inside a recorded graph, where starting costs less, early starts of short kernels cost
        // more than they gain; reading weights ahead gains 5 % (H200, CUDA 13.0).
        const Overlap overlap =
            std::exchange(m_queue.overlap, std::min(m_queue.overlap, Overlap::ReadAhead));
        try {
            work();
        } catch (...) {
            m_queue.overlap = overlap;
            m_recording = m_grouped = m_finishPending = false;
            m_gemvs.clear();
            m_finish = {};
            cudaStreamEndCapture(m_queue.stream, &graph);
            cudaGetLastError();
            if (graph) {
                cudaGraphDestroy(graph);
            }
            throw;
        }
        m_queue.overlap = overlap;
        m_recording = false;
        check(cudaStreamEndCapture(m_queue.stream, &graph), "record work");
        const cudaError_t status = cudaGraphInstantiate(&exec, graph, 0);
        cudaGraphDestroy(graph);
        check(status, "prepare recorded work");
        found = m_recorded.emplace(key, Recorded{exec, 0}).first;
    }
    found->second.used = ++m_recordedUses;
    check(cudaGraphLaunch(found->second.graph, m_queue.stream), "replay recorded work");
}

void CudaOperations::prepareAnswer() {
    std::uint64_t limit = kLeastContext;
    while (limit <= m_lastPosition) {
        limit *= 2;
    }
    m_contextLimit = limit;
    const std::uint32_t n = kAnswerRows, top = m_config.expertsPerToken;
    const std::uint32_t d = m_config.hiddenSize, inner = m_config.moeIntermediate;
    scratch<double>(Slot::MixPartials, n * mixPartials(d));
    scratch<float>(Slot::RouterLogits, std::uint64_t{n} * m_config.routedExperts);
    scratch<Bf16>(Slot::HeadRows, std::uint64_t{n} * d);
    if (m_config.layersOf(LayerKind::Sparse) > 0 && limit > 4 * std::uint64_t{m_config.indexTopk}) {
        scratch<Bf16>(Slot::Scores, rows() * roundedUp(limit / 4, 128));
    }
    std::uint64_t partials = 0;
    for (const std::uint32_t ratio : {0U, 4U, 128U}) {
        const AttendShape shape{m_config.heads,
                                m_config.headDim,
                                m_config.slidingWindow,
                                ratio,
                                m_config.indexTopk,
                                m_rowLayout,
                                0};
        partials = std::max(partials, attendPartials(shape, rows(), limit));
    }
    scratch<float>(Slot::AttendPartials, partials);
    if (m_answerMemory.bytes() > 0) {
        return;
    }
    const std::uint32_t tasks = std::min(m_config.routedExperts, n * top);
    const std::uint64_t products = std::uint64_t{tasks + 1} * n * inner;
    std::uint64_t at = 0;
    std::array<std::uint64_t, 8> offsets{};
    const auto chunks = static_cast<std::uint32_t>(m_config.maxPositions / 4 / kSelectChunk + 1);
    const std::array<std::uint64_t, 8> sizes{
        sizeof(AnswerPlan),
        products * sizeof(Bf16),
        products,
        products / 128 * sizeof(float),
        std::uint64_t{n} * (top + 1) * d * sizeof(Bf16),
        AnswerBuffers::counterCount(tasks, d, inner) * sizeof(std::uint32_t),
        SelectBuffers::binCount(n) * sizeof(std::uint32_t),
        SelectBuffers::countCount(n, chunks) * sizeof(std::uint32_t)};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        offsets[i] = at;
        at += roundedUp(sizes[i], 256);
    }
    m_answerMemory = VramBuffer(m_ledger, kScratch, at);
    std::byte* base = m_answerMemory.data();
    m_answerBuffers.plan = reinterpret_cast<AnswerPlan*>(base + offsets[0]);
    m_answerBuffers.products = reinterpret_cast<Bf16*>(base + offsets[1]);
    m_answerBuffers.codes = reinterpret_cast<std::uint8_t*>(base + offsets[2]);
    m_answerBuffers.scales = reinterpret_cast<float*>(base + offsets[3]);
    m_answerBuffers.outputs = reinterpret_cast<Bf16*>(base + offsets[4]);
    m_answerBuffers.counters = reinterpret_cast<std::uint32_t*>(base + offsets[5]);
    m_answerBuffers.tasks = tasks;
    zero(m_answerBuffers.counters, sizes[5]);
    m_selectBuffers = {reinterpret_cast<std::uint32_t*>(base + offsets[6]),
                       reinterpret_cast<std::uint32_t*>(base + offsets[7]), chunks};
    zero(m_selectBuffers.bins, sizes[6]);
}

} // namespace dossier::engine::cuda

namespace dossier::engine {

std::optional<std::string> whyNotOnCuda(const ModelConfig& c) {
    if (!cuda::mixFits(c.hcMult, c.hiddenSize)) {
        return "the GPU kernels are made for four residual streams of up to 8192 dimensions";
    }
    if (!cuda::attendFits(c.headDim, c.ropeDim)) {
        return "the GPU kernels are made for heads of 128, 256 or 512 dimensions, of which up to "
               "64 "
               "rotate";
    }
    if (c.layersOf(LayerKind::Sparse) > 0 && !cuda::indexFits(c.indexHeadDim)) {
        return "the GPU kernels are made for index heads of 64, 128 or 256 dimensions";
    }
    if (c.oGroups > 1 && c.oLoraRank % 16 != 0) {
        return "the GPU kernels are made for o_lora_rank in multiples of 16";
    }
    if (!cuda::routeFits(c.routedExperts, c.expertsPerToken)) {
        return "the GPU kernels are made for up to 1024 experts";
    }
    if (std::min(c.routedExperts, kAnswerRows * c.expertsPerToken) > cuda::kMaxAnswerTasks) {
        return "the GPU kernels are made for up to 16 experts a token";
    }
    return std::nullopt;
}

CudaControl* cudaControl(Operations& operations) {
    return dynamic_cast<CudaControl*>(&operations);
}

std::unique_ptr<Operations> makeCudaOperations(const ModelConfig& config, const CudaProbe& probe,
                                               const CudaOptions& options, MemoryLedger& ledger) {
    if (!probe.usable) {
        throw Error(ErrorCode::Unsupported, probe.whyNot, "Use the CPU");
    }
    if (const auto reason = whyNotOnCuda(config)) {
        throw Error(ErrorCode::Unsupported, "This model cannot run on the GPU: " + *reason,
                    "Use the CPU");
    }
    cuda::check(cudaSetDevice(probe.device), "use the GPU");
    std::unique_ptr<GpuLock> lock = options.lock ? GpuLock::take(probe.uuid) : nullptr;
    return std::make_unique<cuda::CudaOperations>(config, probe, options, ledger, std::move(lock));
}

} // namespace dossier::engine
