// SPDX-License-Identifier: GPL-3.0-or-later
// A dossier on disk: one folder with dossier.db (SQLite, write-ahead log), sources/ (originals by
// content) and dossier.lock. Every function is one transaction: done and on disk, or not at all.
//
// Threads: a Store is safe to use from several threads; calls are served one after another. Long
// reads (documents, searches) go through a StoreReader, which has a connection of its own.
// Errors: dossier::Error with the file's name. After DiskFull or Io the store stays usable.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "app/model_types.h"
#include "app/store/lock.h"
#include "app/store/originals.h"
#include "app/store/quote_finder.h"
#include "app/store/sqlite.h"

namespace dossier::app {

/// Part of a document as the search sees it.
struct StoredPassage {
    ingest::TextRange range;
    std::string text;
};

/// How a question was asked, beside its text and level; for asking it again.
struct QuestionOptions {
    std::vector<SourceId> only;
    bool evidenceOnly = false;
    std::optional<bool> whole;
};

/// What opening a dossier loads: everything but texts.
struct StoreContents {
    std::vector<Source> sources; ///< without removed ones, in reading order
    std::vector<Thread> threads;
    std::vector<Question> questions;
    std::map<QuestionId, QuestionOptions> questionOptions;
    std::vector<Answer> answers;
    std::vector<Mark> marks;
    std::map<std::string, std::string> settings;
};

class Store {
  public:
    static std::unique_ptr<Store> create(const std::filesystem::path& folder,
                                         const std::string& vfs = {});
    static std::unique_ptr<Store> open(const std::filesystem::path& folder,
                                       const std::string& vfs = {});
    ~Store();

    const std::filesystem::path& folder() const { return m_folder; }
    const Originals& originals() const { return m_originals; }
    std::filesystem::path originalFile(SourceId) const;

    /// Ids for new objects; safe to call before the object is stored, from any thread.
    SourceId newSourceId() { return SourceId{take(m_nextSource)}; }
    ThreadId newThreadId() { return ThreadId{take(m_nextThread)}; }
    QuestionId newQuestionId() { return QuestionId{take(m_nextQuestion)}; }
    AnswerId newAnswerId() { return AnswerId{take(m_nextAnswer)}; }
    MarkId newMarkId() { return MarkId{take(m_nextMark)}; }

    /// Answers that were being written when the program ended are turned into Stopped.
    StoreContents load();

    // ---- sources
    /// New rows at the end of the order. Originals must be in sources/ and synced. What a new one
    /// takes the place of is removed, and its marks go over to the new one.
    void addSources(const std::vector<Source>&, const std::vector<Replacement>& = {});
    /// Everything but the person's check mark, which has a function of its own.
    void updateSources(const std::vector<Source>&);
    /// The result of reading: row, text and search passages together. With a finder, what quotes
    /// the source or a former one in its place, and its marks, are looked up in the new text.
    Requoted saveDocument(const Source&, std::string_view serialized,
                          const std::vector<StoredPassage>& passages,
                          QuoteFinder* finder = nullptr);
    /// The row of a source that could not be read. The finder is asked for what quotes a former one
    /// in its place: those bytes are not in the dossier any more.
    Requoted saveUnreadable(const Source&, QuoteFinder&);
    /// Looks up anew what quotes a source, or a former one in its place, and its marks.
    Requoted lookUpQuotes(const Source&, QuoteFinder&);
    void setRemoved(const std::vector<SourceId>&, bool removed); ///< all or none
    void setRemoved(SourceId id, bool removed) { setRemoved(std::vector{id}, removed); }
    void setIncluded(SourceId, bool included);
    /// Deletes texts and originals of removed sources for good (their rows stay for citations).
    void purgeRemoved();
    void saveTokenCounts(const std::string& tokenizer,
                         const std::vector<std::pair<SourceId, std::uint64_t>>&);
    std::map<SourceId, std::uint64_t> tokenCounts(const std::string& tokenizer);

    // ---- threads, questions, answers
    void saveThread(const Thread&);
    void addQuestion(const Question&, const QuestionOptions&, const Answer& first);
    void addAnswer(const Answer&);
    /// Everything of the answer, citations included.
    void saveAnswer(const Answer&);
    /// Only what streaming changes: state, texts and counters.
    void saveAnswerProgress(const Answer&);

    // ---- marks and settings
    void saveMark(const Mark&); ///< new or changed
    void removeMark(MarkId);
    void setSetting(const std::string& key, const std::string& value);

  private:
    Store(std::filesystem::path folder, Database::Mode mode, const std::string& vfs);
    void prepareConnection();
    void checkAfterCrash();
    void loadNextIds();
    long long take(long long& counter);
    void updateSourceRow(const Source&);
    /// `own`: quotations and marks of the source itself as well as of those before it.
    Requoted requote(const Source&, QuoteFinder&, bool own);
    void insertAnswer(const Answer&);
    void updateAnswer(const Answer&);
    void indexHistory(std::int64_t row, const std::string& text);

    std::filesystem::path m_folder;
    DossierLock m_lock;
    Originals m_originals;
    mutable std::mutex m_mutex; ///< of the connection
    mutable Database m_database;
    std::mutex m_idMutex;
    long long m_nextSource = 1, m_nextThread = 1, m_nextQuestion = 1, m_nextAnswer = 1,
              m_nextMark = 1;
};

/// A reading connection for one thread; sees what was committed when each call begins.
class StoreReader {
  public:
    explicit StoreReader(const std::filesystem::path& folder);

    std::vector<Source> sources(); ///< as StoreContents::sources
    /// Serialised text of a source; throws Error(NotFound).
    std::string document(SourceId);
    /// Words anywhere in the included sources, best first; the last word also as a beginning.
    std::vector<SearchHit> search(std::string_view words, std::size_t limit);
    struct HistoryRow {
        QuestionId question{};
        std::optional<AnswerId> answer;
        std::string snippet;
        std::vector<ingest::TextRange> matches;
    };
    std::vector<HistoryRow> searchHistory(std::string_view words, std::size_t limit);

  private:
    Database m_database;
};

/// FTS5 query for what a person typed: every word must occur, the last one may be a beginning.
/// Empty when there is no word in it.
std::string searchQuery(std::string_view words);

} // namespace dossier::app
