// flock on the file `lock` in the folder of the store.
#include "lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace quill {

WriterLock::~WriterLock() {
    if (m_descriptor >= 0)
        ::close(m_descriptor);
}

Status WriterLock::acquire(const std::string& folder) {
    const std::string path = folder + "/lock";
    m_descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (m_descriptor < 0)
        return Status::io(path);
    if (::flock(m_descriptor, LOCK_EX | LOCK_NB) != 0)
        return Status(Code::Locked, folder + " is open in another writer");
    return {};
}

} // namespace quill
