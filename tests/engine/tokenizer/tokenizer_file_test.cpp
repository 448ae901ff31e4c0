// SPDX-License-Identifier: Apache-2.0
// Broken, hostile and foreign tokenizer files: every one gives a clear dossier::Error.
#include <fstream>
#include <functional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/tokenizer/pattern_splitter.h"
#include "tests/engine/tokenizer/fixtures.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace dossier::engine {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

struct Folder {
    Folder()
        : path(std::filesystem::temp_directory_path() /
               ("dossier-tokenizer-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name, std::ios::binary) << text;
    }
    std::filesystem::path path;
};

void expectError(const std::function<void()>& work, ErrorCode code, const std::string& says) {
    try {
        work();
        ADD_FAILURE() << "no error; expected one that says: " << says;
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), code) << error.what();
        EXPECT_THAT(error.failed(), HasSubstr(says));
        EXPECT_FALSE(error.remedy().empty());
    }
}

void expectRefused(const std::function<void(Json&)>& bend, ErrorCode code,
                   const std::string& says) {
    Json json = tinyTokenizer();
    bend(json);
    expectError([&] { Tokenizer::parse(jsonText(json), ""); }, code, says);
}

TEST(TokenizerFile, LoadsAFolderOrAFile) {
    const Folder folder;
    folder.write("tokenizer.json", jsonText(tinyTokenizer()));
    EXPECT_EQ(Tokenizer::load(folder.path)->endToken(), 259);
    EXPECT_EQ(Tokenizer::load(folder.path / "tokenizer.json")->fingerprint(),
              Tokenizer::load(folder.path)->fingerprint());
    folder.write("tokenizer_config.json", R"({"eos_token": {"content": "<｜User｜>"}})");
    EXPECT_EQ(Tokenizer::load(folder.path)->endToken(), 260);
    folder.write("tokenizer_config.json", R"({"eos_token": "<x>"})");
    EXPECT_EQ(Tokenizer::load(folder.path)->endToken(), 261);
    folder.write("tokenizer_config.json", R"({"eos_token": null})");
    EXPECT_EQ(Tokenizer::load(folder.path)->endToken(), 259);
}

TEST(TokenizerFile, MissingFilesAreNamed) {
    const Folder folder;
    expectError([&] { Tokenizer::load(folder.path); }, ErrorCode::NotFound, "tokenizer.json");
    expectError([&] { Tokenizer::load(folder.path / "none" / "tokenizer.json"); },
                ErrorCode::NotFound, "none/tokenizer.json");
}

TEST(TokenizerFile, BadConfigsAreNamed) {
    const Folder folder;
    folder.write("tokenizer.json", jsonText(tinyTokenizer()));
    folder.write("tokenizer_config.json", R"({"eos_token": "<nothing>"})");
    expectError([&] { Tokenizer::load(folder.path); }, ErrorCode::Corrupt, "<nothing>");
    folder.write("tokenizer_config.json", R"({"eos_token": 5})");
    expectError([&] { Tokenizer::load(folder.path); }, ErrorCode::Corrupt, "eos_token");
    folder.write("tokenizer_config.json", R"({"eos_token": {"id": 5}})");
    expectError([&] { Tokenizer::load(folder.path); }, ErrorCode::Corrupt, "content");
    folder.write("tokenizer_config.json", R"({"eos_token": )");
    expectError([&] { Tokenizer::load(folder.path); }, ErrorCode::Corrupt, "tokenizer_config.json");
}

TEST(TokenizerFile, TruncatedAnywhereIsCorrupt) {
    const std::string tinyJson = jsonText(tinyTokenizer());
    for (std::size_t length = 0; length < tinyJson.size(); length += 7) {
        expectError([&] { Tokenizer::parse(tinyJson.substr(0, length), ""); }, ErrorCode::Corrupt,
                    "JSON");
    }
    DOSSIER_NEED(!embeddedFolder().empty(), "no embedded model");
    const std::string json = readAll(embeddedFolder() / "tokenizer.json");
    const std::size_t end = json.find_last_of('}');
    for (std::size_t length = 1; length <= end; length += json.size() / 61) {
        expectError([&] { Tokenizer::parse(json.substr(0, length), ""); }, ErrorCode::Corrupt,
                    "JSON");
    }
}

