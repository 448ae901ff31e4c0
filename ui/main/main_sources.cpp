// SPDX-License-Identifier: GPL-3.0-or-later
// What comes into a dossier and goes out of it. A change that costs reading says its price first.
#include <QFileDialog>
#include <QInputDialog>
#include <QLineEdit>
#include <QSettings>
#include <QUndoStack>
#include <algorithm>
#include <set>

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
                    Message message{
                        Message::Info,
                        QStringLiteral("price"),
                        tr("%1 changed since then. Put the new text in its place?")
                            .arg(namesOf(changed)),
                        priceText(*price),
                        {{tr("Put in its place"), [this, request] { addSources(request); }},
                         {tr("Leave as it is"), {}}}};
                    message.question = true;
                    messages()->show(message);
                });
        });
}

// ---------------------------------------------------------------- changes on disk

namespace {

/// The file that was added, or the folder that it was added with.
std::filesystem::path rootOf(const app::Source& source) {
    std::filesystem::path root = source.addedFrom;
    for (auto depth = std::ranges::count(source.path(), '/'); depth > 0; --depth) {
        root = root.parent_path();
    }
    return root;
}

} // namespace

void MainWindow::checkDisk() {
    if (!m_session || m_session->sources().empty() || m_checkingDisk) {
        return;
    }
    m_checkingDisk = true;
    app::AddRequest all;
    std::set<std::filesystem::path> roots;
    for (const app::Source& source : m_session->sources()) {
        roots.insert(rootOf(source));
    }
    all.paths.assign(roots.begin(), roots.end());
    runAsync(
        m_session.get(),
        [all, present = m_session->sources()](std::stop_token stop) {
            return app::changedSources(all, present, stop);
        },
        [this](const std::vector<app::SourceId>& changed) {
            m_checkingDisk = false;
            sayChanged(changed);
        });
}

void MainWindow::sayChanged(const std::vector<app::SourceId>& changed) {
    const std::set<app::SourceId> before = m_sources->model()->changedOnDisk();
    const std::set<app::SourceId> now(changed.begin(), changed.end());
    m_sources->model()->setChangedOnDisk(now);
    if (now.empty()) {
        messages()->withdraw(QStringLiteral("changed"));
    }
    if (std::ranges::includes(before, now)) {
        return; // nothing new to tell
    }
    messages()->show({Message::Info,
                      QStringLiteral("changed"),
                      tr("%1 changed on disk").arg(namesOf(changed)),
                      tr("Answers still quote the text as it was added."),
                      {{tr("Read the new text"), [this, changed] {
                            std::set<std::filesystem::path> roots;
                            for (const app::SourceId id : changed) {
                                if (const app::Source* source = m_session->source(id)) {
                                    roots.insert(rootOf(*source));
                                }
                            }
                            addPaths({roots.begin(), roots.end()});
                        }}}});
}

// ---------------------------------------------------------------- removing

QString MainWindow::namesOf(const std::vector<app::SourceId>& ids) const {
    const app::Source* first = m_session && !ids.empty() ? m_session->source(ids.front()) : nullptr;
    return ids.size() == 1 && first != nullptr ? tr("“%1”").arg(QString::fromStdString(first->name))
                                               : tr("%1 sources").arg(ids.size());
}

QString MainWindow::priceText(const app::LanePrice& price) const {
    return tr("Of what the model has read this %1.").arg(QString::fromStdString(price.text()));
}

QString MainWindow::usesText(const std::vector<app::SourceId>& ids) const {
    const auto among = [&ids](app::SourceId id) {
        return std::binary_search(ids.begin(), ids.end(), id);
    };
    const auto cites = [&](app::AnswerId id) {
        const app::Answer* answer = m_session->answer(id);
        return answer != nullptr && std::any_of(answer->citations.begin(), answer->citations.end(),
                                                [&](const app::Citation& citation) {
                                                    return citation.place &&
                                                           among(citation.place->source);
                                                });
    };
    std::set<app::QuestionId> citing; // a branch may show the questions before it, too
    for (const app::Thread& thread : m_session->threads()) {
        for (const app::Question& question : m_session->questions(thread.id)) {
            if (std::any_of(question.answers.begin(), question.answers.end(), cites)) {
                citing.insert(question.id);
            }
        }
    }
    const auto& marks = m_session->marks();
    const auto marked = std::count_if(marks.begin(), marks.end(),
                                      [&](const app::Mark& mark) { return among(mark.source); });
    const QString it = ids.size() == 1 ? tr("it") : tr("them");
    QStringList uses;
    if (!citing.empty()) {
        uses << (citing.size() == 1
                     ? tr("1 answer cites %1").arg(it)
                     : tr("%1 answers cite %2").arg(QString::number(citing.size()), it));
    }
    if (marked > 0) {
        uses << (marked == 1 ? tr("1 note or mark") : tr("%1 notes and marks").arg(marked));
    }
    return uses.isEmpty() ? QString()
                          : tr("%1. All stay, but their places cannot be opened meanwhile.")
                                .arg(uses.join(QStringLiteral(", ")));
}

void MainWindow::removeSources(std::vector<app::SourceId> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (!m_session || ids.empty()) {
        return;
    }
    m_session->priceOf(app::SourceChange::Removed, ids, this,
                       [this, ids](const std::optional<app::LanePrice>& price) {
                           QStringList says{usesText(ids)};
                           if (price && price->again > 0) {
                               says << priceText(*price);
                           }
                           says.removeAll(QString());
                           if (says.isEmpty()) {
                               takeOut(ids);
                               return;
                           }
                           Message message{
                               Message::Info,
                               QStringLiteral("price"),
                               tr("Take %1 out of the dossier?").arg(namesOf(ids)),
                               says.join(QLatin1Char(' ')),
                               {{tr("Take out"), [this, ids] { takeOut(ids); }}, {tr("Keep"), {}}}};
                           message.question = true;
                           messages()->show(message);
                       });
}

void MainWindow::takeOut(const std::vector<app::SourceId>& ids) {
    for (const app::SourceId id : ids) {
        if (const app::Source* source = m_session->source(id)) {
            m_takenOut[id] = QString::fromStdString(source->name);
        }
    }
    m_undo->push(new RemoveSources(m_session.get(), ids));
    messages()->show({Message::Info,
                      QStringLiteral("removed"),
                      ids.size() == 1
                          ? tr("One source was taken out of the dossier.")
                          : tr("%1 sources were taken out of the dossier.").arg(ids.size()),
                      {},
                      {{tr("Undo"), [this] { m_undo->undo(); }}}});
}

bool MainWindow::sayIfTakenOut(app::SourceId id) {
    if (!m_session || m_session->source(id) != nullptr) {
        return false;
    }
    messages()->withdraw(QStringLiteral("removed")); // this one says it again
    Message message;
    message.kind = Message::Info;
    message.cause = QStringLiteral("gone");
    if (const auto known = m_takenOut.find(id); known != m_takenOut.end()) {
        message.title = tr("“%1” was taken out of the dossier.").arg(known->second);
        message.actions.push_back({tr("Put back"), [this, id] {
                                       m_undo->push(new PutBackSources(m_session.get(), {id}));
                                   }});
    } else { // in an earlier session, which alone could put it back
        message.title = tr("This source was taken out of the dossier.");
        message.text = tr("Add the file again to ask about it.");
    }
    if (m_mode != Mode::Read) {
        setMode(Mode::Read);
    }
    messages()->show(message);
    return true;
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
