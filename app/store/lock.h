// SPDX-License-Identifier: GPL-3.0-or-later
// One writer at a time: the lock that a window or a command holds on a dossier while it is open.
#pragma once

#include <filesystem>
#include <string>

namespace dossier::app {

/// Holds `folder`/dossier.lock. The system's file lock decides, so that a killed program leaves
/// nothing behind; the text in the file only tells the next one who holds it.
class DossierLock {
  public:
    /// Editing: of the dossier's folder, by who has it open. Reading: of its folder of lanes, by
    /// the process that reads; so one can open the dossier and ask while it is being read.
    enum class Purpose { Editing, Reading };
    /// Throws Error(Busy) naming program, process and computer of the holder; Permission, Io.
    explicit DossierLock(const std::filesystem::path& folder, Purpose = Purpose::Editing);
    ~DossierLock();
    DossierLock(const DossierLock&) = delete;
    DossierLock& operator=(const DossierLock&) = delete;

    /// Whether somebody holds the lock of this folder now.
    static bool held(const std::filesystem::path& folder);

    /// True when the holder before us did not end properly.
    bool foundUnclean() const { return m_unclean; }

  private:
    std::filesystem::path m_file;
    int m_descriptor = -1;
    bool m_unclean = false;
};

} // namespace dossier::app
