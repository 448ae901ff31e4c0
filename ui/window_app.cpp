// SPDX-License-Identifier: GPL-3.0-or-later
// Running the window.
#include "ui/window_app.h"

#include <QApplication>
#include <QSettings>
#include <QStandardPaths>

#include "ui/access/accessible.h"
#include "ui/main/dialogs.h"
#include "ui/main/main_window.h"
#include "ui/setup/setup_page.h"
#include "ui/theme/icons.h"
#include "ui/theme/theme.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {

void prepareApplication(QApplication& application) {
    QApplication::setOrganizationName(QStringLiteral("Dossier"));
    QApplication::setApplicationName(QStringLiteral("Dossier"));
    QApplication::setDesktopFileName(QStringLiteral("dossier"));
    installAccessibility();
    Theme::instance().apply();
    applySavedLook();
    application.setWindowIcon(applicationIcon());
}

std::filesystem::path defaultDossiersFolder() {
    const QString documents = QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation);
    return std::filesystem::path(documents.toStdString()) / "Dossiers";
}

int runWindow(QApplication& application, WindowServices services, const WindowStart& start) {
    const QSettings settings;
    if (services.dossiersFolder.empty()) {
        services.dossiersFolder = defaultDossiersFolder();
    }
    const QString author = settings.value(QStringLiteral("author")).toString();
    if (services.session.author.empty() && !author.isEmpty()) {
        services.session.author = author.toStdString();
    }
    const bool named = start.dossier || !start.add.empty() || start.sample;
    services.firstRun = !named && !settings.value(QStringLiteral("setupDone"), false).toBool();
    MainWindow window(services);
    window.show();
    if (start.dossier) {
        std::error_code ignored;
        std::filesystem::exists(*start.dossier, ignored) ? window.openDossier(*start.dossier)
                                                         : window.newDossier(*start.dossier);
    }
    if (!start.add.empty()) {
        window.addPaths(start.add);
    }
    if (start.sample && start.add.empty() && !start.dossier) {
        window.openLast();
    }
    if (services.firstRun) {
        window.showSetup(SetupPage::Welcome);
    }
    if (services.loadDefaultModel) {
        services.loadDefaultModel();
    }
    if (!start.ask.empty() && window.session() != nullptr) {
        window.thread()->askText(QString::fromStdString(start.ask));
    }
    return application.exec();
}

} // namespace dossier::ui
