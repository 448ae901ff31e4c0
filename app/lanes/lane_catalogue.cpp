// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/lanes/lane_catalogue.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "app/lanes/lane_keeper.h"
#include "engine/base/grouped.h"

namespace dossier::app {
namespace fs = std::filesystem;

namespace {

std::int64_t usedMsOf(const fs::path& file) {
    struct stat status {};
    return stat(file.c_str(), &status) == 0
               ? std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000
               : 0;
}

void failIf(const std::error_code& error, const std::string& what) {
    if (error) {
        throw systemError(what, error.value());
    }
}

std::string keepsText(std::uint64_t keep, std::uint64_t read, double seconds) {
    const std::string text = "keeps " + grouped(keep) + " tokens, re-reads " + grouped(read);
    return seconds > 0 ? text + " (" + aboutTime(seconds) + ")" : text;
}

} // namespace

std::string LaneEntry::state() const {
    if (failure) {
        return failure->failed;
    }
    if (info.note.empty() && selfCheck && !selfCheck->good()) {
        return selfCheck->restored.note;
    }
    return info.note.empty() ? "good" : info.note;
}

std::string LaneEntry::trouble() const {
    if (failure || !info.note.empty()) {
        return state();
    }
    return checked && !checked->good() && checked->timeMs >= usedMs ? checked->result : "";
}

std::string LaneOutlook::text() const {
    return read == 0 ? "keeps all " + grouped(total) + " tokens" : keepsText(keep, read, seconds);
}

std::string DocumentFork::text() const {
    std::string text = "sees " + grouped(documents) + " of " + grouped(all) +
                       (all == 1 ? " document, " : " documents, ");
    if (passages) {
        return text + "reads nothing again: every question takes passages of its own";
    }
    if (read > 0) {
        text += "reads " + grouped(replay + read) + " tokens first";
    } else {
        text += "re-reads up to " + grouped(replay) + " tokens";
    }
    return seconds > 0 ? text + ", " + aboutTime(seconds) : text;
}

std::string LanePrice::text() const {
    std::string text =
        again == 0 ? "keeps all " + grouped(keep) + " tokens" : keepsText(keep, again, seconds);
    if (lanes > 1) {
        text.append(", in ").append(std::to_string(lanes)).append(" lanes together");
    }
    return text;
}

bool LaneEntry::good() const {
    return !failure && info.damagedBytes == 0 && (!selfCheck || selfCheck->good());
}

void touchLane(const fs::path& file) {
    utimensat(AT_FDCWD, file.c_str(), nullptr, 0); // the time of use is a help, not a promise
}

LaneEntry LaneCatalogue::describe(const fs::path& file, engine::Verify verify,
                                  const engine::ProgressFn& progress, std::stop_token stop) const {
    LaneEntry entry;
    entry.name = file.stem().string();
    entry.file = file;
    std::error_code error;
    if (fs::is_symlink(file, error)) {
        entry.elsewhere = fs::read_symlink(file, error);
    }
    entry.usedMs = usedMsOf(file);
    try {
        requireReachable(file);
        entry.info = m_engine.inspectLane(file, verify, progress, stop);
        entry.info.tail.clear();
    } catch (const Error& e) {
        if (e.code() == ErrorCode::Cancelled || e.code() == ErrorCode::ProcessDied) {
            throw;
        }
        entry.failure = failureOf(e);
        entry.info.fileBytes = fs::file_size(file, error);
        if (error) {
            entry.info.fileBytes = 0;
        }
    }
    return entry;
}

std::vector<LaneEntry> LaneCatalogue::list(engine::Verify verify,
                                           const engine::ProgressFn& progress,
                                           std::stop_token stop) const {
    std::vector<LaneEntry> entries;
    std::error_code error;
    for (const auto& one : fs::directory_iterator(m_folder, error)) {
        if (one.path().extension() == ".lane") {
            entries.push_back(describe(one.path(), verify, progress, stop));
        }
    }
    std::sort(entries.begin(), entries.end(), [](const LaneEntry& a, const LaneEntry& b) {
        return a.usedMs != b.usedMs ? a.usedMs > b.usedMs : a.name < b.name;
    });
    return entries;
}

void LaneCatalogue::selfCheck(LaneEntry& entry, const engine::ProgressFn& progress,
                              std::stop_token stop) const {
    LaneSelfCheck& check = entry.selfCheck.emplace();
    if (entry.failure || entry.info.tokens == 0) {
        check.skipped = "nothing of it can be used";
        return;
    }
    const auto model = m_engine.model();
    if (!model || model->fingerprint != entry.info.model) {
        check.skipped = "it was read by another model, " + entry.info.modelName;
        return;
    }
    engine::LaneOptions options;
    options.file = entry.file;
    options.prefix = entry.info.prefix;
    options.readOnly = true;
    options.probeEveryFrontier = true;
    try {
        const engine::LaneInfo lane = m_engine.openLane(options, progress, stop);
        check.restored = lane.restored.value_or(engine::LaneRestore{});
        m_engine.closeLane(lane.id);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::TooLarge && error.code() != ErrorCode::InvalidArgument) {
            throw;
        }
        check.skipped = error.failed();
    }
}

