// SPDX-License-Identifier: GPL-3.0-or-later
// The composer below the thread.
#include "ui/thread/composer.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QPainter>
#include <QScrollBar>
#include <QTextBlock>
#include <QTextDocument>
#include <cmath>

namespace dossier::ui {

QuestionEdit::QuestionEdit(QWidget* parent) : QPlainTextEdit(parent) {
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setTabChangesFocus(true);
    setAccessibleName(tr("Question"));
    document()->setDocumentMargin(0);
    setProperty("ownFocus", true);
    connect(this, &QPlainTextEdit::textChanged, this, &QuestionEdit::fit);
    // Lines are wrapped, but the cursor behind a full line is still scrolled to.
    connect(horizontalScrollBar(), &QScrollBar::valueChanged, horizontalScrollBar(),
            [bar = horizontalScrollBar()] { bar->setValue(0); });
    onThemeChange(this, [this] {
        setFont(fontOf(Type::Body));
        fit();
    });
}

void QuestionEdit::fit() {
    const int line = static_cast<int>(std::ceil(QFontMetricsF(font()).lineSpacing()));
    int lines = 0;
    for (QTextBlock block = document()->begin(); block.isValid(); block = block.next()) {
        lines += std::max(1, block.layout()->lineCount());
    }
    lines = std::clamp(lines, 1, 6);
    const int height = std::max(px(26), lines * line + px(4));
    setVerticalScrollBarPolicy(lines >= 6 ? Qt::ScrollBarAsNeeded : Qt::ScrollBarAlwaysOff);
    if (height != this->height()) {
        setFixedHeight(height);
    }
}

void QuestionEdit::setHistory(QStringList questions) {
    m_history = std::move(questions);
    m_recalled = -1;
}

void QuestionEdit::recall(int step) {
    if (m_history.isEmpty()) {
        return;
    }
    if (m_recalled < 0) {
        m_draft = toPlainText();
        m_recalled = m_history.size();
    }
    m_recalled = std::clamp<qsizetype>(m_recalled + step, 0, m_history.size());
    setPlainText(m_recalled == m_history.size() ? m_draft : m_history[m_recalled]);
    moveCursor(QTextCursor::End);
}

void QuestionEdit::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (enter && !event->modifiers().testFlag(Qt::ShiftModifier)) {
        m_recalled = -1;
        emit submitted();
        return;
    }
    const QTextCursor cursor = textCursor();
    const bool firstLine =
        cursor.block().blockNumber() == 0 &&
        cursor.block().layout()->lineForTextPosition(cursor.positionInBlock()).lineNumber() <= 0;
    if (event->key() == Qt::Key_Up && event->modifiers() == Qt::NoModifier && firstLine) {
        recall(-1);
        return;
    } else if (event->key() == Qt::Key_Down && m_recalled >= 0 &&
               event->modifiers() == Qt::NoModifier) {
        recall(1);
        return;
    }
    const QString typed = event->text();
    const bool wordStart =
        cursor.position() == 0 || document()->characterAt(cursor.position() - 1).isSpace();
    if ((typed == QStringLiteral("@") ||
         (typed == QStringLiteral("/") && toPlainText().isEmpty())) &&
        wordStart) {
        emit triggerTyped(typed[0]);
        return;
    }
    QPlainTextEdit::keyPressEvent(event);
}

void QuestionEdit::focusInEvent(QFocusEvent* event) {
    QPlainTextEdit::focusInEvent(event);
    parentWidget()->update();
}

void QuestionEdit::focusOutEvent(QFocusEvent* event) {
    QPlainTextEdit::focusOutEvent(event);
    parentWidget()->update();
}

// ---------------------------------------------------------------- composer

