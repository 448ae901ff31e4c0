// SPDX-License-Identifier: Apache-2.0
// Time for measuring how long something took. Safe on any thread.
#pragma once

#include <chrono>

namespace dossier {

/// Never goes back, whatever is done to the computer's date.
using SteadyClock = std::chrono::steady_clock;

/// Seconds from `begin` until now.
inline double secondsSince(SteadyClock::time_point begin) {
    return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

/// Seconds since some fixed moment, for taking differences.
inline double steadySeconds() {
    return secondsSince({});
}

} // namespace dossier
