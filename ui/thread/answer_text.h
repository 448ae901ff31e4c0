// SPDX-License-Identifier: GPL-3.0-or-later
// The text of one answer: read only, as tall as its content, with chips that can be clicked.
#pragma once

#include <QTextEdit>
#include <QTimer>
#include <memory>

#include "ui/thread/answer_markdown.h"

namespace dossier::ui {

class AnswerText : public QTextEdit {
    Q_OBJECT

  public:
    explicit AnswerText(QWidget* parent = nullptr);
    ~AnswerText() override;

    void setAnswer(const std::string& text, const std::vector<app::Citation>& citations);
    void setWriting(bool writing);
    /// The citation shown in the viewer gets an outline; 0 = none.
    void setCurrent(std::uint32_t number);
    std::uint32_t current() const { return m_current; }

    /// Where a chip stands, in coordinates of this widget; for tests and previews.
    QRectF chipRect(std::uint32_t number) const;

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return {40, sizeHint().height()}; }

  signals:
    void chipClicked(std::uint32_t number);
    void chipHovered(std::uint32_t number, const QRect& globalRect); ///< 0 = left

  protected:
    void mousePressEvent(QMouseEvent*) override;
    void mouseMoveEvent(QMouseEvent*) override;
    void leaveEvent(QEvent*) override;
    void wheelEvent(QWheelEvent* event) override { event->ignore(); }
    void resizeEvent(QResizeEvent*) override;
    void contextMenuEvent(QContextMenuEvent*) override;

  private:
    std::uint32_t chipAt(const QPointF& point) const;
    void fitHeight();

    std::unique_ptr<AnswerDocument> m_answer;
    std::uint32_t m_current = 0, m_hovered = 0;
    QTimer m_hover;
};

} // namespace dossier::ui
