// Success, or what went wrong. Nothing in the library throws on bad data.
#pragma once

#include <string>

namespace quill {

enum class Code {
    Ok,
    NotFound,
    InvalidKey,
    TooLarge,
    Damaged,
    LostRecord,
    Locked,
    Io,
};

const char* codeName(Code code);

class Status {
  public:
    Status() = default;
    Status(Code code, std::string message) : m_code(code), m_message(std::move(message)) {}

    explicit operator bool() const { return m_code == Code::Ok; }
    Code code() const { return m_code; }
    const std::string& message() const { return m_message; }

    /// "damaged: 000002.quill at byte 4,096: checksum does not match"
    std::string text() const;

    /// From errno, after a system call on `path` failed.
    static Status io(const std::string& path);

  private:
    Code m_code = Code::Ok;
    std::string m_message;
};

} // namespace quill
