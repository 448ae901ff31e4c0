// SPDX-License-Identifier: GPL-3.0-or-later
// Ctrl+K: go to a source, page, line, symbol, question or action by typing. Prefixes: "p " page or
// line, "s " source, ": " symbol or heading, "q " question, "f " words in all sources, "> " action.
#pragma once

#include <QAbstractListModel>
#include <functional>
#include <vector>

#include "ui/widgets/basics.h"
#include "ui/widgets/popup.h"

class QListView;

namespace dossier::ui {

class SearchField;

struct LocatorItem {
    QString icon;
    QString title;
    QString detail; ///< quiet, at the right: path, keys, page
    std::function<void()> run;
};

/// Answers a query with items, at once or later; `give` may be called several times.
using LocatorGive = std::function<void(std::vector<LocatorItem>)>;
using LocatorSource = std::function<void(const QString& words, const LocatorGive& give)>;

struct LocatorCategory {
    QString prefix; ///< "s"
    QString title;  ///< "Sources"
    LocatorSource find;
    int plainFrom = 0; ///< without a prefix asked from so many characters on
};

/// How well `words` match `text`: 0 = not at all; earlier and at word starts is better.
int locatorScore(const QString& text, const QString& words);

class Locator : public PopupFrame {
    Q_OBJECT

  public:
    Locator(std::vector<LocatorCategory> categories, const QString& start,
            QWidget* parent = nullptr);
    SearchField* field() const { return m_field; }
    int resultCount() const;

  protected:
    bool eventFilter(QObject*, QEvent*) override;

  private:
    class Model;
    void query(const QString& text);
    void run(int row);

    std::vector<LocatorCategory> m_categories;
    SearchField* m_field;
    Model* m_model;
    QListView* m_list;
    Label* m_hint;
    quint64 m_generation = 0;
};

} // namespace dossier::ui
