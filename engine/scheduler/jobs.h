// SPDX-License-Identifier: Apache-2.0
// Work that takes many steps: reading tokens, generating answers. The owner thread runs one step at
// a time and looks at its queue in between, so that a question never waits for a long reading.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/clock.h"
#include "engine/lanes/restore.h"
#include "engine/quote/quotation_tracker.h"
#include "engine/scheduler/feed.h"

namespace dossier::engine {

/// Whether the reading of a lane is held. One for each open lane.
struct LaneHold {
    std::atomic<bool> wanted = false;
    bool computing = false; ///< a step is under way; guarded by the engine's mutex
};

/// Appends tokens to a lane or a branch, a super-chunk a step. A lane with a file gets its records
/// on the way; the job ends when all is on the disk. Held in the middle of a super-chunk, it keeps
/// what is computed of it.
class ReadJob {
  public:
    ReadJob(std::span<const Token> tokens, ProgressFn progress, std::stop_token stop,
            std::span<const LaneMark> marks = {}, const char* phase = "Reading")
        : m_tokens(tokens),
          m_marks(marks),
          m_phase(phase),
          m_progress(std::move(progress)),
          m_stop(std::move(stop)) {}

    std::shared_ptr<Lane> lane; ///< one of the two is set
    std::shared_ptr<Timeline> branch;
    std::shared_ptr<LaneHold> hold; ///< of the lane; null for branches
    std::function<void()> atEnd;    ///< when it is done, on the owner thread, before `finished`
    std::promise<void> finished;

    /// True when all is read or the stop took effect. Throws what failed.
    bool step(Runtime&);
    bool complete() const { return m_done == m_tokens.size(); }
    /// A step would do something.
    bool runnable() const { return !hold || !hold->wanted || m_stop.stop_requested(); }
    /// Between two parts of a super-chunk: no other job may read on the same lane or branch.
    bool inside() const { return m_feed != nullptr; }
    /// Lets go of lane, branch and device memory, on the owner thread.
    void release() {
        m_feed.reset();
        lane.reset();
        branch.reset();
    }
    const std::stop_token& stop() const { return m_stop; }
    double tokensPerSecond() const { return m_speed; }

  private:
    void begin();
    void beginChunk(Runtime&);
    /// False when it was held.
    bool readChunk();
    /// Writing that is due. False while the disk is still busy with the record before.
    bool save(Runtime&);

    std::span<const Token> m_tokens;
    std::span<const LaneMark> m_marks;
    const char* m_phase; ///< in the progress
    ProgressFn m_progress;
    std::stop_token m_stop;
    bool m_begun = false, m_saveDue = false, m_tailDue = false;
    std::size_t m_done = 0;
    std::span<const Token> m_chunk; ///< under way
    std::unique_ptr<Feed> m_feed;   ///< of m_chunk
    double m_chunkSeconds = 0;
    double m_seconds = 0, m_speed = 0;
    double m_secondsPerToken = 0; ///< of the last full-sized piece
};

/// Opens a lane: brings it back from its file, checks it, replays what stands behind its last
/// frontier.
class RestoreJob {
  public:
    /// `store` may be null: a new lane in memory.
    RestoreJob(std::unique_ptr<LaneStore> store, const LaneOptions& options, ProgressFn progress,
               std::stop_token stop)
        : m_store(std::move(store)),
          m_keep(options.keep),
          m_every(options.probeEveryFrontier),
          m_progress(std::move(progress)),
          m_stop(std::move(stop)) {}

    std::promise<LaneInfo> finished;

    /// True when finished was fulfilled. Throws what failed.
    bool step(Runtime&);
    /// Lets go of device memory, on the owner thread.
    void release() {
        m_loader.reset();
        m_lane.reset();
    }
    const std::stop_token& stop() const { return m_stop; }

  private:
    void begin(Runtime&);
    void load(Runtime&);
    void check(Runtime&);
    /// The lane ends before its last frontier, which is not right.
    void giveUpLast(const std::string& why);
    void startReplay(Runtime&);
    void replay(Runtime&);
    void note(const std::string& sentence);
    LaneIndex& index() { return m_lane->store->index(); }

    std::unique_ptr<LaneStore> m_store;
    std::uint64_t m_keep;
    bool m_every;
    ProgressFn m_progress;
    std::stop_token m_stop;
    enum class Phase { Begin, Load, Check, Replay, Done } m_phase = Phase::Begin;
    std::shared_ptr<Lane> m_lane;
    std::unique_ptr<LaneLoader> m_loader;
    std::uint64_t m_wanted = 0; ///< tokens that the file promised
    // While checking, from the last frontier to the first; one a step.
    std::size_t m_unchecked = 0;          ///< of the index's frontiers: the first so many
    std::size_t m_checks = 0;             ///< done
    std::string m_ends;                   ///< why the lane ends earlier
    std::size_t m_givenUp = 0;            ///< frontiers at the end that were not right
    std::vector<std::uint64_t> m_trusted; ///< whose probe was right
    std::vector<Token> m_replay;          ///< tokens behind the last frontier, not yet fed
    LaneRestore m_result;
    SteadyClock::time_point m_start = SteadyClock::now();
};

/// One answer in the making.
class AnswerJob {
  public:
    AnswerJob(std::shared_ptr<Timeline> branch, const GenerateOptions&, TokenFn onToken,
              std::stop_token, const LoadedModel&);

    std::promise<GenerateResult> finished;

    /// Samples from the branch's logits and tells the listener. Absent when the answer has ended
    /// (result() is complete then); else the token to run next.
    std::optional<Token> sample();
    /// After sample() gave a token and the batch ran: true when that was the last one.
    bool ended();
    Timeline& branch() { return *m_branch; }
    GenerateResult takeResult();
    double tokensPerSecond() const;

  private:
    bool isStop(Token) const;
    /// Whether quotation decoding lets the answer go on with this token.
    bool mayFollow(Token) const;
    /// The model's choice, or, where that would break a quotation, its best token that does not.
    Token choose(bool& forced) const;

    std::shared_ptr<Timeline> m_branch;
    std::shared_ptr<const Tokenizer> m_tokenizer; ///< null: token ids only
    GenerateOptions m_options;
    TokenFn m_onToken;
    std::stop_token m_stop;
    Token m_endToken;
    std::optional<StreamDecoder> m_decoder;
    std::optional<QuotationTracker> m_quotation;
    GenerateResult m_result;
    SteadyClock::time_point m_start = SteadyClock::now();
};

} // namespace dossier::engine
