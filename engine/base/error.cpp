// SPDX-License-Identifier: Apache-2.0
#include "engine/base/error.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dossier {
namespace {

struct CodeName {
    ErrorCode code;
    std::string_view name;
};

constexpr std::array kCodeNames{
    CodeName{ErrorCode::InvalidArgument, "invalid-argument"},
    CodeName{ErrorCode::NotFound, "not-found"},
    CodeName{ErrorCode::Io, "io"},
    CodeName{ErrorCode::Permission, "permission"},
    CodeName{ErrorCode::DiskFull, "disk-full"},
    CodeName{ErrorCode::Corrupt, "corrupt"},
    CodeName{ErrorCode::Encrypted, "encrypted"},
    CodeName{ErrorCode::Unsupported, "unsupported"},
    CodeName{ErrorCode::TooLarge, "too-large"},
    CodeName{ErrorCode::OutOfMemory, "out-of-memory"},
    CodeName{ErrorCode::Busy, "busy"},
    CodeName{ErrorCode::Cancelled, "cancelled"},
    CodeName{ErrorCode::ProcessDied, "process-died"},
    CodeName{ErrorCode::Internal, "internal"},
};

std::string sentence(const std::string& failed, const std::string& remedy) {
    return remedy.empty() ? failed + "." : failed + ". " + remedy + ".";
}

} // namespace

std::string_view errorCodeName(ErrorCode code) {
    for (const CodeName& entry : kCodeNames) {
        if (entry.code == code) {
            return entry.name;
        }
    }
    return "internal";
}

ErrorCode errorCodeFromName(std::string_view name) {
    for (const CodeName& entry : kCodeNames) {
        if (entry.name == name) {
            return entry.code;
        }
    }
    return ErrorCode::Internal;
}

Error::Error(ErrorCode code, std::string failed, std::string remedy)
    : std::runtime_error(sentence(failed, remedy)),
      m_code(code),
      m_failed(std::move(failed)),
      m_remedy(std::move(remedy)) {}

Error systemError(std::string_view what, int errnoValue) {
    const std::string failed = "Could not " + std::string(what) + ": " + std::strerror(errnoValue);
    switch (errnoValue) {
    case ENOSPC:
    case EDQUOT:
        return {ErrorCode::DiskFull, failed, "Free some space on that disk and try again"};
    case EFBIG:
        return {ErrorCode::DiskFull, failed,
                "That disk or account takes no larger files (FAT32: 4 GB); move the folder to "
                "another disk"};
    case EACCES:
    case EPERM:
    case EROFS:
        return {ErrorCode::Permission, failed, "Check the permissions of that file or folder"};
    case ENOENT:
    case ENOTDIR:
        return {ErrorCode::NotFound, failed, "Check that the path still exists"};
    case ENOMEM:
        return {ErrorCode::OutOfMemory, failed, "Close other programs and try again"};
    default:
        return {ErrorCode::Io, failed, "Check the disk and try again"};
    }
}

} // namespace dossier