Composer::Composer(QWidget* parent)
    : QFrame(parent),
      m_edit(new QuestionEdit(this)),
      m_namedRow(new QWidget(this)),
      m_noteRow(new QWidget(this)),
      m_note(new WrapLabel({}, Type::Small, &Tokens::text2, 17, m_noteRow)),
      m_price(new Label({}, Type::Small, &Tokens::text2, this)),
      m_clock(new IconLabel(QStringLiteral("clock"), 14, &Tokens::text2, this)),
      m_ask(new Button(tr("Ask"), {}, Button::Primary, this)),
      m_sourceButton(new Button(tr("@ Source"), {}, Button::Flat, this)),
      m_playbookButton(new Button(tr("/ Playbook"), {}, Button::Flat, this)) {
    auto* layout = columnLayout(this, 1, 11, 1, 8);
    auto* top = columnIn(layout);
    scaleLayout(top, 11, 0, 11, 0, 0);
    rowLayout(m_noteRow, 0, 0, 0, 4)->addWidget(m_note, 1);
    m_noteRow->hide();
    top->addWidget(m_noteRow);
    top->addWidget(m_namedRow);
    rowLayout(m_namedRow, 0, 0, 0, 4, 4);
    m_namedRow->hide();
    top->addWidget(m_edit);
    auto* row = rowIn(layout, 1);
    scaleLayout(row, 6, 0, 6, 0, 1);
    m_sourceButton->setHeight(26, Type::Small, 5, 4);
    m_playbookButton->setHeight(26, Type::Small, 5, 4);
    m_sourceButton->setToolTip(tr("Ask about certain sources only"));
    m_playbookButton->setToolTip(tr("Choose a question of a playbook"));
    m_price->setTabular();
    m_ask->setHeight(27, Type::Body, 11, 7);
    m_ask->setTrailingIcon(QStringLiteral("send"), 14);
    m_ask->setToolTip(tr("Ask (Enter)"));
    row->addWidget(m_sourceButton);
    row->addWidget(m_playbookButton);
    row->addStretch(1);
    row->addWidget(m_clock);
    addGap(row, 3);
    row->addWidget(m_price);
    addGap(row, 8);
    row->addWidget(m_ask);
    setFocusProxy(m_edit);
    connect(m_ask, &Button::clicked, this, [this] {
        if (m_canAsk && !text().isEmpty()) {
            emit ask();
        }
    });
    connect(m_edit, &QuestionEdit::submitted, m_ask, &Button::click);
    connect(m_edit, &QuestionEdit::triggerTyped, this, [this](QChar trigger) {
        const QPoint at = m_edit->mapToGlobal(m_edit->cursorRect().bottomLeft());
        trigger == QLatin1Char('@') ? emit sourceMenuRequested(at) : emit playbookMenuRequested(at);
    });
    connect(m_sourceButton, &Button::clicked, this,
            [this] { emit sourceMenuRequested(m_sourceButton->mapToGlobal(QPoint(0, 0))); });
    connect(m_playbookButton, &Button::clicked, this,
            [this] { emit playbookMenuRequested(m_playbookButton->mapToGlobal(QPoint(0, 0))); });
    setPrice({});
}

void Composer::paintEvent(QPaintEvent*) {
    QPainter p(this);
    p.setRenderHint(QPainter::Antialiasing);
    const bool focus = m_edit->hasFocus();
    p.setPen(QPen(focus ? tokens().focus : tokens().line2, focus ? 2 : 1));
    p.setBrush(tokens().base);
    const double inset = focus ? 1 : 0.5;
    p.drawRoundedRect(QRectF(rect()).adjusted(inset, inset, -inset, -inset), pxF(8), pxF(8));
}

void Composer::setText(const QString& text) {
    m_edit->setPlainText(text);
    m_edit->moveCursor(QTextCursor::End);
    m_edit->setFocus(Qt::OtherFocusReason);
}

void Composer::clear() {
    m_edit->clear();
    clearNamed();
}

void Composer::setPlaceholder(const QString& text) {
    m_edit->setPlaceholderText(text);
    m_edit->viewport()->update(); // Qt 6.4 leaves the old words standing
}

void Composer::setPrice(const QString& price) {
    m_price->setText(price);
    m_price->setVisible(!price.isEmpty());
    m_clock->setVisible(!price.isEmpty());
}

void Composer::setNote(const QString& note) {
    m_note->setText(note);
    m_noteRow->setVisible(!note.isEmpty());
}

void Composer::setCanAsk(bool can, const QString& why) {
    m_canAsk = can;
    m_ask->setEnabled(can);
    m_ask->setToolTip(can ? tr("Ask (Enter)") : why);
}

void Composer::addNamed(const app::Source& source) {
    for (const app::Source& known : m_named) {
        if (known.id == source.id) {
            return;
        }
    }
    m_named.push_back(source);
    refreshNamed();
}

void Composer::clearNamed() {
    m_named.clear();
    refreshNamed();
}

void Composer::refreshNamed() {
    auto* layout = static_cast<QHBoxLayout*>(m_namedRow->layout());
    while (QLayoutItem* item = layout->takeAt(0)) {
        if (item->widget() != nullptr) {
            item->widget()->deleteLater();
        }
        delete item;
    }
    for (const app::Source& source : m_named) {
        auto* chip = new Button(QStringLiteral("@") + QString::fromStdString(source.name), {},
                                Button::Normal, m_namedRow);
        chip->setHeight(22, Type::Small, 7, 5);
        chip->setTrailingIcon(QStringLiteral("close"), 10);
        chip->setToolTip(
            tr("Take %1 out of this question").arg(QString::fromStdString(source.name)));
        connect(chip, &Button::clicked, this, [this, id = source.id] {
            std::erase_if(m_named, [id](const app::Source& s) { return s.id == id; });
            refreshNamed();
        });
        layout->addWidget(chip);
    }
    layout->addStretch(1);
    m_namedRow->setVisible(!m_named.empty());
}

} // namespace dossier::ui
