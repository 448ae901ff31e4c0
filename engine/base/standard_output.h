// SPDX-License-Identifier: Apache-2.0
// Whether what a command printed has arrived.
#pragma once

#include <cerrno>
#include <cstdio>

#include "engine/base/error.h"

namespace dossier {

/// What was printed may still lie in a buffer: only flushing tells whether a full disk or a closed
/// pipe took it. Throws Error when anything printed so far was lost.
inline void flushStandardOutput() {
    const bool lost = std::ferror(stdout) != 0;
    if (std::fflush(stdout) != 0) {
        throw systemError("write the results to the standard output", errno);
    }
    if (lost) {
        throw systemError("write the results to the standard output", EIO);
    }
}

} // namespace dossier
