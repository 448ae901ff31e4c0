// SPDX-License-Identifier: GPL-3.0-or-later
// Source code and text with line numbers, syntax colours, cited lines, selection. Code is not
// wrapped; prose (text, Markdown, Word, HTML) is. Only visible lines are ever laid out, so a
// million lines cost what one screen costs.
#pragma once

#include <QCache>
#include <QTextLayout>
#include <functional>
#include <memory>

#include "ui/viewer/document_view.h"
#include "ui/viewer/syntax.h"
#include "ui/viewer/text_index.h"

namespace dossier::ui {

class TextView : public DocumentView {
    Q_OBJECT

  public:
    explicit TextView(QWidget* parent = nullptr);
    ~TextView() override;

    void setDocument(app::DocumentPtr document) override;

    void showRange(ingest::TextRange range, bool flash) override;
    void showLine(std::uint64_t line); ///< from 1
    QRectF textRect(std::uint64_t offset) const override;
    std::optional<std::uint64_t> textAt(const QPointF& viewportPoint) const override;
    std::uint64_t topOffset() const override;
    void setTopOffset(std::uint64_t offset) override;
    std::uint64_t currentLine() const { return m_currentLine; } ///< from 1: last jump or click
    std::uint64_t lineCount() const { return m_index ? m_index->lineCount : 0; }

    double zoom() const override { return m_zoom; }
    void setZoom(double zoom) override;
    bool wraps() const { return m_wrap; }

    /// Viewport rectangle of a line of the text, if it is visible; for tests.
    QRect lineRect(std::uint64_t line) const;

  signals:
    void ready(); ///< lines are indexed; jumps asked for before are done now

  protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;
    void mouseDoubleClickEvent(QMouseEvent*) override;
    void keyPressEvent(QKeyEvent*) override;
    std::optional<std::uint32_t> chipAt(const QPointF& viewportPoint) const override;
    bool isTextAt(const QPointF& viewportPoint) const override;
    int dragStep() const override { return 1; } // the scroll bar counts rows
    void placePressed(std::uint64_t offset) override;
    void overlaysChanged() override;
    double positionOf(std::uint64_t offset) const override;

  private:
    struct LineLayout {
        QTextLayout layout;
        std::uint32_t rows = 1;
    };

    void restyle();
    void relayout(); ///< fonts or width changed
    void updateScrollBars();
    double gutter() const; ///< x at which text begins
    double textWidth() const;
    std::string_view lineText(std::size_t line) const; ///< without the line break
    LineLayout* lineLayout(std::size_t line);
    QList<QTextLayout::FormatRange> syntaxFormats(std::size_t line, std::string_view text,
                                                  bool cited) const;
    /// Calls `visit(line, y)` for every visible line, y being its top in the viewport.
    void forVisible(const std::function<void(std::size_t, double)>& visit);

    bool citedWhole(std::size_t line, bool* current, std::uint32_t* number,
                    app::Verdict* verdict) const;
    void paintLine(QPainter& p, std::size_t line, double y);
    /// Code on a highlight is drawn without its colours, which would be too faint there.
    void plainText(int from, int to);
    void paintRanges(QPainter& p, std::size_t line, double y, LineLayout* layout);
    void paintPart(QPainter& p, LineLayout* layout, std::size_t line, double y,
                   ingest::TextRange range, const QColor& color, int style);
    std::uint64_t offsetAtPoint(const QPointF& point);

    std::shared_ptr<const LineIndex> m_index;
    std::shared_ptr<const std::vector<SyntaxState>> m_states;
    const Language* m_language = nullptr;
    RowMap m_rowMap;
    QCache<std::size_t, LineLayout> m_layouts;
    QFont m_font, m_italic;
    double m_charWidth = 8;
    int m_rowHeight = 18;
    double m_zoom = 1;
    bool m_wrap = false;
    std::uint64_t m_currentLine = 1;
    std::vector<std::pair<QRectF, std::uint32_t>> m_chips;
    QList<QTextLayout::FormatRange> m_onHighlight; ///< of the line that is painted
    struct Jump {
        ingest::TextRange range;
        bool flash;
        bool top;
    };
    std::optional<Jump> m_pending; ///< asked for before the index was there
    quint64 m_generation = 0;
};

} // namespace dossier::ui
