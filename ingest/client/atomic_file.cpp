// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/client/atomic_file.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>

#include "engine/base/error.h"

namespace dossier::ingest {

AtomicFile::AtomicFile(std::filesystem::path target, int original) : m_target(std::move(target)) {
    struct stat source {
    }, existing{};
    const bool same = ::fstat(original, &source) == 0 && ::stat(m_target.c_str(), &existing) == 0 &&
                      source.st_dev == existing.st_dev && source.st_ino == existing.st_ino;
    if (same) {
        throw Error(ErrorCode::InvalidArgument,
                    "The annotated copy would replace the original " + m_target.string(),
                    "Choose another file name");
    }
    const auto folder =
        m_target.has_parent_path() ? m_target.parent_path() : std::filesystem::path(".");
    std::string pattern = folder.string();
    pattern.append("/.").append(m_target.filename().string()).append(".XXXXXX");
    m_file = Descriptor(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!m_file.valid()) {
        throw systemError("write into the folder " + folder.string(), errno);
    }
    m_temporary = pattern;
    // mkostemp lets nobody else read; a copy is an ordinary file.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(m_file.get(), 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
    if (!m_temporary.empty()) {
        ::unlink(m_temporary.c_str());
    }
}

void AtomicFile::commit() {
    if (::fsync(m_file.get()) != 0) {
        throw systemError("write " + m_target.string(), errno);
    }
    if (::rename(m_temporary.c_str(), m_target.c_str()) != 0) {
        throw systemError("write " + m_target.string(), errno);
    }
    m_temporary.clear();
    m_file.reset();
    // The new name must survive a power cut as well.
    const auto folder =
        m_target.has_parent_path() ? m_target.parent_path() : std::filesystem::path(".");
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.valid()) {
        ::fsync(opened.get());
    }
}

} // namespace dossier::ingest
