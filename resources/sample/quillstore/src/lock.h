// One writer per store.
#pragma once

#include <string>

#include "quill/status.h"

namespace quill {

/// Held from acquire() until the object goes; the system gives it up when the process dies.
class WriterLock {
  public:
    WriterLock() = default;
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;
    ~WriterLock();

    /// Code::Locked when another writer has the store open.
    Status acquire(const std::string& folder);

  private:
    int m_descriptor = -1;
};

} // namespace quill
