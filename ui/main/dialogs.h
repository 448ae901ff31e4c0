// SPDX-License-Identifier: GPL-3.0-or-later
// Settings, the list of shortcuts, and how to check that the program is offline. None is modal.
#pragma once

#include <QDialog>
#include <vector>

#include "app/engine_host.h"

namespace dossier::ui {

class SettingsDialog : public QDialog {
    Q_OBJECT

  public:
    explicit SettingsDialog(QWidget* parent = nullptr);

  signals:
    void modelRequested();
};

class ShortcutsDialog : public QDialog {
    Q_OBJECT

  public:
    /// Name and keys of every action, in menu order.
    explicit ShortcutsDialog(const std::vector<std::pair<QString, QString>>& actions,
                             QWidget* parent = nullptr);
};

class OfflineDialog : public QDialog {
    Q_OBJECT

  public:
    explicit OfflineDialog(QWidget* parent = nullptr);
};

/// Network sockets that this process holds now, by reading /proc: 0 is the promise.
int openNetworkSockets();

/// Reads theme, text size and motion from the settings and applies them.
void applySavedLook();

} // namespace dossier::ui
