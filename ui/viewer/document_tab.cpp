// SPDX-License-Identifier: GPL-3.0-or-later
// View and foot bar of one source.
#include "ui/viewer/document_tab.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <cmath>

#include "ui/widgets/basics.h"

namespace dossier::ui {
namespace {

// Widths of the field for finding, unscaled; in a usable one stand a word and "12 of 140".
constexpr int kFindWidth = 196, kFindUsable = 164, kFindLeast = 108;

/// Page labels as people type them: the label as printed, else the number counted from 1.
std::optional<std::uint32_t> pageByLabel(const ingest::Document& document, const QString& typed) {
    const std::string wanted = typed.trimmed().toStdString();
    for (std::size_t i = 0; i < document.pages.size(); ++i) {
        if (document.pages[i].label == wanted) {
            return static_cast<std::uint32_t>(i);
        }
    }
    bool number = false;
    const uint page = typed.trimmed().toUInt(&number);
    if (number && page >= 1 && page <= document.pages.size()) {
        return page - 1;
    }
    return {};
}

} // namespace

DocumentTab::DocumentTab(const app::Source& source, PageRenderer* renderer, QWidget* parent)
    : QWidget(parent), m_source(source) {
    auto* layout = columnLayout(this);
    auto* foot = m_foot = new Panel(&Tokens::window, Qt::TopEdge, this);
    foot->setBarHeight(34);
    foot->setMinimumWidth(1); // what does not fit folds, see fitFoot()
    if (source.format == ingest::Format::Pdf) {
        m_view = m_pageView = new PageView(renderer, this);
        buildPageFoot(foot);
    } else {
        m_view = m_textView = new TextView(this);
        m_pathBar = new Panel(&Tokens::base, Qt::BottomEdge, this);
        m_pathBar->setBarHeight(27);
        m_path = m_pathBar->row(14, 0, 14, 1, 6);
        layout->addWidget(m_pathBar);
        updatePath();
        buildTextFoot(foot);
    }
    layout->addWidget(m_view, 1);
    layout->addWidget(foot);
    setFocusProxy(m_view);
    onThemeChange(this, [this] { fitFoot(); });
    connect(m_view, &DocumentView::keyCommand, this, &DocumentTab::annotate);
    connect(m_view, &DocumentView::positionChanged, this, &DocumentTab::updatePlace);
    connect(m_view, &DocumentView::zoomChanged, this, &DocumentTab::updatePlace);
    connect(m_view, &DocumentView::found, this, [this] {
        const int count = m_view->matchCount();
        const bool words = !m_find->edit()->text().trimmed().isEmpty();
        m_find->setCount(!words       ? QString()
                         : count == 0 ? tr("none")
                                      : tr("%1 of %2")
                                            .arg(QLocale().toString(m_view->currentMatch() + 1),
                                                 QLocale().toString(count)));
        m_find->setError(words && count == 0);
    });
}

void DocumentTab::buildTools(QHBoxLayout* layout, const QStringList& keys) {
    const auto add = [&](const QString& iconName, const QString& tip, QChar key) {
        auto* button = new IconButton(iconName, tip, 16, 26, this);
        button->setMinimumSide(27);
        connect(button, &IconButton::clicked, this, [this, key] { emit annotate(key); });
        layout->addWidget(button);
        m_tools.push_back(button);
    };
    for (const QString& key : keys) {
        if (key == QStringLiteral("h")) {
            add(QStringLiteral("highlight"), tr("Highlight (h, Alt+1)"), QLatin1Char('h'));
        } else if (key == QStringLiteral("u")) {
            add(QStringLiteral("underline"), tr("Underline (u, Alt+2)"), QLatin1Char('u'));
        } else if (key == QStringLiteral("s")) {
            add(QStringLiteral("strike"), tr("Strike out (s, Alt+3)"), QLatin1Char('s'));
        } else {
            add(QStringLiteral("note"), tr("Note (n, Alt+4)"), QLatin1Char('n'));
        }
    }
    m_foldedTools = new IconButton(QStringLiteral("more"), tr("More tools"), 16, 26, this);
    m_foldedTools->hide();
    connect(m_foldedTools, &IconButton::clicked, this, [this] {
        auto* menu = new QMenu(this);
        menu->setAttribute(Qt::WA_DeleteOnClose);
        std::vector<QWidget*> all = m_foldable;
        all.insert(all.begin(), m_tools.begin(), m_tools.end());
        for (QWidget* part : all) {
            if (auto* tool = qobject_cast<IconButton*>(part); tool != nullptr && tool->isHidden()) {
                menu->addAction(tool->toolTip(), tool, &IconButton::click);
            }
        }
        menu->popup(m_foldedTools->mapToGlobal(QPoint(0, -menu->sizeHint().height())));
    });
    layout->addWidget(m_foldedTools);
}

void DocumentTab::fitFoot() {
    const auto fits = [this] { return m_foot->layout()->minimumSize().width() <= width(); };
    const auto shrinkFind = [&](int least) {
        for (int wide = kFindWidth; wide >= least; wide -= 8) {
            m_find->setFixedWidth(px(wide));
            if (fits()) {
                return;
            }
        }
    };
    const auto showTools = [this](std::size_t count) {
        for (std::size_t i = 0; i < m_tools.size(); ++i) {
            m_tools[i]->setVisible(i < count);
        }
        m_foldedTools->setVisible(count < m_tools.size());
    };
    for (QWidget* part : m_foldable) {
        part->show();
    }
    showTools(m_tools.size());
    shrinkFind(kFindUsable);
    // One tool in the menu alone would take as much room as before.
    for (std::size_t count = m_tools.size() - 1; !fits() && count-- > 0;) {
        showTools(count);
    }
    for (auto part = m_foldable.begin(); !fits() && part != m_foldable.end(); ++part) {
        (*part)->hide();
    }
    if (!fits()) {
        shrinkFind(kFindLeast);
    }
}

void DocumentTab::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    fitFoot();
}

