// SPDX-License-Identifier: Apache-2.0
// Pre-tokenisation by any Split patterns of a tokenizer.json, with PCRE2. Present in every build;
// in one without PCRE2 `make` refuses. DeepSeek-V4's own patterns never come here (see
// piece_scanner.h).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace dossier::engine {

class PatternSplitter {
  public:
    /// Throws Error (Unsupported): no PCRE2 in this build, or a pattern that it cannot compile.
    static std::unique_ptr<PatternSplitter> make(std::span<const std::string> patterns);
    virtual ~PatternSplitter() = default;

    /// Gives the pieces in order; none is empty and joined they are `text`. The first pattern cuts
    /// the text, the next one each of its pieces, and so on; matches and gaps are pieces. May be
    /// called from several threads. Throws Error (TooLarge) when a pattern needs too many steps.
    virtual void split(std::string_view text,
                       const std::function<void(std::string_view)>& piece) const = 0;
};

} // namespace dossier::engine
