// SPDX-License-Identifier: GPL-3.0-or-later
// How the process that reads and those that watch it talk: through the dossier's database. The
// reader writes how far it is, the others leave a wish (pause, resume, cancel).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "app/model_types.h"
#include "app/store/sqlite.h"

namespace dossier::app {

struct ReadingStatus {
    enum class State : std::uint8_t {
        None, ///< nothing was read yet
        Loading,
        Reading,
        Paused,
        Done,
        Failed,
        Cancelled,
        Interrupted, ///< the process ended without saying so; reading goes on from its last record
    };
    State state = State::None;
    int process = 0;
    std::string level, model;
    std::uint64_t done = 0, total = 0; ///< tokens of the lane
    std::uint64_t kept = 0;            ///< of `done`, read before
    double perSecond = 0;
    std::optional<Failure> failure;
    std::string note; ///< sentences for the person
    std::int64_t startedMs = 0, updatedMs = 0;

    bool active() const {
        return state == State::Loading || state == State::Reading || state == State::Paused;
    }
    double secondsLeft() const { ///< 0 = not known
        return perSecond > 0 && total > done ? static_cast<double>(total - done) / perSecond : 0;
    }
    bool operator==(const ReadingStatus&) const = default;
};
std::string_view readingStateName(ReadingStatus::State); ///< "paused"

enum class ReadingWish : std::uint8_t { Pause, Resume, Cancel };

/// How a lane was found when it was restored for a question or a reading, or checked as a whole.
struct LaneCheck {
    std::int64_t timeMs = 0;
    std::string result; ///< "good", or what was wrong
    bool good() const { return result == "good"; }
};

/// For one thread at a time; a connection of its own, beside whoever has the dossier open.
class ReadingBoard {
  public:
    explicit ReadingBoard(const std::filesystem::path& dossier);

    /// With Interrupted in place of an active state whose process is gone.
    ReadingStatus status();
    void setStatus(const ReadingStatus&);
    void wish(ReadingWish);
    std::optional<ReadingWish> takeWish();

    /// Tokens a second at which this computer has read with a model; 0 = never.
    double speed(const std::string& model);
    void setSpeed(const std::string& model, double tokensPerSecond);

    /// The last check of a lane, by its name.
    std::optional<LaneCheck> laneCheck(const std::string& lane);
    void setLaneCheck(const std::string& lane, const std::string& result);

  private:
    std::string value(const std::string& key);
    void setValue(const std::string& key, const std::string& value);

    std::filesystem::path m_folder;
    Database m_database;
};

/// "about 40 s", "about 6 min", "about 2 h"
std::string aboutTime(double seconds);

} // namespace dossier::app
