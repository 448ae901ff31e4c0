// SPDX-License-Identifier: GPL-3.0-or-later
// flock(2) plus a line of JSON about the holder.
#include "app/store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"

namespace dossier::app {
namespace {

constexpr std::size_t kMaxText = 4096;

std::string hostName() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string programName() {
    std::array<char, 4096> path{};
    const ssize_t n = readlink("/proc/self/exe", path.data(), path.size() - 1);
    return n > 0 ? std::filesystem::path(std::string(path.data(), static_cast<std::size_t>(n)))
                       .filename()
                       .string()
                 : "dossier";
}

std::string localTime() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    localtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts);
    return text.data();
}

std::string contents(int descriptor) {
    std::string text(kMaxText, '\0');
    const ssize_t n = pread(descriptor, text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

std::string holderOf(const std::string& text) {
    const auto json = parseJsonOrDiscard(text);
    if (!json.is_object()) {
        return "another program";
    }
    std::string holder = json.value("program", "another program");
    if (json.contains("pid")) {
        holder += " (process " + std::to_string(json.value("pid", 0)) + " on " +
                  json.value("host", "this computer") + ", since " +
                  json.value("since", "unknown") + ")";
    }
    return holder;
}

} // namespace

bool DossierLock::held(const std::filesystem::path& folder) {
    const int descriptor = ::open((folder / "dossier.lock").c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    const bool held = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(descriptor);
    return held;
}

DossierLock::DossierLock(const std::filesystem::path& folder, Purpose purpose)
    : m_file(folder / "dossier.lock") {
    m_descriptor = ::open(m_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (m_descriptor < 0) {
        throw systemError("open " + m_file.string(), errno);
    }
    if (flock(m_descriptor, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        const std::string holder = holderOf(contents(m_descriptor));
        ::close(m_descriptor);
        if (error == EWOULDBLOCK && purpose == Purpose::Reading) {
            throw Error(ErrorCode::Busy,
                        "The dossier " + folder.parent_path().string() + " is being read by " +
                            holder,
                        "Watch it with dossier read --watch, or pause or cancel it there");
        }
        if (error == EWOULDBLOCK) {
            throw Error(ErrorCode::Busy, "The dossier " + folder.string() + " is held by " + holder,
                        "Close it there, or wait until it has finished");
        }
        throw systemError("lock " + m_file.string(), error);
    }
    m_unclean = !contents(m_descriptor).empty();
    const std::string text = jsonText(nlohmann::json{{"program", programName()},
                                                     {"pid", getpid()},
                                                     {"host", hostName()},
                                                     {"since", localTime()}});
    // Only information for others: a full disk must not keep the person from opening the dossier.
    if (ftruncate(m_descriptor, 0) == 0) {
        [[maybe_unused]] const ssize_t n = pwrite(m_descriptor, text.data(), text.size(), 0);
    }
}

DossierLock::~DossierLock() {
    [[maybe_unused]] const int result = ftruncate(m_descriptor, 0);
    ::close(m_descriptor);
}

} // namespace dossier::app
