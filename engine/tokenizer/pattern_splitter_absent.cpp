// SPDX-License-Identifier: Apache-2.0
// For builds without PCRE2.
#include "engine/tokenizer/pattern_splitter.h"

#include "engine/base/error.h"

namespace dossier::engine {

std::unique_ptr<PatternSplitter> PatternSplitter::make(std::span<const std::string>) {
    throw Error(
        ErrorCode::Unsupported,
        "The tokenizer's pre-tokenizer patterns are not those of DeepSeek-V4, and this build "
        "has no PCRE2 to run others",
        "Use the tokenizer.json of a DeepSeek-V4 model, or build with PCRE2 "
        "(libpcre2-dev)");
}

} // namespace dossier::engine
