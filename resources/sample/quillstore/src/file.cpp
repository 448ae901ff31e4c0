// POSIX behind the operations of file.h.
#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace quill {

Status readFile(const std::string& path, std::string& bytes) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file)
        return Status::io(path);
    bytes.clear();
    char block[65536];
    for (std::size_t got; (got = std::fread(block, 1, sizeof block, file)) > 0;)
        bytes.append(block, got);
    const bool failed = std::ferror(file) != 0;
    std::fclose(file);
    return failed ? Status::io(path) : Status();
}

Status truncateFile(const std::string& path, std::uint64_t bytes) {
    return ::truncate(path.c_str(), static_cast<off_t>(bytes)) == 0 ? Status() : Status::io(path);
}

Status removeFile(const std::string& path) {
    return ::unlink(path.c_str()) == 0 ? Status() : Status::io(path);
}

Status renameFile(const std::string& from, const std::string& to) {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Status() : Status::io(from);
}

Status syncFolder(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
    if (descriptor < 0)
        return Status::io(path);
    const bool good = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return good ? Status() : Status::io(path);
}

Status listSegments(const std::string& folder, std::vector<std::string>& names) {
    names.clear();
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (entry.path().extension() == ".quill")
            names.push_back(entry.path().filename());
    }
    if (error)
        return Status(Code::Io, folder + ": " + error.message());
    std::sort(names.begin(), names.end());
    // A crash during compaction may leave segments that a packed one has replaced already: their
    // numbers are not higher than its own.
    std::string packed;
    for (const std::string& name : names) {
        if (name.find(".packed.") != std::string::npos)
            packed = name;
    }
    const std::string number = packed.substr(0, packed.find('.'));
    std::erase_if(names, [&](const std::string& name) {
        return !packed.empty() && name != packed && name.substr(0, name.find('.')) <= number;
    });
    return {};
}

AppendFile::~AppendFile() { close(); }

Status AppendFile::open(const std::string& path) {
    close();
    m_path = path;
    m_descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    struct stat info;
    if (m_descriptor < 0 || ::fstat(m_descriptor, &info) != 0)
        return Status::io(path);
    m_size = static_cast<std::uint64_t>(info.st_size);
    return {};
}

Status AppendFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return Status::io(m_path);
        bytes.remove_prefix(static_cast<std::size_t>(written));
        m_size += static_cast<std::uint64_t>(written);
    }
    return {};
}

Status AppendFile::sync() {
    return ::fdatasync(m_descriptor) == 0 ? Status() : Status::io(m_path);
}

void AppendFile::close() {
    if (m_descriptor >= 0)
        ::close(m_descriptor);
    m_descriptor = -1;
}

} // namespace quill
