// SPDX-License-Identifier: GPL-3.0-or-later
// What comes into a dossier and goes out of it. A change that costs reading says its price first.
#include <QFileDialog>
#include <QInputDialog>
#include <QLineEdit>
#include <QSettings>
#include <QUndoStack>
#include <algorithm>

#include "app/reading/changed.h"
#include "ui/add/add_preview.h"
#include "ui/async.h"
#include "ui/main/main_window.h"
#include "ui/main/undo_commands.h"
#include "ui/sources/sources_panel.h"

namespace dossier::ui {

// ---------------------------------------------------------------- adding

void MainWindow::askFiles() {
    auto* dialog = new QFileDialog(this, tr("Add files"),
                                   QSettings().value(QStringLiteral("addFrom")).toString());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFiles);
    connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) {
        std::vector<std::filesystem::path> paths;
        for (const QString& file : files) {
            paths.emplace_back(file.toStdString());
        }
        if (!paths.empty()) {
            QSettings().setValue(QStringLiteral("addFrom"),
                                 QString::fromStdString(paths.front().parent_path().string()));
        }
        addPaths(paths);
    });
    dialog->open();
}

void MainWindow::askFolder() {
    auto* dialog = new QFileDialog(this, tr("Add a folder"),
                                   QSettings().value(QStringLiteral("addFrom")).toString());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& folder) {
        QSettings().setValue(QStringLiteral("addFrom"), folder);
        addPaths({folder.toStdString()});
    });
    dialog->open();
}

void MainWindow::addPaths(const std::vector<std::filesystem::path>& paths) {
    if (paths.empty()) {
        return;
    }
    if (!m_session) {
        // The first thing that is added names the new dossier.
        std::string name = paths.front().stem().string();
        std::filesystem::path folder = m_services.dossiersFolder / (name + ".dossier");
        for (int i = 2; std::filesystem::exists(folder); ++i) {
            folder = m_services.dossiersFolder / (name + " " + std::to_string(i) + ".dossier");
        }
        if (!newDossier(folder)) {
            return;
        }
    }
    std::error_code error;
    const bool few =
        paths.size() <= 5 && std::none_of(paths.begin(), paths.end(), [&](const auto& path) {
            return std::filesystem::is_directory(path, error);
        });
    app::AddRequest request;
    request.paths = paths;
    if (few) {
        askBeforeAdding(request);
        return;
    }
    const auto model =
        m_services.engine != nullptr ? m_services.engine->status().model : std::nullopt;
    auto* preview =
        new AddPreview(paths, m_session.get(), model ? model->path : std::filesystem::path());
    preview->setCompact(m_compact);
    connect(preview, &AddPreview::accepted, this, [this, preview](const app::AddRequest& chosen) {
        addSources(chosen);
        m_viewer->closePage(preview);
    });
    connect(preview, &AddPreview::cancelled, this,
            [this, preview] { m_viewer->closePage(preview); });
    connect(preview, &AddPreview::message, this, &MainWindow::report);
    setMode(Mode::Read);
    m_viewer->openPage(preview, QStringLiteral("add-folder"), preview->title());
}

void MainWindow::addSources(const app::AddRequest& request) {
    try {
        m_session->addSources(request);
    } catch (const Error& failure) {
        report(app::failureOf(failure), QStringLiteral("add"));
    }
}

void MainWindow::askBeforeAdding(const app::AddRequest& request) {
    const auto& sources = m_session->sources();
    if (sources.empty()) {
        addSources(request);
        return;
    }
    runAsync(
        m_session.get(),
        [request, present = sources](std::stop_token stop) {
            return app::changedSources(request, present, stop);
        },
        [this, request](const std::vector<app::SourceId>& changed) {
            if (changed.empty()) {
                addSources(request);
                return;
            }
            m_session->priceOf(
                app::SourceChange::Replaced, changed, this,
                [this, request, changed](const std::optional<app::LanePrice>& price) {
                    if (!price || price->again == 0) {
                        addSources(request);
                        return;
                    }
                    askPrice({Message::Info,
                              QStringLiteral("price"),
                              tr("%1 changed since then. Put the new text in its place?")
                                  .arg(namesOf(changed)),
                              {},
                              {{tr("Put in its place"), [this, request] { addSources(request); }},
                               {tr("Leave as it is"), {}}}},
                             *price);
                });
        });
}

