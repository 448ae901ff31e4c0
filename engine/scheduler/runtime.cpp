// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/runtime.h"

#include <algorithm>

#include "engine/base/grouped.h"
#include "engine/scheduler/feed.h"
#include "engine/scheduler/sampler.h"

namespace dossier::engine {

void checkTokens(const ModelConfig& config, std::span<const Token> tokens) {
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= config.vocabSize) {
            throw Error(ErrorCode::InvalidArgument,
                        "Token id " + std::to_string(token) + " is outside the vocabulary of " +
                            std::to_string(config.vocabSize),
                        "Encode the text with the tokenizer of the loaded model");
        }
    }
}

LoadedModel& Runtime::model() {
    if (!m_model) {
        throw Error(ErrorCode::NotFound, "No model is loaded", "Load a model first");
    }
    return *m_model;
}

void Runtime::setModel(std::unique_ptr<LoadedModel> model) {
    m_branches.clear();
    m_lanes.clear();
    m_model = std::move(model);
}

LaneInfo Runtime::addLane(std::shared_ptr<Lane> lane) {
    const LaneId id{m_nextId++};
    m_lanes[id] = std::move(lane);
    return laneInfo(id);
}

void Runtime::requireFree(const std::filesystem::path& file) const {
    std::error_code failed;
    for (const auto& [id, lane] : m_lanes) {
        if (lane->store && lane->store->writable() &&
            std::filesystem::equivalent(lane->store->file().file(), file, failed)) {
            throw Error(ErrorCode::Busy, "The lane " + file.string() + " is open already",
                        "Use the open one, or close it first");
        }
    }
}

Error laneNotOpen(LaneId id) {
    return {ErrorCode::NotFound,
            "Lane " + std::to_string(static_cast<std::uint64_t>(id)) + " is not open",
            "Open the lane again; lanes close when another model is loaded"};
}

std::shared_ptr<Lane> Runtime::lane(LaneId id) const {
    const auto found = m_lanes.find(id);
    if (found == m_lanes.end()) {
        throw laneNotOpen(id);
    }
    return found->second;
}

LaneInfo Runtime::laneInfo(LaneId id) const {
    const auto lane = this->lane(id);
    LaneInfo info;
    info.id = id;
    info.tokens = lane->log->size();
    info.bytes = lane->timeline.sequence->bytes() + lane->frontierBytes();
    if (lane->store) {
        info.file = lane->store->file().file();
        info.saved = lane->savedTokens();
        info.fileBytes = lane->store->index().fileBytes;
        info.restored = lane->restored;
    }
    return info;
}

void Runtime::closeLane(LaneId id) {
    lane(id);
    m_lanes.erase(id);
}

std::shared_ptr<Timeline> Runtime::branch(BranchId id) const {
    const auto found = m_branches.find(id);
    if (found == m_branches.end()) {
        throw Error(ErrorCode::NotFound,
                    "Branch " + std::to_string(static_cast<std::uint64_t>(id)) + " is not open",
                    "Fork it again; branches close when another model is loaded");
    }
    return found->second;
}

BranchInfo Runtime::addBranch(const BranchStart& start) {
    Timeline& timeline = *start.timeline;
    const std::uint64_t position = timeline.size();
    if (!start.replay.empty()) {
        timeline.tokens.clear(); // they are the lane's
        timeline.prefixTokens = position;
    }
    const BranchId id{m_nextId++};
    m_branches[id] = start.timeline;
    return {id, position, start.replay.size()};
}

Runtime::BranchStart Runtime::startBranch(LaneId id, std::optional<std::uint64_t> position,
                                          std::stop_token stop) {
    const auto from = lane(id);
    const std::uint64_t end = from->log->size(), at = position.value_or(end);
    if (at > end || (at == 0 && end > 0)) {
        throw Error(ErrorCode::InvalidArgument,
                    "Position " + grouped(at) + " is outside the lane's 1 to " + grouped(end) +
                        " tokens",
                    "Fork at a position that was read");
    }
    if (at < end || from->timeline.held) {
        return startReplay(from, at, std::move(stop));
    }
    auto timeline = std::make_shared<Timeline>();
    timeline->prefix = from->log;
    timeline->origin = from;
    timeline->sequence = from->timeline.sequence->fork();
    timeline->logits = from->timeline.logits;
    timeline->prefixTokens = end;
    return {std::move(timeline), {}};
}

