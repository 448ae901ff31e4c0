// SPDX-License-Identifier: Apache-2.0
// The few plain types that every part of the engine and its callers share.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace dossier::engine {

using Token = std::int32_t; ///< id in the model's vocabulary

/// `phase` is for a person ("Verifying model", "Reading"); done and total share one unit
/// (bytes or tokens); total 0 = unknown.
struct Progress {
    std::string phase;
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    double perSecond = 0; ///< recent speed in that unit, 0 = not known yet
};
using ProgressFn = std::function<void(const Progress&)>;

} // namespace dossier::engine