void DocumentTab::buildFind(QHBoxLayout* layout, const QString& placeholder) {
    m_find = new SearchField(placeholder, 24, Type::Small, kFindWidth, this);
    connect(m_find->edit(), &QLineEdit::textChanged, m_view, &DocumentView::find);
    connect(m_find->edit(), &QLineEdit::returnPressed, this, [this] { m_view->findNext(1); });
    layout->addWidget(m_find);
}

void DocumentTab::buildPageFoot(Panel* foot) {
    auto* layout = foot->row(8, 1, 8, 0, 4);
    auto* previous =
        new IconButton(QStringLiteral("chevron-up"), tr("Previous page"), 14, 28, this);
    auto* next = new IconButton(QStringLiteral("chevron-down"), tr("Next page"), 14, 28, this);
    previous->setMinimumSide(24);
    next->setMinimumSide(24);
    connect(previous, &IconButton::clicked, this, [this] {
        const std::uint32_t page = m_pageView->currentPage();
        m_pageView->showPage(page > 0 ? page - 1 : 0);
    });
    connect(next, &IconButton::clicked, this,
            [this] { m_pageView->showPage(m_pageView->currentPage() + 1); });
    m_place = new QLineEdit(this);
    m_place->setAlignment(Qt::AlignCenter);
    m_place->setAccessibleName(tr("Page"));
    m_place->setProperty("low", true);
    connect(m_place, &QLineEdit::returnPressed, this, [this] {
        if (!m_view->document()) {
            return;
        }
        if (const auto page = pageByLabel(*m_view->document(), m_place->text())) {
            emit placeEntered();
            m_pageView->showPage(*page);
            m_view->setFocus();
        } else {
            m_place->setProperty("state", "error");
            m_place->style()->polish(m_place);
            return;
        }
        m_place->setProperty("state", QVariant());
        m_place->style()->polish(m_place);
    });
    onThemeChange(m_place, [this] { m_place->setFixedSize(px(44), px(24)); });
    m_count = new Label({}, Type::Small, &Tokens::text2, this);
    m_count->setTabular();
    m_zoom = new Label(QStringLiteral("100 %"), Type::Small, &Tokens::text, this);
    m_zoom->setAlignment(Qt::AlignCenter);
    onThemeChange(m_zoom, [this] { m_zoom->setFixedWidth(px(40)); });
    auto* out = new IconButton(QStringLiteral("zoom-out"), tr("Smaller (Ctrl+-)"), 16, 28, this);
    auto* in = new IconButton(QStringLiteral("zoom-in"), tr("Larger (Ctrl++)"), 16, 28, this);
    auto* fit = new IconButton(QStringLiteral("fit-width"), tr("Fit width (Ctrl+0)"), 16, 28, this);
    connect(out, &IconButton::clicked, this, [this] { m_view->setZoom(m_view->zoom() / 1.1); });
    connect(in, &IconButton::clicked, this, [this] { m_view->setZoom(m_view->zoom() * 1.1); });
    connect(fit, &IconButton::clicked, m_pageView, &PageView::fitWidth);
    for (QWidget* w : std::initializer_list<QWidget*>{previous, next, m_place}) {
        layout->addWidget(w);
    }
    addGap(layout, 4);
    layout->addWidget(m_count);
    addGap(layout, 7);
    auto* line = new Line(Qt::Vertical, &Tokens::line2, 18, this);
    layout->addWidget(line);
    addGap(layout, 7);
    for (QWidget* w : std::initializer_list<QWidget*>{out, m_zoom, in, fit}) {
        layout->addWidget(w);
    }
    m_foldable = {m_zoom, out, in, fit, line};
    addGap(layout, 7);
    layout->addWidget(new Line(Qt::Vertical, &Tokens::line2, 18, this));
    addGap(layout, 7);
    buildTools(layout, {QStringLiteral("h"), QStringLiteral("u"), QStringLiteral("s"),
                        QStringLiteral("n")});
    layout->addStretch(1);
    buildFind(layout, tr("Find in the document"));
}

