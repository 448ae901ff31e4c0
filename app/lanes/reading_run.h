// SPDX-License-Identifier: GPL-3.0-or-later
// The work of `dossier read`: brings the lane of one reasoning level up to date with the dossier's
// sources, in a process of its own that survives the window.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "app/engine_core.h"
#include "app/lanes/lane_keeper.h"
#include "app/lanes/reading_board.h"

namespace dossier::app {

struct ReadingOptions {
    std::filesystem::path dossier;
    engine::LoadOptions load;
    std::string level;              ///< empty = the profile's default
    std::filesystem::path profiles; ///< empty = the program's own
    /// Other dossiers whose lanes may be copied from where they begin with the same documents.
    std::vector<std::filesystem::path> reuse;
    bool forecastOnly = false;
};

/// What reading would take, said before it begins.
struct ReadingForecast {
    std::uint64_t total = 0, keep = 0, read = 0; ///< tokens
    std::uint64_t bytes = 0;                     ///< on the disk, for what is read
    double seconds = 0;                          ///< 0: this computer's speed is not known yet
    std::string text() const; ///< "keeps 41,200 tokens, reads 3,100 (about 6 min, 11 MB)"
};

class ReadingRun {
  public:
    /// Takes the dossier's lock for reading: one process reads a dossier at a time, while others
    /// may have it open and ask. Throws Error(Busy) naming the other reader; NotFound, Permission.
    ReadingRun(ReadingOptions, EngineHost::EngineFactory, EngineHost::EncoderFactory = {});
    ~ReadingRun();

    /// Blocks until everything is read. Progress stands on the board and goes to `onStatus` (any
    /// thread). A wish on the board pauses, resumes or cancels; so does `stop` cancel. Pausing
    /// and cancelling take effect within 250 ms; a pause loses nothing, cancelling at most the
    /// super-chunk in flight. Returns the
    /// final status, Done or Cancelled; throws Error after having written it to the board.
    ReadingStatus run(std::stop_token stop,
                      std::function<void(const ReadingStatus&)> onStatus = {});
    /// Loads the model and says what run() would do.
    ReadingForecast forecast(std::stop_token stop);

  private:
    class Impl;
    std::unique_ptr<Impl> d;
};

} // namespace dossier::app
