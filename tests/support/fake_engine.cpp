// SPDX-License-Identifier: GPL-3.0-or-later
// Lanes and branches are plain token vectors; time is slept in slices of at most 5 ms so that
// stopping is prompt.
#include "tests/support/fake_engine.h"

#include <algorithm>
#include <fstream>
#include <thread>

namespace dossier::test {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

FakeScript aprilScript() {
    FakeScript script;
    script.model.name = "Scripted V4";
    script.model.release = "april";
    script.model.expertFormat = "fp4";
    script.model.fingerprint = "0123456789abcdef";
    script.model.parameters = 284'000'000'000;
    script.model.layers = 43;
    script.model.hiddenSize = 4096;
    script.model.vocabulary = 129'280;
    script.model.maxContext = 1'048'576;
    script.model.kvBytesPerToken = 3738;
    script.model.levels = {"none", "high", "max"};
    script.answer = [](std::span<const engine::Token>) { return wordsToStream(60, ""); };
    script.score = [](std::span<const engine::Token>, std::span<const engine::Token> c) {
        return std::vector<float>(c.size(), -1.0F);
    };
    script.ledger = {{"dense weights", "ram", 1'200'000'000},
                     {"expert cache", "ram", 6'400'000'000},
                     {"scratch", "ram", 90'000'000}};
    return script;
}

std::vector<std::string> wordsToStream(std::size_t words, const std::string& quote) {
    static constexpr const char* kWords[] = {"The ",    "parties ", "agree ", "that ", "every ",
                                             "notice ", "in ",      "this ",  "term ", "counts. "};
    std::vector<std::string> pieces;
    for (std::size_t i = 0; i < words; ++i) {
        pieces.emplace_back(kWords[i % std::size(kWords)]);
        if (!quote.empty() && i % 40 == 39) {
            pieces.push_back("\"" + quote + "\" ");
        }
    }
    return pieces;
}

namespace {

constexpr std::uint64_t kFrontierEvery = 2048;

std::vector<std::uint64_t> frontiersOf(const std::vector<engine::Token>& lane) {
    std::vector<std::uint64_t> positions;
    for (std::uint64_t at = kFrontierEvery; at <= lane.size(); at += kFrontierEvery) {
        positions.push_back(at);
    }
    return positions;
}

} // namespace

FakeEngine::FakeEngine(FakeScript script) : m_script(std::move(script)) {}

void FakeEngine::die() {
    m_dead = true;
}

void FakeEngine::setScript(FakeScript script) {
    const std::lock_guard lock(m_mutex);
    m_script = std::move(script);
}

void FakeEngine::check(bool consumeError) {
    if (m_dead) {
        throw Error(ErrorCode::ProcessDied, "The engine process ended unexpectedly",
                    "Ask again; the engine starts anew");
    }
    if (consumeError && m_script.nextError) {
        const Error error = *m_script.nextError;
        m_script.nextError.reset();
        throw error;
    }
}

void FakeEngine::pauseReading(engine::LaneId, bool paused) {
    m_held = paused;
    while (paused && m_computing && !m_dead) { // up to the end of its present 512 tokens
        std::this_thread::sleep_for(1ms);
    }
}

bool FakeEngine::wait(std::chrono::duration<double> time, const std::stop_token& stop) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
    for (;;) {
        check();
        if (stop.stop_requested()) {
            return false;
        }
        const auto left = end - Clock::now();
        if (left <= 0ns) {
            return true;
        }
        std::this_thread::sleep_for(std::min<Clock::duration>(left, 5ms));
    }
}

FakeEngine::FakeLane& FakeEngine::laneOf(engine::LaneId id) {
    const auto it = m_lanes.find(static_cast<std::uint64_t>(id));
    if (it == m_lanes.end()) {
        throw Error(ErrorCode::NotFound, "There is no such lane", "Open it first");
    }
    return *it->second;
}

FakeEngine::Tokens& FakeEngine::tokensOf(engine::BranchId id) {
    const auto it = m_branches.find(static_cast<std::uint64_t>(id));
    if (it == m_branches.end()) {
        throw Error(ErrorCode::NotFound, "There is no such branch", "Start it first");
    }
    return it->second;
}

engine::ModelInfo FakeEngine::inspect(const std::filesystem::path& model, engine::Verify,
                                      engine::ProgressFn progress, std::stop_token) {
    const std::lock_guard lock(m_mutex);
    check();
    if (progress) {
        progress({"Verifying model", 1, 1, 0});
    }
    engine::ModelInfo info = m_script.model;
    info.path = model;
    return info;
}

engine::Forecast FakeEngine::forecast(const engine::LoadOptions& options) {
    const std::lock_guard lock(m_mutex);
    check();
    return {m_script.ledger,
            options.contextTokens ? options.contextTokens : m_script.model.maxContext,
            true,
            "Fits",
            0,
            0,
            0};
}

engine::ModelInfo FakeEngine::load(const engine::LoadOptions& options, engine::ProgressFn progress,
                                   std::stop_token stop) {
    const std::lock_guard lock(m_mutex);
    check();
    m_activity = "loading";
    constexpr int kSteps = 20;
    for (int i = 0; i <= kSteps; ++i) {
        if (progress) {
            progress({"Loading model", static_cast<std::uint64_t>(i), kSteps, 0});
        }
        if (i < kSteps && !wait(m_script.loadTime / kSteps, stop)) {
            m_activity = "idle";
            throw Error(ErrorCode::Cancelled, "Loading was cancelled");
        }
    }
    m_activity = "idle";
    if (m_script.loadError) {
        throw Error(*m_script.loadError);
    }
    m_loaded = true;
    m_lanes.clear();
    m_branches.clear();
    m_script.model.path = options.model;
    return m_script.model;
}

void FakeEngine::unload() {
    const std::lock_guard lock(m_mutex);
    check();
    m_loaded = false;
    m_lanes.clear();
    m_branches.clear();
}

std::optional<engine::ModelInfo> FakeEngine::model() {
    const std::lock_guard lock(m_mutex);
    check();
    return m_loaded ? std::optional(m_script.model) : std::nullopt;
}

engine::DeviceInfo FakeEngine::device() {
    return {engine::Device::Cpu, "Scripted", "", "fake"};
}

engine::LaneInfo FakeEngine::infoOf(engine::LaneId id, const FakeLane& lane) {
    engine::LaneInfo info;
    info.id = id;
    info.tokens = lane.tokens.size();
    info.bytes = lane.tokens.size() * 3738;
    if (!lane.file.empty()) {
        info.file = lane.file;
        info.saved = info.tokens;
        info.fileBytes = info.bytes;
        info.restored.emplace().tokens = info.tokens;
        info.restored->check = lane.tokens.empty() ? "none" : "equal";
    }
    return info;
}

engine::LaneInfo FakeEngine::openLane(const engine::LaneOptions& options, engine::ProgressFn,
                                      std::stop_token) {
    const std::lock_guard lock(m_mutex);
    check();
    auto lane = std::make_shared<FakeLane>();
    if (!options.file.empty()) {
        auto& stored = m_files[options.file];
        if (!stored) {
            stored = lane;
            std::ofstream(options.file) << "fake lane\n";
        }
        lane = stored;
        lane->file = options.file;
        if (lane->tokens.empty()) {
            lane->prefix = options.prefix;
        } else if (lane->prefix != options.prefix) {
            throw Error(ErrorCode::InvalidArgument, "The lane was read for another reasoning level",
                        "Read the sources at this level");
        }
        if (options.keep < lane->tokens.size()) {
            lane->tokens.resize(options.keep);
            std::erase_if(lane->marks, [&](const auto& m) { return m.end > options.keep; });
        }
    }
    m_lanes[m_nextId] = lane;
    return infoOf(engine::LaneId{m_nextId++}, *lane);
}

engine::LaneContents FakeEngine::laneContents(engine::LaneId id) {
    const std::lock_guard lock(m_mutex);
    check();
    engine::LaneContents contents;
    const FakeLane& lane = laneOf(id);
    for (const engine::LaneMark& mark : lane.marks) {
        if (mark.end <= lane.tokens.size()) {
            contents.marks.push_back(mark);
        }
    }
    contents.frontiers = frontiersOf(lane.tokens);
    return contents;
}

engine::LaneFileInfo FakeEngine::inspectLane(const std::filesystem::path& file, engine::Verify,
                                             engine::ProgressFn, std::stop_token) {
    const std::lock_guard lock(m_mutex);
    check();
    const auto found = m_files.find(file);
    if (found == m_files.end()) {
        throw Error(ErrorCode::NotFound, "There is no lane " + file.string(), "Read the sources");
    }
    engine::LaneFileInfo info;
    info.file = file;
    info.model = m_script.model.fingerprint;
    info.modelName = m_script.model.name;
    info.prefix = found->second->prefix;
    info.tokens = found->second->tokens.size();
    info.fileBytes = info.tokens * 3738;
    for (const engine::LaneMark& mark : found->second->marks) {
        if (mark.end <= info.tokens) {
            info.contents.marks.push_back(mark);
        }
    }
    info.contents.frontiers = frontiersOf(found->second->tokens);
    const std::uint64_t marked = info.contents.marks.empty() ? 0 : info.contents.marks.back().end;
    info.tail.assign(found->second->tokens.begin() + static_cast<std::ptrdiff_t>(marked),
                     found->second->tokens.end());
    return info;
}

engine::LaneFileInfo FakeEngine::copyLane(const std::filesystem::path& from,
                                          const std::filesystem::path& to, std::uint64_t tokens,
                                          engine::ProgressFn progress, std::stop_token stop) {
    {
        const std::lock_guard lock(m_mutex);
        check();
        const auto found = m_files.find(from);
        if (found == m_files.end()) {
            throw Error(ErrorCode::NotFound, "There is no lane " + from.string(),
                        "Read the sources");
        }
        auto copy = std::make_shared<FakeLane>(*found->second);
        copy->file = to;
        copy->tokens.resize(std::min<std::uint64_t>(tokens, copy->tokens.size()));
        std::erase_if(copy->marks, [&](const auto& m) { return m.end > copy->tokens.size(); });
        m_files[to] = copy;
        std::ofstream(to) << "fake lane\n";
    }
    return inspectLane(to, engine::Verify::Directory, std::move(progress), std::move(stop));
}

void FakeEngine::read(Tokens& to, std::span<const engine::Token> tokens,
                      const engine::ProgressFn& progress, const std::stop_token& stop) {
    check(true);
    m_activity = "reading";
    constexpr std::size_t kChunk = 512;
    for (std::size_t at = 0; at < tokens.size(); at += kChunk) {
        const std::size_t n = std::min(kChunk, tokens.size() - at);
        const double rate = m_script.readTokensPerSecond;
        m_computing = true;
        while (m_held && !stop.stop_requested()) {
            m_computing = false;
            wait(5ms, stop);
            m_computing = true;
        }
        if (stop.stop_requested()) {
            break;
        }
        if (rate > 0 && !wait(std::chrono::duration<double>(static_cast<double>(n) / rate), stop)) {
            break;
        }
        to.insert(to.end(), tokens.begin() + static_cast<std::ptrdiff_t>(at),
                  tokens.begin() + static_cast<std::ptrdiff_t>(at + n));
        m_tokensRead += n;
        if (progress) {
            progress({"Reading", at + n, tokens.size(), rate});
        }
    }
    m_computing = false;
    m_activity = "idle";
}

engine::LaneInfo FakeEngine::append(engine::LaneId id, std::span<const engine::Token> tokens,
                                    engine::ProgressFn progress, std::stop_token stop,
                                    std::span<const engine::LaneMark> marks) {
    const std::lock_guard lock(m_mutex);
    check();
    FakeLane& lane = laneOf(id);
    std::erase_if(lane.marks, [&](const auto& mark) { return mark.end > lane.tokens.size(); });
    lane.marks.insert(lane.marks.end(), marks.begin(), marks.end());
    read(lane.tokens, tokens, progress, stop);
    return infoOf(id, lane);
}

engine::LaneInfo FakeEngine::lane(engine::LaneId id) {
    const std::lock_guard lock(m_mutex);
    check();
    return infoOf(id, laneOf(id));
}

void FakeEngine::closeLane(engine::LaneId id) {
    const std::lock_guard lock(m_mutex);
    check();
    laneOf(id);
    m_lanes.erase(static_cast<std::uint64_t>(id));
}

engine::BranchInfo FakeEngine::branch(engine::LaneId id, std::optional<std::uint64_t> position,
                                      engine::ProgressFn, std::stop_token) {
    const std::lock_guard lock(m_mutex);
    check();
    const Tokens& lane = laneOf(id).tokens;
    const std::uint64_t end = position.value_or(lane.size());
    if (end > lane.size()) {
        throw Error(ErrorCode::InvalidArgument, "The position lies behind the lane's end",
                    "Choose one within the lane");
    }
    m_branches[m_nextId] = Tokens(lane.begin(), lane.begin() + static_cast<std::ptrdiff_t>(end));
    const std::uint64_t replayed =
        end == lane.size() || end == 0 ? 0 : end - (end - 1) / kFrontierEvery * kFrontierEvery;
    m_tokensReplayed += replayed;
    return {engine::BranchId{m_nextId++}, end, replayed};
}

engine::BranchInfo FakeEngine::fork(engine::BranchId id) {
    const std::lock_guard lock(m_mutex);
    check();
    const Tokens copy = tokensOf(id);
    m_branches[m_nextId] = copy;
    return {engine::BranchId{m_nextId++}, copy.size(), 0};
}

engine::BranchInfo FakeEngine::extend(engine::BranchId id, std::span<const engine::Token> tokens,
                                      engine::ProgressFn progress, std::stop_token stop) {
    const std::lock_guard lock(m_mutex);
    check();
    Tokens& branch = tokensOf(id);
    read(branch, tokens, progress, stop);
    return {id, branch.size(), 0};
}

void FakeEngine::closeBranch(engine::BranchId id) {
    const std::lock_guard lock(m_mutex);
    check();
    tokensOf(id);
    m_branches.erase(static_cast<std::uint64_t>(id));
}

engine::GenerateResult FakeEngine::generate(engine::BranchId id,
                                            const engine::GenerateOptions& options,
                                            engine::TokenFn onToken, std::stop_token stop) {
    const std::lock_guard lock(m_mutex);
    check(true);
    Tokens& branch = tokensOf(id);
    engine::GenerateResult result;
    result.promptTokens = branch.size();
    result.ended = "stop";
    const auto begin = Clock::now();
    m_activity = "answering";
    m_answerSpeed = m_script.answerTokensPerSecond;
    const std::vector<std::string> pieces = m_script.answer(branch);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (result.tokens.size() >= options.maxTokens) {
            result.ended = "length";
            break;
        }
        const double rate = m_script.answerTokensPerSecond;
        const double due = rate > 0 ? static_cast<double>(i + 1) / rate : 0;
        const std::chrono::duration<double> spent = Clock::now() - begin;
        if (!wait(std::chrono::duration<double>(std::max(0.0, due - spent.count())), stop)) {
            result.ended = "cancelled";
            break;
        }
        const auto token = static_cast<engine::Token>(100'000 + i);
        result.tokens.push_back(token);
        result.text += pieces[i];
        branch.push_back(token);
        if (onToken) {
            onToken({token, pieces[i], -0.5F, false});
        }
    }
    m_activity = "idle";
    result.answerSeconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return result;
}

std::vector<std::vector<float>>
FakeEngine::score(engine::BranchId id, const std::vector<std::vector<engine::Token>>& continuations,
                  std::stop_token) {
    const std::lock_guard lock(m_mutex);
    check(true);
    const Tokens& branch = tokensOf(id);
    std::vector<std::vector<float>> all;
    for (const auto& continuation : continuations) {
        all.push_back(m_script.score(branch, continuation));
    }
    return all;
}

engine::MemorySnapshot FakeEngine::memory() {
    if (m_dead) {
        check();
    }
    // A running call holds the mutex; a sample then shows the base rows only.
    engine::MemorySnapshot snapshot;
    const std::unique_lock lock(m_mutex, std::try_to_lock);
    if (lock) {
        snapshot.ledger = m_script.ledger;
        std::uint64_t rows = 0;
        for (const auto& [id, tokens] : m_lanes) {
            rows += tokens->tokens.size() * 3738;
        }
        snapshot.ledger.push_back({"lane rows", "ram", rows});
    }
    for (const auto& row : snapshot.ledger) {
        snapshot.processResident += row.bytes;
    }
    return snapshot;
}

engine::Telemetry FakeEngine::telemetry() {
    engine::Telemetry telemetry;
    telemetry.answerTokensPerSecond = m_answerSpeed;
    telemetry.activity = m_activity;
    return telemetry;
}

std::size_t FakeEngine::openLanes() const {
    const std::lock_guard lock(m_mutex);
    return m_lanes.size();
}

std::uint64_t FakeEngine::tokensRead() const {
    const std::lock_guard lock(m_mutex);
    return m_tokensRead;
}

std::uint64_t FakeEngine::tokensReplayed() const {
    const std::lock_guard lock(m_mutex);
    return m_tokensReplayed;
}

std::size_t FakeEngine::openBranches() const {
    const std::lock_guard lock(m_mutex);
    return m_branches.size();
}

} // namespace dossier::test