LaneEntry LaneCatalogue::find(const std::string& name) const {
    std::string names;
    for (const LaneEntry& entry : list(engine::Verify::Directory)) {
        if (entry.name == name) {
            return entry;
        }
        names += (names.empty() ? "" : ", ") + entry.name;
    }
    throw Error(ErrorCode::NotFound, "This dossier has no lane \"" + name + "\"",
                names.empty() ? "Nothing has been read yet" : "Its lanes are: " + names);
}

void LaneCatalogue::requireUnused(const LaneEntry& entry) const {
    const int descriptor = ::open(entry.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return; // on a disk that is not connected
    }
    const bool busy = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(descriptor);
    if (busy) {
        throw Error(ErrorCode::Busy, "The lane " + entry.name + " is being written",
                    "Wait until its reading has finished, or cancel it");
    }
}

void LaneCatalogue::remove(const std::string& name) {
    const LaneEntry entry = find(name);
    requireUnused(entry);
    std::error_code error;
    if (!entry.elsewhere.empty()) {
        fs::remove(entry.elsewhere, error);
        failIf(error, "delete " + entry.elsewhere.string());
    }
    fs::remove(entry.file, error);
    failIf(error, "delete " + entry.file.string());
}

void LaneCatalogue::move(const std::string& name, const fs::path& to,
                         const engine::ProgressFn& progress, std::stop_token stop) {
    const LaneEntry entry = find(name);
    requireReachable(entry.file);
    requireUnused(entry);
    if (!fs::is_directory(to)) {
        throw Error(ErrorCode::NotFound, to.string() + " is not a folder", "Choose a folder");
    }
    const fs::path target = fs::canonical(to) / entry.file.filename();
    const fs::path link = entry.file.string() + ".moving";
    std::error_code error;
    fs::remove(link, error);
    try {
        m_engine.copyLane(entry.file, target, UINT64_MAX, progress, stop);
        const auto copied = m_engine.inspectLane(target, engine::Verify::Contents, progress, stop);
        if (copied.tokens != entry.info.tokens || copied.damagedBytes != 0) {
            throw Error(ErrorCode::Corrupt,
                        "The copy on the other disk holds " + std::to_string(copied.tokens) +
                            " good tokens instead of " + std::to_string(entry.info.tokens),
                        "The lane stays where it is; check both disks");
        }
    } catch (const Error& e) {
        if (e.code() != ErrorCode::InvalidArgument) { // then it was not ours
            fs::remove(target, error);
        }
        throw;
    }
    fs::create_symlink(target, link, error);
    failIf(error, "leave a link to the moved lane in " + m_folder.string());
    fs::rename(link, entry.file, error);
    failIf(error, "leave a link to the moved lane in " + m_folder.string());
    if (!entry.elsewhere.empty()) {
        fs::remove(entry.elsewhere, error);
    }
}

std::uint64_t LaneCatalogue::compact(const std::string& name, const engine::ProgressFn& progress,
                                     std::stop_token stop) {
    const LaneEntry entry = find(name);
    requireReachable(entry.file);
    requireUnused(entry);
    const fs::path real = entry.elsewhere.empty() ? entry.file : entry.elsewhere;
    const fs::path copy = real.string() + ".compact";
    std::error_code error;
    fs::remove(copy, error);
    try {
        const auto made = m_engine.copyLane(real, copy, UINT64_MAX, progress, stop);
        if (made.tokens != entry.info.tokens) {
            throw Error(ErrorCode::Corrupt,
                        "Part of the lane " + name + " is damaged; it was left as it is",
                        "Read the sources again; that repairs the lane");
        }
        fs::rename(copy, real);
        return entry.info.fileBytes - std::min(entry.info.fileBytes, made.fileBytes);
    } catch (...) {
        fs::remove(copy, error);
        throw;
    }
}

std::vector<LaneEntry> LaneCatalogue::keepWithin(std::uint64_t bytes) {
    std::vector<LaneEntry> entries = list(engine::Verify::Directory), removed;
    std::uint64_t total = 0;
    for (const LaneEntry& entry : entries) {
        total += entry.info.fileBytes;
    }
    while (total > bytes && !entries.empty()) {
        LaneEntry last = std::move(entries.back());
        entries.pop_back();
        remove(last.name);
        total -= std::min(total, last.info.fileBytes);
        removed.push_back(std::move(last));
    }
    return removed;
}

} // namespace dossier::app
