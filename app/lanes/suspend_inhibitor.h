// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the computer from going to sleep while something long runs, where a session manager
// (logind) can be asked to.
#pragma once

#include <memory>
#include <string>

namespace dossier::app {

class SuspendInhibitor {
  public:
    explicit SuspendInhibitor(const std::string& why);
    ~SuspendInhibitor(); ///< the computer may sleep again
    SuspendInhibitor(const SuspendInhibitor&) = delete;
    SuspendInhibitor& operator=(const SuspendInhibitor&) = delete;

    bool active() const; ///< false: there is nobody to ask, or it refused

  private:
    struct Held;
    std::unique_ptr<Held> m_held;
};

} // namespace dossier::app
