// SPDX-License-Identifier: GPL-3.0-or-later
// One SQL script per version, never edited after a release: later changes are further entries.
#include "app/store/schema.h"

#include <array>
#include <string>

#include "app/store/sqlite.h"

namespace dossier::app {
namespace {

constexpr std::int64_t kApplicationId = 0x446F7373; // "Doss"

// Ranges are bytes of the canonical text. JSON columns hold what is only read as a whole.
constexpr const char* kVersion1 = R"sql(
-- removed: 0 no, 1 can be put back, 2 text and original are gone
CREATE TABLE source(
  id INTEGER PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL, folder TEXT NOT NULL,
  added_from TEXT NOT NULL, extension TEXT NOT NULL, format INTEGER NOT NULL,
  state INTEGER NOT NULL, included INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0,
  title TEXT NOT NULL, sha256 TEXT NOT NULL, file_bytes INTEGER NOT NULL,
  text_bytes INTEGER NOT NULL, pages INTEGER NOT NULL, lines INTEGER NOT NULL,
  pages_without_text INTEGER NOT NULL, warnings TEXT NOT NULL, failure TEXT,
  added_ms INTEGER NOT NULL);
CREATE TABLE document(source INTEGER PRIMARY KEY REFERENCES source(id), bytes BLOB NOT NULL);
CREATE TABLE token_count(
  source INTEGER NOT NULL REFERENCES source(id), tokenizer TEXT NOT NULL, tokens INTEGER NOT NULL,
  PRIMARY KEY(source, tokenizer)) WITHOUT ROWID;
-- rowid = source * 2^24 + number of the passage
CREATE VIRTUAL TABLE search USING fts5(
  text, range_begin UNINDEXED, range_end UNINDEXED, tokenize = "unicode61 remove_diacritics 2");

CREATE TABLE thread(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, forked_after INTEGER, created_ms INTEGER NOT NULL);
CREATE TABLE question(
  id INTEGER PRIMARY KEY, thread INTEGER NOT NULL REFERENCES thread(id), number INTEGER NOT NULL,
  text TEXT NOT NULL, level TEXT NOT NULL, asked_ms INTEGER NOT NULL, options TEXT NOT NULL);
CREATE TABLE answer(
  id INTEGER PRIMARY KEY, question INTEGER NOT NULL REFERENCES question(id),
  version INTEGER NOT NULL, state INTEGER NOT NULL, thinking TEXT NOT NULL, text TEXT NOT NULL,
  model TEXT NOT NULL, level TEXT NOT NULL, searched TEXT NOT NULL, search_results TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL, thinking_tokens INTEGER NOT NULL,
  answer_tokens INTEGER NOT NULL, thinking_seconds REAL NOT NULL, seconds REAL NOT NULL,
  started_ms INTEGER NOT NULL, failure TEXT);
-- number 0: the nearest place of an answer that says "not found"
CREATE TABLE citation(
  answer INTEGER NOT NULL REFERENCES answer(id), number INTEGER NOT NULL, quote TEXT NOT NULL,
  answer_begin INTEGER NOT NULL, answer_end INTEGER NOT NULL, verdict INTEGER NOT NULL,
  percent INTEGER NOT NULL, forced INTEGER NOT NULL, named TEXT NOT NULL, document TEXT NOT NULL,
  source INTEGER, range_begin INTEGER, range_end INTEGER, page INTEGER, page_label TEXT,
  line INTEGER, section TEXT,
  PRIMARY KEY(answer, number)) WITHOUT ROWID;
CREATE INDEX question_thread ON question(thread, number);
CREATE INDEX answer_question ON answer(question, version);
-- rowid = 2 * id of the question, or 2 * id of the answer + 1
CREATE VIRTUAL TABLE history USING fts5(text, tokenize = "unicode61 remove_diacritics 2");

-- AUTOINCREMENT: a removed mark's id is never used again
CREATE TABLE mark(
  id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL REFERENCES source(id), kind INTEGER NOT NULL,
  range_begin INTEGER NOT NULL, range_end INTEGER NOT NULL, rgb INTEGER NOT NULL,
  note TEXT NOT NULL, author TEXT NOT NULL, quote TEXT NOT NULL, created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL);
CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql";

// Branches that begin where a document ends: the paths in front of it, see Thread::documents.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE thread ADD COLUMN documents TEXT NOT NULL DEFAULT '[]';
)sql";

// What the model of an answer calls its level: other models have other words for the same name.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE answer ADD COLUMN level_title TEXT NOT NULL DEFAULT '';
)sql";

// For what quotes a source: looked up with every text that is read.
constexpr const char* kVersion4 = R"sql(
CREATE INDEX IF NOT EXISTS source_place ON source(folder, name);
CREATE INDEX IF NOT EXISTS citation_source ON citation(source);
)sql";

constexpr std::array kVersions = {kVersion1, kVersion2, kVersion3, kVersion4};

std::int64_t pragma(Database& database, std::string_view sql) {
    Query query = database.query(sql);
    return query.next() ? query.integer(0) : 0;
}

void takeSteps(Database& database, std::int64_t version) {
    for (auto step = version; step < currentSchemaVersion(); ++step) {
        Transaction transaction(database);
        database.script(kVersions.at(static_cast<std::size_t>(step)));
        database.script("PRAGMA application_id = " + std::to_string(kApplicationId) +
                        "; PRAGMA user_version = " + std::to_string(step + 1));
        transaction.commit();
    }
}

} // namespace

Error emptyDatabase(const std::filesystem::path& file) {
    return {ErrorCode::Corrupt, file.string() + " is empty: what was in it is lost",
            "Restore the dossier from a copy; its originals are still in the folder sources"};
}

int currentSchemaVersion() {
    return static_cast<int>(kVersions.size());
}

void makeSchema(Database& database) {
    takeSteps(database, 0);
}

void migrate(Database& database) {
    const auto application = pragma(database, "PRAGMA application_id");
    const auto version = pragma(database, "PRAGMA user_version");
    if (version == 0 && application == 0 &&
        pragma(database, "SELECT count(*) FROM sqlite_master") == 0) {
        throw emptyDatabase(database.file());
    }
    if (application != kApplicationId) {
        throw Error(ErrorCode::Unsupported,
                    database.file().string() + " is not the database of a dossier",
                    "Choose a folder that ends in .dossier");
    }
    if (version > currentSchemaVersion()) {
        throw Error(ErrorCode::Unsupported,
                    "The dossier " + database.file().parent_path().string() +
                        " was written by a newer version of Dossier (format " +
                        std::to_string(version) + ", this version knows up to " +
                        std::to_string(currentSchemaVersion()) + ")",
                    "Install the newer version to open it");
    }
    takeSteps(database, version);
}

} // namespace dossier::app
