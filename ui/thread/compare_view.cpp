// SPDX-License-Identifier: GPL-3.0-or-later
// Two branches side by side.
#include "ui/thread/compare_view.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QScrollArea>

#include "ui/thread/exchange.h"

namespace dossier::ui {

CompareView::CompareView(app::Session* session, app::ThreadId first, QWidget* parent)
    : QWidget(parent), m_session(session) {
    auto* layout = rowLayout(this);
    app::ThreadId second = first;
    for (const app::Thread& thread : session->threads()) {
        second = thread.id != first ? thread.id : second;
    }
    layout->addWidget(buildColumn(first), 1);
    layout->addWidget(new Line(Qt::Vertical, &Tokens::line, 0, this));
    layout->addWidget(buildColumn(second), 1);
}

QWidget* CompareView::buildColumn(app::ThreadId first) {
    auto* panel = new Panel(&Tokens::base, {}, this);
    auto* column = panel->column();
    auto* head = new Panel(&Tokens::window, Qt::BottomEdge, panel);
    head->setBarHeight(36);
    auto* choice = new QComboBox(head);
    choice->setAccessibleName(tr("Branch"));
    for (const app::Thread& thread : m_session->threads()) {
        choice->addItem(QString::fromStdString(thread.name), static_cast<qlonglong>(thread.id));
        if (thread.id == first) {
            choice->setCurrentIndex(choice->count() - 1);
        }
    }
    auto* row = head->row(12, 0, 12, 1);
    row->addWidget(choice);
    row->addStretch(1);
    column->addWidget(head);
    auto* scroll = new QScrollArea(panel);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    column->addWidget(scroll, 1);
    const auto show = [this, scroll](app::ThreadId thread) {
        auto* content = new Panel(&Tokens::base, {}, scroll);
        content->column();
        fill(content, thread);
        scroll->setWidget(content); // deletes the former one
    };
    show(first);
    connect(choice, &QComboBox::activated, this, [choice, show](int index) {
        show(static_cast<app::ThreadId>(choice->itemData(index).toLongLong()));
    });
    return panel;
}

void CompareView::fill(QWidget* content, app::ThreadId thread) {
    auto* layout = static_cast<QVBoxLayout*>(content->layout());
    if (m_session) {
        for (const app::Question& question : m_session->questions(thread)) {
            ThreadContext context;
            context.source = [this](app::SourceId id) {
                return m_session ? m_session->source(id) : nullptr;
            };
            auto* exchange = new Exchange(question, context, content);
            if (!question.answers.empty()) {
                if (const app::Answer* answer = m_session->answer(question.answers.back())) {
                    exchange->setAnswer(*answer);
                }
            }
            connect(exchange, &Exchange::citationOpened, this,
                    [this, exchange](std::uint32_t number) {
                        const app::Citation* citation = exchange->citation(number);
                        if (citation != nullptr && citation->place) {
                            emit placeOpened(*citation->place);
                        }
                    });
            layout->addWidget(exchange);
        }
    }
    layout->addStretch(1);
}

} // namespace dossier::ui
