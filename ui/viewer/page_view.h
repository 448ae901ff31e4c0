// SPDX-License-Identifier: GPL-3.0-or-later
// A PDF as a column of pages: tiles from the reader, text selection, highlights, chips in the
// margin. Cheap for 10,000 pages: only what is visible is drawn, measured or asked for.
#pragma once

#include <QPixmap>

#include "ui/viewer/document_view.h"
#include "ui/viewer/page_renderer.h"

namespace dossier::ui {

class PageView : public DocumentView {
    Q_OBJECT

  public:
    PageView(PageRenderer* renderer, QWidget* parent = nullptr);

    void setFile(const std::filesystem::path& pdf, const std::string& password = {});
    void setDocument(app::DocumentPtr document) override;

    void showRange(ingest::TextRange range, bool flash) override;
    void showPage(std::uint32_t page);
    QRectF textRect(std::uint64_t offset) const override;
    std::optional<std::uint64_t> textAt(const QPointF& viewportPoint) const override;
    std::uint64_t topOffset() const override;
    void setTopOffset(std::uint64_t offset) override;
    std::uint32_t currentPage() const; ///< from 0
    std::uint32_t pageCount() const;

    double zoom() const override { return m_zoom; }
    void setZoom(double zoom) override;
    void fitWidth(); ///< and keep fitting while the view is resized

    /// Night page: follows the theme unless switched to "as printed".
    void setNightAllowed(bool allowed);

    /// Place of a page in viewport coordinates, for tests and previews.
    QRectF pageRect(std::uint32_t page) const;
    std::vector<QRectF> chipRects() const; ///< painted last, in viewport coordinates

  protected:
    void paintEvent(QPaintEvent*) override;
    void resizeEvent(QResizeEvent*) override;
    void mouseDoubleClickEvent(QMouseEvent*) override;
    void keyPressEvent(QKeyEvent*) override;
    bool viewportEvent(QEvent*) override;
    std::optional<std::uint32_t> chipAt(const QPointF& viewportPoint) const override;
    bool isTextAt(const QPointF& viewportPoint) const override;
    int dragStep() const override;
    void overlaysChanged() override;
    double positionOf(std::uint64_t offset) const override;

  private:
    struct Chipped {
        std::size_t citation;
        QRectF rect; ///< viewport
    };

    bool night() const;
    double gap() const;
    void layoutPages();
    void updateScrollBars();
    std::uint32_t pageAtY(double documentY) const;
    std::pair<std::uint32_t, std::uint32_t> visiblePages() const; ///< [first, last]
    QRectF toViewport(std::uint32_t page, const ingest::Box& box) const;

    void paintPage(QPainter& p, std::uint32_t page, const QRectF& rect,
                   std::vector<TileKey>& wanted);
    void paintShadow(QPainter& p, const QRectF& rect) const;
    void paintOverlays(QPainter& p, std::uint32_t page, const QRectF& rect);
    void paintRange(QPainter& p, std::uint32_t page, const QRectF& rect, ingest::TextRange range,
                    const QColor& color);
    void paintBox(QPainter& p, const QRectF& box, std::uint32_t page, const QRectF& pageRect,
                  const QColor& color); ///< of the night page
    void paintBoxes(QPainter& p, const std::vector<QRectF>& boxes, std::uint32_t page,
                    const QRectF& pageRect, const QColor& color);
    void paintMark(QPainter& p, std::uint32_t page, const app::Mark& mark, const QRectF& rect);
    /// Where a chip of `width` begins beside text between these shares of the page's width.
    double chipLeft(const QRectF& page, double textLeft, double textRight, double width) const;
    void paintChips(QPainter& p, std::uint32_t page, const QRectF& rect);
    const Chipped* chippedAt(const QPointF& viewportPoint) const;

    PageRenderer* m_renderer;
    quint32 m_file = 0;
    std::vector<double> m_tops; ///< of pages at the zoom in force; one more for the end
    double m_zoom = 1, m_maxWidthPt = 595;
    bool m_fitWidth = true, m_nightAllowed = true;
    std::vector<std::vector<ingest::PageBox>> m_citationBoxes;
    std::vector<Chipped> m_chips;
};

} // namespace dossier::ui
