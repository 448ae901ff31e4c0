// SPDX-License-Identifier: Apache-2.0
// Finds added tokens in text: leftmost first, the longest of those that begin at the same place.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/types.h"
#include "engine/tokenizer/tokenizer_file.h"

namespace dossier::engine {

struct AddedTokenMatch {
    std::size_t begin = 0, length = 0;
    Token id = 0;
};

/// Immutable after construction.
class AddedTokenFinder {
  public:
    explicit AddedTokenFinder(std::vector<AddedToken> tokens);

    std::optional<AddedTokenMatch> find(std::string_view text, std::size_t from) const;
    std::optional<Token> id(std::string_view content) const;

  private:
    const AddedToken* longestAt(std::string_view text) const;

    std::vector<AddedToken> m_tokens; ///< sorted by content
    std::array<bool, 256> m_begins{}; ///< some token begins with this byte
};

} // namespace dossier::engine
