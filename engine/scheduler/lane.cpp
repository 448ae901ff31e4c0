// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/lane.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/grouped.h"
#include "engine/lanes/restore.h"
#include "engine/lanes/self_check.h"
#include "engine/model/kv_layout.h"
#include "engine/scheduler/runtime.h"

namespace dossier::engine {
namespace {

double rowBytesPerToken(const ModelConfig& config) {
    double bytes = 0;
    for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
        const std::uint32_t ratio = config.compressRatios[layer];
        if (ratio) {
            bytes += static_cast<double>(kvRowLayout(config).bytes) / ratio;
        }
        if (ratio == 4) {
            bytes += indexKeyBytes(config.indexHeadDim) / 4.0;
        }
    }
    return bytes;
}

} // namespace

LaneKey laneKey(const LoadedModel& model, const std::string& prefix) {
    LaneKey key;
    key.model = model.info.fingerprint;
    key.name = model.info.name;
    key.tokenizer = model.tokenizer ? model.tokenizer->fingerprint() : "none";
    key.layout = laneLayout(model.config());
    key.numerics = model.device.numerics;
    key.prefix = prefix;
    return key;
}

Lane::Lane(LoadedModel& model, std::unique_ptr<LaneStore> file)
    : policy(model.superChunk, engine::frontierBytes(model.config()),
             rowBytesPerToken(model.config())),
      store(std::move(file)) {
    timeline.sequence = std::make_unique<Sequence>(*model.ops, model.config(), model.contextTokens);
}

std::optional<Lane::Probed> Lane::probe(LoadedModel& model, const LaneFrontier& place,
                                        std::stop_token stop) {
    auto stored = store->frontier(place.position);
    if (!stored || stored->state.size() != engine::frontierBytes(model.config())) {
        return std::nullopt;
    }
    Probed probed{{place.position, std::move(stored->state)}};
    const auto logits = probeLogits(*model.forward, *model.ops, *timeline.sequence, probed.frontier,
                                    std::move(stop));
    model.checkpoint.checkIntact();
    probed.match = compareProbe(stored->probe, logits);
    const bool sameClass = store->index().records[place.record].numerics == model.device.numerics;
    if (probed.match == ProbeMatch::Close && sameClass) {
        probed.match = ProbeMatch::Different; // within a class every bit is equal
    }
    return probed;
}

std::optional<Frontier> Lane::frontier(LoadedModel& model, std::uint64_t position,
                                       std::stop_token stop) {
    const auto kept = std::find_if(frontiers.begin(), frontiers.end(),
                                   [&](const Kept& f) { return f.position == position; });
    if (kept == frontiers.end()) {
        return std::nullopt;
    }
    if (!kept->state.empty()) {
        return Frontier{position, kept->state};
    }
    if (kept->trusted) {
        if (auto stored = store->frontier(position)) {
            return Frontier{position, std::move(stored->state)};
        }
    } else {
        const auto& places = store->index().frontiers;
        const auto place = std::find_if(places.begin(), places.end(), [&](const LaneFrontier& f) {
            return f.position == position;
        });
        auto probed = place == places.end() ? std::nullopt : probe(model, *place, std::move(stop));
        if (probed && probed->match != ProbeMatch::Different) {
            kept->trusted = true;
            return std::move(probed->frontier);
        }
        if (probed && restored) {
            auto& differing = restored->differing;
            const LaneMismatch found{position, 0};
            differing.insert(std::upper_bound(differing.begin(), differing.end(), found,
                                              [](const LaneMismatch& a, const LaneMismatch& b) {
                                                  return a.position < b.position;
                                              }),
                             found);
            restored->note.append(restored->note.empty() ? "" : " ");
            restored->note.append(differingText({&position, 1})).append(".");
        }
    }
    frontiers.erase(kept);
    return std::nullopt;
}

std::optional<Frontier> Lane::nearestBefore(LoadedModel& model, std::uint64_t position,
                                            std::stop_token stop) {
    std::optional<Frontier> found;
    const auto all = positions();
    for (auto at = all.rbegin(); at != all.rend() && !found; ++at) {
        if (*at < position) {
            found = frontier(model, *at, stop);
        }
    }
    if (found && restored) {
        for (LaneMismatch& wrong : restored->differing) {
            if (wrong.position > found->position && wrong.position < position) {
                wrong.before = found->position;
            }
        }
    }
    return found;
}

std::string differingText(std::span<const std::uint64_t> positions) {
    constexpr std::size_t kNamed = 3;
    const std::size_t named = positions.size() > kNamed + 1 ? kNamed : positions.size();
    std::string text = "The self-check after ";
    for (std::size_t i = 0; i < named; ++i) {
        text.append(i == 0 ? "" : i + 1 < positions.size() ? ", " : " and ");
        text.append(grouped(positions[i]));
    }
    text += " tokens";
    if (named < positions.size()) {
        text.append(" and at ").append(std::to_string(positions.size() - named));
        text += " more places";
    }
    return text + " gave other results than when they were read, so going back there reads again "
                  "from an earlier state";
}

std::vector<std::uint64_t> Lane::positions() const {
    std::vector<std::uint64_t> result;
    for (const Kept& kept : frontiers) {
        result.push_back(kept.position);
    }
    return result;
}

