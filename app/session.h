// SPDX-License-Identifier: GPL-3.0-or-later
// One open dossier: what the window and the command line share. Sources, questions, streaming
// answers with checked quotations, marks, searches, exports and jobs.
//
// Threads: a QObject of the thread that made it (the window thread). Every method is called there,
// returns at once (values come from memory) and does its work on threads of the session; signals
// are emitted in the window thread, coalesced to one per 33 ms where things stream. Callbacks
// (`done`) run in the window thread, and not at all when their context object is gone.
// Errors: open() and create() throw dossier::Error; methods that a person's action calls throw
// Error(InvalidArgument) for requests that cannot be; everything later arrives as a Failure in a
// value (Source, Answer, Job) or through `failed`.
// Saving: what a signal has announced is on disk, except the last second of a streaming answer.
#pragma once

#include <QObject>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "app/engine_host.h"
#include "app/lanes/lane_catalogue.h"
#include "app/lanes/reading_board.h"
#include "app/model_types.h"

namespace dossier::app {

struct SessionOptions {
    /// Reads files. Required for adding; shared with viewers, which call it from their own threads.
    std::shared_ptr<ingest::Reader> reader;
    /// Answers. May be null: everything but asking and token counts works.
    EngineHost* engine = nullptr;   ///< not owned; outlives the session
    std::filesystem::path profiles; ///< folder of prompt profiles; empty = the program's own
    std::string author;             ///< written into marks; empty = the login name
    /// Starts a process that reads the dossier for a level (`dossier read`) and goes on when we
    /// end. Throws Error. Null: reading happens only in front of an answer.
    std::function<void(const std::filesystem::path& dossier, const std::string& level)> startReader;
};

/// What to add: files and folders as the person chose them.
struct AddRequest {
    std::vector<std::filesystem::path> paths;
    ingest::WalkOptions walk;
    /// Files of folders to take although the walk leaves them out, and the other way round
    /// (absolute paths).
    std::vector<std::filesystem::path> alsoTake, leaveOut;
    std::string password; ///< tried on encrypted files
};

struct AskRequest {
    std::string text;
    std::string level;              ///< empty = the profile's default
    std::optional<ThreadId> thread; ///< absent = the main thread
    std::vector<SourceId> only;     ///< sources named with @; empty = all included ones
    bool evidenceOnly = false;      ///< quotations without prose
    std::optional<bool> whole;      ///< overrides the profile: whole documents or passages
};

enum class SourceChange : std::uint8_t {
    Removed,
    Replaced, ///< by another text of about the same length
};

/// Given to an export, on a worker thread.
struct ExportContext {
    const DossierSnapshot& dossier;
    std::function<DocumentPtr(SourceId)> document;           ///< throws Error
    std::function<std::filesystem::path(SourceId)> original; ///< the stored file
    ingest::Reader& reader;
    std::function<void(std::uint64_t done, std::uint64_t total, const std::string& item)> progress;
    std::stop_token stop; ///< throw Error(Cancelled) when requested
};

class Session : public QObject {
    Q_OBJECT
  public:
    /// A new folder `path` (".dossier" is appended when missing). Throws when it exists.
    static std::unique_ptr<Session> create(const std::filesystem::path& path,
                                           const SessionOptions&);
    /// Throws Error: NotFound, Busy (who holds it), Corrupt, Unsupported (written by a newer
    /// version), Permission, Io.
    static std::unique_ptr<Session> open(const std::filesystem::path& path, const SessionOptions&);
    /// Stops answers and jobs and waits for them (at most 250 ms each), then gives up the lock.
    ~Session() override;

    std::string name() const; ///< "lease-matter" of ".../lease-matter.dossier"
    std::filesystem::path folder() const;
    std::shared_ptr<ingest::Reader> reader() const;

    // ---- sources
    const std::vector<Source>& sources() const; ///< in the order in which the model reads them
    const Source* source(SourceId) const;       ///< null when there is none
    JobId addSources(const AddRequest&);
    /// Takes the sources out of the dossier. Answers that cite them keep their text; undo puts them
    /// back. Thousands at once are one transaction and one notice.
    void removeSources(const std::vector<SourceId>&);
    void restoreSources(const std::vector<SourceId>&); ///< undo, while the session is open
    void setIncluded(const std::vector<SourceId>&, bool included);
    JobId readAgain(const std::vector<SourceId>&, const std::string& password = {});
    ContextUse contextUse() const;

    using DocumentDone = std::function<void(DocumentPtr, std::optional<Failure>)>;
    /// The text of a source (cached; shared). Fails for sources that are not Ready.
    void withDocument(SourceId, QObject* context, DocumentDone done);
    std::filesystem::path originalFile(SourceId) const; ///< for rendering; inside the dossier

    // ---- asking
    const std::vector<Thread>& threads() const;
    std::vector<Question> questions(ThreadId) const; ///< by number
    const Question* question(QuestionId) const;
    const Answer* answer(AnswerId) const; ///< valid until the next return to the event loop
    std::vector<LevelInfo> levels() const;
    std::string defaultLevel() const;
    /// "about 40 s"; empty while nothing was measured.
    std::string costText(const std::string& level) const;
    /// Stores the question, then starts or queues its answer.
    QuestionId ask(const AskRequest&);
    AnswerId regenerate(QuestionId, const std::string& level = {}); ///< another version
    void stop(AnswerId); ///< within 250 ms; keeps what was written
    void stopAll();
    bool answering() const; ///< some answer is not final
    /// A branch that goes on from a question; an empty name is replaced by "branch 1", ...
    ThreadId fork(QuestionId after, const std::string& name);
    /// A branch that begins where a document ends in what is read for a level: its questions are
    /// asked over this document and those in front of it, see Thread::documents. Throws where
    /// forkPrice() gives nothing.
    ThreadId fork(SourceId behind, const std::string& level, const std::string& name);
    /// Thread::documents of the thread or of the one that it comes from.
    const std::vector<std::string>& branchOrigin(ThreadId) const;
    /// What questions in a thread are asked over now: ready and checked, in reading order.
    std::vector<SourceId> documentsOf(ThreadId) const;
    void renameThread(ThreadId, const std::string& name);

