// SPDX-License-Identifier: GPL-3.0-or-later
// The lanes view.
#include "ui/lanes/lanes_dialog.h"

#include <QBoxLayout>
#include <QDateTime>
#include <QEvent>
#include <QFileDialog>
#include <QHeaderView>
#include <QLocale>
#include <QMenu>
#include <QTableWidget>
#include <algorithm>

#include "ui/main/jobs_popup.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/meters.h"

namespace dossier::ui {
namespace {

using State = app::ReadingStatus::State;

constexpr int kNumbers[] = {1, 2, 3}; ///< columns of the table that stand right
/// Columns that are cut where there is no room, in this order; their text is in the tooltip.
constexpr int kYielding[] = {2, 0, 4};

QString moment(std::int64_t ms) {
    return ms > 0 ? QLocale().toString(QDateTime::fromMSecsSinceEpoch(ms),
                                       QStringLiteral("d MMM yyyy HH:mm"))
                  : QString();
}

/// "Non-think, Think High"; for a lane of another model or profile how its effort text begins.
QString levelNames(const app::LaneEntry& lane) {
    QStringList names;
    for (const std::string& title : lane.levels) {
        names << QString::fromStdString(title);
    }
    if (names.isEmpty() && !lane.info.prefix.empty()) {
        return LanesDialog::tr("\"%1\"").arg(
            QString::fromStdString(lane.info.prefix.substr(0, lane.info.prefix.find('\n'))));
    }
    return names.isEmpty() ? LanesDialog::tr("without effort text")
                           : names.join(QStringLiteral(", "));
}

/// "good, 24 Nov 2026 18:20"
QString lastCheck(const app::LaneEntry& lane) {
    if (!lane.checked) {
        return LanesDialog::tr("not yet");
    }
    return (lane.checked->good() ? LanesDialog::tr("good, %1") : LanesDialog::tr("not good, %1"))
        .arg(moment(lane.checked->timeMs));
}

/// One or two words; what is wrong in full stands below the table.
QString stateWord(const app::LaneEntry& lane) {
    if (lane.failure) {
        return LanesDialog::tr("cannot be used");
    }
    return !lane.trouble().empty() ? LanesDialog::tr("see below")
           : lane.checked          ? LanesDialog::tr("good")
                                   : LanesDialog::tr("not checked");
}

} // namespace

LanesDialog::LanesDialog(app::Session* session, QWidget* parent)
    : QDialog(parent), m_session(session) {
    setAttribute(Qt::WA_DeleteOnClose);
    setModal(false);
    setObjectName(QStringLiteral("lanes"));
    setWindowTitle(tr("What is read"));
    columnLayout(this, 20, 18, 20, 16, 12);
    buildReading();
    buildTable();
    buildButtons();
    connect(session, &app::Session::lanesChanged, this, &LanesDialog::refresh);
    connect(session, &app::Session::readingChanged, this, &LanesDialog::refreshReading);
    connect(session, &app::Session::jobChanged, this, &LanesDialog::refreshReading);
    connect(session, &app::Session::levelsChanged, this, &LanesDialog::refreshLevels);
    connect(session, &app::Session::contextUseChanged, this, &LanesDialog::refreshLevels);
    connect(session, &QObject::destroyed, this, &QDialog::close);
    refresh();
    const int room = parent != nullptr ? parent->window()->width() - px(32) : px(1120);
    resize(std::min(px(1120), room), px(440));
}

void LanesDialog::buildReading() {
    auto* column = static_cast<QVBoxLayout*>(layout());
    auto* row = rowIn(column, 10);
    row->addWidget(new IconLabel(QStringLiteral("lane"), 18, &Tokens::text2, this));
    m_status = new Label({}, Type::Medium, &Tokens::text, this);
    m_status->setAccessibleName(tr("Reading"));
    m_status->setWordWrap(true);
    row->addWidget(m_status, 1);
    m_meter = new MeterBar(160, 6, 3, this);
    row->addWidget(m_meter);
    m_read = new Button(tr("Read"), QStringLiteral("lane"), Button::Primary, this);
    m_read->setChevron(true);
    connect(m_read, &Button::clicked, this, [this] {
        if (!m_session) {
            return;
        }
        QMenu menu(this);
        for (const app::LevelInfo& level : m_session->levels()) {
            const QString title = QString::fromStdString(level.title);
            QAction* entry = menu.addAction(
                m_session->contextUse().whole
                    ? tr("for %1: %2").arg(title, QString::fromStdString(level.stateText))
                    : tr("for %1").arg(title));
            entry->setEnabled(level.state != app::LevelState::Unavailable);
            connect(entry, &QAction::triggered, this, [this, name = level.name] {
                act([this, name] { m_session->startReading(name); });
            });
        }
        menu.exec(m_read->mapToGlobal(QPoint(0, m_read->height())));
    });
    row->addWidget(m_read);
    m_pause = new Button(tr("Pause"), {}, Button::Normal, this);
    connect(m_pause, &Button::clicked, this, [this] {
        act([this] {
            m_session->reading().state == State::Paused ? m_session->resumeReading()
                                                        : m_session->pauseReading();
        });
    });
    row->addWidget(m_pause);
    m_cancel = new Button(tr("Cancel"), {}, Button::Normal, this);
    connect(m_cancel, &Button::clicked, this, [this] {
        act([this] {
            if (const app::Job* job = laneJob()) {
                m_session->cancelJob(job->id);
            } else {
                m_session->cancelReading();
            }
        });
    });
    row->addWidget(m_cancel);
    m_levels = new Label({}, Type::Small, &Tokens::text2, this);
    m_levels->setWordWrap(true);
    column->addWidget(m_levels);
}

void LanesDialog::buildTable() {
    auto* column = static_cast<QVBoxLayout*>(layout());
    m_table = new QTableWidget(0, 8, this);
    m_table->setHorizontalHeaderLabels({tr("Depth"), tr("Tokens"), tr("On disk"), tr("Frontiers"),
                                        tr("Model"), tr("Last used"), tr("Last check"),
                                        tr("State")});
    m_table->setAccessibleName(tr("Lanes of this dossier"));
    m_table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_table->horizontalHeader()->setHighlightSections(false);
    for (int number : kNumbers) {
        m_table->horizontalHeaderItem(number)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    }
    m_table->horizontalHeader()->setSectionResizeMode(7, QHeaderView::Stretch);
    m_table->verticalHeader()->hide();
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setTabKeyNavigation(false); // Tab leads out of it
    connect(m_table, &QTableWidget::itemSelectionChanged, this, [this] {
        m_deleting.clear();
        refreshReading();
        refreshTrouble();
    });
    m_table->viewport()->installEventFilter(this);
    column->addWidget(m_table, 1);
    m_troubleRow = new QWidget(this);
    auto* row = rowLayout(m_troubleRow, 0, 0, 0, 0, 8);
    row->addWidget(new IconLabel(QStringLiteral("warning"), 16, &Tokens::warn, m_troubleRow), 0,
                   Qt::AlignTop);
    m_trouble = new WrapLabel({}, Type::Small, &Tokens::warn, 17, m_troubleRow);
    row->addWidget(m_trouble, 1);
    m_troubleRow->hide();
    column->addWidget(m_troubleRow);
}

void LanesDialog::buildButtons() {
    auto* row = rowIn(static_cast<QVBoxLayout*>(layout()), 10);
    m_hint = new Label({}, Type::Small, &Tokens::text2, this);
    m_hint->setWordWrap(true);
    row->addWidget(m_hint, 1);
    m_verify = new Button(tr("Check all"), QStringLiteral("verified"), Button::Normal, this);
    connect(m_verify, &Button::clicked, this,
            [this] { act([this] { m_session->verifyLanes(); }); });
    m_move = new Button(tr("Move to another disk…"), {}, Button::Normal, this);
    connect(m_move, &Button::clicked, this, &LanesDialog::askToMove);
    m_delete = new Button(tr("Delete"), {}, Button::Normal, this);
    connect(m_delete, &Button::clicked, this, &LanesDialog::askToDelete);
    for (Button* button : {m_verify, m_move, m_delete}) {
        row->addWidget(button);
    }
}

void LanesDialog::refresh() {
    refreshTable();
    refreshLevels();
    refreshReading();
    refreshTrouble();
}

const app::Job* LanesDialog::laneJob() const {
    for (const app::Job& job : m_session->jobs()) {
        // The only jobs of this kind that a session has; models are checked by the engine's host.
        if (job.kind == app::JobKind::CheckModel && job.state == app::JobState::Running) {
            return &job;
        }
    }
    return nullptr;
}

QString LanesDialog::readingText() const {
    const app::ReadingStatus& status = m_session->reading();
    const auto& levels = m_session->levels();
    const auto level = std::find_if(levels.begin(), levels.end(),
                                    [&](const auto& l) { return l.name == status.level; });
    const QString title =
        QString::fromStdString(level != levels.end() ? level->title : status.level);
    QString text;
    switch (status.state) {
    case State::None:
    case State::Done:
        text = m_session->lanes().empty() ? tr("Nothing has been read yet.")
                                          : tr("Nothing is being read.");
        break;
    case State::Loading:
        text = tr("Reading for %1: loading the model").arg(title);
        break;
    case State::Reading:
        text = tr("Reading for %1: %2 of %3 tokens")
                   .arg(title, number(status.done), number(status.total));
        if (status.perSecond > 0) {
            text += tr(", %1 a second, %2 left")
                        .arg(number(static_cast<std::uint64_t>(status.perSecond)),
                             QString::fromStdString(app::aboutTime(status.secondsLeft())));
        }
        break;
    case State::Paused:
        text = tr("Paused after %1 of %2 tokens").arg(number(status.done), number(status.total));
        break;
    case State::Failed:
        text = status.failure ? QString::fromStdString(status.failure->failed + ". " +
                                                       status.failure->remedy + ".")
                              : tr("Reading failed.");
        break;
    case State::Cancelled:
        text = tr("Cancelled after %1 of %2 tokens; what was read stays")
                   .arg(number(status.done), number(status.total));
        break;
    case State::Interrupted:
        text = tr("Interrupted. Reading again goes on from where it was saved.");
        break;
    }
    if (!status.note.empty()) {
        text += QStringLiteral(" ") + QString::fromStdString(status.note);
    }
    return text;
}

void LanesDialog::refreshReading() {
    if (!m_session) {
        return;
    }
    const app::Job* job = laneJob();
    const app::ReadingStatus& status = m_session->reading();
    m_status->setText(job != nullptr ? jobLine(*job) : readingText());
    const bool reading = status.active() && job == nullptr;
    const bool active = status.active() || job != nullptr;
    const double done = static_cast<double>(job != nullptr ? job->progress.done : status.done);
    const double total = static_cast<double>(job != nullptr ? job->progress.total : status.total);
    const double share = total > 0 ? done / total : 0;
    m_meter->setVisible(active && total > 0);
    m_meter->setParts({{share, tokens().accent, MeterPart::Solid}},
                      job != nullptr ? tr("%1 percent done").arg(static_cast<int>(share * 100))
                                     : tr("%1 percent read").arg(static_cast<int>(share * 100)));
    m_read->setVisible(!active);
    m_pause->setVisible(reading);
    m_pause->setText(status.state == State::Paused ? tr("Go on") : tr("Pause"));
    m_cancel->setVisible(active);
    const bool one = chosen().has_value();
    m_verify->setEnabled(!m_session->lanes().empty() && !active);
    m_move->setEnabled(one && !active);
    m_delete->setEnabled(one && !active);
    m_delete->setText(m_deleting.empty() ? tr("Delete") : tr("Delete for good"));
    m_hint->setText(m_deleting.empty() ? QString()
                                       : tr("Deleting frees the space; the sources would have to "
                                            "be read again."));
}

void LanesDialog::refreshLevels() {
    if (!m_session) {
        return;
    }
    const app::ContextUse use = m_session->contextUse();
    if (!use.whole) {
        // Whether a level is ready says nothing of what is read: its questions need none of it.
        m_levels->setText(QString::fromStdString(use.note) + QLatin1Char(' ') +
                          tr("What is read here is asked with dossier ask --whole in a terminal."));
        return;
    }
    QStringList lines;
    for (const app::LevelInfo& level : m_session->levels()) {
        if (const auto outlook = m_session->laneOutlook(level.name)) {
            lines << tr("%1: %2").arg(QString::fromStdString(level.title),
                                      QString::fromStdString(outlook->text()));
        } else {
            lines << tr("%1: %2").arg(QString::fromStdString(level.title),
                                      QString::fromStdString(level.stateText));
        }
    }
    m_levels->setText(lines.join(QStringLiteral("  ·  ")));
}

void LanesDialog::refreshTable() {
    if (!m_session) {
        return;
    }
    const std::vector<app::LaneEntry>& lanes = m_session->lanes();
    const auto before = chosen();
    m_table->setRowCount(static_cast<int>(lanes.size()));
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        const app::LaneEntry& lane = lanes[i];
        const QString where =
            lane.elsewhere.empty()
                ? QLocale().formattedDataSize(static_cast<qint64>(lane.info.fileBytes))
                : tr("%1 on %2")
                      .arg(QLocale().formattedDataSize(static_cast<qint64>(lane.info.fileBytes)),
                           QString::fromStdString(lane.elsewhere.parent_path().string()));
        const QString cells[] = {levelNames(lane),
                                 number(lane.info.tokens),
                                 where,
                                 number(lane.info.contents.frontiers.size()),
                                 QString::fromStdString(lane.info.modelName),
                                 moment(lane.usedMs),
                                 lastCheck(lane),
                                 stateWord(lane)};
        for (int column = 0; column < 8; ++column) {
            auto* item = new QTableWidgetItem(cells[column]);
            item->setToolTip(cells[column]);
            if (std::find(std::begin(kNumbers), std::end(kNumbers), column) != std::end(kNumbers)) {
                item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            }
            m_table->setItem(static_cast<int>(i), column, item);
        }
        if (before && before->name == lane.name) {
            m_table->selectRow(static_cast<int>(i));
        }
    }
    if (!before && m_table->rowCount() > 0) {
        m_table->selectRow(0);
    }
    fitColumns();
}

