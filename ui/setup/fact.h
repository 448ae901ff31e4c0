// SPDX-License-Identifier: GPL-3.0-or-later
// Small painted parts of the model page.
#pragma once

#include "ui/widgets/basics.h"

namespace dossier::ui {

/// Icon, title with a value at the right, and a quiet second line.
class Fact : public QWidget {
    Q_OBJECT

  public:
    Fact(const QString& iconName, const QString& title, QWidget* parent = nullptr);
    void set(const QString& value, const QString& detail);

  private:
    QString m_name;
    Label *m_value, *m_detail;
};

/// A file (or several) of the model: names, size, state.
class FileRow : public QWidget {
    Q_OBJECT

  public:
    FileRow(const QString& names, const QString& size, const QString& state, bool good,
            QWidget* parent = nullptr);

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    QString m_names, m_size, m_state;
    bool m_good;
};

/// The owners' colours with their names.
class OwnerLegend : public QWidget {
    Q_OBJECT

  public:
    explicit OwnerLegend(QWidget* parent = nullptr);

  protected:
    void paintEvent(QPaintEvent*) override;
};

/// Text with an info glyph on the accent's quiet ground.
class InfoBox : public QWidget {
    Q_OBJECT

  public:
    explicit InfoBox(QWidget* parent = nullptr);
    Label* label() const { return m_label; }

  protected:
    void paintEvent(QPaintEvent*) override;

  private:
    Label* m_label;
};

} // namespace dossier::ui
