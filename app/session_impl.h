// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a session: what the window thread keeps in memory, and the threads that do the
// work. Everything here belongs to the window thread unless it says otherwise.
#pragma once

#include <QPointer>
#include <QTimer>
#include <map>
#include <set>

#include "app/asking/asker.h"
#include "app/asking/corpus.h"
#include "app/asking/profile.h"
#include "app/job_list.h"
#include "app/lanes/lane_catalogue.h"
#include "app/lanes/lane_keeper.h"
#include "app/lanes/reading_board.h"
#include "app/reading/adder.h"
#include "app/session.h"
#include "app/store/store.h"
#include "app/work_queue.h"

namespace dossier::app {

class Session::Impl {
  public:
    Impl(std::unique_ptr<Store> opened, const SessionOptions& given);
    ~Impl();

    void attach(Session* owner); ///< after the Session exists: timers, engine, unfinished reading

    // ---- helpers
    /// Runs `write` on the storage thread, then `saved` in the window thread; a failure is told
    /// through Session::failed and `saved` is not called.
    void save(std::function<void()> write, std::function<void()> saved = {});
    void post(std::function<void()> action); ///< to the window thread, from any thread
    void tellFailure(const Error& error);    ///< any thread
    void refresh();                          ///< 33 ms timer
    Source* find(SourceId id);
    Answer* find(AnswerId id);

    // ---- sources
    void putSource(const Source& source); ///< new or changed
    void dropSources(const std::vector<SourceId>& ids);
    /// Posts what reads to the reading thread; the job ends with it.
    void startReading(const std::shared_ptr<RunningJob>& job, std::function<void(Adder&)> read);
    /// On documents that a question would be asked over but that are not read yet; may be empty.
    std::string unreadNote(const std::vector<const Source*>& asked) const;
    void replaceSources(const std::vector<Replacement>& replaced);
    void takeOver(const Requoted& changed);
    Adder::Callbacks adderCallbacks();
    void engineChanged();
    void countTokens(const EngineHost::Core::Loaded& loaded);
    void touched(SourceId id); ///< to be announced with the next refresh

    // ---- answers
    struct Active {
        std::shared_ptr<AnswerWriter> writer; ///< shared with the asking thread
        std::int64_t savedMs = 0;
        bool saved = false; ///< the final state is on disk
        std::shared_ptr<std::atomic<bool>> begun;
    };
    Answer newAnswer(QuestionId question, const std::string& level);
    void startAnswer(const Answer& answer, AskInput input, std::function<void()> store,
                     std::function<void()> stored);
    AskInput inputOf(const Question& question, const std::string& level);
    std::vector<AskInput::Turn> historyBefore(const Question& question) const;
    void takeNews(AnswerId id, Active& active);
    void finished(AnswerId id);
    void lookUpReplaced(const Answer& answer);

    // ---- branches
    /// What a question in a thread is asked over.
    struct BranchView {
        bool whole = true;                  ///< all documents of the dossier
        std::vector<const Source*> sources; ///< in reading order, whatever their state
        std::vector<std::string> gone;      ///< paths of the branch that are not in the dossier
        std::size_t unchecked = 0;          ///< of `sources` of a branch that is not whole
        std::string note() const; ///< sentences on what has no part any more; empty: all is there
    };
    BranchView branchView(ThreadId) const;
    /// Paths of the branch that begins behind a document which the thread is or comes from.
    const std::vector<std::string>& documentsInFront(ThreadId) const;
    /// Throws Error(InvalidArgument) when nothing of a branch is left, or for a named document
    /// that is not in front of it.
    void requireInBranch(ThreadId, const std::vector<SourceId>& only) const;
    /// Documents as they are read for a level; empty while that is not known.
    std::vector<SourceId> readingOrder(const std::string& level) const;
    ThreadId addThread(Thread);

    // ---- lanes
    struct LaneLook;
    std::optional<LaneLook> laneLook();
    void lookAtLanes();
    void lookAtReading();
    void wish(ReadingWish);
    /// Fills in state and text; false while nothing is known.
    bool describeLevel(const ProfileLevel&, LevelInfo&) const;
    JobId laneJob(const std::string& title, std::function<void(LaneCatalogue&, RunningJob&)> work);

    SessionOptions options;
    std::unique_ptr<Store> store;
    Session* session = nullptr;

    std::vector<Source> sources;
    std::map<SourceId, Source> removed; ///< for undo, until the session ends
    std::vector<Thread> threads;
    std::map<QuestionId, Question> questions;
    std::map<QuestionId, QuestionOptions> questionOptions;
    std::map<AnswerId, Answer> answers;
    std::vector<Mark> marks;
    std::map<std::string, std::string> settings;
    std::set<SourceId> changedSources; ///< not yet announced

    std::optional<Profile> profile; ///< of the loaded model
    std::uint64_t profileGeneration = 0, contextTokens = 0;
    std::map<AnswerId, Active> active;
    std::map<QObject*, std::shared_ptr<std::atomic<std::uint64_t>>> searches;
    JobList jobs;
    QTimer timer;

    std::vector<LaneEntry> lanes;
    std::map<std::string, LaneOutlook> laneOutlooks; ///< by level
    ReadingStatus readingStatus;
    bool lanesDirty = true, lookingAtLanes = false, askingBoard = false;
    int ticks = 0;
    /// Of the lookup thread; by source and tokenizer.
    std::map<std::pair<SourceId, std::string>, WantedPiece> lanePieces;

    Corpus corpus;
    std::unique_ptr<Asker> asker; ///< of the asking thread; null without an engine
    WorkQueue storage{WorkQueue::AtEnd::Finish};
    WorkQueue exports{WorkQueue::AtEnd::Drop};
    WorkQueue lookup{WorkQueue::AtEnd::Drop};
    WorkQueue reading{WorkQueue::AtEnd::Drop};
    WorkQueue asking{WorkQueue::AtEnd::Drop};
};

} // namespace dossier::app
