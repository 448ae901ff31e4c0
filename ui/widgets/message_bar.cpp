// SPDX-License-Identifier: GPL-3.0-or-later
// Message bars.
#include "ui/widgets/message_bar.h"

#include <QAccessible>
#include <QApplication>
#include <QBoxLayout>
#include <QKeyEvent>
#include <algorithm>

namespace dossier::ui {
namespace {

struct Look {
    ColorRole ground, line, ink;
    const char* icon;
};

Look lookOf(Message::Kind kind) {
    switch (kind) {
    case Message::Error:
        return {&Tokens::errS, &Tokens::errL, &Tokens::err, "error"};
    case Message::Warning:
        return {&Tokens::warnS, &Tokens::warnL, &Tokens::warn, "warning"};
    case Message::Info:
        break;
    }
    return {&Tokens::soft2, &Tokens::line, &Tokens::accentT, "info"};
}

QString sentence(const std::string& text) {
    QString result = QString::fromStdString(text);
    if (!result.isEmpty() && !result.endsWith(QLatin1Char('.'))) {
        result += QLatin1Char('.');
    }
    return result;
}

} // namespace

Message messageOf(const app::Failure& failure, const QString& cause) {
    Message message;
    message.kind = failure.code == ErrorCode::Busy || failure.code == ErrorCode::Cancelled
                       ? Message::Warning
                       : Message::Error;
    message.cause = cause;
    message.title = QString::fromStdString(failure.failed);
    if (!message.title.isEmpty()) {
        message.title[0] = message.title[0].toUpper();
    }
    message.text = sentence(failure.remedy);
    return message;
}

MessageBar::MessageBar(const Message& message, QWidget* parent)
    : Panel(lookOf(message.kind).ground, Qt::BottomEdge, parent),
      m_cause(message.cause),
      m_title(message.title),
      m_text(message.text) {
    const Look look = lookOf(message.kind);
    setHairlines(Qt::BottomEdge, look.line);
    const bool info = message.kind == Message::Info;
    auto* layout = row(12, 9, 12, 10, 10);
    auto* glyph = new IconLabel(QString::fromLatin1(look.icon), 18, look.ink, this);
    layout->addWidget(glyph, 0, Qt::AlignTop);
    auto* texts = columnIn(layout, 0);
    layout->setStretchFactor(texts, 1);
    texts->addWidget(
        new WrapLabel(message.title, info ? Type::Body : Type::Strong, &Tokens::text, 19, this));
    if (!message.text.isEmpty()) {
        texts->addWidget(new WrapLabel(message.text, Type::Body, &Tokens::text, 19, this));
    }
    if (!message.actions.empty()) {
        addGap(texts, 7);
        auto* buttons = rowIn(texts, 6);
        bool first = true;
        for (const Message::Action& action : message.actions) {
            auto* button =
                new Button(action.text, {}, first ? Button::Primary : Button::Normal, this);
            button->setHeight(26, Type::Small, 8, 5);
            button->setAutoDefault(true); // Enter presses it
            m_first = first ? button : m_first;
            connect(button, &Button::clicked, this, [this, run = action.run] {
                // The action may take the bar away, so nothing of it is touched afterwards.
                const auto copy = run;
                giveFocusBack();
                emit dismissed();
                if (copy) {
                    copy();
                }
            });
            buttons->addWidget(button);
            first = false;
        }
        buttons->addStretch(1);
    }
    auto* close = new IconButton(QStringLiteral("close"), tr("Close this message"), 12, 22, this);
    connect(close, &IconButton::clicked, this, [this] {
        giveFocusBack();
        emit dismissed();
    });
    layout->addWidget(close, 0, Qt::AlignTop);
    setAccessibleName(message.title);
    setAccessibleDescription(message.text);
}

void MessageBar::takeFocus() {
    if (m_first != nullptr) {
        m_before = QApplication::focusWidget();
        m_first->setFocus(Qt::ShortcutFocusReason);
    }
}

void MessageBar::giveFocusBack() {
    if (m_before && QApplication::focusWidget() != nullptr &&
        isAncestorOf(QApplication::focusWidget())) {
        m_before->setFocus(Qt::ShortcutFocusReason);
    }
}

void MessageBar::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape) {
        giveFocusBack();
        emit dismissed();
        return;
    }
    Panel::keyPressEvent(event);
}

MessageArea::MessageArea(QWidget* parent) : QWidget(parent), m_layout(columnLayout(this)) {
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
}

void MessageArea::show(const Message& message) {
    withdraw(message.cause);
    auto* bar = new MessageBar(message, this);
    connect(bar, &MessageBar::dismissed, this, [this, bar] { remove(bar); });
    m_bars.insert(m_bars.begin(), bar);
    arrange();
    if (message.question) {
        bar->takeFocus();
    }
    QAccessibleEvent alert(bar, QAccessible::Alert);
    QAccessible::updateAccessibility(&alert);
}

void MessageArea::withdraw(const QString& cause) {
    const auto it = std::find_if(m_bars.begin(), m_bars.end(),
                                 [&](const MessageBar* bar) { return bar->cause() == cause; });
    if (it != m_bars.end()) {
        remove(*it);
    }
}

void MessageArea::clear() {
    while (!m_bars.empty()) {
        remove(m_bars.back());
    }
}

void MessageArea::remove(MessageBar* bar) {
    std::erase(m_bars, bar);
    bar->hide();
    bar->deleteLater();
    arrange();
}

void MessageArea::arrange() {
    for (std::size_t i = 0; i < m_bars.size(); ++i) {
        m_layout->removeWidget(m_bars[i]);
        if (i < kShown) {
            m_layout->addWidget(m_bars[i]);
        }
        m_bars[i]->setVisible(i < kShown);
    }
}

} // namespace dossier::ui
