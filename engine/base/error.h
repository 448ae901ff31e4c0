// SPDX-License-Identifier: Apache-2.0
// The one exception type of the program. Thrown where a failure happens, caught at the edges
// (thread entry, process boundary, user action) and shown as: what failed, then what to do.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace dossier {

enum class ErrorCode {
    InvalidArgument, ///< the caller asked for something that cannot be; the text names the choices
    NotFound,        ///< a file, lane, document ... that does not exist
    Io,              ///< the system refused a read or write
    Permission,      ///< no right to read or write
    DiskFull,        ///< no space left; what was already written stays valid
    Corrupt,         ///< data that contradicts its own format
    Encrypted,       ///< needs a password
    Unsupported,     ///< well-formed, but not something this program handles
    TooLarge,        ///< over a limit that the text names
    OutOfMemory,     ///< RAM or VRAM; the text says how much was missing
    Busy,            ///< held by somebody else; the text says by whom
    Cancelled,       ///< the person or the caller stopped it
    ProcessDied,     ///< the engine or reader process ended unexpectedly; it can be started again
    Internal,        ///< a mistake of ours
};

/// Stable spelling for JSON and logs ("disk-full"); inverse of `errorCodeFromName`.
std::string_view errorCodeName(ErrorCode code);
/// Unknown names give ErrorCode::Internal.
ErrorCode errorCodeFromName(std::string_view name);

class Error : public std::runtime_error {
  public:
    /// `failed`: what failed and why, one sentence without a full stop; names the file or object.
    /// `remedy`: what the person can do, one sentence without a full stop. May be empty only for
    /// Cancelled and Internal.
    Error(ErrorCode code, std::string failed, std::string remedy = {});

    ErrorCode code() const noexcept { return m_code; }
    const std::string& failed() const noexcept { return m_failed; }
    const std::string& remedy() const noexcept { return m_remedy; }

  private:
    ErrorCode m_code;
    std::string m_failed, m_remedy;
};

/// The Error for a failed system call: maps errno (ENOSPC, EACCES, ENOENT, ...) to a code and a
/// remedy. `what` is like "write /home/a/x.dossier/dossier.db".
Error systemError(std::string_view what, int errnoValue);

} // namespace dossier