void DocumentTab::buildTextFoot(Panel* foot) {
    auto* layout = foot->row(8, 1, 8, 0, 4);
    m_line = new Label({}, Type::Small, &Tokens::text2, this);
    m_line->setTabular();
    m_facts = new Label({}, Type::Small, &Tokens::text2, this);
    m_facts->setElide(Qt::ElideRight, 40);
    addGap(layout, 2);
    layout->addWidget(m_line);
    addGap(layout, 7);
    layout->addWidget(new Line(Qt::Vertical, &Tokens::line2, 18, this));
    addGap(layout, 7);
    auto* facts = new QWidget(this);
    auto* factsRow = rowLayout(facts);
    factsRow->addWidget(m_facts);
    addGap(factsRow, 11);
    factsRow->addWidget(new Line(Qt::Vertical, &Tokens::line2, 18, facts));
    addGap(factsRow, 11);
    m_foldable = {facts};
    layout->addWidget(facts);
    buildTools(layout, {QStringLiteral("h"), QStringLiteral("n")});
    layout->addStretch(1);
    buildFind(layout, tr("Find in the file"));
    setSource(m_source);
}

void DocumentTab::setSource(const app::Source& source) {
    m_source = source;
    if (m_facts != nullptr) {
        QStringList facts;
        const auto& document = m_view->document();
        if (document && !document->language.empty()) {
            facts << QString::fromStdString(languageTitle(document->language));
        }
        if (document && !document->encoding.empty()) {
            facts << QString::fromStdString(document->encoding);
        }
        if (source.tokens) {
            facts << tr("%1 tokens").arg(number(*source.tokens));
        }
        m_facts->setText(facts.join(QStringLiteral(" · ")));
    }
    updatePlace();
}

void DocumentTab::setDocument(app::DocumentPtr document, const std::filesystem::path& original) {
    if (m_pageView != nullptr) {
        m_pageView->setFile(original);
    }
    m_view->setDocument(std::move(document));
    m_view->setAccessibleName(QString::fromStdString(m_source.name));
    setSource(m_source);
}

void DocumentTab::setSymbol(const QString& name) {
    if (m_symbol != name) {
        m_symbol = name;
        updatePath();
    }
}

void DocumentTab::updatePath() {
    if (m_path == nullptr) {
        return;
    }
    while (QLayoutItem* item = m_path->takeAt(0)) {
        if (item->widget() != nullptr) {
            item->widget()->deleteLater();
        }
        delete item;
    }
    const QStringList parts =
        QString::fromStdString(m_source.path()).split(QLatin1Char('/'), Qt::SkipEmptyParts);
    for (int i = 0; i < parts.size(); ++i) {
        if (i > 0) {
            m_path->addWidget(
                new IconLabel(QStringLiteral("chevron-right"), 9, &Tokens::text2, this));
        }
        auto* part = new Label(parts[i], Type::Small, &Tokens::text2, this);
        part->setElide(Qt::ElideMiddle, 30);
        m_path->addWidget(part);
    }
    if (!m_symbol.isEmpty()) {
        m_path->addWidget(new IconLabel(QStringLiteral("chevron-right"), 9, &Tokens::text2, this));
        m_path->addWidget(new IconLabel(QStringLiteral("symbol"), 12, &Tokens::text, this));
        auto* symbol = new Label(m_symbol, Type::Small, &Tokens::text, this);
        symbol->setElide(Qt::ElideRight, 30);
        m_path->addWidget(symbol);
    }
    m_path->addStretch(1);
}

void DocumentTab::updatePlace() {
    const auto& document = m_view->document();
    if (m_pageView != nullptr && document) {
        const std::uint32_t page = m_pageView->currentPage();
        if (page < document->pages.size() && !m_place->hasFocus()) {
            m_place->setText(QString::fromStdString(document->pages[page].label));
        }
        m_count->setText(tr("of %1").arg(QLocale().toString(m_pageView->pageCount())));
        m_zoom->setText(tr("%1 %").arg(static_cast<int>(std::lround(m_view->zoom() * 100))));
    } else if (m_textView != nullptr && m_line != nullptr) {
        m_line->setText(
            tr("Line %1 of %2")
                .arg(number(m_textView->currentLine()), number(m_textView->lineCount())));
    }
    if (m_foot->layout()->minimumSize().width() > width()) { // longer numbers
        fitFoot();
    }
}

void DocumentTab::focusFind(const QString& words) {
    if (!words.isEmpty()) {
        m_find->edit()->setText(words);
    }
    m_find->edit()->setFocus(Qt::ShortcutFocusReason);
    m_find->edit()->selectAll();
}

void DocumentTab::focusPlace() {
    if (m_place != nullptr) {
        m_place->setFocus(Qt::ShortcutFocusReason);
        m_place->selectAll();
    }
}

} // namespace dossier::ui
