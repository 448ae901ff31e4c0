// SPDX-License-Identifier: GPL-3.0-or-later
// The list of jobs.
#include "ui/main/jobs_popup.h"

#include <QBoxLayout>
#include <QLocale>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/widgets/basics.h"

namespace dossier::ui {
namespace {

/// Below this, the phases of loading and checking count steps or states instead of bytes.
constexpr std::uint64_t kFewestBytes = 4096;

/// Whether a number says more than the share that is done.
bool counts(const app::Job& job) {
    switch (job.kind) {
    case app::JobKind::LoadModel:
    case app::JobKind::CheckModel:
        return job.progress.total >= kFewestBytes;
    case app::JobKind::Export: // steps of its own
        return false;
    default:
        return true;
    }
}

QString percent(const engine::Progress& progress) {
    return JobCard::tr("%1 %").arg(static_cast<int>(100.0 * static_cast<double>(progress.done) /
                                                    static_cast<double>(progress.total)));
}

QString amount(const app::Job& job, std::uint64_t value) {
    switch (job.kind) {
    case app::JobKind::LoadModel:
    case app::JobKind::CheckModel:
        return QLocale().formattedDataSize(static_cast<qint64>(value), 1,
                                           QLocale::DataSizeSIFormat);
    default:
        return number(value);
    }
}

QString unit(app::JobKind kind) {
    switch (kind) {
    case app::JobKind::AddSources:
        return JobCard::tr("files");
    case app::JobKind::CountTokens:
        return JobCard::tr("sources");
    case app::JobKind::ReadLane:
        return JobCard::tr("tokens");
    default:
        return {};
    }
}

} // namespace

QString jobIcon(app::JobKind kind) {
    switch (kind) {
    case app::JobKind::AddSources:
    case app::JobKind::ReadLane:
        return QStringLiteral("lane");
    case app::JobKind::CountTokens:
        return QStringLiteral("scan");
    case app::JobKind::LoadModel:
    case app::JobKind::CheckModel:
        return QStringLiteral("model");
    case app::JobKind::Export:
        break;
    }
    return QStringLiteral("export");
}

QString jobDetail(const app::Job& job) {
    switch (job.state) {
    case app::JobState::Cancelled:
        return JobCard::tr("Cancelled; what was done is kept");
    case app::JobState::Failed:
        return job.failure ? QString::fromStdString(job.failure->failed) : JobCard::tr("Failed");
    case app::JobState::Done: {
        QStringList parts{job.succeeded > 0 && job.kind == app::JobKind::AddSources
                              ? JobCard::tr("Done · %1 files").arg(number(job.succeeded))
                              : JobCard::tr("Done")};
        if (!job.leftOut.empty()) {
            parts << JobCard::tr("%1 left out").arg(number(job.leftOut.size()));
        }
        if (!job.problems.empty()) {
            parts << JobCard::tr("%1 failed").arg(number(job.problems.size()));
        }
        return parts.join(QStringLiteral(" · "));
    }
    case app::JobState::Running:
        break;
    }
    QStringList parts;
    if (job.progress.total > 0 && !counts(job)) {
        parts << percent(job.progress);
    } else if (job.progress.total > 0) {
        parts << JobCard::tr("%1 of %2 %3")
                     .arg(amount(job, job.progress.done), amount(job, job.progress.total),
                          unit(job.kind))
                     .trimmed();
    } else if (job.progress.done > 0 && counts(job)) {
        parts << QStringLiteral("%1 %2")
                     .arg(amount(job, job.progress.done), unit(job.kind))
                     .trimmed();
    }
    if (!job.item.empty()) {
        parts << QString::fromStdString(job.item);
    }
    return parts.isEmpty() ? JobCard::tr("Starting") : parts.join(QStringLiteral(" · "));
}

QString jobTimeLeft(const app::Job& job) {
    if (job.state != app::JobState::Running || job.progress.perSecond <= 0 ||
        job.progress.total <= job.progress.done) {
        return {};
    }
    const double seconds =
        static_cast<double>(job.progress.total - job.progress.done) / job.progress.perSecond;
    return seconds < 90
               ? JobCard::tr("%1 s left").arg(std::max(1, static_cast<int>(seconds)))
               : JobCard::tr("%1 min left").arg(static_cast<int>(std::lround(seconds / 60)));
}

QString jobLine(const app::Job& job) {
    QString line = QString::fromStdString(job.title);
    if (job.progress.total > 0) {
        line += QStringLiteral(" · ");
        if (job.kind == app::JobKind::AddSources) {
            // Copying and reading count from the beginning each: "copying", "reading".
            const QString phase = QString::fromStdString(job.progress.phase).toLower();
            line += phase.section(QLatin1Char(' '), 0, 0) + QLatin1Char(' ');
        }
        line += percent(job.progress);
    }
    const QString left = jobTimeLeft(job);
    return left.isEmpty() ? line : line + QStringLiteral(" · ") + left;
}

JobCard::JobCard(const app::Job& job, QWidget* parent) : QWidget(parent), m_id(job.id) {
    auto* layout = columnLayout(this, 11, 9, 11, 9, 0);
    auto* top = rowIn(layout, 8);
    m_icon = new IconLabel(jobIcon(job.kind), 16, &Tokens::text2, this);
    m_title = new Label({}, Type::Medium, &Tokens::text, this);
    m_title->setElide(Qt::ElideMiddle, 60);
    m_left = new Label({}, Type::Small, &Tokens::text2, this);
    top->addWidget(m_icon);
    top->addWidget(m_title, 1);
    top->addWidget(m_left);
    addGap(layout, 7);
    m_progress = new ThinProgress(0, 6, this);
    m_progress->setAccessibleName(tr("Progress"));
    layout->addWidget(m_progress);
    addGap(layout, 7);
    auto* bottom = rowIn(layout, 8);
    m_detail = new Label({}, Type::Small, &Tokens::text2, this);
    m_detail->setElide(Qt::ElideMiddle, 60);
    m_button = new Button({}, {}, Button::Normal, this);
    m_button->setHeight(22, Type::Small, 8, 5);
    bottom->addWidget(m_detail, 1);
    bottom->addWidget(m_button);
    m_problems = new Label({}, Type::Small, &Tokens::err, this);
    m_problems->setWordWrap(true);
    layout->addWidget(m_problems);
    connect(m_button, &Button::clicked, this,
            [this] { m_running ? emit cancelRequested(m_id) : emit dismissRequested(m_id); });
    setJob(job);
}

void JobCard::setJob(const app::Job& job) {
    m_running = job.state == app::JobState::Running;
    m_title->setText(QString::fromStdString(job.title));
    m_left->setText(jobTimeLeft(job));
    m_detail->setText(jobDetail(job));
    m_progress->setVisible(m_running);
    m_progress->setValue(job.progress.total == 0 ? -1
                                                 : static_cast<double>(job.progress.done) /
                                                       static_cast<double>(job.progress.total));
    m_button->setText(m_running ? tr("Cancel") : tr("Remove"));
    m_button->updateGeometry();
    QStringList problems;
    if (job.failure) {
        problems << QString::fromStdString(job.failure->remedy);
    }
    for (std::size_t i = 0; i < job.problems.size() && i < 4; ++i) {
        const auto& problem = job.problems[i];
        problems << QStringLiteral("%1: %2").arg(QString::fromStdString(problem.path),
                                                 QString::fromStdString(problem.failure.failed));
    }
    if (job.problems.size() > 4) {
        problems << tr("and %1 more").arg(number(job.problems.size() - 4));
    }
    m_problems->setText(problems.join(QLatin1Char('\n')));
    m_problems->setVisible(!problems.isEmpty());
}

void JobCard::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    p.setPen(QPen(tokens().line, 1));
    p.setBrush(tokens().base);
    p.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), pxF(5), pxF(5));
}

