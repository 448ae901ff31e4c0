// SPDX-License-Identifier: Apache-2.0
// Mutation fuzzing that always does the same: a few thousand damaged inputs per parser. The targets
// abort on a broken promise, so that reaching the end is the test.
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "tests/engine/fuzz/mutator.h"
#include "tests/engine/fuzz/targets.h"
#include "tests/engine/support/configs.h"
#include "tests/engine/support/golden.h"

namespace dossier::fuzz {
namespace {

const std::vector<std::string> kDictionary{"{",
                                           "}",
                                           "[",
                                           "]",
                                           ",",
                                           ":",
                                           "\"",
                                           "null",
                                           "true",
                                           "-1",
                                           "0",
                                           "1e999",
                                           "18446744073709551615",
                                           "18446744073709551616",
                                           "4294967296",
                                           "\"dtype\"",
                                           "\"shape\"",
                                           "\"data_offsets\"",
                                           "\"F32\"",
                                           "\"F8_E8M0\"",
                                           "\"__metadata__\"",
                                           "[0,0]",
                                           "\xff\xfe",
                                           "\xed\xa0\x80",
                                           "\\u0000",
                                           "\\ud800",
                                           "{}",
                                           "\"a\":1,",
                                           "\"vision_n_layers\":1,",
                                           "\"deepseek_v41\"",
                                           "0.5",
                                           "[[[[[[[[",
                                           "1048576"};

std::string withSize(const std::string& header, std::uint64_t dataBytes) {
    return std::string(reinterpret_cast<const char*>(&dataBytes), 8) + header;
}

} // namespace

TEST(MutationFuzz, SafetensorsHeaders) {
    const std::string file = test::readText(*test::goldenPath("unit/fp4.safetensors"));
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), 8);
    const std::string header = file.substr(8, length);
    const std::uint64_t data = file.size() - 8 - length;
    safetensorsHeader(withSize(header, data));
    for (std::uint64_t seed = 0; seed < 6000; ++seed) {
        Mutator mutator(seed);
        const std::string damaged = mutator.damage(header, kDictionary);
        safetensorsHeader(withSize(damaged, mutator.below(3) == 0 ? mutator.next() : data));
    }
}

TEST(MutationFuzz, ConfigsAsText) {
    const std::string config = test::publishedConfigText("flash-0731");
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        const std::string damaged = Mutator(seed).damage(config, kDictionary);
        modelConfig(damaged);
        strictJson(damaged);
    }
}

TEST(MutationFuzz, ConfigsWithOtherValues) {
    const std::vector<nlohmann::json> values{0,
                                             1,
                                             -1,
                                             2,
                                             3,
                                             7,
                                             64,
                                             96,
                                             128,
                                             500,
                                             4096,
                                             65535,
                                             65536,
                                             1 << 24,
                                             1LL << 31,
                                             1LL << 40,
                                             18446744073709551615ULL,
                                             0.5,
                                             1e-30,
                                             1e300,
                                             "x",
                                             "fp8",
                                             true,
                                             nullptr,
                                             nlohmann::json::array(),
                                             nlohmann::json::array({0, 4, 128}),
                                             nlohmann::json::object()};
    for (const char* base : {"flash", "pro"}) {
        const auto config = parseJson(test::publishedConfigText(base));
        std::vector<std::string> keys;
        for (const auto& [key, value] : config.items()) {
            keys.push_back(key);
        }
        for (std::uint64_t seed = 0; seed < 3000; ++seed) {
            Mutator mutator(seed);
            nlohmann::json damaged = config;
            for (std::size_t n = 1 + mutator.below(5); n > 0; --n) {
                damaged[keys[mutator.below(keys.size())]] = values[mutator.below(values.size())];
            }
            modelConfig(jsonText(damaged));
        }
    }
}

TEST(MutationFuzz, NestingAndLength) {
    for (const char* piece : {"[", "{\"a\":", "[{\"a\":"}) {
        std::string text;
        while (text.size() < 300'000) {
            text += piece;
        }
        strictJson(text);
        modelConfig(text);
        safetensorsHeader(withSize("{\"t\":" + text, 0));
    }
    strictJson(std::string(2U << 20, ' '));
}

} // namespace dossier::fuzz
