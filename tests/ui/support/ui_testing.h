// SPDX-License-Identifier: GPL-3.0-or-later
// The application object of the window's tests: our theme, settings of their own, no flash.
#pragma once

#include <QApplication>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>

#include "ui/theme/theme.h"

namespace dossier::test {

class UiApplication : public QApplication {
  public:
    UiApplication(int& argc, char** argv) : QApplication(argc, argv) {
        QStandardPaths::setTestModeEnabled(true);
        setOrganizationName(QStringLiteral("dossier-tests"));
        setApplicationName(QStringLiteral("Dossier"));
        QSettings::setDefaultFormat(QSettings::IniFormat);
        QSettings::setPath(QSettings::IniFormat, QSettings::UserScope, m_settings.path());
        ui::Theme::instance().apply();
        ui::Theme::instance().setChoice(ui::ThemeChoice::Light);
        ui::Theme::instance().setReduceMotion(true);
    }

  private:
    QTemporaryDir m_settings;
};

} // namespace dossier::test
