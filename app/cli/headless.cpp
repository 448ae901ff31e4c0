// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/headless.h"

#include <QEventLoop>
#include <QTimer>
#include <csignal>
#include <cstdio>

#include <unistd.h>

#include "app/cli/terminal_text.h"
#include "engine/base/grouped.h"

namespace dossier::app::cli {
namespace {

volatile std::sig_atomic_t s_interrupted = 0;

void onSignal(int number) {
    if (s_interrupted) {
        std::signal(number, SIG_DFL);
        std::raise(number);
    }
    s_interrupted = 1;
}

/// 61204 -> "61,204".
std::string grouped(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) {
            out += ',';
        }
        out += digits[i];
    }
    return out;
}

} // namespace

void catchInterrupts() {
    std::signal(SIGINT, onSignal);
    std::signal(SIGTERM, onSignal);
}

bool interrupted() {
    return s_interrupted != 0;
}

void waitUntil(const std::function<bool()>& done, const std::function<void()>& onInterrupt) {
    bool told = false;
    QEventLoop loop;
    QTimer timer;
    QObject::connect(&timer, &QTimer::timeout, &loop, [&] {
        if (interrupted() && !told) {
            told = true;
            onInterrupt();
        }
        if (done()) {
            loop.quit();
        }
    });
    timer.start(50);
    if (!done()) {
        loop.exec();
    }
}

bool ProgressLine::onTerminal() const {
    return isatty(STDERR_FILENO) != 0;
}

void ProgressLine::show(const std::string& what, const engine::Progress& progress) {
    std::string text = printable(what);
    if (progress.total > 0) {
        text += "  " + grouped(progress.done) + " of " + grouped(progress.total);
    }
    if (progress.perSecond > 0) {
        text += ", " + grouped(static_cast<std::uint64_t>(progress.perSecond)) + "/s";
    }
    if (!onTerminal()) {
        if (what != m_phase) {
            std::fprintf(stderr, "%s\n", printable(what).c_str());
        }
        m_phase = what;
        return;
    }
    const std::size_t width = text.size();
    text.resize(std::max(width, m_width), ' ');
    std::fprintf(stderr, "\r%s", text.c_str());
    std::fflush(stderr);
    m_phase = what;
    m_width = width;
}

void ProgressLine::clear() {
    if (m_width > 0) {
        std::fprintf(stderr, "\r%*s\r", static_cast<int>(m_width), "");
        std::fflush(stderr);
    }
    m_width = 0;
}

void complain(const std::string& failed, const std::string& remedy) {
    std::fprintf(stderr, "dossier: %s.%s%s\n", printable(failed).c_str(), remedy.empty() ? "" : " ",
                 remedy.empty() ? "" : (printable(remedy) + ".").c_str());
}

} // namespace dossier::app::cli
