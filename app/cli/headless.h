// SPDX-License-Identifier: GPL-3.0-or-later
// Waiting for the signals of a session without a window: an event loop that ends when a condition
// holds, Ctrl+C as a wish to stop, one line of progress on the error output.
#pragma once

#include <QObject>
#include <functional>
#include <string>

#include "app/model_types.h"
#include "app/session.h"

namespace dossier::app::cli {

/// Ctrl+C and SIGTERM set a flag from now on, once; a second one ends the program.
void catchInterrupts();
bool interrupted();

/// Runs the event loop until done() holds; looks after every event and every 50 ms. Calls
/// onInterrupt once when the person wants to stop, and goes on until done().
void waitUntil(const std::function<bool()>& done, const std::function<void()>& onInterrupt);

/// "\rReading  512 of 2,048 tokens, 310/s" when the error output is a terminal; else a line at the
/// beginning and the end of each phase.
class ProgressLine {
  public:
    ~ProgressLine() { clear(); }
    void show(const std::string& what, const engine::Progress&);
    void clear();
    bool onTerminal() const; ///< otherwise every change of `what` is a line of its own

  private:
    std::string m_phase;
    std::size_t m_width = 0;
};

/// Writes "dossier: what failed. What to do." to the error output, control characters escaped.
void complain(const std::string& failed, const std::string& remedy);

} // namespace dossier::app::cli
