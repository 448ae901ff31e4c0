// SPDX-License-Identifier: GPL-3.0-or-later
// Opening, creating and closing; ids; marks and settings.
#include "app/store/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "app/store/schema.h"
#include "app/store/store_json.h"

namespace dossier::app {
namespace {

constexpr const char* kDatabaseName = "dossier.db";

bool isThere(const std::filesystem::path& path) {
    std::error_code error;
    const bool there = std::filesystem::exists(path, error);
    if (error) {
        throw systemError("open " + path.string(), error.value());
    }
    return there;
}

/// Makes the folder, or checks that it is one, before the lock file is put into it.
std::filesystem::path prepareFolder(const std::filesystem::path& folder, Database::Mode mode) {
    std::error_code error;
    if (mode == Database::Mode::Create) {
        std::filesystem::create_directories(folder, error);
        if (error) {
            throw systemError("make the folder " + folder.string(), error.value());
        }
        return folder;
    }
    if (!isThere(folder)) {
        throw Error(ErrorCode::NotFound, "There is no dossier at " + folder.string(),
                    "Check the path, or make one with: dossier new " + folder.string());
    }
    if (!isThere(folder / kDatabaseName)) {
        throw Error(ErrorCode::NotFound, folder.string() + " holds no " + kDatabaseName,
                    "Choose a folder that ends in .dossier");
    }
    if (std::filesystem::file_size(folder / kDatabaseName, error) == 0) {
        throw emptyDatabase(folder / kDatabaseName); // SQLite would take it for a new one
    }
    return folder;
}

/// The folder of a dossier that is being made: it gets its name when it is whole.
class Unfinished {
  public:
    explicit Unfinished(const std::filesystem::path& folder)
        : m_path(folder.parent_path() /
                 ("unfinished-" + std::to_string(getpid()) + "-" + folder.filename().string())) {}
    ~Unfinished() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;

    const std::filesystem::path& path() const { return m_path; }

    void rename(const std::filesystem::path& folder) const {
        if (::rename(m_path.c_str(), folder.c_str()) == 0) { // perhaps over an empty folder
            const int parent =
                ::open(m_path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            const bool synced = parent >= 0 && ::fsync(parent) == 0;
            const int error = errno;
            if (parent >= 0) {
                ::close(parent);
            }
            if (!synced) {
                throw systemError("make " + folder.string(), error);
            }
            return;
        }
        if (errno == ENOTEMPTY || errno == EEXIST) {
            throw Error(ErrorCode::InvalidArgument,
                        folder.string() + " is there already, and not empty",
                        "Choose another name");
        }
        throw systemError("make " + folder.string(), errno);
    }

  private:
    std::filesystem::path m_path;
};

} // namespace

Store::Store(std::filesystem::path folder, Database::Mode mode, const std::string& vfs)
    : m_folder(prepareFolder(folder, mode)),
      m_lock(m_folder),
      m_originals(m_folder / "sources"),
      m_database(m_folder / kDatabaseName, mode, vfs) {
    prepareConnection();
    if (m_lock.foundUnclean()) {
        checkAfterCrash();
    }
    mode == Database::Mode::Create ? makeSchema(m_database) : migrate(m_database);
    loadNextIds();
}

std::unique_ptr<Store> Store::create(const std::filesystem::path& folder, const std::string& vfs) {
    if (isThere(folder / kDatabaseName)) {
        throw Error(ErrorCode::InvalidArgument, folder.string() + " is a dossier already",
                    "Open it, or choose another name");
    }
    const Unfinished part(folder);
    { const Store made(part.path(), Database::Mode::Create, vfs); }
    part.rename(folder);
    return open(folder, vfs);
}

std::unique_ptr<Store> Store::open(const std::filesystem::path& folder, const std::string& vfs) {
    return std::unique_ptr<Store>(new Store(folder, Database::Mode::ReadWrite, vfs));
}

Store::~Store() {
    try {
        // Folds the write-ahead log into the one file that a person copies.
        m_database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const Error&) {
        // The log stays beside the file and is used at the next opening.
    }
}

void Store::prepareConnection() {
    m_database.script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; "
                      "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864");
}

void Store::checkAfterCrash() {
    Query query = m_database.query("PRAGMA quick_check(1)");
    if (query.next() && query.text(0) != "ok") {
        throw Error(ErrorCode::Corrupt,
                    m_database.file().string() + " is damaged: " + query.text(0),
                    "Restore the dossier from a copy; its originals are still in the folder "
                    "sources");
    }
}

long long Store::take(long long& counter) {
    const std::lock_guard lock(m_idMutex);
    return counter++;
}

void Store::loadNextIds() {
    const auto next = [this](std::string_view sql) -> long long {
        Query query = m_database.query(sql);
        return query.next() ? query.integer(0) + 1 : 1;
    };
    m_nextSource = next("SELECT ifnull(max(id), 0) FROM source");
    m_nextThread = next("SELECT ifnull(max(id), 0) FROM thread");
    m_nextQuestion = next("SELECT ifnull(max(id), 0) FROM question");
    m_nextAnswer = next("SELECT ifnull(max(id), 0) FROM answer");
    m_nextMark = next("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'mark'");
}

void Store::saveMark(const Mark& mark) {
    const std::lock_guard lock(m_mutex);
    const std::int64_t rgb = mark.rgb[0] << 16 | mark.rgb[1] << 8 | mark.rgb[2];
    m_database.run(
        "INSERT INTO mark VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT(id) DO UPDATE "
        "SET kind=?3, range_begin=?4, range_end=?5, rgb=?6, note=?7, author=?8, quote=?9, "
        "changed_ms=?11",
        mark.id, mark.source, mark.kind, mark.range.begin, mark.range.end, rgb, mark.note,
        mark.author, mark.quote, mark.createdMs, mark.changedMs);
}

void Store::removeMark(MarkId id) {
    const std::lock_guard lock(m_mutex);
    m_database.run("DELETE FROM mark WHERE id = ?1", id);
}

void Store::setSetting(const std::string& key, const std::string& value) {
    const std::lock_guard lock(m_mutex);
    m_database.run("INSERT INTO setting VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2",
                   key, value);
}

} // namespace dossier::app
