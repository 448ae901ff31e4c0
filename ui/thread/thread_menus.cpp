// SPDX-License-Identifier: GPL-3.0-or-later
// The menus of the thread column.
#include <QApplication>
#include <QClipboard>
#include <QInputDialog>
#include <QLocale>
#include <QMenu>

#include "ui/playbooks.h"
#include "ui/thread/thread_panel.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

void ThreadPanel::moreMenu(const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Fold all questions"), this, [this] {
        for (Entry& entry : m_entries) {
            fold(entry);
        }
    });
    menu->addAction(tr("Unfold all questions"), this, [this] {
        for (Entry& entry : m_entries) {
            unfold(entry);
        }
    });
    auto* thinking = menu->addAction(tr("Show thinking"), this, &ThreadPanel::toggleThinking);
    thinking->setCheckable(true);
    thinking->setChecked(m_thinkingOpen);
    menu->addSeparator();
    menu->addAction(tr("Rename this branch…"), this, [this] {
        if (!m_session) {
            return;
        }
        auto* dialog = new QInputDialog(this);
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setWindowTitle(tr("Rename this branch"));
        dialog->setLabelText(tr("Name"));
        dialog->setTextValue(m_threadButton->text());
        connect(dialog, &QInputDialog::textValueSelected, this, [this](const QString& name) {
            if (m_session && !name.trimmed().isEmpty()) {
                m_session->renameThread(m_thread, name.trimmed().toStdString());
            }
        });
        dialog->open();
    });
    menu->popup(at);
}

void ThreadPanel::threadMenu() {
    if (!m_session) {
        return;
    }
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (const app::Thread& thread : m_session->threads()) {
        QString text = QString::fromStdString(thread.name);
        if (!thread.documents.empty()) {
            text += tr("   begins behind %1").arg(QString::fromStdString(thread.documents.back()));
        } else if (thread.forkedAfter) {
            if (const app::Question* from = m_session->question(*thread.forkedAfter)) {
                text += tr("   forked after question %1").arg(from->number);
            }
        }
        auto* action = menu->addAction(text, this, [this, id = thread.id] { showThread(id); });
        action->setCheckable(true);
        action->setChecked(thread.id == m_thread);
    }
    menu->popup(m_threadButton->mapToGlobal(QPoint(0, m_threadButton->height())));
}

void ThreadPanel::refreshOrigin() {
    QString text, names;
    const auto origin = m_session ? m_session->branchOrigin(m_thread) : std::vector<std::string>{};
    if (!origin.empty()) {
        const std::vector<app::SourceId> seen = m_session->documentsOf(m_thread);
        text = tr("Begins behind %1: questions see %2.")
                   .arg(QString::fromStdString(origin.back()),
                        origin.size() == 1 ? tr("this document")
                                           : tr("%1 documents").arg(number(origin.size())));
        if (const std::size_t gone = origin.size() - seen.size(); gone > 0) {
            text += gone == 1 ? tr(" One of them takes no part now.")
                              : tr(" %1 of them take no part now.").arg(number(gone));
        }
        constexpr std::size_t kMostNames = 30;
        for (std::size_t i = 0; i < std::min(origin.size(), kMostNames); ++i) {
            names += (i > 0 ? QStringLiteral("\n") : QString()) + QString::fromStdString(origin[i]);
        }
        names += origin.size() > kMostNames ? QStringLiteral("\n…") : QString();
    }
    m_origin->setText(text);
    m_origin->setToolTip(names);
    m_origin->setAccessibleName(text);
    m_originRow->setVisible(!text.isEmpty());
}

void ThreadPanel::sourceMenu(const QPoint& at) {
    if (!m_session) {
        return;
    }
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    int shown = 0;
    for (const app::SourceId id : m_session->documentsOf(m_thread)) {
        const app::Source* source = m_session->source(id);
        if (source == nullptr || ++shown > 40) {
            continue;
        }
        menu->addAction(QString::fromStdString(source->path()), this, [this, id] {
            if (const app::Source* chosen = m_session ? m_session->source(id) : nullptr) {
                m_composer->addNamed(*chosen);
            }
        });
    }
    if (shown == 0) {
        menu->addAction(tr("No source is ready"))->setEnabled(false);
    } else if (shown > 40) {
        menu->addAction(tr("%1 more: use the check boxes of the tree").arg(shown - 40))
            ->setEnabled(false);
    }
    menu->popup(at - QPoint(0, menu->sizeHint().height()));
}

void ThreadPanel::playbookMenu(const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (const Playbook& playbook : playbooks()) {
        QMenu* part = menu->addMenu(playbook.title);
        for (const PlaybookQuestion& question : playbook.questions) {
            part->addAction(question.label, this,
                            [this, text = question.text] { m_composer->setText(text); });
        }
    }
    menu->popup(at - QPoint(0, menu->sizeHint().height()));
}

void ThreadPanel::answerMenu(Exchange* exchange, const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Ask this again, edited"), this, [this, exchange] {
        m_composer->setText(QString::fromStdString(exchange->question().text));
    });
    menu->addAction(tr("Copy the question"), this, [exchange] {
        QApplication::clipboard()->setText(QString::fromStdString(exchange->question().text));
    });
    if (!exchange->answer().thinking.empty()) {
        menu->addAction(tr("Copy the thinking"), this, [exchange] {
            QApplication::clipboard()->setText(QString::fromStdString(exchange->answer().thinking));
        });
    }
    menu->addSeparator();
    const app::Answer& answer = exchange->answer();
    QString facts = QString::fromStdString(answer.model);
    if (answer.seconds > 0) {
        facts += tr(" · %1 s").arg(QLocale().toString(answer.seconds, 'f', 1));
    }
    if (answer.promptTokens > 0) {
        facts += tr(" · read %1 tokens, wrote %2")
                     .arg(number(answer.promptTokens), number(answer.answerTokens));
    }
    menu->addAction(facts)->setEnabled(false);
    menu->popup(at);
}

} // namespace dossier::ui