TEST(TokenizerFile, DamagedBytesNeverCrash) {
    const std::string json = jsonText(tinyTokenizer());
    std::mt19937 random(3);
    int loaded = 0;
    for (int i = 0; i < 3000; ++i) {
        std::string bad = json;
        for (std::uint32_t n = 1 + random() % 3; n > 0; --n) {
            const std::uint32_t r = random();
            bad[random() % bad.size()] =
                static_cast<char>(r % 2 == 0 ? r >> 8 : "0,:[]{}\"-e"[r / 2 % 10]);
        }
        try {
            loaded += Tokenizer::parse(bad, "")->encode("the", AddedTokens::On).empty() ? 0 : 1;
        } catch (const Error& error) {
            ASSERT_NE(error.code(), ErrorCode::Internal);
        }
    }
    EXPECT_GT(loaded, 0); // some bytes do not matter: the test does reach the loader
}

TEST(TokenizerFile, HostileNestingIsRefusedBeforeParsing) {
    expectError([] { Tokenizer::parse(std::string(10'000'000, '['), ""); }, ErrorCode::Corrupt,
                "nested");
    std::string objects;
    for (int i = 0; i < 100000; ++i) {
        objects += R"({"model":)";
    }
    expectError([&] { Tokenizer::parse(objects, ""); }, ErrorCode::Corrupt, "nested");
    // Brackets in strings are no nesting.
    expectRefused([](Json& j) { j["model"]["type"] = std::string(200, '[') + "\\\""; },
                  ErrorCode::Unsupported, "BPE");
    expectError([] { Tokenizer::parse("[1, 2]", ""); }, ErrorCode::Corrupt, "JSON object");
    expectError([] { Tokenizer::parse("\"\xFF\xFE\"", ""); }, ErrorCode::Corrupt, "JSON");
}

