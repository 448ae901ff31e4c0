// SPDX-License-Identifier: GPL-3.0-or-later
// Threads, questions, answers with their citations.
#include "app/store/rows.h"
#include "app/store/store.h"
#include "app/store/store_json.h"

namespace dossier::app {
void insertCitation(Database& database, AnswerId answer, std::uint32_t number,
                    const Citation& citation) {
    Query query = database.query(
        "INSERT INTO citation VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",
        answer, number, citation.quote, citation.inAnswer.begin, citation.inAnswer.end,
        citation.verdict, citation.percent, citation.forced, citation.named, citation.document);
    if (citation.place) {
        const Place& place = *citation.place;
        query.bind(11, static_cast<std::int64_t>(place.source));
        query.bind(12, static_cast<std::int64_t>(place.range.begin));
        query.bind(13, static_cast<std::int64_t>(place.range.end));
        if (place.page) {
            query.bind(14, static_cast<std::int64_t>(*place.page));
        }
        query.bind(15, std::string_view(place.pageLabel));
        query.bind(16, static_cast<std::int64_t>(place.line));
        query.bind(17, std::string_view(place.section));
    }
    query.run();
}

void Store::saveThread(const Thread& thread) {
    const std::lock_guard lock(m_mutex);
    std::optional<std::int64_t> after;
    if (thread.forkedAfter) {
        after = static_cast<std::int64_t>(*thread.forkedAfter);
    }
    m_database.run("INSERT INTO thread(id,name,forked_after,created_ms,documents) "
                   "VALUES (?1,?2,?3,?4,?5) ON CONFLICT(id) DO UPDATE SET name=?2",
                   thread.id, thread.name, after, thread.createdMs, toJson(thread.documents));
}

void Store::indexHistory(std::int64_t row, const std::string& text) {
    m_database.run("DELETE FROM history WHERE rowid = ?1", row);
    if (!text.empty()) {
        m_database.run("INSERT INTO history(rowid, text) VALUES (?1, ?2)", row, text);
    }
}

void Store::addQuestion(const Question& question, const QuestionOptions& options,
                        const Answer& first) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    m_database.run("INSERT INTO question VALUES (?1,?2,?3,?4,?5,?6,?7)", question.id,
                   question.thread, question.number, question.text, question.level,
                   question.askedMs, toJson(options));
    indexHistory(static_cast<std::int64_t>(question.id) * 2, question.text);
    insertAnswer(first);
    transaction.commit();
}

void Store::addAnswer(const Answer& answer) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    insertAnswer(answer);
    transaction.commit();
}

void Store::insertAnswer(const Answer& answer) {
    m_database.run(
        "INSERT INTO answer VALUES (?1,?2,?3,?4,'','','',?5,'','[]',0,0,0,0,0,?6,NULL,'')",
        answer.id, answer.question, answer.version, answer.state, answer.level, answer.startedMs);
    updateAnswer(answer);
}

void Store::updateAnswer(const Answer& answer) {
    std::optional<std::string> failure;
    if (answer.failure) {
        failure = toJson(*answer.failure);
    }
    m_database.run("UPDATE answer SET state=?2, thinking=?3, text=?4, model=?5, level=?6, "
                   "searched=?7, search_results=?8, prompt_tokens=?9, thinking_tokens=?10, "
                   "answer_tokens=?11, thinking_seconds=?12, seconds=?13, started_ms=?14, "
                   "failure=?15, level_title=?16 WHERE id=?1",
                   answer.id, answer.state, answer.thinking, answer.text, answer.model,
                   answer.level, answer.searched, toJson(answer.searchResults), answer.promptTokens,
                   answer.thinkingTokens, answer.answerTokens, answer.thinkingSeconds,
                   answer.seconds, answer.startedMs, failure, answer.levelTitle);
    m_database.run("DELETE FROM citation WHERE answer = ?1", answer.id);
    for (const Citation& citation : answer.citations) {
        insertCitation(m_database, answer.id, citation.number, citation);
    }
    if (answer.nearest) {
        insertCitation(m_database, answer.id, 0, *answer.nearest);
    }
    if (isFinal(answer.state)) {
        indexHistory(static_cast<std::int64_t>(answer.id) * 2 + 1, answer.text);
    }
}

void Store::saveAnswer(const Answer& answer) {
    const std::lock_guard lock(m_mutex);
    Transaction transaction(m_database);
    updateAnswer(answer);
    transaction.commit();
}

void Store::saveAnswerProgress(const Answer& answer) {
    const std::lock_guard lock(m_mutex);
    m_database.run("UPDATE answer SET state=?2, thinking=?3, text=?4, thinking_tokens=?5, "
                   "answer_tokens=?6, thinking_seconds=?7, seconds=?8 WHERE id=?1",
                   answer.id, answer.state, answer.thinking, answer.text, answer.thinkingTokens,
                   answer.answerTokens, answer.thinkingSeconds, answer.seconds);
}

} // namespace dossier::app
