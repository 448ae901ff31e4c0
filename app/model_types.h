// SPDX-License-Identifier: GPL-3.0-or-later
// The values that the services of the application exchange with the window, the command line and
// the report: plain, copyable, without behaviour.
//
// Text is UTF-8. Ranges of documents are bytes of the canonical text (ingest/document/document.h).
// Times are milliseconds since 1970 UTC. Pages are counted from 0 here (from 1 on screen and in
// JSON), lines from 1.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/engine.h"
#include "ingest/document/document.h"
#include "ingest/ingest.h"

namespace dossier::app {

/// How often what changes all the time is told to the window.
constexpr int kRefreshMs = 33;

// Ids are unique within one dossier and never used again in it. (long long: the 64-bit integer that
// Qt can stream, so that ids can be arguments of signals.)
enum class SourceId : long long {};
enum class ThreadId : long long {};
enum class QuestionId : long long {};
enum class AnswerId : long long {};
enum class MarkId : long long {};
enum class JobId : long long {}; ///< unique within one run of the program

using DocumentPtr = std::shared_ptr<const ingest::Document>; ///< shared: viewers, checks, exports

/// What dossier::Error says, as a value that can be stored and shown later.
struct Failure {
    ErrorCode code = ErrorCode::Internal;
    std::string failed; ///< what failed and why
    std::string remedy; ///< what to do; may be empty
    bool operator==(const Failure&) const = default;
};
Failure failureOf(const Error&);

// ---------------------------------------------------------------- sources

enum class SourceState : std::uint8_t {
    Queued,  ///< its bytes are in the dossier; not yet read
    Reading, ///< being turned into text
    Ready,   ///< text and token count are known
    Failed,  ///< see `failure`; the other sources are not affected
};

struct Source {
    SourceId id{};
    std::string name;      ///< file name, for the tree
    std::string folder;    ///< "" for a single file, else where it hangs in the tree: "repo/src/io"
    std::string addedFrom; ///< absolute path at the time of adding, for the person
    ingest::Format format = ingest::Format::Text;
    SourceState state = SourceState::Queued;
    bool included = true; ///< the person's check mark: takes part in questions
    std::string title;    ///< of the document; the file name when it has none
    std::string sha256;   ///< of the file's bytes, hex
    std::uint64_t fileBytes = 0;
    std::uint64_t textBytes = 0;
    std::uint64_t pages = 0; ///< 0 for files without pages
    std::uint64_t lines = 0;
    /// Exact count of the current model's tokenizer; nullopt while it is not known ("…" on screen).
    std::optional<std::uint64_t> tokens;
    std::uint64_t pagesWithoutText = 0; ///< scanned or blank pages; > 0 shows "no text layer"
    std::vector<std::string> warnings;
    std::optional<Failure> failure;
    std::int64_t addedMs = 0;

