// SPDX-License-Identifier: GPL-3.0-or-later
// The text around the reading position as an accessible text with the place of every word. A whole
// document of millions of characters would be copied for each question, so the interface covers the
// page (of PDFs) or the lines in sight.
#pragma once

#include <QAccessibleWidget>

#include "ui/viewer/document_view.h"

namespace dossier::ui {

class AccessibleDocument : public QAccessibleWidget, public QAccessibleTextInterface {
  public:
    explicit AccessibleDocument(DocumentView* view);

    QAccessible::State state() const override;
    QString text(QAccessible::Text) const override;
    void* interface_cast(QAccessible::InterfaceType) override;

    void selection(int index, int* start, int* end) const override;
    int selectionCount() const override;
    void addSelection(int start, int end) override;
    void removeSelection(int index) override;
    void setSelection(int index, int start, int end) override;
    int cursorPosition() const override;
    void setCursorPosition(int position) override;
    QString text(int start, int end) const override;
    int characterCount() const override;
    QRect characterRect(int offset) const override;
    int offsetAtPoint(const QPoint& point) const override;
    void scrollToSubstring(int start, int end) override;
    QString attributes(int offset, int* start, int* end) const override;

  private:
    DocumentView* view() const;
    /// The piece of the document that is exposed, and its text.
    ingest::TextRange scope() const;
    QString scopeText() const;
    std::uint64_t byteOf(int offset) const;
    int offsetOf(std::uint64_t byte) const;
};

} // namespace dossier::ui
