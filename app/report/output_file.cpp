// SPDX-License-Identifier: GPL-3.0-or-later
// Atomic output with POSIX calls.
#include "app/report/output_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/base/error.h"

namespace dossier::app::report {
namespace {

[[noreturn]] void failExisting(const std::filesystem::path& path) {
    throw Error(ErrorCode::InvalidArgument, path.string() + " exists already",
                "Choose another name, or say that it is to be replaced");
}

std::filesystem::path folderOf(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

} // namespace

OutputFile::OutputFile(std::filesystem::path path, Existing existing)
    : m_path(std::move(path)), m_existing(existing) {
    struct stat info {};
    if (::lstat(m_path.c_str(), &info) == 0) {
        if (S_ISDIR(info.st_mode))
            throw Error(ErrorCode::InvalidArgument, m_path.string() + " is a folder",
                        "Choose the name of a file");
        if (existing == Existing::Keep)
            failExisting(m_path);
    }
    std::string name = (folderOf(m_path) / ".dossier-export-XXXXXX").string();
    m_descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (m_descriptor < 0)
        throw systemError("write in " + folderOf(m_path).string(), errno);
    m_temporary = name;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(m_descriptor, 0666 & ~mask); // mkostemp makes it private; a report is an ordinary file
}

OutputFile::~OutputFile() {
    if (m_descriptor >= 0)
        ::close(m_descriptor);
    if (!m_temporary.empty())
        ::unlink(m_temporary.c_str());
}

void OutputFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            throw systemError("write " + m_path.string(), errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void OutputFile::commit() {
    if (::fsync(m_descriptor) != 0)
        throw systemError("write " + m_path.string(), errno);
    ::close(std::exchange(m_descriptor, -1));
    if (m_existing == Existing::Replace) {
        if (::rename(m_temporary.c_str(), m_path.c_str()) != 0)
            throw systemError("rename to " + m_path.string(), errno);
    } else {
        renameNew(m_temporary, m_path);
    }
    m_temporary.clear();
    syncFolder(folderOf(m_path));
}

void writeWholeFile(const std::filesystem::path& path, std::string_view bytes, Existing existing) {
    OutputFile file(path, existing);
    file.write(bytes);
    file.commit();
}

void syncFolder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        throw systemError("open " + folder.string(), errno);
    const int result = ::fsync(descriptor);
    const int error = errno;
    ::close(descriptor);
    if (result != 0 && error != EINVAL) // some file systems cannot sync a folder
        throw systemError("sync " + folder.string(), error);
}

void renameNew(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
        return;
    if (errno == EEXIST || errno == ENOTEMPTY)
        failExisting(to);
    if (errno != EINVAL && errno != ENOSYS)
        throw systemError("rename to " + to.string(), errno);
    // A file system without the flag (some network ones): look, then rename.
    struct stat info {};
    if (::lstat(to.c_str(), &info) == 0)
        failExisting(to);
    if (::rename(from.c_str(), to.c_str()) != 0)
        throw systemError("rename to " + to.string(), errno);
}

} // namespace dossier::app::report
