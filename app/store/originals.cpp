// SPDX-License-Identifier: GPL-3.0-or-later
// sources/ab/ab34….pdf: copied under a temporary name, then renamed.
#include "app/store/originals.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <QCryptographicHash>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "engine/base/error.h"

namespace dossier::app {
namespace {

constexpr std::size_t kCopyBytes = 1 << 20;

/// A file descriptor that closes itself.
class Descriptor {
  public:
    explicit Descriptor(int fd) : m_fd(fd) {}
    ~Descriptor() {
        if (m_fd >= 0) {
            ::close(m_fd);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return m_fd; }

  private:
    int m_fd;
};

/// Removes the temporary file unless it was renamed.
struct Temporary {
    std::filesystem::path path;
    bool kept = false;
    ~Temporary() {
        if (!kept) {
            std::error_code ignored;
            std::filesystem::remove(path, ignored);
        }
    }
};

void writeAll(int fd, const char* data, std::size_t size, const std::filesystem::path& path) {
    while (size > 0) {
        const ssize_t n = ::write(fd, data, size);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw systemError("write " + path.string(), errno);
        }
        data += n;
        size -= static_cast<std::size_t>(n);
    }
}

} // namespace

Originals::Originals(std::filesystem::path folder) : m_folder(std::move(folder)) {
    std::error_code error;
    std::filesystem::create_directories(m_folder, error);
    if (error) {
        throw systemError("make " + m_folder.string(), error.value());
    }
}

std::string Originals::storedExtension(const std::filesystem::path& file) {
    constexpr std::size_t kLongest = 12;
    std::string extension = file.extension().string();
    if (extension.size() > kLongest) {
        return {};
    }
    for (std::size_t i = 1; i < extension.size(); ++i) {
        const char c = extension[i];
        if (c >= 'A' && c <= 'Z') {
            extension[i] = static_cast<char>(c - 'A' + 'a');
        } else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '_')) {
            return {};
        }
    }
    return extension.size() > 1 ? extension : std::string();
}

std::filesystem::path Originals::path(const std::string& sha256,
                                      const std::string& extension) const {
    return m_folder / sha256.substr(0, 2) / (sha256 + extension);
}

Originals::Stored Originals::add(const std::filesystem::path& file,
                                 const std::function<void(std::uint64_t)>& progress,
                                 std::stop_token stop) const {
    static std::atomic<unsigned> counter{0};
    const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (in.get() < 0 || ::fstat(in.get(), &info) != 0) {
        throw systemError("read " + file.string(), errno);
    }
    if (!S_ISREG(info.st_mode)) {
        throw Error(ErrorCode::Unsupported, file.string() + " is not a regular file",
                    "Add a file or a folder");
    }
    Temporary temporary{m_folder /
                        (".new-" + std::to_string(getpid()) + "-" + std::to_string(counter++))};
    const Descriptor out(
        ::open(temporary.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (out.get() < 0) {
        throw systemError("write " + temporary.path.string(), errno);
    }
    QCryptographicHash hash(QCryptographicHash::Sha256);
    std::string buffer(kCopyBytes, '\0');
    std::uint64_t done = 0;
    for (;;) {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Cancelled, "Adding " + file.string() + " was cancelled");
        }
        const ssize_t n = ::read(in.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw systemError("read " + file.string(), errno);
        }
        if (n == 0) {
            break;
        }
        hash.addData(QByteArrayView(buffer.data(), n));
        writeAll(out.get(), buffer.data(), static_cast<std::size_t>(n), temporary.path);
        done += static_cast<std::uint64_t>(n);
        if (progress) {
            progress(done);
        }
    }
    const std::string sha256 = hash.result().toHex().toStdString();
    const std::filesystem::path target = path(sha256, storedExtension(file));
    std::error_code error;
    std::filesystem::create_directories(target.parent_path(), error);
    if (error || ::rename(temporary.path.c_str(), target.c_str()) != 0) {
        throw systemError("write " + target.string(), error ? error.value() : errno);
    }
    temporary.kept = true;
    return {sha256, done, target};
}

void Originals::sync() const {
    const Descriptor folder(::open(m_folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || ::syncfs(folder.get()) != 0) {
        throw systemError("write " + m_folder.string(), errno);
    }
}

void Originals::remove(const std::string& sha256, const std::string& extension) const {
    std::error_code ignored; // a file that is gone already is what was wanted
    std::filesystem::remove(path(sha256, extension), ignored);
}

} // namespace dossier::app
