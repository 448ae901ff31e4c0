// SPDX-License-Identifier: GPL-3.0-or-later
// Quotations and marks follow the text that they stand in.
#include "app/store/rows.h"
#include "app/store/store.h"

namespace dossier::app {
namespace {

struct StoredCitation {
    AnswerId answer{};
    Citation citation;
};

/// Citations of what the source's text takes the place of: of sources that had its place in the
/// tree, and those that an earlier text had lost (they keep the document's name alone).
std::vector<StoredCitation> citationsOf(Database& database, const Source& source, bool own) {
    std::vector<StoredCitation> list;
    const std::string path = source.path(); // SQLite reads it where it is, with every row
    Query row = database.query(
        "SELECT answer,number,quote,answer_begin,answer_end,verdict,percent,forced,named,document,"
        "source,range_begin,range_end,page,page_label,line,section FROM citation WHERE source IN "
        "(SELECT id FROM source WHERE folder = ?1 AND name = ?2 AND (id <> ?3 OR ?4)) "
        "OR (source IS NULL AND document = ?5)",
        source.folder, source.name, source.id, own, path);
    while (row.next()) {
        list.push_back({AnswerId{row.integer(0)}, citationIn(row)});
    }
    return list;
}

std::vector<Mark> marksOf(Database& database, SourceId source) {
    std::vector<Mark> marks;
    Query row = database.query("SELECT id,source,kind,range_begin,range_end,rgb,note,author,quote,"
                               "created_ms,changed_ms FROM mark WHERE source = ?1",
                               source);
    while (row.next()) {
        marks.push_back(markIn(row));
    }
    return marks;
}

constexpr std::string_view kChanged = "The source changed after this answer: ";

/// What the person is told of an answer, with the sentence on quotations that were lost as its last
/// one in place of an earlier one.
std::string withLost(std::string searched, std::int64_t lost) {
    if (const auto at = searched.find(kChanged); at != std::string::npos) {
        constexpr std::size_t kJoint = 2; // ". "
        searched.resize(at < kJoint ? 0 : at - kJoint);
    }
    if (lost == 0) {
        return searched;
    }
    searched += searched.empty() ? "" : ". ";
    searched += kChanged;
    searched += lost == 1 ? "1 quotation no longer stands in it"
                          : std::to_string(lost) + " quotations no longer stand in it";
    return searched;
}

std::string tellLost(Database& database, AnswerId answer) {
    std::int64_t lost = 0;
    std::string before;
    {
        Query row = database.query(
            "SELECT searched, (SELECT count(*) FROM citation WHERE answer = answer.id "
            "AND source IS NULL AND document <> '') FROM answer WHERE id = ?1",
            answer);
        if (row.next()) {
            before = row.text(0);
            lost = row.integer(1);
        }
    }
    const std::string after = withLost(before, lost);
    database.run("UPDATE answer SET searched = ?2 WHERE id = ?1", answer, after);
    return after;
}

} // namespace

Requoted Store::lookUpQuotes(const Source& source, QuoteFinder& finder) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    Requoted changed = requote(source, finder, true);
    transaction.commit();
    return changed;
}

Requoted Store::requote(const Source& source, QuoteFinder& finder, bool own) {
    Requoted changed;
    for (StoredCitation& stored : citationsOf(m_database, source, own)) {
        const Citation before = stored.citation;
        finder.find(stored.citation);
        if (stored.citation == before) {
            continue;
        }
        m_database.run("DELETE FROM citation WHERE answer = ?1 AND number = ?2", stored.answer,
                       before.number);
        insertCitation(m_database, stored.answer, before.number, stored.citation);
        changed.searched[stored.answer];
        changed.citations.emplace_back(stored.answer, std::move(stored.citation));
    }
    for (auto& [answer, searched] : changed.searched) {
        searched = tellLost(m_database, answer);
    }
    for (Mark& mark : own ? marksOf(m_database, source.id) : std::vector<Mark>()) {
        const Mark before = mark;
        finder.find(mark);
        if (mark == before) {
            continue;
        }
        m_database.run("UPDATE mark SET range_begin = ?2, range_end = ?3, quote = ?4 WHERE id = ?1",
                       mark.id, mark.range.begin, mark.range.end, mark.quote);
        changed.marks.push_back(std::move(mark));
    }
    return changed;
}

} // namespace dossier::app