Runtime::BranchStart Runtime::startReplay(const std::shared_ptr<Lane>& from, std::uint64_t position,
                                          std::stop_token stop) {
    // The last token before the position is always replayed: it gives the logits there.
    LoadedModel& m = model();
    const auto nearest = from->nearestBefore(m, position, std::move(stop));
    const std::uint64_t begin = nearest ? nearest->position : 0;
    auto timeline = std::make_shared<Timeline>();
    timeline->prefix = from->log;
    timeline->origin = from;
    timeline->sequence = nearest ? from->timeline.sequence->forkAt(begin)
                                 : std::make_unique<Sequence>(*m.ops, m.config(), m.contextTokens);
    if (nearest) {
        applyFrontier(*m.ops, m.config(), *nearest, *timeline->sequence);
    }
    timeline->prefixTokens = begin;
    return {std::move(timeline),
            {from->log->begin() + static_cast<std::ptrdiff_t>(begin),
             from->log->begin() + static_cast<std::ptrdiff_t>(position)}};
}

Runtime::BranchStart Runtime::startLogits(const Timeline& timeline, std::stop_token stop) {
    if (!timeline.logits.empty()) {
        return {};
    }
    const auto lane = timeline.origin.lock();
    if (timeline.size() == 0 || !lane) {
        throw Error(ErrorCode::InvalidArgument,
                    "Nothing was read on this branch, so there is nothing to continue",
                    "Extend it by at least one token first");
    }
    return startReplay(lane, timeline.size(), std::move(stop));
}

BranchInfo Runtime::fork(BranchId id) {
    const auto from = branch(id);
    auto timeline = std::make_shared<Timeline>();
    timeline->sequence = from->sequence->fork();
    timeline->prefix = from->prefix;
    timeline->prefixTokens = from->prefixTokens;
    timeline->tokens = from->tokens;
    timeline->logits = from->logits;
    timeline->origin = from->origin;
    return addBranch({std::move(timeline), {}});
}

void Runtime::closeBranch(BranchId id) {
    branch(id);
    m_branches.erase(id);
}

std::vector<Frontier> Runtime::feed(Timeline& timeline, std::span<const Token> tokens,
                                    const std::function<void(std::uint64_t)>& onRows,
                                    std::stop_token stop, std::span<const std::uint64_t> captures) {
    return *Feed(model(), timeline, tokens, captures).run(onRows, stop, {});
}

std::vector<std::vector<float>> Runtime::score(Timeline& timeline,
                                               const std::vector<std::vector<Token>>& continuations,
                                               std::stop_token stop) {
    LoadedModel& m = model();
    const std::size_t vocabulary = m.config().vocabSize;
    const auto logProb = [&](std::span<const float> logits, Token token) {
        return static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(token)]) -
                                  logSumExp(logits));
    };
    // Every token but the last of a continuation is run; the first one's probability is known.
    std::vector<std::unique_ptr<Sequence>> sequences;
    std::vector<Forward::Piece> pieces;
    std::uint32_t rows = 0;
    for (const std::vector<Token>& continuation : continuations) {
        checkTokens(m.config(), continuation);
        if (continuation.size() > 1) {
            sequences.push_back(timeline.sequence->fork());
            pieces.push_back(
                {sequences.back().get(), std::span(continuation).first(continuation.size() - 1)});
            rows += static_cast<std::uint32_t>(continuation.size() - 1);
        }
    }
    std::vector<std::uint32_t> wanted(rows);
    for (std::uint32_t i = 0; i < rows; ++i) {
        wanted[i] = i;
    }
    const std::vector<float> logits = m.forward->run(pieces, wanted, {}, stop);
    m.checkpoint.checkIntact();
    std::vector<std::vector<float>> result;
    std::size_t row = 0;
    for (const std::vector<Token>& continuation : continuations) {
        std::vector<float>& scores = result.emplace_back();
        for (std::size_t i = 0; i < continuation.size(); ++i) {
            const std::span<const float> before =
                i == 0 ? std::span<const float>(timeline.logits)
                       : std::span<const float>(logits).subspan(row++ * vocabulary, vocabulary);
            scores.push_back(logProb(before, continuation[i]));
        }
    }
    return result;
}

void Runtime::step(std::span<Timeline* const> timelines, std::span<const Token> tokens) {
    LoadedModel& m = model();
    const std::size_t vocabulary = m.config().vocabSize;
    for (std::size_t first = 0; first < timelines.size(); first += kAnswerRows) {
        const std::size_t count = std::min<std::size_t>(kAnswerRows, timelines.size() - first);
        std::vector<Forward::Piece> pieces;
        std::vector<std::uint32_t> rows;
        for (std::size_t i = 0; i < count; ++i) {
            pieces.push_back({timelines[first + i]->sequence.get(), tokens.subspan(first + i, 1)});
            rows.push_back(static_cast<std::uint32_t>(i));
        }
        const std::vector<float> logits = m.forward->run(pieces, rows, {}, {}, Path::Answering);
        m.checkpoint.checkIntact();
        for (std::size_t i = 0; i < count; ++i) {
            const float* row = logits.data() + i * vocabulary;
            timelines[first + i]->logits.assign(row, row + vocabulary);
            timelines[first + i]->tokens.push_back(tokens[first + i]);
        }
    }
}

} // namespace dossier::engine
