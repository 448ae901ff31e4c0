// SPDX-License-Identifier: GPL-3.0-or-later
// A thin layer over SQLite: prepared statements that clean up after themselves, transactions that
// roll back unless committed, and every failure as a dossier::Error that names the file.
//
// Threads: a Database and its queries belong to one thread at a time (the owner serialises).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "engine/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dossier::app {

class Database;

/// A prepared statement in use. Parameters are numbered from 1, columns from 0. Text and blobs that
/// are bound must outlive the query; views that columns give out live until the next call.
class Query {
  public:
    Query(Database& database, sqlite3_stmt* statement);
    ~Query(); ///< resets the statement for its next use
    Query(Query&&) noexcept;
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    Query& operator=(Query&&) = delete;

    void bind(int index, std::int64_t value);
    void bind(int index, double value);
    void bind(int index, std::string_view text);
    void bindBlob(int index, std::string_view bytes);
    void bindNull(int index);
    template<class T>
    void bind(int index, const std::optional<T>& value) {
        value ? bind(index, *value) : bindNull(index);
    }

    bool next(); ///< true while there is a row
    void run();  ///< for statements that give no rows

    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;
    std::string_view blob(int column) const;
    bool isNull(int column) const;

  private:
    Database* m_database;
    sqlite3_stmt* m_statement;
};

class Database {
  public:
    enum class Mode { ReadWrite, Create, ReadOnly };

    /// `vfs`: name of a registered SQLite file layer (tests inject failures with one); empty = the
    /// system's. Waits up to 5 s for a lock that another connection holds.
    Database(const std::filesystem::path& file, Mode mode, const std::string& vfs = {});
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Statements are prepared once and kept; `sql` must be a literal. SQLite reads bound text
    /// where it is with every row, so a temporary one, gone when this returns, does not compile.
    template<class... Args>
    Query query(std::string_view sql, Args&&... args) {
        static_assert((... && !std::is_same_v<Args, std::string>), "a temporary is bound");
        Query query(*this, prepare(sql));
        int index = 0;
        (bindOne(query, ++index, args), ...);
        return query;
    }
    template<class... Args>
    void run(std::string_view sql, const Args&... args) {
        query(sql, args...).run();
    }
    void script(const std::string& sql); ///< several statements, no parameters

    std::int64_t lastRowId() const;
    std::int64_t changes() const; ///< rows of the last statement
    const std::filesystem::path& file() const { return m_file; }

    /// Throws what the last failure of this connection means.
    [[noreturn]] void fail(int resultCode, std::string_view doing) const;

  private:
    template<class T>
    static void bindOne(Query& query, int index, const T& value) {
        if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T>) {
            query.bind(index, static_cast<std::int64_t>(value));
        } else if constexpr (std::is_enum_v<T>) {
            query.bind(index, static_cast<std::int64_t>(value));
        } else if constexpr (std::is_convertible_v<T, std::string_view>) {
            query.bind(index, std::string_view(value));
        } else {
            query.bind(index, value);
        }
    }
    sqlite3_stmt* prepare(std::string_view sql);

    std::filesystem::path m_file;
    sqlite3* m_handle = nullptr;
    struct Kept {
        sqlite3_stmt* statement = nullptr;
        bool inUse = false;
    };
    std::unordered_map<std::string, std::vector<Kept>> m_statements;
    friend class Query;
    void giveBack(sqlite3_stmt* statement);
};

/// Rolls back when it goes out of scope without commit().
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

  private:
    Database& m_database;
    bool m_open = true;
};

} // namespace dossier::app
