// SPDX-License-Identifier: GPL-3.0-or-later
// Invented dossiers for pictures and tests of the window. demo_session.cpp and demo_engine.cpp
// define app::Session and app::EngineHost themselves: a program that links them runs the window on
// invented content in place of the services, through the very same interface.
#pragma once

#include <QString>
#include <memory>

#include "app/session.h"

namespace dossier::test {

/// Folders for Session::open: what the dossier holds.
constexpr const char* kDemoLease = "demo:lease"; ///< picture 01: a matter of sixteen files
constexpr const char* kDemoCode = "demo:code";   ///< picture 02: a code base
constexpr const char* kDemoBare = "demo:bare";   ///< one lease, one text, nothing asked
constexpr const char* kDemoHeld = "demo:held";   ///< open in another process
constexpr const char* kDemoMany = "demo:many";   ///< 20,000 sources

/// What the demo may be told; set before opening.
struct DemoSettings {
    bool answering = false;     ///< the last answer of the lease is still being written
    bool lowDepths = false;     ///< the four levels of picture 08
    double tokensPerSecond = 0; ///< of answers to new questions; 0 = at once
    QString answerText;         ///< for new questions; empty = a built-in one
    std::string reader;         ///< unused by the demo
    std::string laneFault;      ///< what a check of the lanes finds in the first one
};
DemoSettings& demoSettings();

/// Paths of the real files behind the demo.
std::filesystem::path demoLeasePdf();
std::filesystem::path demoData(const std::string& name);

/// A sample like picture 05, `secondsAgo` before now.
app::MemorySample demoMemory(double secondsAgo, std::int64_t nowMs);

} // namespace dossier::test
