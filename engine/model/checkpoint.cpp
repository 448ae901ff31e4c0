// SPDX-License-Identifier: Apache-2.0
#include "engine/model/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "engine/base/aligned_buffer.h"
#include "engine/base/error.h"
#include "engine/base/mapped_file.h"
#include "engine/model/checkpoint_files.h"
#include "engine/model/checkpoint_info.h"
#include "engine/model/tensor_plan.h"

namespace dossier::engine {
namespace {

bool isDraft(std::string_view name) {
    return name.substr(0, 4) == "mtp.";
}

/// The first routed expert's type decides when the configuration does not say it.
ExpertFormat decideExpertFormat(const ModelConfig& config, const CheckpointFiles& files) {
    const std::optional<TensorView> weight = files.find("layers.0.ffn.experts.0.w1.weight");
    std::optional<ExpertFormat> seen;
    if (weight && weight->dtype == DType::I8) {
        seen = ExpertFormat::Fp4;
    } else if (weight && weight->dtype == DType::F8E4M3) {
        seen = ExpertFormat::Fp8;
    }
    if (config.expertFormat) {
        return *config.expertFormat; // a contradiction shows as a wrong dtype, with its name
    }
    if (!seen) {
        throw Error(ErrorCode::Corrupt,
                    files.directory().string() +
                        ": tensor \"layers.0.ffn.experts.0.w1.weight\" is missing or of a type "
                        "that experts cannot have",
                    kIncompleteRemedy);
    }
    return *seen;
}

/// What an unknown trunk tensor probably means.
std::string hintFor(std::string_view name) {
    if (name.substr(0, 7) == "vision." || name.substr(0, 8) == "aligner." ||
        name.find("bias_vl") != std::string_view::npos) {
        return "It belongs to a vision variant, which is not supported";
    }
    if (name.substr(0, 6) == "model.") {
        return "The names were changed by a conversion; use the files as they were published";
    }
    if (name.find("weight_scale_inv") != std::string_view::npos) {
        return "The scales were renamed by a conversion; use the files as they were published";
    }
    return kIncompleteRemedy;
}

void checkTensor(const TensorSpec& spec, const TensorView& view, const std::string& file) {
    if (view.dtype != spec.dtype) {
        throw Error(ErrorCode::Corrupt,
                    file + ", tensor \"" + spec.name + "\": its type is " +
                        std::string(dtypeName(view.dtype)) + ", but this model needs " +
                        std::string(dtypeName(spec.dtype)),
                    kIncompleteRemedy);
    }
    if (view.shape != spec.shape) {
        throw Error(ErrorCode::Corrupt,
                    file + ", tensor \"" + spec.name + "\": its shape is " + view.shape.text() +
                        ", but config.json calls for " + spec.shape.text(),
                    kIncompleteRemedy);
    }
}

} // namespace

struct Checkpoint::State {
    CheckpointFiles files;
    ModelConfig config;
    Release release = Release::April;
    std::vector<std::string> notes;
    std::vector<TensorSpec> plan;
    std::unordered_map<std::string_view, TensorView> trunk; ///< keys live in `plan`
    std::vector<AlignedBuffer> copies;
    LedgerEntry mapped;

    void matchPlan();
};

void Checkpoint::State::matchPlan() {
    trunk.reserve(plan.size());
    for (const TensorSpec& spec : plan) {
        std::optional<TensorView> view = files.find(spec.name);
        if (!view) {
            throw Error(ErrorCode::Corrupt,
                        files.directory().string() + ": tensor \"" + spec.name +
                            "\" is in none of the files",
                        kIncompleteRemedy);
        }
        checkTensor(spec, *view, files.paths()[view->shard].string());
        view->name = spec.name;
        trunk.emplace(spec.name, *view);
    }
    std::uint64_t draftTensors = 0, draftBytes = 0;
    files.forEach([&](const TensorView& view) {
        if (isDraft(view.name)) {
            ++draftTensors;
            draftBytes += view.bytes;
        } else if (trunk.find(view.name) == trunk.end()) {
            throw Error(ErrorCode::Corrupt,
                        files.paths()[view.shard].string() + ": tensor \"" +
                            std::string(view.name) + "\" is unknown to this model",
                        hintFor(view.name));
        }
    });
    if (draftTensors > 0) {
        notes.push_back("mtp.* skipped: " + std::to_string(draftTensors) +
                        " tensors of the draft module, " + formatBytes(draftBytes));
    }
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : m_state(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Checkpoint Checkpoint::open(const std::filesystem::path& directory) {
    auto state = std::make_unique<State>();
    state->config = readModelConfig(directory);
    state->files = CheckpointFiles::open(directory, isDraft);
    state->notes = state->files.notes();
    const ExpertFormat experts = decideExpertFormat(state->config, state->files);
    state->config.expertFormat = experts;
    state->plan = trunkTensors(state->config, experts);
    state->matchPlan();
    const bool dspark = state->files.find("mtp.0.main_proj.weight").has_value();
    state->release = detectRelease(state->config, directory, dspark);
    return Checkpoint(std::move(state));
}

const ModelConfig& Checkpoint::config() const {
    return m_state->config;
}
ExpertFormat Checkpoint::expertFormat() const {
    return *m_state->config.expertFormat;
}
Release Checkpoint::release() const {
    return m_state->release;
}
const std::filesystem::path& Checkpoint::directory() const {
    return m_state->files.directory();
}
const std::vector<std::filesystem::path>& Checkpoint::shards() const {
    return m_state->files.paths();
}
const std::vector<std::string>& Checkpoint::notes() const {
    return m_state->notes;
}

const TensorView* Checkpoint::find(std::string_view name) const {
    const auto it = m_state->trunk.find(name);
    return it == m_state->trunk.end() ? nullptr : &it->second;
}

std::uint64_t Checkpoint::fileOffset(const TensorView& view) const {
    return static_cast<std::uint64_t>(view.data - m_state->files.bytesOf(view.shard).data());
}

ModelWeights Checkpoint::weights(MemoryLedger& ledger) {
    State& state = *m_state;
    state.mapped = ledger.take("model files", MemoryPlace::Mapped, state.files.totalBytes());
    return assembleWeights(state.config, expertFormat(), [&](const std::string& name) {
        TensorView view = state.trunk.at(name);
        if (!SafetensorsFile::isAligned(view)) {
            AlignedBuffer& copy = state.copies.emplace_back(ledger, "dense weights", view.bytes);
            std::memcpy(copy.data(), view.data, view.bytes);
            view.data = copy.data();
        }
        return view;
    });
}

void Checkpoint::checkIntact() const {
    m_state->files.checkIntact();
}

void Checkpoint::verifyContents(const ProgressFn& progress, std::stop_token stop) const {
    std::vector<TensorView> views;
    views.reserve(m_state->plan.size());
    for (const TensorSpec& spec : m_state->plan) {
        views.push_back(m_state->trunk.at(spec.name));
    }
    verifyTensors(m_state->config, views, m_state->files, progress, stop);
}

ModelInfo Checkpoint::info() const {
    return describeModel(m_state->config, m_state->release, m_state->plan, m_state->files,
                         m_state->notes);
}

ModelInfo inspectModel(const std::filesystem::path& directory, Verify verify,
                       const ProgressFn& progress, std::stop_token stop) {
    const Checkpoint checkpoint = Checkpoint::open(directory);
    if (verify == Verify::Contents) {
        checkpoint.verifyContents(progress, stop);
    }
    return checkpoint.info();
}

} // namespace dossier::engine
