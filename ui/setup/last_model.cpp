// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/setup/last_model.h"

#include <QSettings>

namespace dossier::ui {

void rememberModel(const engine::LoadOptions& options, const std::filesystem::path& builtIn) {
    QSettings settings;
    settings.setValue(QStringLiteral("model/path"),
                      options.model == builtIn ? QString()
                                               : QString::fromStdString(options.model.string()));
    settings.setValue(QStringLiteral("model/vramLeaveFree"),
                      static_cast<qulonglong>(options.vramLeaveFree));
    settings.setValue(QStringLiteral("model/ramLeaveFree"),
                      static_cast<qulonglong>(options.ramLeaveFree));
}

engine::LoadOptions lastModel(const std::filesystem::path& builtIn) {
    const QSettings settings;
    engine::LoadOptions options;
    const QString path = settings.value(QStringLiteral("model/path")).toString();
    options.model = path.isEmpty() ? builtIn : std::filesystem::path(path.toStdString());
    const auto bytes = [&](const char* key, std::uint64_t otherwise) {
        return settings.value(QLatin1String(key), static_cast<qulonglong>(otherwise)).toULongLong();
    };
    options.vramLeaveFree = bytes("model/vramLeaveFree", options.vramLeaveFree);
    options.ramLeaveFree = bytes("model/ramLeaveFree", options.ramLeaveFree);
    return options;
}

} // namespace dossier::ui
