// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/sample.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QStandardPaths>

namespace dossier::ui {

Sample loadSample(const std::filesystem::path& folder) {
    QFile file(QString::fromStdString((folder / "sample.json").string()));
    if (!file.open(QIODevice::ReadOnly)) {
        return {};
    }
    const QJsonObject root = QJsonDocument::fromJson(file.readAll()).object();
    Sample sample;
    sample.name = root.value(QLatin1String("name")).toString().toStdString();
    const QJsonArray sources = root.value(QLatin1String("sources")).toArray();
    for (const QJsonValue& source : sources) {
        sample.sources.push_back(
            folder / source.toObject().value(QLatin1String("path")).toString().toStdString());
    }
    const QJsonArray questions = root.value(QLatin1String("questions")).toArray();
    for (const QJsonValue& question : questions) {
        sample.questions.push_back(
            question.toObject().value(QLatin1String("text")).toString().toStdString());
    }
    return sample.name.empty() || sample.sources.empty() ? Sample{} : sample;
}

std::filesystem::path sampleDossierFolder(const Sample& sample) {
    const QString data = QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation);
    return std::filesystem::path(data.toStdString()) / "dossier" / (sample.name + ".dossier");
}

} // namespace dossier::ui
