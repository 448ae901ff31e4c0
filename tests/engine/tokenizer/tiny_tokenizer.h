// SPDX-License-Identifier: Apache-2.0
// A small valid tokenizer.json to bend in tests: 256 bytes, a few merges, DeepSeek's pre-tokeniser.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace dossier::engine::testing {

/// The spelling of one byte in the byte alphabet of a tokenizer.json.
std::string spellingOfByte(int byte);
/// Vocabulary: bytes 0..255 at their own ids, then "th", "the", " t" (256..258), then the added
/// tokens "<｜end▁of▁sentence｜>" (259), "<｜User｜>" (260) and "<x>" (261, second pass).
nlohmann::ordered_json tinyTokenizer();

} // namespace dossier::engine::testing