TEST(TokenizerFile, OtherKindsAreNamed) {
    const auto unsupported = [](const std::function<void(Json&)>& bend, const std::string& says) {
        expectRefused(bend, ErrorCode::Unsupported, says);
    };
    unsupported([](Json& j) { j["model"]["type"] = "WordPiece"; }, "WordPiece");
    unsupported([](Json& j) { j["model"]["byte_fallback"] = true; }, "byte_fallback");
    unsupported([](Json& j) { j["model"]["unk_token"] = "<unk>"; }, "unk_token");
    unsupported([](Json& j) { j["model"]["dropout"] = 0.1; }, "dropout");
    unsupported([](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix");
    unsupported([](Json& j) { j["normalizer"] = {{"type", "NFC"}}; }, "normalizers");
    unsupported([](Json& j) { j["decoder"]["type"] = "Metaspace"; }, "decoder");
    unsupported([](Json& j) { j["pre_tokenizer"] = {{"type", "Whitespace"}}; }, "Sequence");
    unsupported([](Json& j) { j["pre_tokenizer"]["pretokenizers"].erase(3); }, "Split");
    unsupported([](Json& j) { j["pre_tokenizer"]["pretokenizers"] = Json::array(); }, "ByteLevel");
    unsupported([](Json& j) { j["pre_tokenizer"]["pretokenizers"][3]["use_regex"] = true; },
                "ByteLevel");
    unsupported([](Json& j) { j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Removed"; },
                "Isolated");
    unsupported([](Json& j) { j["pre_tokenizer"]["pretokenizers"][0]["invert"] = true; },
                "Isolated");
    unsupported(
        [](Json& j) {
            j["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {{"String", "a"}};
        },
        "regular expression");
    unsupported([](Json& j) { j["added_tokens"][1]["lstrip"] = true; }, "lstrip");
}

TEST(TokenizerFile, ContradictionsAreNamed) {
    const auto corrupt = [](const std::function<void(Json&)>& bend, const std::string& says) {
        expectRefused(bend, ErrorCode::Corrupt, says);
    };
    corrupt([](Json& j) { j.erase("model"); }, "model");
    corrupt([](Json& j) { j.erase("decoder"); }, "decoder");
    corrupt([](Json& j) { j.erase("added_tokens"); }, "added_tokens");
    corrupt([](Json& j) { j["model"].erase("vocab"); }, "vocab");
    corrupt([](Json& j) { j["model"]["vocab"] = Json::array(); }, "vocab");
    corrupt([](Json& j) { j["model"]["merges"] = "t h"; }, "merges");
    corrupt([](Json& j) { j["model"]["vocab"]["th"] = -1; }, "\"th\"");
    corrupt([](Json& j) { j["model"]["vocab"]["th"] = 4194304; }, "\"th\"");
    corrupt([](Json& j) { j["model"]["vocab"]["th"] = 1e300; }, "\"th\"");
    corrupt([](Json& j) { j["model"]["vocab"]["th"] = "256"; }, "\"th\"");
    corrupt([](Json& j) { j["model"]["vocab"]["th"] = 257; }, "two tokens");
    corrupt([](Json& j) { j["model"]["vocab"][""] = 300; }, "empty token");
    corrupt([](Json& j) { j["model"]["vocab"].erase("q"); }, "byte 113");
    corrupt([](Json& j) { j["model"]["merges"].push_back("q z"); }, "not in the vocabulary");
    corrupt([](Json& j) { j["model"]["merges"].push_back("thequick"); }, "pair");
    corrupt([](Json& j) { j["model"]["merges"].push_back(Json::array({"t", "h", "e"})); }, "pair");
    corrupt([](Json& j) { j["model"]["merges"].push_back(7); }, "pair");
    corrupt([](Json& j) { j["model"]["merges"].push_back("t h"); }, "repeats");
    corrupt([](Json& j) { j["added_tokens"][0]["content"] = ""; }, "empty");
    corrupt([](Json& j) { j["added_tokens"][0]["content"] = std::string(5000, 'x'); }, "4,096");
    corrupt([](Json& j) { j["added_tokens"][0]["id"] = 260; }, "two tokens");
    corrupt([](Json& j) { j["added_tokens"][2]["content"] = "<｜User｜>"; }, "two ids");
    corrupt([](Json& j) { j["added_tokens"][0]["content"] = "<end>"; }, "end token");
    corrupt([](Json& j) { j["added_tokens"][0] = 5; }, "no object");
    corrupt([](Json& j) { j["pre_tokenizer"]["pretokenizers"][1] = "x"; }, "no object");
}

TEST(TokenizerFile, MergesMayBeWrittenAsPairs) {
    Json json = tinyTokenizer();
    json["model"]["merges"] = Json::array({Json::array({"t", "h"}), Json::array({"th", "e"})});
    json["model"]["vocab"].erase("\u0120t");
    EXPECT_EQ(Tokenizer::parse(jsonText(json), "")->encode("the", AddedTokens::Off),
              std::vector<Token>{257});
}

TEST(TokenizerFile, WholePiecesMayGoBeforeMerges) {
    Json json = tinyTokenizer();
    json["model"]["merges"].erase(1); // no merge leads to "the" any more
    EXPECT_EQ(Tokenizer::parse(jsonText(json), "")->encode("the", AddedTokens::Off),
              (std::vector<Token>{256, 'e'}));
    json["model"]["ignore_merges"] = true;
    EXPECT_EQ(Tokenizer::parse(jsonText(json), "")->encode("the", AddedTokens::Off),
              std::vector<Token>{257});
}

TEST(TokenizerFile, OtherPatternsNeedPcre2) {
    Json json = tinyTokenizer();
    json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "the";
    std::shared_ptr<const Tokenizer> tokenizer;
    try {
        tokenizer = Tokenizer::parse(jsonText(json), "");
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Unsupported);
        EXPECT_THAT(error.what(), HasSubstr("PCRE2"));
        return;
    }
    EXPECT_EQ(tokenizer->encode("xthey t", AddedTokens::Off),
              (std::vector<Token>{'x', 257, 'y', 258}));
    json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(the";
    expectError([&] { Tokenizer::parse(jsonText(json), ""); }, ErrorCode::Unsupported, "(the");
    json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a+)+[bc]";
    expectError(
        [&] {
            Tokenizer::parse(jsonText(json), "")->encode(std::string(5000, 'a'), AddedTokens::Off);
        },
        ErrorCode::TooLarge, "gave up");
}

} // namespace
} // namespace dossier::engine
