// SPDX-License-Identifier: GPL-3.0-or-later
// A prepared question: icon, text, chevron.
#pragma once

#include <QAbstractButton>

namespace dossier::ui {

class QuestionButton : public QAbstractButton {
  public:
    QuestionButton(const QString& text, QWidget* parent);

  protected:
    void paintEvent(QPaintEvent*) override;
};

} // namespace dossier::ui