JobsPopup::JobsPopup(QWidget* parent) : PopupFrame(parent) {
    setAccessibleName(tr("Jobs"));
    m_list = columnLayout(this, 8, 8, 8, 8, 6);
    m_none = new Label(tr("Nothing is running."), Type::Small, &Tokens::text2, this);
    m_list->addWidget(m_none);
    onThemeChange(this, [this] { setFixedWidth(px(360)); });
}

void JobsPopup::setJobs(const std::vector<app::Job>& jobs) {
    m_none->setVisible(jobs.empty());
    // Newest first, at most eight: the list must fit a small window.
    std::vector<const app::Job*> shown;
    for (auto it = jobs.rbegin(); it != jobs.rend() && shown.size() < 8; ++it) {
        shown.push_back(&*it);
    }
    const bool same =
        shown.size() == m_cards.size() &&
        std::equal(shown.begin(), shown.end(), m_cards.begin(),
                   [](const app::Job* job, const JobCard* card) { return job->id == card->id(); });
    if (same) {
        for (std::size_t i = 0; i < shown.size(); ++i) {
            m_cards[i]->setJob(*shown[i]);
        }
    } else {
        for (JobCard* card : m_cards) {
            card->hide();
            card->deleteLater();
        }
        m_cards.clear();
        for (const app::Job* job : shown) {
            auto* card = new JobCard(*job, this);
            connect(card, &JobCard::cancelRequested, this, &JobsPopup::cancelRequested);
            connect(card, &JobCard::dismissRequested, this, &JobsPopup::dismissRequested);
            m_list->addWidget(card);
            m_cards.push_back(card);
        }
    }
    adjustSize();
}

} // namespace dossier::ui
