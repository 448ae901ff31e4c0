// Texts of the error codes.
#include "quill/status.h"

#include <cerrno>
#include <cstring>

namespace quill {

const char* codeName(Code code) {
    switch (code) {
    case Code::Ok: return "ok";
    case Code::NotFound: return "not found";
    case Code::InvalidKey: return "invalid key";
    case Code::TooLarge: return "too large";
    case Code::Damaged: return "damaged";
    case Code::LostRecord: return "lost record";
    case Code::Locked: return "locked";
    case Code::Io: return "input/output error";
    }
    return "unknown";
}

std::string Status::text() const {
    return m_message.empty() ? codeName(m_code) : std::string(codeName(m_code)) + ": " + m_message;
}

Status Status::io(const std::string& path) {
    return Status(Code::Io, path + ": " + std::strerror(errno));
}

} // namespace quill
