// SPDX-License-Identifier: Apache-2.0
#include "engine/model/checkpoint_info.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/model/counters.h"

namespace dossier::engine {
namespace {

/// Small vectors that training moves: their bytes tell apart two models of the same shape, and
/// reading them all touches a few megabytes even at full size.
bool identifies(const TensorSpec& spec) {
    return (spec.dtype == DType::F32 || spec.dtype == DType::BF16) && spec.bytes() <= 65536;
}

std::string fingerprint(const ModelConfig& config, const std::vector<TensorSpec>& plan,
                        const CheckpointFiles& files) {
    Sha256 hash;
    hash.update("dossier model 1\n");
    hash.update(canonicalText(config));
    for (const TensorSpec& spec : plan) {
        hash.update(spec.name + " " + std::string(dtypeName(spec.dtype)) + " " + spec.shape.text() +
                    " " + std::to_string(spec.bytes()) + "\n");
        if (identifies(spec)) {
            const std::optional<TensorView> view = files.find(spec.name);
            hash.update(std::span(view->data, view->bytes));
        }
    }
    const std::filesystem::path tokenizer = files.directory() / "tokenizer.json";
    hash.update("tokenizer ");
    hash.update(std::filesystem::exists(tokenizer) ? Sha256::hexOfFile(tokenizer) : "none");
    files.checkIntact();
    return Sha256::hex(hash.finish());
}

[[noreturn]] void bad(const TensorView& view, const std::string& file, std::uint64_t element,
                      const std::string& what) {
    throw Error(ErrorCode::Corrupt,
                file + ", tensor \"" + std::string(view.name) + "\": element " +
                    std::to_string(element) + " is " + what,
                "Copy or download this file again");
}

template<typename T>
T loadAt(const std::byte* data, std::uint64_t index) {
    T value;
    std::memcpy(&value, data + index * sizeof(T), sizeof(T));
    return value;
}

/// Index of the first element whose exponent bits are all set, or `end`. A branch-free pass over
/// small blocks first, since nearly every block is clean.
template<typename T>
std::uint64_t firstNotFinite(const std::byte* data, std::uint64_t begin, std::uint64_t end,
                             T exponent) {
    constexpr std::uint64_t kBlock = 4096;
    for (std::uint64_t i = begin; i < end; i += kBlock) {
        const std::uint64_t stop = std::min(i + kBlock, end);
        bool found = false;
        for (std::uint64_t k = i; k < stop; ++k) {
            found |= (loadAt<T>(data, k) & exponent) == exponent;
        }
        for (std::uint64_t k = i; found && k < stop; ++k) {
            if ((loadAt<T>(data, k) & exponent) == exponent) {
                return k;
            }
        }
    }
    return end;
}

} // namespace

void verifyTensorRange(const ModelConfig& config, const TensorView& view, std::uint64_t begin,
                       std::uint64_t end, const std::string& file) {
    const std::uint64_t size = dtypeSize(view.dtype);
    const std::uint64_t first = begin / size, last = end / size;
    std::uint64_t at = last;
    switch (view.dtype) {
    case DType::F8E8M0: {
        const void* found = std::memchr(view.data + begin, 0xFF, end - begin);
        if (found != nullptr) {
            bad(view, file,
                static_cast<std::uint64_t>(static_cast<const std::byte*>(found) - view.data),
                "a scale that is not a number (byte 255)");
        }
        break;
    }
    case DType::F8E4M3:
        at = firstNotFinite<std::uint8_t>(view.data, first, last, 0x7F);
        break;
    case DType::BF16:
        at = firstNotFinite<std::uint16_t>(view.data, first, last, 0x7F80);
        break;
    case DType::F32:
        at = firstNotFinite<std::uint32_t>(view.data, first, last, 0x7F800000U);
        break;
    case DType::I64: // tid2eid
        for (std::uint64_t i = first; i < last; ++i) {
            const auto expert = loadAt<std::int64_t>(view.data, i);
            if (expert < 0 || expert >= static_cast<std::int64_t>(config.routedExperts)) {
                bad(view, file, i,
                    "the expert " + std::to_string(expert) + " of " +
                        std::to_string(config.routedExperts));
            }
        }
        break;
    default:
        break; // every FP4 code is a number
    }
    if (at < last) {
        bad(view, file, at, "not a finite number");
    }
}

void verifyTensors(const ModelConfig& config, std::span<const TensorView> views,
                   const CheckpointFiles& files, const ProgressFn& progress,
                   const std::stop_token& stop) {
    using Clock = std::chrono::steady_clock;
    constexpr std::uint64_t kPiece = 16U << 20; // well under 250 ms even from a slow disk
    Progress state{"Verifying model", 0, 0, 0};
    for (const TensorView& view : views) {
        state.total += view.bytes;
    }
    const auto start = Clock::now();
    auto reported = start;
    const auto report = [&](Clock::time_point now) {
        const double seconds = std::chrono::duration<double>(now - start).count();
        state.perSecond = seconds > 0 ? static_cast<double>(state.done) / seconds : 0;
        if (progress) {
            progress(state);
        }
        reported = now;
    };
    report(start);
    for (const TensorView& view : views) {
        const std::string& file = files.paths()[view.shard].string();
        for (std::uint64_t begin = 0; begin < view.bytes; begin += kPiece) {
            if (stop.stop_requested()) {
                throw Error(ErrorCode::Cancelled, "Verifying the model was stopped");
            }
            const std::uint64_t end = std::min(begin + kPiece, view.bytes);
            verifyTensorRange(config, view, begin, end, file);
            state.done += end - begin;
            if (const auto now = Clock::now(); now - reported > std::chrono::milliseconds(100)) {
                report(now);
            }
        }
    }
    files.checkIntact();
    report(Clock::now());
}

ModelInfo describeModel(const ModelConfig& config, Release release,
                        const std::vector<TensorSpec>& plan, const CheckpointFiles& files,
                        const std::vector<std::string>& notes) {
    ModelInfo info;
    info.path = files.directory();
    info.name = modelName(config, release, files.directory());
    info.release = releaseName(release);
    info.expertFormat = expertFormatName(*config.expertFormat);
    info.fingerprint = fingerprint(config, plan, files);
    info.parameters = parameterCount(plan);
    info.activeParameters = activeParameterCount(config, plan);
    for (const TensorSpec& spec : plan) {
        info.tensorBytes += spec.bytes();
    }
    info.tensors = static_cast<std::uint32_t>(plan.size());
    info.shards = static_cast<std::uint32_t>(files.paths().size());
    info.layers = config.layers;
    info.hiddenSize = config.hiddenSize;
    info.routedExperts = config.routedExperts;
    info.expertsPerToken = config.expertsPerToken;
    info.vocabulary = config.vocabSize;
    info.maxContext = config.maxPositions;
    info.kvBytesPerToken = kvBytesPerToken(config);
    info.levels = releaseLevels(release);
    info.notes = notes;
    return info;
}

} // namespace dossier::engine
