// SPDX-License-Identifier: GPL-3.0-or-later
// Texts and full-text searches over a read-only connection.
#include "app/store/store.h"

namespace dossier::app {
namespace {

constexpr char kMatchOpen = '\x01', kMatchClose = '\x02'; ///< cannot occur in canonical text

bool isWordByte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

/// Takes the marks out of what FTS5's snippet() and highlight() return and makes it one line.
void unmark(const std::string& marked, std::string& snippet,
            std::vector<ingest::TextRange>& matches) {
    for (const char c : marked) {
        if (c == kMatchOpen) {
            matches.push_back({snippet.size(), snippet.size()});
        } else if (c == kMatchClose) {
            matches.back().end = snippet.size();
        } else if (c == '\n' || c == '\t' || c == ' ' || c == '\f') {
            if (!snippet.empty() && snippet.back() != ' ') {
                snippet += ' ';
            }
        } else {
            snippet += c;
        }
    }
}

} // namespace

std::string searchQuery(std::string_view words) {
    std::string query;
    bool openWord = false;
    for (std::size_t at = 0; at < words.size();) {
        if (!isWordByte(words[at])) {
            openWord = false;
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < words.size() && isWordByte(words[end])) {
            ++end;
        }
        query += (query.empty() ? "\"" : " \"") + std::string(words.substr(at, end - at)) + "\"";
        openWord = true;
        at = end;
    }
    return openWord ? query + " *" : query;
}

StoreReader::StoreReader(const std::filesystem::path& folder)
    : m_database(folder / "dossier.db", Database::Mode::ReadOnly) {}

std::string StoreReader::document(SourceId id) {
    Query query = m_database.query("SELECT bytes FROM document WHERE source = ?1", id);
    if (!query.next()) {
        throw Error(ErrorCode::NotFound, "The text of this source is not in the dossier",
                    "Read the source again");
    }
    return std::string(query.blob(0));
}

std::vector<SearchHit> StoreReader::search(std::string_view words, std::size_t limit) {
    std::vector<SearchHit> hits;
    const std::string match = searchQuery(words);
    if (match.empty()) {
        return hits;
    }
    Query row = m_database.query(
        "SELECT source.id, range_begin, range_end, snippet(search, 0, char(1), char(2), '…', 24), "
        "-rank FROM search JOIN source ON source.id = search.rowid >> 24 "
        "WHERE search MATCH ?1 AND source.included = 1 AND source.removed = 0 "
        "ORDER BY rank LIMIT ?2",
        match, limit);
    while (row.next()) {
        SearchHit hit;
        hit.place.source = SourceId{row.integer(0)};
        hit.place.range = {static_cast<std::uint64_t>(row.integer(1)),
                           static_cast<std::uint64_t>(row.integer(2))};
        unmark(row.text(3), hit.snippet, hit.matches);
        hit.score = row.real(4);
        hits.push_back(std::move(hit));
    }
    return hits;
}

std::vector<StoreReader::HistoryRow> StoreReader::searchHistory(std::string_view words,
                                                                std::size_t limit) {
    std::vector<HistoryRow> hits;
    const std::string match = searchQuery(words);
    if (match.empty()) {
        return hits;
    }
    Query row = m_database.query(
        "SELECT history.rowid, answer.question, "
        "snippet(history, 0, char(1), char(2), '…', 24) FROM history "
        "LEFT JOIN answer ON history.rowid % 2 = 1 AND answer.id = history.rowid / 2 "
        "WHERE history MATCH ?1 ORDER BY rank LIMIT ?2",
        match, limit);
    while (row.next()) {
        HistoryRow hit;
        const std::int64_t id = row.integer(0);
        if (id % 2 == 1) {
            hit.answer = AnswerId{id / 2};
            hit.question = QuestionId{row.integer(1)};
        } else {
            hit.question = QuestionId{id / 2};
        }
        unmark(row.text(2), hit.snippet, hit.matches);
        hits.push_back(std::move(hit));
    }
    return hits;
}

} // namespace dossier::app
