// SPDX-License-Identifier: GPL-3.0-or-later
// One open source: its view with the bar below it (page or line, zoom, annotation tools, find).
#pragma once

#include "ui/viewer/page_view.h"
#include "ui/viewer/text_view.h"
#include "ui/widgets/basics.h"
#include "ui/widgets/controls.h"

class QLineEdit;

namespace dossier::ui {

class DocumentTab : public QWidget {
    Q_OBJECT

  public:
    DocumentTab(const app::Source& source, PageRenderer* renderer, QWidget* parent = nullptr);

    app::SourceId sourceId() const { return m_source.id; }
    const app::Source& source() const { return m_source; }
    DocumentView* view() const { return m_view; }
    PageView* pageView() const { return m_pageView; }
    TextView* textView() const { return m_textView; }

    void setSource(const app::Source& source); ///< its figures changed
    void setDocument(app::DocumentPtr document, const std::filesystem::path& original);
    /// Name of the symbol the cursor is in, for the path bar.
    void setSymbol(const QString& name);
    void focusFind(const QString& words = {});
    void focusPlace(); ///< page or line field

  signals:
    void annotate(QChar key); ///< h, u, s, n as in DocumentView::keyCommand
    void placeEntered();      ///< the person went to a page or line by number

  protected:
    void resizeEvent(QResizeEvent*) override;

  private:
    /// Folds what there is no room for into a menu: tools from the last one on, then zooming. The
    /// field for finding shrinks.
    void fitFoot();
    void buildPageFoot(Panel* foot);
    void buildTextFoot(Panel* foot);
    void buildFind(QHBoxLayout* layout, const QString& placeholder);
    void buildTools(QHBoxLayout* layout, const QStringList& keys);
    void updatePlace();
    void updatePath();

    app::Source m_source;
    DocumentView* m_view = nullptr;
    PageView* m_pageView = nullptr;
    TextView* m_textView = nullptr;
    QHBoxLayout* m_path = nullptr;
    Panel* m_pathBar = nullptr;
    QString m_symbol;
    QLineEdit* m_place = nullptr;
    Label* m_count = nullptr;
    Label* m_zoom = nullptr;
    Label* m_line = nullptr;
    Label* m_facts = nullptr;
    SearchField* m_find = nullptr;
    Panel* m_foot = nullptr;
    std::vector<IconButton*> m_tools;
    std::vector<QWidget*> m_foldable; ///< other parts of the foot that may go, the first one first
    IconButton* m_foldedTools = nullptr;
};

} // namespace dossier::ui
