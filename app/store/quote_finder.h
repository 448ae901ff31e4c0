// SPDX-License-Identifier: GPL-3.0-or-later
// What the store asks when a text takes the place of another one, and what came of it.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "app/model_types.h"

namespace dossier::app {

/// Looks for what was quoted and marked in the text that is there now.
class QuoteFinder {
  public:
    virtual ~QuoteFinder() = default;
    /// Sets verdict and place anew; without a place when the quotation does not stand in the text.
    virtual void find(Citation&) = 0;
    /// Sets the range anew; an empty one when the marked words do not stand in the text.
    virtual void find(Mark&) = 0;
};

/// What a new text changed of what was there.
struct Requoted {
    std::vector<std::pair<AnswerId, Citation>> citations; ///< number 0: Answer::nearest
    std::map<AnswerId, std::string> searched;             ///< Answer::searched
    std::vector<Mark> marks;

    bool empty() const { return citations.empty() && marks.empty(); }
};

/// A source whose file changed, and the one with its new bytes.
struct Replacement {
    SourceId former{}, source{};
};

} // namespace dossier::app
