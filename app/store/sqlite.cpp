// SPDX-License-Identifier: GPL-3.0-or-later
// Maps SQLite's result codes to errors a person can act on; keeps prepared statements for reuse.
#include "app/store/sqlite.h"

#include <sqlite3.h>

#include <cerrno>

namespace dossier::app {
namespace {

constexpr int kBusyTimeoutMs = 5000;

ErrorCode codeOf(int result, int systemErrno) {
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ErrorCode::Busy;
    case SQLITE_FULL:
        return ErrorCode::DiskFull;
    case SQLITE_IOERR:
        return systemErrno == ENOSPC || systemErrno == EDQUOT || systemErrno == EFBIG
                   ? ErrorCode::DiskFull
                   : ErrorCode::Io;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ErrorCode::Corrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ErrorCode::Permission;
    case SQLITE_CANTOPEN:
        return systemErrno == ENOENT ? ErrorCode::NotFound : ErrorCode::Permission;
    case SQLITE_NOMEM:
        return ErrorCode::OutOfMemory;
    case SQLITE_TOOBIG:
        return ErrorCode::TooLarge;
    default:
        return ErrorCode::Internal;
    }
}

std::string remedyOf(ErrorCode code) {
    switch (code) {
    case ErrorCode::Busy:
        return "Close the other program that uses this dossier and try again";
    case ErrorCode::DiskFull:
        return "Free some space on this disk and try again; everything saved so far is intact";
    case ErrorCode::Io:
        return "Check the disk; everything saved so far is intact if the file can still be read";
    case ErrorCode::Corrupt:
        return "Restore the dossier from a copy; its originals are still in the folder sources";
    case ErrorCode::Permission:
        return "Change the permissions, or copy the dossier to a folder that you may write to";
    case ErrorCode::NotFound:
        return "Check the path";
    case ErrorCode::OutOfMemory:
        return "Close other programs and try again";
    case ErrorCode::TooLarge:
        return "Leave this file out";
    default:
        return {};
    }
}

} // namespace

// ---------------------------------------------------------------- Query

Query::Query(Database& database, sqlite3_stmt* statement)
    : m_database(&database), m_statement(statement) {}

Query::~Query() {
    if (m_statement != nullptr) {
        m_database->giveBack(m_statement);
    }
}

Query::Query(Query&& other) noexcept
    : m_database(other.m_database), m_statement(other.m_statement) {
    other.m_statement = nullptr;
}

void Query::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(m_statement, index, value);
}

void Query::bind(int index, double value) {
    sqlite3_bind_double(m_statement, index, value);
}

void Query::bind(int index, std::string_view text) {
    // A null pointer would bind NULL.
    sqlite3_bind_text64(m_statement, index, text.data() == nullptr ? "" : text.data(), text.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
}

void Query::bindBlob(int index, std::string_view bytes) {
    const int result =
        sqlite3_bind_blob64(m_statement, index, bytes.data() == nullptr ? "" : bytes.data(),
                            bytes.size(), SQLITE_STATIC);
    if (result != SQLITE_OK) {
        m_database->fail(result, "store");
    }
}

void Query::bindNull(int index) {
    sqlite3_bind_null(m_statement, index);
}

bool Query::next() {
    const int result = sqlite3_step(m_statement);
    if (result == SQLITE_ROW) {
        return true;
    }
    if (result != SQLITE_DONE) {
        m_database->fail(result, sqlite3_stmt_readonly(m_statement) != 0 ? "read" : "write");
    }
    return false;
}

void Query::run() {
    while (next()) {
    }
}

std::int64_t Query::integer(int column) const {
    return sqlite3_column_int64(m_statement, column);
}

double Query::real(int column) const {
    return sqlite3_column_double(m_statement, column);
}

std::string Query::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(m_statement, column));
    return data == nullptr
               ? std::string()
               : std::string(data,
                             static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column)));
}

std::string_view Query::blob(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(m_statement, column));
    return data == nullptr ? std::string_view()
                           : std::string_view(data, static_cast<std::size_t>(
                                                        sqlite3_column_bytes(m_statement, column)));
}

bool Query::isNull(int column) const {
    return sqlite3_column_type(m_statement, column) == SQLITE_NULL;
}

// ---------------------------------------------------------------- Database

Database::Database(const std::filesystem::path& file, Mode mode, const std::string& vfs)
    : m_file(file) {
    int flags = SQLITE_OPEN_NOMUTEX;
    flags |= mode == Mode::ReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= mode == Mode::Create ? SQLITE_OPEN_CREATE : 0;
    const int result =
        sqlite3_open_v2(file.c_str(), &m_handle, flags, vfs.empty() ? nullptr : vfs.c_str());
    if (result != SQLITE_OK) {
        try {
            fail(result, "open");
        } catch (...) {
            sqlite3_close(m_handle);
            throw;
        }
    }
    sqlite3_extended_result_codes(m_handle, 1);
    sqlite3_busy_timeout(m_handle, kBusyTimeoutMs);
}

Database::~Database() {
    for (auto& [sql, kept] : m_statements) {
        for (const Kept& one : kept) {
            sqlite3_finalize(one.statement);
        }
    }
    sqlite3_close(m_handle);
}

void Database::fail(int resultCode, std::string_view doing) const {
    const int systemErrno = m_handle != nullptr ? sqlite3_system_errno(m_handle) : 0;
    const ErrorCode code = codeOf(resultCode, systemErrno);
    const char* detail =
        m_handle != nullptr ? sqlite3_errmsg(m_handle) : sqlite3_errstr(resultCode);
    throw Error(code,
                "Could not " + std::string(doing) + " " + m_file.string() + ": " +
                    std::string(detail),
                remedyOf(code));
}

sqlite3_stmt* Database::prepare(std::string_view sql) {
    auto& kept = m_statements[std::string(sql)];
    for (Kept& one : kept) {
        if (!one.inUse) {
            one.inUse = true;
            return one.statement;
        }
    }
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(m_handle, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) {
        fail(result, "read");
    }
    kept.push_back({statement, true});
    return statement;
}

void Database::giveBack(sqlite3_stmt* statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    const auto found = m_statements.find(sqlite3_sql(statement));
    for (Kept& one : found->second) {
        if (one.statement == statement) {
            one.inUse = false;
        }
    }
}

void Database::script(const std::string& sql) {
    const int result = sqlite3_exec(m_handle, sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) {
        fail(result, "change");
    }
}

std::int64_t Database::lastRowId() const {
    return sqlite3_last_insert_rowid(m_handle);
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(m_handle);
}

// ---------------------------------------------------------------- Transaction

Transaction::Transaction(Database& database) : m_database(database) {
    m_database.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (m_open) {
        try {
            m_database.run("ROLLBACK");
        } catch (const Error&) {
            // SQLite has rolled back by itself (disk full, I/O error): nothing is left to undo.
        }
    }
}

void Transaction::commit() {
    m_database.run("COMMIT");
    m_open = false;
}

} // namespace dossier::app
