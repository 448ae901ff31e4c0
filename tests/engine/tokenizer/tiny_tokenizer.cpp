// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace dossier::engine::testing {

std::string spellingOfByte(int byte) {
    int character = byte;
    if (byte <= 0x20) {
        character = 0x100 + byte;
    } else if (byte >= 0x7F && byte <= 0xA0) {
        character = 0x121 + byte - 0x7F;
    } else if (byte == 0xAD) {
        character = 0x143;
    }
    if (character < 0x80) {
        return std::string(1, static_cast<char>(character));
    }
    return {static_cast<char>(0xC0 | character >> 6), static_cast<char>(0x80 | (character & 0x3F))};
}

nlohmann::ordered_json tinyTokenizer() {
    nlohmann::ordered_json vocabulary = nlohmann::ordered_json::object();
    for (int byte = 0; byte < 256; ++byte) {
        vocabulary[spellingOfByte(byte)] = byte;
    }
    vocabulary["th"] = 256;
    vocabulary["the"] = 257;
    vocabulary["\u0120t"] = 258;
    const auto added = [](int id, const char* content, bool normalized) {
        return nlohmann::ordered_json{
            {"id", id},        {"content", content}, {"single_word", false},
            {"lstrip", false}, {"rstrip", false},    {"normalized", normalized},
            {"special", false}};
    };
    const auto split = [](const std::string& pattern) {
        return nlohmann::ordered_json{{"type", "Split"},
                                      {"pattern", {{"Regex", pattern}}},
                                      {"behavior", "Isolated"},
                                      {"invert", false}};
    };
    return {
        {"version", "1.0"},
        {"added_tokens",
         nlohmann::ordered_json::array({added(259, "<｜end▁of▁sentence｜>", false),
                                        added(260, "<｜User｜>", false), added(261, "<x>", true)})},
        {"normalizer", nullptr},
        {"pre_tokenizer",
         {{"type", "Sequence"},
          {"pretokenizers",
           nlohmann::ordered_json::array(
               {split("\\p{N}{1,3}"), split("[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+"),
                split("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
                      "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
                      " ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
                nlohmann::ordered_json{{"type", "ByteLevel"},
                                       {"add_prefix_space", false},
                                       {"trim_offsets", true},
                                       {"use_regex", false}}})}}},
        {"post_processor", nullptr},
        {"decoder", {{"type", "ByteLevel"}}},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"byte_fallback", false},
          {"vocab", vocabulary},
          {"merges", nlohmann::ordered_json::array({"t h", "th e", "\u0120 t"})}}},
    };
}

} // namespace dossier::engine::testing
