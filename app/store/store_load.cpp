// SPDX-License-Identifier: GPL-3.0-or-later
// Loading everything but the texts when a dossier is opened.
#include <algorithm>

#include "app/store/rows.h"
#include "app/store/store.h"
#include "app/store/store_json.h"

namespace dossier::app {
namespace {

std::uint64_t natural(const Query& query, int column) {
    return static_cast<std::uint64_t>(query.integer(column));
}

std::optional<Failure> failureIn(const Query& query, int column) {
    return query.isNull(column) ? std::nullopt : failureFromJson(query.text(column));
}

std::vector<Source> loadSources(Database& database) {
    std::vector<Source> sources;
    Query row = database.query(
        "SELECT id,name,folder,added_from,format,state,included,title,sha256,file_bytes,"
        "text_bytes,pages,lines,pages_without_text,warnings,failure,added_ms FROM source "
        "WHERE removed = 0 ORDER BY position");
    while (row.next()) {
        Source source;
        source.id = SourceId{row.integer(0)};
        source.name = row.text(1);
        source.folder = row.text(2);
        source.addedFrom = row.text(3);
        source.format = static_cast<ingest::Format>(row.integer(4));
        source.state = static_cast<SourceState>(row.integer(5));
        source.included = row.integer(6) != 0;
        source.title = row.text(7);
        source.sha256 = row.text(8);
        source.fileBytes = natural(row, 9);
        source.textBytes = natural(row, 10);
        source.pages = natural(row, 11);
        source.lines = natural(row, 12);
        source.pagesWithoutText = natural(row, 13);
        source.warnings = stringsFromJson(row.text(14));
        source.failure = failureIn(row, 15);
        source.addedMs = row.integer(16);
        sources.push_back(std::move(source));
    }
    return sources;
}

void loadThreads(Database& database, StoreContents& contents) {
    Query row =
        database.query("SELECT id,name,forked_after,created_ms,documents FROM thread ORDER BY id");
    while (row.next()) {
        Thread thread{ThreadId{row.integer(0)}, row.text(1), std::nullopt, row.integer(3),
                      stringsFromJson(row.text(4))};
        if (!row.isNull(2)) {
            thread.forkedAfter = QuestionId{row.integer(2)};
        }
        contents.threads.push_back(std::move(thread));
    }
}

void loadQuestions(Database& database, StoreContents& contents) {
    Query row = database.query("SELECT id,thread,number,text,level,asked_ms,options FROM question "
                               "ORDER BY id");
    while (row.next()) {
        Question question;
        question.id = QuestionId{row.integer(0)};
        question.thread = ThreadId{row.integer(1)};
        question.number = static_cast<std::uint32_t>(row.integer(2));
        question.text = row.text(3);
        question.level = row.text(4);
        question.askedMs = row.integer(5);
        contents.questionOptions[question.id] = optionsFromJson(row.text(6));
        contents.questions.push_back(std::move(question));
    }
}

std::vector<Answer> loadAnswers(Database& database) {
    std::vector<Answer> answers;
    Query row = database.query(
        "SELECT id,question,version,state,thinking,text,model,level,searched,search_results,"
        "prompt_tokens,thinking_tokens,answer_tokens,thinking_seconds,seconds,started_ms,failure,"
        "level_title FROM answer ORDER BY id");
    while (row.next()) {
        Answer answer;
        answer.id = AnswerId{row.integer(0)};
        answer.question = QuestionId{row.integer(1)};
        answer.version = static_cast<std::uint32_t>(row.integer(2));
        answer.state = static_cast<AnswerState>(row.integer(3));
        answer.thinking = row.text(4);
        answer.text = row.text(5);
        answer.model = row.text(6);
        answer.level = row.text(7);
        answer.searched = row.text(8);
        answer.searchResults = hitsFromJson(row.text(9));
        answer.promptTokens = natural(row, 10);
        answer.thinkingTokens = natural(row, 11);
        answer.answerTokens = natural(row, 12);
        answer.thinkingSeconds = row.real(13);
        answer.seconds = row.real(14);
        answer.startedMs = row.integer(15);
        answer.failure = failureIn(row, 16);
        answer.levelTitle = row.text(17);
        answers.push_back(std::move(answer));
    }
    return answers;
}

void loadCitations(Database& database, std::vector<Answer>& answers) {
    Query row = database.query(
        "SELECT answer,number,quote,answer_begin,answer_end,verdict,percent,forced,named,document,"
        "source,range_begin,range_end,page,page_label,line,section FROM citation "
        "ORDER BY answer, number");
    auto at = answers.begin(); // both are ordered by the answer's id
    while (row.next()) {
        const AnswerId id{row.integer(0)};
        at = std::find_if(at, answers.end(), [id](const Answer& a) { return a.id >= id; });
        if (at == answers.end() || at->id != id) {
            continue;
        }
        Citation citation = citationIn(row);
        if (citation.number == 0) {
            at->nearest = std::move(citation);
        } else {
            at->citations.push_back(std::move(citation));
        }
    }
}

std::vector<Mark> loadMarks(Database& database) {
    std::vector<Mark> marks;
    Query row = database.query("SELECT id,source,kind,range_begin,range_end,rgb,note,author,quote,"
                               "created_ms,changed_ms FROM mark ORDER BY id");
    while (row.next()) {
        marks.push_back(markIn(row));
    }
    return marks;
}

} // namespace

Citation citationIn(const Query& row) {
    Citation citation;
    citation.number = static_cast<std::uint32_t>(row.integer(1));
    citation.quote = row.text(2);
    citation.inAnswer = {natural(row, 3), natural(row, 4)};
    citation.verdict = static_cast<Verdict>(row.integer(5));
    citation.percent = static_cast<std::uint32_t>(row.integer(6));
    citation.forced = row.integer(7) != 0;
    citation.named = row.text(8);
    citation.document = row.text(9);
    if (!row.isNull(10)) {
        Place place;
        place.source = SourceId{row.integer(10)};
        place.range = {natural(row, 11), natural(row, 12)};
        if (!row.isNull(13)) {
            place.page = static_cast<std::uint32_t>(row.integer(13));
        }
        place.pageLabel = row.text(14);
        place.line = natural(row, 15);
        place.section = row.text(16);
        citation.place = std::move(place);
    }
    return citation;
}

Mark markIn(const Query& row) {
    const std::int64_t rgb = row.integer(5);
    return {MarkId{row.integer(0)},
            SourceId{row.integer(1)},
            static_cast<ingest::MarkKind>(row.integer(2)),
            {natural(row, 3), natural(row, 4)},
            {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
             static_cast<std::uint8_t>(rgb)},
            row.text(6),
            row.text(7),
            row.text(8),
            row.integer(9),
            row.integer(10)};
}

std::vector<Source> StoreReader::sources() {
    return loadSources(m_database);
}

StoreContents Store::load() {
    const std::lock_guard lock(m_mutex);
    // The program ended while these were being written: what was saved of them is kept.
    m_database.run("UPDATE answer SET state = ?1 WHERE state NOT IN (?1, ?2, ?3, ?4)",
                   AnswerState::Stopped, AnswerState::Done, AnswerState::NotFound,
                   AnswerState::Failed);
    StoreContents contents;
    contents.sources = loadSources(m_database);
    loadThreads(m_database, contents);
    loadQuestions(m_database, contents);
    contents.answers = loadAnswers(m_database);
    loadCitations(m_database, contents.answers);
    for (Question& question : contents.questions) {
        for (const Answer& answer : contents.answers) {
            if (answer.question == question.id) {
                question.answers.push_back(answer.id);
            }
        }
    }
    contents.marks = loadMarks(m_database);
    Query row = m_database.query("SELECT key, value FROM setting");
    while (row.next()) {
        contents.settings[row.text(0)] = row.text(1);
    }
    return contents;
}

} // namespace dossier::app
