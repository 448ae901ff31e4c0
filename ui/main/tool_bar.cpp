// SPDX-License-Identifier: GPL-3.0-or-later
// The tool bar.
#include "ui/main/tool_bar.h"

#include <QBoxLayout>
#include <QLineEdit>
#include <QPainter>

#include "ui/theme/icons.h"

namespace dossier::ui {
namespace {

/// The dossier's name with the application's icon; opens the list of dossiers.
class DossierButton : public Button {
  public:
    explicit DossierButton(QWidget* parent) : Button({}, {}, Button::Flat, parent) {
        setHeight(28, Type::Strong, 7, 7);
        setChevron(true);
        setInk(&Tokens::text);
    }

    QSize sizeHint() const override {
        const double text = QFontMetricsF(fontOf(Type::Strong)).horizontalAdvance(this->text());
        return {static_cast<int>(std::min(text, pxF(180)) + pxF(7 + 18 + 7 + 7 + 12 + 7)), px(28)};
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        p.setRenderHint(QPainter::Antialiasing);
        if (underMouse() || isDown()) {
            p.setPen(Qt::NoPen);
            p.setBrush(isDown() ? tokens().pressed : tokens().hover);
            p.drawRoundedRect(rect(), pxF(5), pxF(5));
        }
        const double side = pxF(18);
        p.drawPixmap(QPointF(pxF(7), (height() - side) / 2),
                     applicationPixmap(side, devicePixelRatioF()));
        const double x = pxF(32), room = width() - x - pxF(26);
        const QFont font = fontOf(Type::Strong);
        const QString shown = QFontMetricsF(font).elidedText(text(), Qt::ElideMiddle, room + 2);
        p.setFont(font);
        p.setPen(tokens().text);
        p.drawText(QRectF(x, 0, room + 4, height()), Qt::AlignVCenter, shown);
        paintIcon(p, QStringLiteral("chevron-down"),
                  QRectF(width() - pxF(19), (height() - pxF(12)) / 2, pxF(12), pxF(12)),
                  tokens().text, 1.9);
    }
};

} // namespace

ToolBar::ToolBar(QWidget* parent) : Panel(&Tokens::window, Qt::BottomEdge, parent) {
    setBarHeight(44);
    auto* layout = row(0, 0, 0, 1, 0);
    m_left = new QWidget(this);
    m_middle = new QWidget(this);
    m_right = new QWidget(this);
    layout->addWidget(m_left);
    layout->addWidget(m_middle, 1);
    layout->addWidget(m_right);

    auto* left = rowLayout(m_left, 8, 0, 8, 0, 2);
    m_sources = new IconButton(QStringLiteral("panel-left"), tr("Sources (F7)"), 18, 28, m_left);
    m_sources->setCheckable(true);
    m_dossier = new DossierButton(m_left);
    m_addFile =
        new IconButton(QStringLiteral("add-file"), tr("Add files (Ctrl+O)"), 18, 28, m_left);
    m_addFolder = new IconButton(QStringLiteral("add-folder"), tr("Add a folder (Ctrl+Shift+O)"),
                                 18, 28, m_left);
    left->addWidget(m_sources);
    left->addWidget(m_dossier);
    left->addStretch(1);
    left->addWidget(m_addFile);
    left->addWidget(m_addFolder);

    auto* middle = rowLayout(m_middle, 10, 0, 10, 0, 4);
    m_middleRow = middle;
    m_back = new IconButton(QStringLiteral("back"), tr("Back (Alt+Left)"), 18, 28, m_middle);
    m_forward =
        new IconButton(QStringLiteral("forward"), tr("Forward (Alt+Right)"), 18, 28, m_middle);
    m_modes =
        new SegmentSwitch({{tr("Read"), QStringLiteral("read"), true, tr("Read (Ctrl+1)")},
                           {tr("Review"), QStringLiteral("table"), false,
                            tr("Review: a playbook over all sources. Not in this version.")},
                           {tr("Report"), QStringLiteral("report"), true, tr("Report (Ctrl+3)")},
                           {tr("Memory"), QStringLiteral("memory"), true, tr("Memory (Ctrl+4)")}},
                          28, Type::Body, 11, m_middle);
    m_modes->setAccessibleName(tr("Mode"));
    m_locator = new SearchField(tr("Go to anything…"), 28, Type::Body, 0, m_middle);
    m_locator->setKeyHint(QStringLiteral("Ctrl+K"));
    m_locator->edit()->setReadOnly(true);
    m_locator->edit()->setFocusPolicy(Qt::TabFocus);
    m_locator->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    m_emptyLeft = new QSpacerItem(0, 0);
    m_emptyRight = new QSpacerItem(0, 0);
    middle->addWidget(m_back);
    middle->addWidget(m_forward);
    middle->addSpacerItem(m_emptyLeft);
    addGap(middle, 8);
    middle->addWidget(m_modes);
    addGap(middle, 10);
    middle->addSpacerItem(m_emptyRight);
    middle->addWidget(m_locator, 1);

    auto* right = rowLayout(m_right, 12, 0, 8, 0, 6);
    m_depth = new Button({}, QStringLiteral("depth"), Button::Normal, m_right);
    m_depth->setStrongText(true);
    m_depth->setChevron(true);
    m_depth->setToolTip(tr("Depth of the next answer (Ctrl+T)"));
    m_stop = new Button(tr("Stop"), QStringLiteral("stop"), Button::Normal, m_right);
    m_stop->setIconName(QStringLiteral("stop"), 12, &Tokens::err);
    m_stop->setKeyHint(QStringLiteral("Esc"));
    m_stop->setToolTip(tr("Stop the answer; what is written stays (Esc)"));
    m_thread = new IconButton(QStringLiteral("panel-right"), tr("Thread (F9)"), 18, 28, m_right);
    m_thread->setCheckable(true);
    right->addWidget(m_depth);
    right->addStretch(1);
    right->addWidget(m_stop);
    right->addWidget(m_thread);

    connect(m_sources, &IconButton::clicked, this, &ToolBar::sourcesToggled);
    connect(m_thread, &IconButton::clicked, this, &ToolBar::threadToggled);
    connect(m_dossier, &Button::clicked, this, &ToolBar::dossierMenuRequested);
    connect(m_addFile, &IconButton::clicked, this, &ToolBar::addFilesRequested);
    connect(m_addFolder, &IconButton::clicked, this, &ToolBar::addFolderRequested);
    connect(m_back, &IconButton::clicked, this, &ToolBar::backRequested);
    connect(m_forward, &IconButton::clicked, this, &ToolBar::forwardRequested);
    connect(m_modes, &SegmentSwitch::chosen, this,
            [this](int index) { emit modeChosen(static_cast<Mode>(index)); });
    connect(m_locator, &SearchField::clicked, this, &ToolBar::locatorRequested);
    connect(m_locator->edit(), &QLineEdit::returnPressed, this, &ToolBar::locatorRequested);
    connect(m_depth, &Button::clicked, this, &ToolBar::depthRequested);
    connect(m_stop, &Button::clicked, this, &ToolBar::stopRequested);
    setDossier({});
    setDepth({}, false);
    setCanStop(false);
    setHistory(false, false);
    onThemeChange(this, [this] { arrange(); });
}

void ToolBar::setDossier(const QString& name) {
    m_dossier->setText(name.isEmpty() ? tr("No dossier") : name);
    m_dossier->setAccessibleName(name.isEmpty() ? tr("No dossier is open")
                                                : tr("Dossier %1").arg(name));
    m_dossier->setToolTip(tr("Open or make a dossier"));
    m_dossier->updateGeometry();
    arrange();
}

void ToolBar::setMode(Mode mode) {
    m_modes->setCurrent(static_cast<int>(mode));
}

void ToolBar::setDepth(const QString& title, bool enabled) {
    m_depth->setText(title);
    m_depth->setSecondText(tr("Depth"), true);
    m_depth->setEnabled(enabled);
    m_depth->updateGeometry();
}

void ToolBar::setCanStop(bool can) {
    m_stop->setEnabled(can);
    m_stop->setIconName(QStringLiteral("stop"), 12, can ? &Tokens::err : nullptr);
    m_stop->setKeyHint(can && !m_compact ? QStringLiteral("Esc") : QString());
}

void ToolBar::setHistory(bool back, bool forward) {
    m_back->setEnabled(back);
    m_forward->setEnabled(forward);
}

void ToolBar::setPanels(bool sources, bool thread) {
    m_sources->setChecked(sources);
    m_thread->setChecked(thread);
}

void ToolBar::setColumns(int left, int right) {
    m_leftWidth = left;
    m_rightWidth = right;
    arrange();
}

void ToolBar::setCompact(bool compact) {
    m_compact = compact;
    arrange();
}

void ToolBar::setEmpty(bool empty) {
    m_empty = empty;
    arrange();
}

void ToolBar::resizeEvent(QResizeEvent* event) {
    Panel::resizeEvent(event);
    arrange();
}

void ToolBar::arrange() {
    arrange(m_compact);
    if (m_empty || m_rightWidth <= 0) {
        m_right->setMinimumWidth(0);
        m_right->setMaximumWidth(QWIDGETSIZE_MAX);
        m_right->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
        return;
    }
    // The right part is as wide as the thread below, unless that would push something off the bar;
    // then it shrinks to what stands in it, and after that the middle does.
    const int least = m_right->layout()->minimumSize().width();
    if (roomAtRight() < least && !m_compact) {
        arrange(true);
    }
    const int right = std::max(m_rightWidth, px(300));
    m_right->setFixedWidth(std::max(least, std::min(right, roomAtRight())));
}

int ToolBar::roomAtRight() const {
    return width() - m_left->minimumSizeHint().expandedTo(m_left->minimumSize()).width() -
           m_middle->minimumSizeHint().width();
}

void ToolBar::arrange(bool narrow) {
    m_modes->setCompact(narrow && !m_empty);
    for (QWidget* w : std::initializer_list<QWidget*>{m_back, m_forward, m_locator, m_stop}) {
        w->setVisible(!m_empty);
    }
    m_addFile->setVisible(!narrow && !m_empty);
    m_addFolder->setVisible(!narrow && !m_empty);
    const bool tight = narrow && !m_empty;
    m_left->layout()->setContentsMargins(px(8), 0, tight ? 0 : px(8), 0);
    m_middle->layout()->setContentsMargins(tight ? px(3) : px(10), 0, px(10), 0);
    m_emptyLeft->changeSize(0, 0, m_empty ? QSizePolicy::Expanding : QSizePolicy::Fixed);
    m_emptyRight->changeSize(0, 0, m_empty || narrow ? QSizePolicy::Expanding : QSizePolicy::Fixed);
    m_middleRow->invalidate();
    m_stop->setKeyHint(m_stop->isEnabled() && !narrow ? QStringLiteral("Esc") : QString());
    if (narrow && !m_empty) {
        m_locator->setFixedWidth(px(104));
        m_locator->setPlaceholder({});
    } else {
        m_locator->setMinimumWidth(px(120));
        m_locator->setMaximumWidth(px(420));
        m_locator->setPlaceholder(tr("Go to anything…"));
    }
    if (narrow || m_empty || m_leftWidth <= 0) {
        m_left->setMinimumWidth(0);
        m_left->setMaximumWidth(QWIDGETSIZE_MAX);
        m_left->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    } else {
        m_left->setFixedWidth(std::max(m_leftWidth, px(260)));
    }
}

} // namespace dossier::ui