// ---------------------------------------------------------------- removing

QString MainWindow::namesOf(const std::vector<app::SourceId>& ids) const {
    const app::Source* first = m_session && !ids.empty() ? m_session->source(ids.front()) : nullptr;
    return ids.size() == 1 && first != nullptr ? tr("“%1”").arg(QString::fromStdString(first->name))
                                               : tr("%1 sources").arg(ids.size());
}

void MainWindow::askPrice(Message message, const app::LanePrice& price) {
    const QString text = QString::fromStdString(price.text());
    message.text = tr("Of what the model has read this %1.").arg(text);
    message.question = true;
    messages()->show(message);
}

void MainWindow::removeSources(std::vector<app::SourceId> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (!m_session || ids.empty()) {
        return;
    }
    m_session->priceOf(
        app::SourceChange::Removed, ids, this,
        [this, ids](const std::optional<app::LanePrice>& price) {
            if (!price || price->again == 0) {
                takeOut(ids);
                return;
            }
            askPrice({Message::Info,
                      QStringLiteral("price"),
                      tr("Take %1 out of the dossier?").arg(namesOf(ids)),
                      {},
                      {{tr("Take out"), [this, ids] { takeOut(ids); }}, {tr("Keep"), {}}}},
                     *price);
        });
}

void MainWindow::takeOut(const std::vector<app::SourceId>& ids) {
    m_undo->push(new RemoveSources(m_session.get(), ids));
    messages()->show({Message::Info,
                      QStringLiteral("removed"),
                      ids.size() == 1
                          ? tr("One source was taken out of the dossier.")
                          : tr("%1 sources were taken out of the dossier.").arg(ids.size()),
                      {},
                      {{tr("Undo"), [this] { m_undo->undo(); }}}});
}

// ---------------------------------------------------------------- failures

void MainWindow::reportSourceFailures(const std::vector<app::SourceId>& ids) {
    std::vector<const app::Source*> failed;
    for (const app::SourceId id : ids) {
        const app::Source* source = m_session->source(id);
        const auto key = static_cast<long long>(id);
        if (source != nullptr && source->state == app::SourceState::Failed &&
            std::find(m_failedShown.begin(), m_failedShown.end(), key) == m_failedShown.end()) {
            m_failedShown.push_back(key);
            failed.push_back(source);
        }
    }
    if (failed.empty()) {
        return;
    }
    std::vector<app::SourceId> failedIds;
    for (const app::Source* source : failed) {
        failedIds.push_back(source->id);
    }
    Message message;
    message.cause = QStringLiteral("sources");
    const std::string* remedy = nullptr;
    if (failed.size() == 1) {
        const app::Source* source = failed.front();
        message.title = tr("%1 could not be read").arg(QString::fromStdString(source->name));
        remedy = source->failure ? &source->failure->failed : nullptr;
        if (source->failure && source->failure->code == ErrorCode::Encrypted) {
            message.actions.push_back(
                {tr("Enter the password…"), [this, id = source->id] { askPassword(id); }});
        }
    } else {
        message.title = tr("%1 sources could not be read").arg(failed.size());
    }
    message.text =
        (remedy != nullptr ? QString::fromStdString(*remedy) + QStringLiteral(". ") : QString()) +
        tr("The others are read; answers do not cover %1.")
            .arg(failed.size() == 1 ? tr("this one") : tr("these"));
    message.actions.push_back({tr("Try again"), [this, failedIds] {
                                   for (const app::SourceId id : failedIds) {
                                       std::erase(m_failedShown, static_cast<long long>(id));
                                   }
                                   m_session->readAgain(failedIds);
                               }});
    message.actions.push_back({tr("Leave out"), [this, failedIds] {
                                   m_undo->push(new RemoveSources(m_session.get(), failedIds));
                               }});
    messages()->show(message);
}

void MainWindow::askPassword(app::SourceId id) {
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Password"));
    dialog->setLabelText(
        tr("Password of %1").arg(QString::fromStdString(m_session->source(id)->name)));
    dialog->setTextEchoMode(QLineEdit::Password);
    connect(dialog, &QInputDialog::textValueSelected, this, [this, id](const QString& password) {
        std::erase(m_failedShown, static_cast<long long>(id));
        m_session->readAgain({id}, password.toStdString());
    });
    dialog->open();
}

} // namespace dossier::ui
