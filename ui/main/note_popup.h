// SPDX-License-Identifier: GPL-3.0-or-later
// Writing or changing the note of a mark, beside the marked place.
#pragma once

#include "app/model_types.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/popup.h"

class QPlainTextEdit;

namespace dossier::ui {

class NotePopup : public PopupFrame {
    Q_OBJECT

  public:
    NotePopup(const app::Mark& mark, QWidget* parent = nullptr);
    QPlainTextEdit* edit() const { return m_edit; }

  signals:
    void saved(const dossier::app::Mark& mark); ///< with its new note and colour
    void removeRequested(dossier::app::MarkId id);

  protected:
    bool eventFilter(QObject*, QEvent*) override;

  private:
    void save();

    app::Mark m_mark;
    QPlainTextEdit* m_edit;
};

/// The five colours of marks, the first being that of citations.
const std::array<std::array<std::uint8_t, 3>, 5>& markColors();
QString markColorName(std::size_t index);

} // namespace dossier::ui
