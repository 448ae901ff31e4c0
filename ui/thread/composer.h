// SPDX-License-Identifier: GPL-3.0-or-later
// Where a question is written: text, named sources, playbook questions, price, Ask.
#pragma once

#include <QFrame>
#include <QPlainTextEdit>
#include <vector>

#include "app/model_types.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

/// Grows with its text up to six lines; Enter sends, Shift+Enter breaks, Up recalls.
class QuestionEdit : public QPlainTextEdit {
    Q_OBJECT

  public:
    explicit QuestionEdit(QWidget* parent = nullptr);
    void setHistory(QStringList questions); ///< oldest first

  signals:
    void submitted();
    void triggerTyped(QChar trigger); ///< @ or / at the start of a word

  protected:
    void keyPressEvent(QKeyEvent*) override;
    void focusInEvent(QFocusEvent*) override;
    void focusOutEvent(QFocusEvent*) override;

  private:
    void fit();
    void recall(int step);

    QStringList m_history;
    qsizetype m_recalled = -1;
    QString m_draft;
};

class Composer : public QFrame {
    Q_OBJECT

  public:
    explicit Composer(QWidget* parent = nullptr);

    QuestionEdit* edit() const { return m_edit; }
    QString text() const { return m_edit->toPlainText().trimmed(); }
    void setText(const QString& text);
    void clear();
    void setPlaceholder(const QString& text);
    void setPrice(const QString& price); ///< "about 40 s"; empty hides it
    void setNote(const QString& note);   ///< one line above the text: passages, other limits
    void setCanAsk(bool can, const QString& why = {});

    /// Sources named with @; empty = all.
    const std::vector<app::Source>& named() const { return m_named; }
    void addNamed(const app::Source& source);
    void clearNamed();

  signals:
    void ask();
    void sourceMenuRequested(const QPoint& globalPos);
    void playbookMenuRequested(const QPoint& globalPos);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    void refreshNamed();

    QuestionEdit* m_edit;
    QWidget* m_namedRow;
    QWidget* m_noteRow;
    WrapLabel* m_note;
    Label* m_price;
    IconLabel* m_clock;
    Button* m_ask;
    Button* m_sourceButton;
    Button* m_playbookButton;
    std::vector<app::Source> m_named;
    bool m_canAsk = true;
};

} // namespace dossier::ui
