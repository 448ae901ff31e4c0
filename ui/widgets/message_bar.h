// SPDX-License-Identifier: GPL-3.0-or-later
// Messages as bars above the document: what failed, what is safe, what to do. Never a dialog.
#pragma once

#include <QPointer>
#include <QString>
#include <functional>
#include <optional>
#include <vector>

#include "app/model_types.h"
#include "ui/widgets/basics.h"

class QVBoxLayout;

namespace dossier::ui {

struct Message {
    enum Kind { Error, Warning, Info } kind = Error;
    QString cause; ///< one bar per cause: a newer message of the same cause replaces the older
    QString title; ///< what failed, or the fact
    QString text;  ///< what to do, what is safe; may be empty
    struct Action {
        QString text;
        std::function<void()> run;
    };
    std::vector<Action> actions; ///< the first is the primary one
    /// Waits for the person: the first action gets the focus, Escape closes the bar, and the focus
    /// goes back to where it was.
    bool question = false;
};

/// "What failed. What to do." of a Failure as a message.
Message messageOf(const app::Failure& failure, const QString& cause);

class MessageBar : public Panel {
    Q_OBJECT

  public:
    explicit MessageBar(const Message& message, QWidget* parent = nullptr);
    const QString& cause() const { return m_cause; }
    const QString& title() const { return m_title; }
    const QString& text() const { return m_text; }
    void takeFocus();

  signals:
    void dismissed();

  protected:
    void keyPressEvent(QKeyEvent*) override;

  private:
    void giveFocusBack();

    QString m_cause, m_title, m_text;
    Button* m_first = nullptr;
    QPointer<QWidget> m_before; ///< had the focus when a question took it
};

/// Holds the bars: newest on top, at most two shown; the others wait behind them.
class MessageArea : public QWidget {
    Q_OBJECT

  public:
    static constexpr int kShown = 2;

    explicit MessageArea(QWidget* parent = nullptr);
    void show(const Message& message);
    void withdraw(const QString& cause);
    void clear();
    const std::vector<MessageBar*>& bars() const { return m_bars; } ///< newest first

  private:
    void remove(MessageBar* bar);
    void arrange();

    QVBoxLayout* m_layout;
    std::vector<MessageBar*> m_bars;
};

} // namespace dossier::ui