    /// "repo/src/io/file.cpp"
    std::string path() const { return folder.empty() ? name : folder + "/" + name; }
};

/// How full the model's context is. `whole`: all included documents plus the reserve must fit.
/// `passages`: each question takes only what the search selects, and `note` says so.
struct ContextUse {
    std::uint64_t documentTokens = 0;
    std::uint64_t reserveTokens = 0; ///< kept for question and answer
    std::uint64_t maxTokens = 0;     ///< 0 = no model loaded
    bool whole = true;
    bool exact = true; ///< false while some source is not counted yet: show ">="
    std::string note;  ///< one sentence for the person; may be empty
};

// ---------------------------------------------------------------- places, quotations, citations

/// A place in a source as a person names it.
struct Place {
    SourceId source{};
    ingest::TextRange range;
    std::optional<std::uint32_t> page; ///< from 0; only documents with pages
    std::string pageLabel;             ///< as printed; empty without pages
    std::uint64_t line = 0;            ///< from 1; of the canonical text
    std::string section; ///< number of the clause it stands in ("5.2"), if it shows one
    bool operator==(const Place&) const = default;
};

enum class Verdict : std::uint8_t {
    Verified,           ///< stands in the source byte for byte
    VerifiedNormalised, ///< after normalising case, spaces, quotes, hyphenation, page breaks ...
    Partial,            ///< the longest contiguous run is at least 85 % of it
    OtherDocument,      ///< verbatim or normalised, but in another document than the one named
    NotFound,
};
std::string_view verdictName(Verdict); ///< as in JSON: "verified-normalised"
std::optional<Verdict> verdictFromName(std::string_view);

/// A quotation of an answer with the place that the check found for it.
struct Citation {
    std::uint32_t number = 0; ///< from 1, the chip's digit
    std::string quote;        ///< as the answer has it, without the marks
    /// Bytes of Answer::text that hold the quotation with its marks; the chip stands behind them.
    /// Empty when the quotation stands only in the list.
    ingest::TextRange inAnswer;
    Verdict verdict = Verdict::NotFound;
    std::uint32_t percent = 0;  ///< of the quotation in the longest run; 100 when verified
    bool forced = false;        ///< quotation decoding changed what the model would have written
    std::optional<Place> place; ///< absent exactly for NotFound
    std::string named;          ///< the document that the answer named, if any
    std::string document;       ///< name of the source of `place` when it was checked
    bool operator==(const Citation&) const = default;
};

/// A passage that a search found; never shown as evidence for an answer.
struct SearchHit {
    Place place;
    std::string snippet;                    ///< one line; white space collapsed
    std::vector<ingest::TextRange> matches; ///< bytes of `snippet` to emphasise
    double score = 0;                       ///< larger is better; comparable within one search
};

// ---------------------------------------------------------------- threads, questions, answers

struct Thread {
    ThreadId id{};
    std::string name; ///< "main"
    std::optional<QuestionId> forkedAfter;
    std::int64_t createdMs = 0;
    /// Of a branch that begins where a document ends: the paths (Source::path) of the documents in
    /// front of that place, in the order in which they are read; the last one is where it begins.
    /// Its questions, and those of branches of it, are asked over these alone. A path that was
    /// taken out of the dossier, or is unchecked, has no part in them until it is back; a new text
    /// under the same path takes the place of the old one. Empty: of no such branch.
    std::vector<std::string> documents{};
};

struct Question {
    QuestionId id{};
    ThreadId thread{};
    std::uint32_t number = 0; ///< from 1 within the thread
    std::string text;
    std::string level; ///< "none", "high", ...
    std::int64_t askedMs = 0;
    std::vector<AnswerId> answers; ///< versions by age; the last one is shown first
};

enum class AnswerState : std::uint8_t {
    Waiting,   ///< stored, the engine is busy or loading
    Searching, ///< choosing passages
    Reading,   ///< the model reads (`progress`)
    Thinking,
    Writing,
    Checking, ///< comparing quotations
    Done,
    NotFound, ///< done: the model says that the documents do not answer; see `nearest`
    Stopped,  ///< by the person; what was written is kept
    Failed,   ///< see `failure`; what was written is kept
};
bool isFinal(AnswerState);

struct Answer {
    AnswerId id{};
    QuestionId question{};
    std::uint32_t version = 1; ///< from 1 within its question
    AnswerState state = AnswerState::Waiting;
    std::string thinking; ///< the collapsed block
    std::string text;     ///< Markdown; for the procedure of the embedded model, its result
    std::vector<Citation> citations;
    /// With NotFound: the place that comes nearest. Labelled as such, never as an answer.
    std::optional<Citation> nearest;
    /// Where the decision was close: the search's best passages, labelled as search results.
    std::vector<SearchHit> searchResults;
    /// With NotFound what was looked through ("2 documents, 61,204 tokens"); then, with any state,
    /// what the person should know of that: sentences without the last full stop.
    std::string searched;
    std::string model; ///< name and fingerprint's first 8 digits
    std::string level; ///< its name, see LevelInfo
    /// What that model's profile calls the level; empty until the answer begins, and in answers of
    /// dossiers from before it was kept. To be shown through app::levelTitle.
    std::string levelTitle;
    std::uint64_t promptTokens = 0;
    std::uint64_t thinkingTokens = 0;
    std::uint64_t answerTokens = 0;
    double thinkingSeconds = 0;
    double seconds = 0; ///< from asking to the end
    std::int64_t startedMs = 0;
    std::optional<Failure> failure;
    engine::Progress progress;  ///< while Reading
    double tokensPerSecond = 0; ///< while Thinking or Writing
};

// ---------------------------------------------------------------- levels

enum class LevelState : std::uint8_t { Ready, Preparing, NeedsReading, Unavailable };

struct LevelInfo {
    std::string name;        ///< for --depth: "none", "low", "high", "max"
    std::string title;       ///< "Non-think", "Think High"
    std::string description; ///< "Facts and look-ups. Shares what is already read."
    std::string cost;        ///< "about 40 s"; empty while nothing was measured
    LevelState state = LevelState::Ready;
    std::string stateText; ///< "Ready", "Preparing 42 %", "Needs about 44 min and 3.7 GB"
    double prepared = 1;   ///< 0..1
};

/// What an answer's level is called wherever it is shown, in the window and in reports: what its
/// own model calls it; where the answer does not know that, what `levels` (of the model loaded now)
/// calls a level of that name, and without one a title made from the name. An empty name is "none".
std::string levelTitle(const Answer&, const std::vector<LevelInfo>& levels);

// ---------------------------------------------------------------- notes and highlights

/// A mark made by the person, or a citation promoted to one.
struct Mark {
    MarkId id{};
    SourceId source{};
    ingest::MarkKind kind = ingest::MarkKind::Highlight;
    ingest::TextRange range;
    std::array<std::uint8_t, 3> rgb{255, 224, 127};
    std::string note;
    std::string author;
    std::string quote; ///< the marked text; filled in by the session
    std::int64_t createdMs = 0;
    std::int64_t changedMs = 0;
    bool operator==(const Mark&) const = default;
};

// ---------------------------------------------------------------- jobs

enum class JobKind : std::uint8_t {
    AddSources,
    CountTokens,
    LoadModel,
    CheckModel,
    Export,
    ReadLane, ///< by the process that reads; see Session::readingJob
};
enum class JobState : std::uint8_t { Running, Done, Failed, Cancelled };

/// Something that takes longer than half a second. Nothing modal: a row in the list of jobs.
struct Job {
    JobId id{};
    JobKind kind = JobKind::AddSources;
    JobState state = JobState::Running;
    std::string title;         ///< "Adding handover/"
    engine::Progress progress; ///< unit depends on the kind: files, bytes, tokens
    std::string item;          ///< what it is at now: a file name
    std::uint64_t succeeded = 0;
    std::uint64_t unchanged = 0; ///< files that are in the dossier already, as they are
    struct Problem {
        std::string path;
        Failure failure;
    };
    std::vector<Problem> problems;          ///< per file; the job goes on
    std::vector<ingest::WalkEntry> leftOut; ///< of a folder, with the reasons
    std::optional<Failure> failure;         ///< of the job as a whole
    std::int64_t startedMs = 0, endedMs = 0;
};

// ---------------------------------------------------------------- engine and memory

enum class EngineState : std::uint8_t {
    NoModel,
    Loading,
    Ready,
    Stopped, ///< the engine's process died under a loaded model; the next question starts it again
    Failed,  ///< the model could not be loaded
};

struct EngineStatus {
    EngineState state = EngineState::NoModel;
    std::optional<engine::ModelInfo> model;
    engine::DeviceInfo device;
    std::optional<Failure> failure; ///< why it is Failed or Stopped; while Loading, why it restarts
    engine::Progress progress;      ///< while Loading
};

/// Four times a second.
struct MemorySample {
    std::int64_t timeMs = 0;
    engine::MemorySnapshot engine;
    engine::Telemetry telemetry;
    std::vector<engine::MemoryRow>
        application;                       ///< this process: "documents", "passage search", ...
    std::uint64_t applicationResident = 0; ///< VmRSS of this process, bytes
    std::uint64_t ramTotal = 0, ramAvailable = 0; ///< of the computer, bytes
};

// ---------------------------------------------------------------- everything at one moment

/// All of a dossier at one moment but the texts, for exports and the command line.
struct DossierSnapshot {
    std::string name; ///< the folder's name without ".dossier"
    std::vector<Source> sources;
    std::vector<Thread> threads;
    std::vector<Question> questions;
    std::vector<Answer> answers;
    std::vector<Mark> marks;
    std::optional<engine::ModelInfo> model; ///< loaded now; answers carry their own
    std::vector<LevelInfo> levels;          ///< of that model; for levelTitle
    std::int64_t takenMs = 0;
};

} // namespace dossier::app
