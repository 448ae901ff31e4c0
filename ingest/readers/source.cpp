// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/readers/source.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/base/descriptor.h"

namespace dossier::ingest::readers {
namespace {

void requireRegular(const struct stat& info, const std::string& name) {
    if (S_ISREG(info.st_mode)) {
        return;
    }
    if (S_ISDIR(info.st_mode)) {
        throw Error(ErrorCode::Unsupported, name + " is a folder, not a file",
                    "Add it as a folder instead");
    }
    throw Error(ErrorCode::Unsupported, name + " is a pipe, socket or device, not a file",
                "Choose a regular file");
}

} // namespace

void Job::step(std::uint64_t done, std::uint64_t total) const {
    if (m_stop.stop_requested()) {
        throw Error(ErrorCode::Cancelled, "Reading was stopped");
    }
    if (m_progress) {
        m_progress(done, total);
    }
}

std::string sha256Hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        throw Error(ErrorCode::Internal, "SHA-256 is not available");
    }
    constexpr std::string_view hex = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += hex[digest.at(i) >> 4];
        text += hex[digest.at(i) & 15];
    }
    return text;
}

std::string sizeText(std::uint64_t bytes) {
    std::array<char, 32> text{};
    if (bytes >= 1u << 20) {
        std::snprintf(text.data(), text.size(), "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
    } else if (bytes >= 1u << 10) {
        std::snprintf(text.data(), text.size(), "%.1f KiB", static_cast<double>(bytes) / (1 << 10));
    } else {
        std::snprintf(text.data(), text.size(), "%u bytes", static_cast<unsigned>(bytes));
    }
    return text.data();
}

void checkTextSize(const Job& job, const std::string& name, std::uint64_t textBytes) {
    if (textBytes > job.limits().textBytes) {
        throw Error(ErrorCode::TooLarge,
                    name + " holds more than " + sizeText(job.limits().textBytes) + " of text",
                    "Split the file and add the parts");
    }
}

SourceFile loadFile(int descriptor, const std::string& name, const Limits& limits) {
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) {
        throw systemError("read " + name, errno);
    }
    requireRegular(info, name);
    const auto tooLarge = [&] {
        return Error(ErrorCode::TooLarge, name + " is larger than " + sizeText(limits.fileBytes),
                     "Split the file and add the parts");
    };
    if (static_cast<std::uint64_t>(info.st_size) > limits.fileBytes) {
        throw tooLarge();
    }
    SourceFile file{name, {}};
    file.bytes.resize(static_cast<std::size_t>(info.st_size));
    std::size_t filled = 0;
    // The size is a hint only: the file may grow or shrink while we read (and /proc says 0).
    for (;;) {
        if (filled == file.bytes.size()) {
            if (filled > limits.fileBytes) {
                throw tooLarge();
            }
            file.bytes.resize(filled + 65536);
        }
        const ssize_t got = ::pread(descriptor, file.bytes.data() + filled,
                                    file.bytes.size() - filled, static_cast<off_t>(filled));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw systemError("read " + name, errno);
        }
        if (got == 0) {
            break;
        }
        filled += static_cast<std::size_t>(got);
    }
    file.bytes.resize(filled);
    return file;
}

SourceFile loadFile(const std::filesystem::path& path, const Limits& limits) {
    // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) {
        throw systemError("open " + path.string(), errno);
    }
    return loadFile(file.get(), path.filename().string(), limits);
}

} // namespace dossier::ingest::readers