std::vector<std::uint64_t> Lane::captured() const {
    std::vector<std::uint64_t> result = positions();
    std::erase_if(result, [&](std::uint64_t position) { return position <= recordBegin; });
    return result;
}

std::uint64_t Lane::frontierBytes() const {
    std::uint64_t total = 0;
    for (const Kept& kept : frontiers) {
        total += kept.state.size();
    }
    return total;
}

std::vector<std::uint64_t> Lane::captures(std::uint64_t from, std::uint64_t to, bool last) const {
    auto result = policy.captures(recordBegin, captured(), from, to, marks);
    const std::uint64_t tail = FrontierPolicy::provisional(to);
    if (last && store && tail > from && tail > recordBegin) {
        const auto at = std::lower_bound(result.begin(), result.end(), tail);
        if (at == result.end() || *at != tail) {
            result.insert(at, tail);
        }
    }
    return result;
}

void Lane::record(std::span<const Token> tokens, std::vector<Frontier> taken) {
    log->insert(log->end(), tokens.begin(), tokens.end());
    timeline.tokens.clear();
    timeline.prefix = log;
    timeline.prefixTokens = log->size();
    for (Frontier& frontier : taken) {
        frontiers.push_back({frontier.position, std::move(frontier.state), true});
    }
}

std::vector<Frontier> Lane::load(LoadedModel& model, std::vector<std::uint64_t>& positions) {
    std::vector<Frontier> states;
    std::erase_if(positions, [&](std::uint64_t position) {
        auto state = frontier(model, position, {});
        if (state) {
            states.push_back(std::move(*state));
        }
        return !state; // not right in the file: the record does without
    });
    return states;
}

LaneDraft Lane::draft(LoadedModel& model, std::uint64_t rowsEnd, std::uint64_t tokensEnd,
                      std::span<const Frontier> kept) {
    LaneDraft draft;
    draft.begin = recordBegin;
    draft.rowsEnd = rowsEnd;
    draft.numerics = model.device.numerics;
    draft.tokens.assign(log->begin() + static_cast<std::ptrdiff_t>(recordBegin),
                        log->begin() + static_cast<std::ptrdiff_t>(tokensEnd));
    for (const LaneMark& mark : marks) {
        if (mark.end > recordBegin && mark.end <= tokensEnd) {
            draft.marks.push_back(mark);
        }
    }
    const auto slices = rowSlices(model.config(), *timeline.sequence, recordBegin, rowsEnd);
    std::uint64_t bytes = 0;
    for (const RowSlice& slice : slices) {
        bytes += slice.bytes;
    }
    if (bytes) {
        const std::shared_ptr<DeviceMemory> rows = model.ops->allocateStaging(bytes);
        std::byte* at = rows->data();
        for (const RowSlice& slice : slices) {
            model.ops->download(at, slice.device, slice.bytes);
            draft.rows.push_back({slice.kind, slice.layer, {at, slice.bytes}});
            at += slice.bytes;
        }
        model.ops->synchronise();
        draft.keepAlive = rows;
    }
    for (const Frontier& state : kept) {
        const auto logits = probeLogits(*model.forward, *model.ops, *timeline.sequence, state);
        model.checkpoint.checkIntact();
        draft.frontiers.push_back(
            {state.position,
             encodeFrontier(state.position, makeProbe(model.config(), logits), state.state)});
    }
    return draft;
}

void Lane::save(LoadedModel& model) {
    auto kept = policy.select(recordBegin, captured());
    std::vector<Frontier> states;
    if (store) {
        states = load(model, kept);
    }
    if (kept.empty()) {
        return;
    }
    const std::uint64_t end = kept.back();
    if (store) {
        store->write(draft(model, end, end, states));
    }
    std::erase_if(frontiers, [&](const Kept& f) {
        return f.position > recordBegin && f.position < end &&
               !std::binary_search(kept.begin(), kept.end(), f.position);
    });
    recordBegin = end;
}

bool Lane::saveTail(LoadedModel& model) {
    const std::uint64_t tokens = log->size();
    if (!store || tokens <= savedTokens()) {
        return false;
    }
    const std::uint64_t tail = FrontierPolicy::provisional(tokens);
    auto kept = policy.select(recordBegin, captured());
    const auto all = captured();
    if (std::binary_search(all.begin(), all.end(), tail) &&
        !std::binary_search(kept.begin(), kept.end(), tail)) {
        kept.insert(std::lower_bound(kept.begin(), kept.end(), tail), tail);
    }
    const std::vector<Frontier> states = load(model, kept);
    LaneDraft record = draft(model, kept.empty() ? recordBegin : kept.back(), tokens, states);
    record.provisional = true;
    store->write(std::move(record));
    std::erase_if(frontiers, [&](const Kept& f) {
        return f.position > recordBegin &&
               !std::binary_search(kept.begin(), kept.end(), f.position);
    });
    return true;
}

bool Lane::settled(std::chrono::milliseconds most) {
    if (!store) {
        return true;
    }
    try {
        if (!store->settled(most)) {
            return false;
        }
    } catch (...) {
        recordBegin = store->index().resumeAt(); // so that the next append tries again
        throw;
    }
    for (const LaneFrontier& saved : store->index().frontiers) {
        for (Kept& kept : frontiers) {
            if (kept.position == saved.position) {
                kept.state = {};
            }
        }
    }
    return true;
}

} // namespace dossier::engine
