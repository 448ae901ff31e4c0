// SPDX-License-Identifier: GPL-3.0-or-later
// Reading the playbooks.
#include "ui/playbooks.h"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace dossier::ui {

const std::vector<Playbook>& playbooks() {
    static const std::vector<Playbook> list = [] {
        std::vector<Playbook> result;
        for (const QString& name : QDir(QStringLiteral(":/playbooks")).entryList()) {
            QFile file(QStringLiteral(":/playbooks/") + name);
            if (!file.open(QIODevice::ReadOnly)) {
                continue;
            }
            const QJsonObject object = QJsonDocument::fromJson(file.readAll()).object();
            Playbook playbook;
            playbook.title = object.value(QStringLiteral("title")).toString();
            for (const auto& entry : object.value(QStringLiteral("questions")).toArray()) {
                const QJsonObject question = entry.toObject();
                playbook.questions.push_back({question.value(QStringLiteral("label")).toString(),
                                              question.value(QStringLiteral("text")).toString()});
            }
            if (!playbook.title.isEmpty() && !playbook.questions.empty()) {
                result.push_back(std::move(playbook));
            }
        }
        return result;
    }();
    return list;
}

} // namespace dossier::ui
