// SPDX-License-Identifier: GPL-3.0-or-later
// Sources: rows, texts, search passages, token counts.
#include "app/store/store.h"
#include "app/store/store_json.h"

namespace dossier::app {
namespace {

constexpr std::int64_t kPassagesPerSource = 1 << 24; ///< rowid of `search`, see the schema

std::optional<std::string> failureColumn(const Source& source) {
    return source.failure ? std::optional(toJson(*source.failure)) : std::nullopt;
}

/// Commits without waiting for the disk while it lives.
class Relaxed {
  public:
    explicit Relaxed(Database& database) : m_database(database) {
        m_database.run("PRAGMA synchronous = NORMAL");
    }
    ~Relaxed() {
        try {
            m_database.run("PRAGMA synchronous = FULL");
        } catch (const Error&) {
            // A connection that cannot even do this fails at its next write, and says so there.
        }
    }
    Relaxed(const Relaxed&) = delete;
    Relaxed& operator=(const Relaxed&) = delete;

  private:
    Database& m_database;
};

void removeText(Database& database, SourceId id) {
    const auto first = static_cast<std::int64_t>(id) * kPassagesPerSource;
    database.run("DELETE FROM search WHERE rowid >= ?1 AND rowid < ?2", first,
                 first + kPassagesPerSource);
    database.run("DELETE FROM document WHERE source = ?1", id);
    database.run("DELETE FROM token_count WHERE source = ?1", id);
}

} // namespace

void Store::addSources(const std::vector<Source>& sources,
                       const std::vector<Replacement>& replacements) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    for (const Source& source : sources) {
        const std::string warnings = toJson(source.warnings);
        m_database.run(
            "INSERT INTO source VALUES (?1, (SELECT ifnull(max(position), 0) + 1 FROM source), "
            "?2,?3,?4,?5,?6,?7,?8,0,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)",
            source.id, source.name, source.folder, source.addedFrom,
            Originals::storedExtension(source.name), source.format, source.state, source.included,
            source.title, source.sha256, source.fileBytes, source.textBytes, source.pages,
            source.lines, source.pagesWithoutText, warnings, failureColumn(source), source.addedMs);
    }
    for (const Replacement& one : replacements) {
        m_database.run("UPDATE source SET removed = 1 WHERE id = ?1", one.former);
        m_database.run("UPDATE mark SET source = ?2 WHERE source = ?1", one.former, one.source);
    }
    transaction.commit();
}

void Store::updateSourceRow(const Source& source) {
    const std::string warnings = toJson(source.warnings);
    m_database.run("UPDATE source SET format=?2, state=?3, title=?4, text_bytes=?5, pages=?6, "
                   "lines=?7, pages_without_text=?8, warnings=?9, failure=?10 WHERE id=?1",
                   source.id, source.format, source.state, source.title, source.textBytes,
                   source.pages, source.lines, source.pagesWithoutText, warnings,
                   failureColumn(source));
}

void Store::updateSources(const std::vector<Source>& sources) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    for (const Source& source : sources) {
        updateSourceRow(source);
    }
    transaction.commit();
}

Requoted Store::saveDocument(const Source& source, std::string_view serialized,
                             const std::vector<StoredPassage>& passages, QuoteFinder* finder) {
    const std::lock_guard lock(m_mutex);
    // A text that a power cut takes back is read again: no waiting for the disk with each of a
    // thousand files. The state Ready goes with it.
    const Relaxed relaxed(m_database);
    Transaction transaction(m_database);
    removeText(m_database, source.id);
    updateSourceRow(source);
    {
        Query insert = m_database.query("INSERT INTO document VALUES (?1, ?2)");
        insert.bind(1, static_cast<std::int64_t>(source.id));
        insert.bindBlob(2, serialized);
        insert.run();
    }
    std::int64_t row = static_cast<std::int64_t>(source.id) * kPassagesPerSource;
    for (const StoredPassage& passage : passages) {
        m_database.run(
            "INSERT INTO search(rowid, text, range_begin, range_end) VALUES (?1,?2,?3,?4)", row++,
            passage.text, passage.range.begin, passage.range.end);
    }
    Requoted changed = finder != nullptr ? requote(source, *finder, true) : Requoted();
    transaction.commit();
    return changed;
}

Requoted Store::saveUnreadable(const Source& source, QuoteFinder& finder) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    updateSourceRow(source);
    Requoted changed = requote(source, finder, false);
    transaction.commit();
    return changed;
}

void Store::setRemoved(const std::vector<SourceId>& ids, bool removed) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    for (const SourceId id : ids) {
        m_database.run("UPDATE source SET removed = ?2 WHERE id = ?1", id, removed);
    }
    transaction.commit();
}

void Store::setIncluded(SourceId id, bool included) {
    const std::lock_guard lock(m_mutex);
    m_database.run("UPDATE source SET included = ?2 WHERE id = ?1", id, included);
}

void Store::purgeRemoved() {
    const std::lock_guard lock(m_mutex);
    std::vector<std::pair<std::string, std::string>> files; // sha256, extension
    {
        Transaction transaction(m_database);
        std::vector<SourceId> ids;
        Query removed =
            m_database.query("SELECT id, sha256, extension FROM source WHERE removed = 1");
        while (removed.next()) {
            ids.push_back(SourceId{removed.integer(0)});
            files.emplace_back(removed.text(1), removed.text(2));
        }
        for (const SourceId id : ids) {
            removeText(m_database, id);
            m_database.run("DELETE FROM mark WHERE source = ?1", id);
            m_database.run("UPDATE source SET removed = 2 WHERE id = ?1", id);
        }
        transaction.commit();
    }
    for (const auto& [sha256, extension] : files) {
        Query used = m_database.query("SELECT 1 FROM source WHERE sha256 = ?1 AND extension = ?2 "
                                      "AND removed = 0 LIMIT 1",
                                      sha256, extension);
        if (!used.next()) {
            m_originals.remove(sha256, extension);
        }
    }
}

void Store::saveTokenCounts(const std::string& tokenizer,
                            const std::vector<std::pair<SourceId, std::uint64_t>>& counts) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    for (const auto& [id, tokens] : counts) {
        m_database.run("INSERT OR REPLACE INTO token_count VALUES (?1, ?2, ?3)", id, tokenizer,
                       tokens);
    }
    transaction.commit();
}

std::map<SourceId, std::uint64_t> Store::tokenCounts(const std::string& tokenizer) {
    const std::lock_guard lock(m_mutex);
    std::map<SourceId, std::uint64_t> counts;
    Query query =
        m_database.query("SELECT source, tokens FROM token_count WHERE tokenizer = ?1", tokenizer);
    while (query.next()) {
        counts[SourceId{query.integer(0)}] = static_cast<std::uint64_t>(query.integer(1));
    }
    return counts;
}

std::filesystem::path Store::originalFile(SourceId id) const {
    const std::lock_guard lock(m_mutex);
    Query query = m_database.query("SELECT sha256, extension FROM source WHERE id = ?1", id);
    if (!query.next()) {
        throw Error(ErrorCode::NotFound, "There is no such source in " + m_folder.string(),
                    "Open the dossier again");
    }
    return m_originals.path(query.text(0), query.text(1));
}

} // namespace dossier::app
