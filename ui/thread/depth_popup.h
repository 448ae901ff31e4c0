// SPDX-License-Identifier: GPL-3.0-or-later
// The levels of reasoning with what each costs and whether it is ready.
#pragma once

#include <vector>

#include "app/model_types.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/popup.h"

namespace dossier::ui {

/// One level: radio mark, title, description, price, state. A button for keyboard and readers.
class DepthItem : public QAbstractButton {
    Q_OBJECT

  public:
    DepthItem(const app::LevelInfo& level, bool current, QWidget* parent = nullptr);
    const app::LevelInfo& level() const { return m_level; }
    QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent*) override;
    void keyPressEvent(QKeyEvent*) override;

  private:
    app::LevelInfo m_level;
};

class DepthPopup : public PopupFrame {
    Q_OBJECT

  public:
    DepthPopup(const std::vector<app::LevelInfo>& levels, const std::string& current,
               QWidget* parent = nullptr);
    const std::vector<DepthItem*>& items() const { return m_items; }

  signals:
    void chosen(const QString& level);

  private:
    std::vector<DepthItem*> m_items;
};

} // namespace dossier::ui
