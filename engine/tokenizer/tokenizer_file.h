// SPDX-License-Identifier: Apache-2.0
// Reads a tokenizer.json (Hugging Face layout) into plain data, checking everything on the way.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/types.h"
#include "engine/tokenizer/bpe.h"

namespace dossier::engine {

/// A string that becomes one token wherever it stands in text that is encoded with added tokens on.
struct AddedToken {
    Token id = 0;
    std::string content;
    bool firstPass = false; ///< "normalized": false; matched before all others
};

struct TokenizerFile {
    std::vector<std::string> tokenBytes; ///< by id; for added tokens their content; holes are empty
    std::vector<std::string> pieceBytes; ///< the same without the ids that BPE cannot produce
    std::vector<BpeMerge> merges;        ///< by rank
    Bpe::WholePiece wholePiece = Bpe::WholePiece::ByMerges;
    std::vector<AddedToken> added;
    std::vector<std::string> splitPatterns; ///< applied one within the pieces of the one before
};

/// `name` is what errors call the file. Throws Error: Corrupt (not JSON, contradicts itself),
/// Unsupported (another kind of tokenizer; the text names the field), TooLarge.
TokenizerFile parseTokenizerFile(std::string_view json, const std::string& name);

/// The content of "eos_token" of a tokenizer_config.json. Throws Error (Corrupt).
std::optional<std::string> parseEndToken(std::string_view json, const std::string& name);

} // namespace dossier::engine