void LanesDialog::fitColumns() {
    QHeaderView* header = m_table->horizontalHeader();
    const QAbstractItemView* view = m_table;
    std::vector<int> widths;
    int over = -m_table->viewport()->width();
    for (int column = 0; column < m_table->columnCount(); ++column) {
        widths.push_back(
            std::max(view->sizeHintForColumn(column), header->sectionSizeHint(column)) + px(6));
        over += widths.back();
    }
    for (int column : kYielding) {
        int& width = widths[static_cast<std::size_t>(column)];
        const int yields = std::clamp(width - std::min(width, px(80)), 0, std::max(0, over));
        width -= yields;
        over -= yields;
    }
    for (int column = 0; column + 1 < m_table->columnCount(); ++column) { // the last one stretches
        header->resizeSection(column, widths[static_cast<std::size_t>(column)]);
    }
}

bool LanesDialog::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_table->viewport() && event->type() == QEvent::Resize) {
        fitColumns();
    }
    return QDialog::eventFilter(watched, event);
}

void LanesDialog::refreshTrouble() {
    const auto lane = chosen();
    QString text = lane ? QString::fromStdString(lane->trouble()) : QString();
    if (lane && !text.isEmpty()) {
        if (!text.endsWith(QLatin1Char('.'))) {
            text += QLatin1Char('.');
        }
        text += QLatin1Char(' ') +
                (lane->failure ? QString::fromStdString(lane->failure->remedy) + QLatin1Char('.')
                               : tr("The next reading repairs it."));
    }
    m_trouble->setText(text);
    m_troubleRow->setVisible(!text.isEmpty());
}

std::optional<app::LaneEntry> LanesDialog::chosen() const {
    const int row = m_table->currentRow();
    if (!m_session || row < 0 || static_cast<std::size_t>(row) >= m_session->lanes().size()) {
        return std::nullopt;
    }
    return m_session->lanes()[static_cast<std::size_t>(row)];
}

void LanesDialog::act(const std::function<void()>& action) {
    if (!m_session) {
        return;
    }
    try {
        action();
    } catch (const Error& error) {
        emit failed(app::failureOf(error));
    }
}

void LanesDialog::askToDelete() {
    const auto lane = chosen();
    if (!lane) {
        return;
    }
    if (m_deleting != lane->name) {
        m_deleting = lane->name; // said first, done with the next press
    } else {
        act([&] { m_session->deleteLane(lane->name); });
        m_deleting.clear();
    }
    refreshReading();
}

void LanesDialog::askToMove() {
    const auto lane = chosen();
    if (!lane) {
        return;
    }
    auto* dialog = new QFileDialog(this, tr("Folder on the other disk"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this, [this, name = lane->name](const QString& to) {
        act([&] { m_session->moveLane(name, to.toStdString()); });
    });
    dialog->open();
}

} // namespace dossier::ui