    // ---- notes and highlights; every change has its inverse for an undo stack
    const std::vector<Mark>& marks() const;
    std::vector<Mark> marksOf(SourceId) const; ///< by position
    /// `id`, `quote` and times are filled in; returns the stored mark.
    Mark addMark(Mark draft);
    Mark removeMark(MarkId);       ///< what was removed, for putBackMark
    void putBackMark(const Mark&); ///< undo of removeMark: same id
    Mark changeMark(const Mark&);  ///< note, colour, kind; returns what it was before

    // ---- searching
    using SearchDone = std::function<void(std::vector<SearchHit>)>;
    /// Words in all included sources, best first. An older search of the same context is dropped.
    void searchSources(const std::string& words, std::size_t limit, QObject* context,
                       SearchDone done);
    struct HistoryHit {
        QuestionId question{};
        std::optional<AnswerId> answer; ///< absent: the words stand in the question
        std::string snippet;
        std::vector<ingest::TextRange> matches;
    };
    using HistoryDone = std::function<void(std::vector<HistoryHit>)>;
    void searchHistory(const std::string& words, std::size_t limit, QObject* context,
                       HistoryDone done);
    /// Checks a quotation against the included sources (`named` may be empty).
    using CheckDone = std::function<void(Citation)>;
    void checkQuote(const std::string& quote, std::optional<SourceId> named, QObject* context,
                    CheckDone done);

    // ---- what is read (docs/formats/lane.md); kept by looking at the files from time to time
    const std::vector<LaneEntry>& lanes() const;
    /// What reading for a level would take now; absent while that is not known, or when the model
    /// takes passages.
    std::optional<LaneOutlook> laneOutlook(const std::string& level) const;
    /// What a change of sources does to what is read: to be shown before it is made. Gives nothing
    /// while that is not known (no model is loaded); then `done` may be called at once.
    void priceOf(SourceChange, const std::vector<SourceId>&, QObject* context,
                 std::function<void(std::optional<LanePrice>)> done);
    /// "re-reads up to about 1,200 tokens of the conversation, about 3 s"; empty without a model.
    /// Counts the conversation up to there: a matter of milliseconds.
    std::string forkPrice(QuestionId after) const;
    /// The same of a branch behind a document, from memory. Absent: the document takes no part in
    /// questions, or nothing is known of the lane (no model is loaded, or it was not looked at).
    std::optional<DocumentFork> forkPrice(SourceId behind, const std::string& level) const;
    const ReadingStatus& reading() const; ///< of the process that reads, whoever started it
    /// The same as a row for the list of jobs, while it goes on; it is cancelled by
    /// cancelReading().
    std::optional<Job> readingJob() const;
    void startReading(const std::string& level);
    void pauseReading();
    void resumeReading();
    void cancelReading();
    /// Compares every checksum, and with the lane's model loaded the results of every frontier;
    /// what it found stands in lanes().
    JobId verifyLanes();
    JobId deleteLane(const std::string& name);
    JobId moveLane(const std::string& name, const std::filesystem::path& folder);

    // ---- jobs and exports
    const std::vector<Job>& jobs() const; ///< of this session, newest last
    void cancelJob(JobId);
    void dismissJob(JobId); ///< takes a finished one off the list
    DossierSnapshot snapshot() const;
    /// Runs `write` on a worker thread with everything it may need; it throws Error to fail.
    JobId runExport(const std::string& title, std::function<void(const ExportContext&)> write);

    // ---- small values that belong to the dossier (window layout, open tabs, last level ...)
    std::string setting(const std::string& key) const; ///< empty when absent
    void setSetting(const std::string& key, const std::string& value);

    /// Blocks until everything is on disk. For the command line and tests, not for the window.
    void flush();

  signals:
    void sourcesChanged(const std::vector<dossier::app::SourceId>&); ///< added, changed or removed
    void contextUseChanged();
    void levelsChanged();
    void threadsChanged();
    void questionAdded(dossier::app::QuestionId);
    void answerAdded(dossier::app::AnswerId);
    /// Text that was appended to `thinking` and `text` since the last signal, at most every 33 ms.
    void answerStreamed(dossier::app::AnswerId, const QString& thinking, const QString& text);
    /// State, citations or figures changed (also `text` as a whole when the state becomes final).
    void answerChanged(dossier::app::AnswerId);
    void marksChanged(dossier::app::SourceId);
    void lanesChanged();   ///< lanes() or an outlook
    void readingChanged(); ///< reading(), about three times a second while it goes on
    void jobChanged(dossier::app::JobId);
    /// Something went wrong outside of a source, answer or job: show it as a bar.
    void failed(const dossier::app::Failure&);

  private:
    class Impl;
    explicit Session(std::unique_ptr<Impl>);
    std::unique_ptr<Impl> d;
};

} // namespace dossier::app
