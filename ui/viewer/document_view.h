// SPDX-License-Identifier: GPL-3.0-or-later
// What page view and text view have in common: overlays (citations, marks, matches), selection,
// jumping with a flash, searching, zoom. Window thread; documents are shared and immutable.
#pragma once

#include <QAbstractScrollArea>
#include <QTimer>
#include <optional>
#include <vector>

#include "app/model_types.h"

namespace dossier::ui {

class TickScrollBar;

/// A cited passage as the view shows it: the passage in the highlight colour, the chip in the
/// margin.
struct CitedPassage {
    std::uint32_t number = 0;
    app::Verdict verdict = app::Verdict::Verified;
    ingest::TextRange range;
    bool forced = false;
};

class DocumentView : public QAbstractScrollArea {
    Q_OBJECT

  public:
    explicit DocumentView(QWidget* parent = nullptr);

    virtual void setDocument(app::DocumentPtr document) = 0;
    const app::DocumentPtr& document() const { return m_document; }

    void setCitations(std::vector<CitedPassage> citations, std::uint32_t current);
    const std::vector<CitedPassage>& citations() const { return m_citations; }
    std::uint32_t currentCitation() const { return m_currentCitation; }
    void setMarks(std::vector<app::Mark> marks);
    const std::vector<app::Mark>& marks() const { return m_marks; }

    /// Scrolls so that the range is comfortably visible; `flash` draws attention to it once.
    virtual void showRange(ingest::TextRange range, bool flash) = 0;
    /// First visible place, to come back to.
    virtual std::uint64_t topOffset() const = 0;
    virtual void setTopOffset(std::uint64_t offset) = 0;

    /// Where a character stands in the viewport (empty when it is out of sight), and the inverse.
    virtual QRectF textRect(std::uint64_t offset) const = 0;
    virtual std::optional<std::uint64_t> textAt(const QPointF& viewportPoint) const = 0;

    std::optional<ingest::TextRange> selection() const { return m_selection; }
    void select(std::optional<ingest::TextRange> range);
    QString selectedText() const;
    /// Longer or shorter by words at its end; starts at the first visible word.
    void extendSelection(int words);

    // ---- find
    void find(const QString& words);
    void findNext(int step);
    int matchCount() const { return static_cast<int>(m_matches.size()); }
    int currentMatch() const { return m_currentMatch; } ///< -1 = none

    // ---- zoom, 1 = 100 %
    virtual double zoom() const = 0;
    virtual void setZoom(double zoom) = 0;

  signals:
    void selectionChanged();
    void positionChanged(); ///< scrolled, or another page or line
    void zoomChanged();
    void citationClicked(std::uint32_t number);
    void markClicked(dossier::app::MarkId id);
    void found();               ///< matchCount() and currentMatch() changed
    void keyCommand(QChar key); ///< h, u, s, n: annotate

  protected:
    void mousePressEvent(QMouseEvent*) override;
    void mouseMoveEvent(QMouseEvent*) override;
    void mouseReleaseEvent(QMouseEvent*) override;
    void wheelEvent(QWheelEvent*) override;
    void keyPressEvent(QKeyEvent*) override;
    void contextMenuEvent(QContextMenuEvent*) override;

    /// Number of the citation whose chip is drawn there.
    virtual std::optional<std::uint32_t> chipAt(const QPointF& viewportPoint) const = 0;
    /// Whether the pointer is over text that can be selected.
    virtual bool isTextAt(const QPointF& viewportPoint) const = 0;
    /// How far the scroll bar goes at a time while a selection is drawn out of the viewport.
    virtual int dragStep() const = 0;
    virtual void placePressed(std::uint64_t /*offset*/) {} ///< with the mouse, on no chip

    /// Overlays changed: recompute what is cached from them and repaint.
    virtual void overlaysChanged() = 0;
    /// 0..1 of the scrolled length, for the ticks.
    virtual double positionOf(std::uint64_t offset) const = 0;

    void adoptDocument(app::DocumentPtr document); ///< resets overlays, selection and matches
    void updateTicks();
    void startFlash(ingest::TextRange range);
    /// 1 right after the jump, falling to 0; the strength of the flash.
    double flashStrength() const;
    std::uint64_t wordStart(std::uint64_t offset) const;
    std::uint64_t wordEnd(std::uint64_t offset) const;
    void moveSelectionEnd(std::uint64_t anchor, std::uint64_t end);

    app::DocumentPtr m_document;
    std::vector<CitedPassage> m_citations;
    std::uint32_t m_currentCitation = 0;
    std::vector<app::Mark> m_marks;
    std::optional<ingest::TextRange> m_selection;
    std::vector<ingest::TextRange> m_matches;
    int m_currentMatch = -1;
    std::optional<ingest::TextRange> m_flash;
    std::uint64_t m_anchor = 0; ///< where the selection began

  private:
    bool m_selecting = false;
    TickScrollBar* m_ticks;
    QTimer m_flashTimer;
    qint64 m_flashStart = 0;
    quint64 m_findGeneration = 0;
};

/// All places of `words` in UTF-8 text: case-insensitive, white space in `words` matches any white
/// space. Runs on any thread. At most `limit` results.
std::vector<ingest::TextRange> findInText(const std::string& text, const QString& words,
                                          std::size_t limit = 20000);

/// Offsets between UTF-8 bytes and UTF-16 code units of one piece of text.
int utf16Index(std::string_view utf8, std::size_t byte);
std::size_t utf8Index(std::string_view utf8, int utf16);

} // namespace dossier::ui
