// SPDX-License-Identifier: GPL-3.0-or-later
// Names of the enumerations and small conversions.
#include "app/model_types.h"

#include <algorithm>
#include <cctype>

namespace dossier::app {

Failure failureOf(const Error& error) {
    return {error.code(), error.failed(), error.remedy()};
}

std::string_view verdictName(Verdict verdict) {
    switch (verdict) {
    case Verdict::Verified:
        return "verified";
    case Verdict::VerifiedNormalised:
        return "verified-normalised";
    case Verdict::Partial:
        return "partial";
    case Verdict::OtherDocument:
        return "other-document";
    case Verdict::NotFound:
        break;
    }
    return "not-found";
}

std::optional<Verdict> verdictFromName(std::string_view name) {
    for (const Verdict verdict : {Verdict::Verified, Verdict::VerifiedNormalised, Verdict::Partial,
                                  Verdict::OtherDocument, Verdict::NotFound}) {
        if (verdictName(verdict) == name) {
            return verdict;
        }
    }
    return std::nullopt;
}

bool isFinal(AnswerState state) {
    return state == AnswerState::Done || state == AnswerState::NotFound ||
           state == AnswerState::Stopped || state == AnswerState::Failed;
}

std::string levelTitle(const Answer& answer, const std::vector<LevelInfo>& levels) {
    if (!answer.levelTitle.empty()) {
        return answer.levelTitle;
    }
    const std::string name = answer.level.empty() ? "none" : answer.level;
    const auto known = std::find_if(levels.begin(), levels.end(),
                                    [&](const LevelInfo& level) { return level.name == name; });
    if (known != levels.end()) {
        return known->title;
    }
    if (name == "none") {
        return "Non-think";
    }
    std::string title = "Think " + name; // as the profiles do: "Think High"
    char& first = title[title.size() - name.size()];
    first = static_cast<char>(std::toupper(static_cast<unsigned char>(first)));
    return title;
}

} // namespace dossier::app
