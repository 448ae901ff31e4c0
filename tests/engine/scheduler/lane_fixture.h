// SPDX-License-Identifier: Apache-2.0
// Engines, tokens and answers for the tests of lanes with files.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/client/child_engine.h"
#include "engine/engine.h"
#include "engine/model/synthetic.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine::test_lanes {

inline std::vector<Token> someTokens(std::size_t count, std::uint32_t vocabulary,
                                     std::uint32_t seed = 7) {
    std::vector<Token> tokens(count);
    for (Token& token : tokens) {
        seed = seed * 1664525u + 1013904223u;
        token = static_cast<Token>((seed >> 8) % vocabulary);
    }
    return tokens;
}

/// A tiny model with room for 16,384 tokens.
inline std::filesystem::path roomyCheckpoint(const std::string& name) {
    static std::map<std::string, std::filesystem::path> made;
    if (made.contains(name)) {
        return made[name];
    }
    std::string config = test::readText(test::tinyCheckpoint(name) / "config.json");
    const std::string key = "\"max_position_embeddings\":";
    const auto begin = config.find(key) + key.size();
    config.replace(begin, config.find(',', begin) - begin, " 16384");
    const auto folder = test::temporaryFolder("roomy-" + name);
    writeSyntheticCheckpoint(config, folder);
    return made[name] = folder;
}

/// On the CPU unless told otherwise: a GPU has one engine at a time, and most tests have two.
inline std::unique_ptr<Engine> loadedEngine(const std::string& model = "tiny",
                                            const std::string& kernels = "", bool child = false,
                                            Device device = Device::Cpu) {
    auto engine =
        child ? makeChildEngine(DOSSIER_BIN_DIR "/dossier-engine") : makeInProcessEngine();
    LoadOptions options;
    options.model = roomyCheckpoint(model);
    options.kernels = kernels;
    options.device = device;
    engine->load(options);
    return engine;
}

inline LaneOptions laneAt(const std::filesystem::path& file, const std::string& prefix = "") {
    LaneOptions options;
    options.file = file;
    options.prefix = prefix;
    return options;
}

/// Reads on in a lane that has lost its end, with the marks that are behind what it has.
inline void readOn(Engine& engine, const LaneInfo& lane, std::span<const Token> tokens,
                   const std::vector<LaneMark>& marks) {
    std::vector<LaneMark> rest;
    std::copy_if(marks.begin(), marks.end(), std::back_inserter(rest),
                 [&](const LaneMark& mark) { return mark.end > lane.tokens; });
    engine.append(lane.id, tokens.subspan(lane.tokens), {}, {}, rest);
}

/// What a model says at a place, to the bit: the log-probabilities of the whole vocabulary, and a
/// greedy answer with those of its tokens.
struct Saying {
    std::vector<float> scores, logProbs;
    std::vector<Token> tokens;
    bool operator==(const Saying&) const = default;
};

inline Saying sayingOf(Engine& engine, BranchId branch) {
    Saying saying;
    std::vector<std::vector<Token>> all;
    for (Token id = 0; id < static_cast<Token>(engine.model()->vocabulary); ++id) {
        all.push_back({id});
    }
    for (const auto& score : engine.score(branch, all)) {
        saying.scores.push_back(score.front());
    }
    GenerateOptions options;
    options.maxTokens = 8;
    saying.tokens =
        engine
            .generate(branch, options,
                      [&](const TokenEvent& event) { saying.logProbs.push_back(event.logProb); })
            .tokens;
    return saying;
}

/// At the lane's end or an earlier position: what is said at once, and behind a question.
inline std::vector<Saying> ask(Engine& engine, LaneId lane,
                               std::optional<std::uint64_t> position = {}) {
    const BranchId atOnce = engine.branch(lane, position).id;
    const BranchId question = engine.branch(lane, position).id;
    engine.extend(question, someTokens(11, engine.model()->vocabulary, 99));
    std::vector<Saying> result{sayingOf(engine, atOnce), sayingOf(engine, question)};
    engine.closeBranch(atOnce);
    engine.closeBranch(question);
    return result;
}

inline std::string bytesOf(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace dossier::engine::test_lanes
