// SPDX-License-Identifier: GPL-3.0-or-later
// Names of the enumerations and small conversions.
#include "app/model_types.h"

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

} // namespace dossier::app
