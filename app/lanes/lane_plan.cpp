// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/lane_plan.h"

#include <algorithm>

namespace dossier::app {
namespace {

/// Takes the first piece with this id out of `left`.
std::size_t takeId(std::vector<std::size_t>& left, std::span<const WantedPiece> wanted,
                   const std::string& id) {
    const auto found =
        std::find_if(left.begin(), left.end(), [&](std::size_t i) { return wanted[i].id == id; });
    if (found == left.end()) {
        return wanted.size();
    }
    const std::size_t index = *found;
    left.erase(found);
    return index;
}

} // namespace

LanePlan
planLane(std::span<const engine::LaneMark> marks, std::span<const engine::Token> tail,
         std::span<const WantedPiece> wanted,
         const std::function<bool(std::size_t, std::span<const engine::Token>)>& startsWith) {
    LanePlan plan;
    std::vector<std::size_t> left;
    for (std::size_t i = 1; i < wanted.size(); ++i) {
        left.push_back(i);
    }
    std::size_t mark = 0;
    bool prelude = false;
    while (mark < marks.size()) {
        const std::uint64_t length = marks[mark].end - plan.keep;
        std::size_t index = wanted.size();
        if (mark == 0) {
            prelude = !wanted.empty() && wanted.front().id == marks.front().id;
            index = prelude ? 0 : wanted.size();
        } else {
            index = takeId(left, wanted, marks[mark].id);
        }
        if (index == wanted.size() || wanted[index].tokens != length) {
            if (index != wanted.size() && mark > 0) {
                left.insert(std::lower_bound(left.begin(), left.end(), index), index);
            }
            break;
        }
        plan.order.push_back(index);
        plan.keep = marks[mark++].end;
    }
    plan.keptPieces = plan.order.size();
    if (plan.order.empty() && !wanted.empty()) {
        plan.order.push_back(0);
        if (marks.empty() && !tail.empty() && startsWith(0, tail)) {
            plan.keep = tail.size();
        }
    } else if (mark == marks.size() && !tail.empty()) {
        const auto begun = std::find_if(left.begin(), left.end(),
                                        [&](std::size_t i) { return startsWith(i, tail); });
        if (begun != left.end()) {
            plan.order.push_back(*begun);
            plan.keep += tail.size();
            left.erase(begun);
        }
    }
    plan.drop = (marks.empty() ? 0 : marks.back().end) + tail.size() - plan.keep;
    for (; mark < marks.size(); ++mark) {
        if (const std::size_t index = takeId(left, wanted, marks[mark].id);
            index != wanted.size()) {
            plan.order.push_back(index);
        }
    }
    plan.order.insert(plan.order.end(), left.begin(), left.end());
    std::uint64_t end = 0;
    for (const std::size_t index : plan.order) {
        plan.ends.push_back(end += wanted[index].tokens);
    }
    return plan;
}

std::uint64_t keptTokens(const LanePlan& plan,
                         const std::function<bool(std::size_t piece)>& counts) {
    std::uint64_t tokens = 0, begin = 0;
    for (std::size_t i = 0; i < plan.order.size() && begin < plan.keep; ++i) {
        const std::uint64_t end = std::min(plan.ends[i], plan.keep);
        tokens += counts(plan.order[i]) ? end - begin : 0;
        begin = plan.ends[i];
    }
    return tokens;
}

} // namespace dossier::app
