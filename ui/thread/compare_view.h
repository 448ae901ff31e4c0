// SPDX-License-Identifier: GPL-3.0-or-later
// Two branches side by side.
#pragma once

#include <QPointer>

#include "app/session.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {

class CompareView : public QWidget {
    Q_OBJECT

  public:
    CompareView(app::Session* session, app::ThreadId first, QWidget* parent = nullptr);

  signals:
    void placeOpened(const dossier::app::Place& place);

  private:
    QWidget* buildColumn(app::ThreadId first);
    void fill(QWidget* content, app::ThreadId thread);

    QPointer<app::Session> m_session;
};

} // namespace dossier::ui
