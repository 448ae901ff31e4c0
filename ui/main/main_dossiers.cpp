// SPDX-License-Identifier: GPL-3.0-or-later
// Opening, making and closing dossiers; failures as bars.
#include <QDateTime>
#include <QLineEdit>
#include <QLocale>
#include <QSettings>
#include <QUndoStack>
#include <algorithm>

#include "ui/main/empty_page.h"
#include "ui/main/main_window.h"
#include "ui/main/notes_strip.h"
#include "ui/report/report_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/thread/thread_panel.h"

namespace dossier::ui {
namespace {

/// Causes of bars that speak of the dossier that is open, or of one that could not be opened.
constexpr const char* kOfTheDossier[] = {"open",    "price",   "removed", "gone",
                                         "sources", "changed", "add",     "annotate",
                                         "compare", "ask",     "fork",    "export"};

} // namespace

bool MainWindow::openDossier(const std::filesystem::path& folder) {
    std::error_code ignored;
    if (m_session && (folder == m_session->folder() ||
                      std::filesystem::equivalent(folder, m_session->folder(), ignored))) {
        messages()->withdraw(QStringLiteral("open"));
        return true; // this window holds it
    }
    try {
        adoptSession(app::Session::open(folder, m_services.session));
        return true;
    } catch (const Error& error) {
        reportUnopened(app::failureOf(error), folder);
        return false;
    }
}

void MainWindow::reportUnopened(const app::Failure& failure, const std::filesystem::path& folder) {
    reportWith(failure, QStringLiteral("open"),
               failure.code == ErrorCode::Busy
                   ? std::vector<Message::Action>{{tr("Try again"),
                                                   [this, folder] { openDossier(folder); }}}
                   : std::vector<Message::Action>{});
}

bool MainWindow::newDossier(const std::filesystem::path& folder) {
    try {
        std::error_code ignored;
        std::filesystem::create_directories(folder.parent_path(), ignored);
        adoptSession(app::Session::create(folder, m_services.session));
        return true;
    } catch (const Error& error) {
        report(app::failureOf(error), QStringLiteral("open"));
        return false;
    }
}

void MainWindow::adoptSession(std::unique_ptr<app::Session> session) {
    closeDossier();
    m_session = std::move(session);
    m_services.firstRun = false;
    connectSession();
    m_level = m_session->setting("level");
    const auto levels = m_session->levels();
    const bool known = std::any_of(levels.begin(), levels.end(),
                                   [&](const app::LevelInfo& l) { return l.name == m_level; });
    m_level = known ? m_level : m_session->defaultLevel();
    const QString name = QString::fromStdString(m_session->name());
    setWindowTitle(tr("%1 – Dossier").arg(name));
    m_toolBar->setDossier(name);
    m_sources->setSession(m_session.get());
    m_viewer->setSession(m_session.get(), m_renderer.get());
    m_thread->setSession(m_session.get());
    m_report->setSession(m_session.get(), m_renderer.get());
    m_body->setCurrentWidget(m_columns);
    m_mode = Mode::Read;
    m_toolBar->setMode(m_mode);
    refreshLevels();
    refreshStatus();
    rememberRecent();
    for (const QString& id : QString::fromStdString(m_session->setting("tabs"))
                                 .split(QLatin1Char(','), Qt::SkipEmptyParts)) {
        m_viewer->openSource(static_cast<app::SourceId>(id.toLongLong()));
    }
    const QString current = QString::fromStdString(m_session->setting("tab"));
    if (!current.isEmpty()) {
        m_viewer->openSource(static_cast<app::SourceId>(current.toLongLong()));
    } else {
        openFirstSource();
    }
    const bool sample = m_session->folder() == m_services.sampleDossier;
    QStringList questions;
    for (const std::string& question : m_services.sampleQuestions) {
        questions << QString::fromStdString(question);
    }
    m_thread->setSuggestions(sample ? questions : QStringList());
    std::vector<app::SourceId> all;
    for (const app::Source& source : m_session->sources()) {
        all.push_back(source.id);
    }
    reportSourceFailures(all);
    checkDisk();
    arrange();
    refreshNotes();
    m_thread->composer()->edit()->setFocus(Qt::OtherFocusReason);
}

void MainWindow::openFirstSource() {
    if (m_viewer->currentPage() != nullptr) {
        return; // one opens nothing over another
    }
    for (const app::Source& source : m_session->sources()) {
        if (source.state == app::SourceState::Ready) {
            m_viewer->openSource(source.id);
            return;
        }
    }
}

void MainWindow::closeDossier() {
    if (m_session) {
        rememberLayout();
    }
    m_undo->clear();
    m_backStack.clear();
    m_forwardStack.clear();
    m_failedShown.clear();
    m_takenOut.clear();
    m_checkingDisk = false;
    m_sources->model()->setChangedOnDisk({});
    for (const char* cause : kOfTheDossier) {
        messages()->withdraw(QLatin1String(cause));
    }
    m_thread->setSession(nullptr);
    m_viewer->setSession(nullptr, nullptr);
    m_sources->setSession(nullptr);
    m_report->setSession(nullptr, nullptr);
    m_session.reset();
    setWindowTitle(tr("Dossier"));
    m_toolBar->setDossier({});
    m_toolBar->setHistory(false, false);
    m_toolBar->setCanStop(false);
    m_body->setCurrentWidget(m_empty);
    m_mode = Mode::Read;
    m_toolBar->setMode(m_mode);
    refreshLevels();
    refreshStatus();
    rememberRecent();
    arrange();
}

void MainWindow::openSample(const QString& question) {
    if (m_services.sampleDossier.empty()) {
        return;
    }
    m_services.firstRun = false;
    if (m_session && m_session->folder() == m_services.sampleDossier) {
        setMode(Mode::Read); // it is open already
    } else {
        std::error_code ignored;
        const bool there = std::filesystem::exists(m_services.sampleDossier, ignored);
        if (!(there ? openDossier(m_services.sampleDossier)
                    : newDossier(m_services.sampleDossier))) {
            return;
        }
        fillSample();
    }
    if (!question.isEmpty()) {
        m_thread->askText(question);
    }
}

void MainWindow::openLast() {
    const std::filesystem::path last =
        QSettings().value(QStringLiteral("lastDossier")).toString().toStdString();
    std::error_code ignored;
    if (last.empty() || last == m_services.sampleDossier ||
        !std::filesystem::exists(last, ignored)) {
        openSample();
        return;
    }
    openDossier(last); // a bar says why it cannot be: the sample would hide that
}

void MainWindow::fillSample() {
    // Also after a first time that was interrupted: what is missing is added.
    app::AddRequest request;
    for (const std::filesystem::path& path : m_services.sampleSources) {
        const std::string name = path.filename().string();
        const auto& sources = m_session->sources();
        const bool there =
            std::any_of(sources.begin(), sources.end(), [&](const app::Source& source) {
                return source.path() == name || source.path().starts_with(name + "/");
            });
        if (!there) {
            request.paths.push_back(path);
        }
    }
    if (request.paths.empty()) {
        return;
    }
    try {
        m_session->addSources(request);
    } catch (const Error& failure) {
        report(app::failureOf(failure), QStringLiteral("add"));
    }
}

void MainWindow::rememberRecent() {
    QSettings settings;
    QStringList recent = settings.value(QStringLiteral("recent")).toStringList();
    if (m_session) {
        settings.setValue(QStringLiteral("lastDossier"),
                          QString::fromStdString(m_session->folder().string()));
        const QString path = QString::fromStdString(m_session->folder().string());
        const QString sample = QString::fromStdString(m_services.sampleDossier.string());
        std::uint64_t tokenCount = 0;
        bool code = false;
        for (const app::Source& source : m_session->sources()) {
            tokenCount += source.tokens.value_or(0);
            code = code || source.format == ingest::Format::Code;
        }
        std::size_t questions = 0;
        for (const app::Thread& thread : m_session->threads()) {
            questions += m_session->questions(thread.id).size();
        }
        settings.setValue(QStringLiteral("recentFacts/") + QString::number(qHash(path)),
                          QStringList{QString::number(tokenCount), QString::number(questions),
                                      code ? QStringLiteral("1") : QStringLiteral("0"),
                                      QString::number(QDateTime::currentSecsSinceEpoch())});
        recent.removeAll(path);
        if (path != sample) {
            recent.prepend(path);
        }
        while (recent.size() > 8) {
            recent.removeLast();
        }
        settings.setValue(QStringLiteral("recent"), recent);
        return;
    }
    std::vector<RecentDossier> shown;
    for (const QString& path : recent) {
        if (shown.size() >= 5 || !std::filesystem::exists(path.toStdString())) {
            continue;
        }
        const QStringList facts =
            settings.value(QStringLiteral("recentFacts/") + QString::number(qHash(path)))
                .toStringList();
        RecentDossier dossier;
        dossier.path = path;
        dossier.name =
            QString::fromStdString(std::filesystem::path(path.toStdString()).stem().string());
        if (facts.size() == 4) {
            const qulonglong questions = facts[1].toULongLong();
            dossier.facts =
                tr("%1 tokens · %2")
                    .arg(QLocale().toString(facts[0].toULongLong()),
                         questions == 1 ? tr("1 question") : tr("%1 questions").arg(questions));
            dossier.code = facts[2] == QLatin1String("1");
            const QDateTime when = QDateTime::fromSecsSinceEpoch(facts[3].toLongLong());
            const qint64 days = when.date().daysTo(QDate::currentDate());
            dossier.when =
                days == 0
                    ? tr("today %1").arg(QLocale().toString(when.time(), QLocale::ShortFormat))
                : days == 1 ? tr("yesterday")
                            : QLocale().toString(when.date(), QStringLiteral("d MMM"));
        }
        shown.push_back(std::move(dossier));
    }
    m_empty->setRecent(shown);
}

void MainWindow::report(const app::Failure& failure, const QString& cause) {
    reportWith(failure, cause, {});
}

void MainWindow::reportWith(const app::Failure& failure, const QString& cause,
                            const std::vector<Message::Action>& actions) {
    Message message = messageOf(failure, cause);
    message.actions.insert(message.actions.end(), actions.begin(), actions.end());
    if (cause == QLatin1String("ask") && failure.code == ErrorCode::TooLarge) {
        message.actions.push_back({tr("Show the sources"), [this] { setSourcesShown(true); }});
    }
    if (!m_session || m_mode != Mode::Read) {
        setMode(Mode::Read);
        if (!m_session) {
            m_body->setCurrentWidget(m_columns); // the bars live over the document
            arrange();
        }
    }
    messages()->show(message);
}

} // namespace dossier::ui
