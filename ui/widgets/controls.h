// SPDX-License-Identifier: GPL-3.0-or-later
// Segment switch, search field, scroll bar with ticks.
#pragma once

#include <QFrame>
#include <QScrollBar>
#include <vector>

#include "ui/widgets/basics.h"

class QLineEdit;

namespace dossier::ui {

/// A row of segments of which one is chosen: the modes over the centre, small choices in panels.
/// Left and right arrows move; assistive technology sees a list of page tabs.
class SegmentSwitch : public QWidget {
    Q_OBJECT

  public:
    struct Segment {
        QString text;
        QString icon; ///< may be empty
        bool enabled = true;
        QString tip;
    };
    SegmentSwitch(std::vector<Segment> segments, double height, Type type, double padding = 11,
                  QWidget* parent = nullptr);

    int current() const { return m_current; }
    void setCurrent(int index);
    int count() const { return static_cast<int>(m_segments.size()); }
    const Segment& segment(int index) const { return m_segments[static_cast<std::size_t>(index)]; }
    /// Only the chosen segment keeps its text.
    void setCompact(bool compact);
    QRect segmentRect(int index) const;

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

  signals:
    void chosen(int index); ///< by the person

  protected:
    void paintEvent(QPaintEvent*) override;
    void mousePressEvent(QMouseEvent*) override;
    void keyPressEvent(QKeyEvent*) override;
    bool event(QEvent*) override;

  private:
    double segmentWidth(int index) const;
    int segmentAt(const QPoint&) const;
    void choose(int index);

    std::vector<Segment> m_segments;
    double m_height, m_padding;
    Type m_type;
    int m_current = 0;
    bool m_compact = false;
};

/// A field with a magnifier, an optional count ("3 of 11") or key hint at the right.
class SearchField : public QFrame {
    Q_OBJECT

  public:
    SearchField(const QString& placeholder, double height, Type type, double width = 0,
                QWidget* parent = nullptr);

    QLineEdit* edit() const { return m_edit; }
    void setCount(const QString& text); ///< "3 of 11", "none"
    void setKeyHint(const QString& keys);
    void setError(bool error);
    /// Leaves only the magnifier and the key hint, for narrow windows.
    void setPlaceholder(const QString& text);

  signals:
    void clicked();

  protected:
    void paintEvent(QPaintEvent*) override;
    bool eventFilter(QObject*, QEvent*) override;
    void mousePressEvent(QMouseEvent*) override;

  private:
    QLineEdit* m_edit;
    Label* m_count;
    KeyHint* m_keys = nullptr;
    bool m_error = false;
};

/// Vertical scroll bar with marks of the found places at its right (0..1 of the document).
class TickScrollBar : public QScrollBar {
    Q_OBJECT

  public:
    explicit TickScrollBar(QWidget* parent = nullptr);
    void setTicks(std::vector<double> ticks);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    std::vector<double> m_ticks;
};

/// 0..1 as a thin line with the accent; accessible as a progress bar.
class ThinProgress : public QWidget {
    Q_OBJECT

  public:
    ThinProgress(double width, double height, QWidget* parent = nullptr);
    /// Negative: the total is not known yet.
    void setValue(double share);
    double value() const { return m_value; }

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    double m_value = 0;
};

} // namespace dossier::ui
