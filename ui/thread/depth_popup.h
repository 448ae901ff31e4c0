// SPDX-License-Identifier: GPL-3.0-or-later
// The levels of reasoning with what each costs, whether it is ready, and reading for it in the
// background.
#pragma once

#include <vector>

#include "app/lanes/reading_board.h"
#include "app/model_types.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/popup.h"

namespace dossier::ui {

/// One level: radio mark, title, description, price, state, and what can be done about that. A
/// button for keyboard and readers.
class DepthItem : public QAbstractButton {
    Q_OBJECT

  public:
    DepthItem(const app::LevelInfo& level, bool current, QWidget* parent = nullptr);
    const app::LevelInfo& level() const { return m_level; }
    /// The state as it is now; `reading`: of the process that reads.
    void setLevel(const app::LevelInfo& level, const app::ReadingStatus& reading);
    Button* action() const { return m_action; } ///< hidden where nothing can be done
    QSize sizeHint() const override;

  signals:
    void prepareRequested();
    void pauseRequested(bool pause);

  protected:
    void resizeEvent(QResizeEvent*) override;
    void paintEvent(QPaintEvent*) override;
    void keyPressEvent(QKeyEvent*) override;

  private:
    app::LevelInfo m_level;
    bool m_paused = false;
    QString m_left; ///< "about 25 min left"
    Button* m_action;
};

class DepthPopup : public PopupFrame {
    Q_OBJECT

  public:
    DepthPopup(const std::vector<app::LevelInfo>& levels, const std::string& current,
               const app::ReadingStatus& reading, QWidget* parent = nullptr);
    const std::vector<DepthItem*>& items() const { return m_items; }
    void setLevels(const std::vector<app::LevelInfo>& levels, const app::ReadingStatus& reading);

  signals:
    void chosen(const QString& level);
    void prepareRequested(const QString& level);
    void pauseRequested(bool pause);

  private:
    std::vector<DepthItem*> m_items;
};

} // namespace dossier::ui
