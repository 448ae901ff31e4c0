// SPDX-License-Identifier: GPL-3.0-or-later
// The page without a dossier.
#include "ui/main/empty_page.h"

#include <QBoxLayout>
#include <QGridLayout>
#include <QPainter>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/widgets/question_button.h"

namespace dossier::ui {
namespace {

/// Name, facts and time of a dossier in two lines.
class RecentRow : public QAbstractButton {
  public:
    RecentRow(RecentDossier dossier, QWidget* parent)
        : QAbstractButton(parent), m_dossier(std::move(dossier)) {
        setFocusPolicy(Qt::StrongFocus);
        setAccessibleName(
            QStringLiteral("%1, %2, %3").arg(m_dossier.name, m_dossier.facts, m_dossier.when));
        setToolTip(m_dossier.path);
        onThemeChange(this, [this] { setFixedHeight(px(42)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        const Tokens& t = tokens();
        if (underMouse()) {
            p.fillRect(rect(), t.hover);
        }
        p.fillRect(0, 0, width(), 1, t.line);
        paintIcon(p, m_dossier.code ? QStringLiteral("repository") : QStringLiteral("dossier"),
                  QRectF(0, pxF(12), pxF(18), pxF(18)), t.text2);
        const double when =
            tabularWidth(QFontMetricsF(fontOf(Type::Small)), m_dossier.when) + pxF(8);
        const double room = width() - pxF(29) - when;
        drawElided(p, QRectF(pxF(29), pxF(5), room, pxF(18)), m_dossier.name, fontOf(Type::Medium),
                   t.text);
        drawElided(p, QRectF(pxF(29), pxF(23), room, pxF(15)), m_dossier.facts, fontOf(Type::Small),
                   t.text2, Qt::ElideRight);
        drawNumber(p, QRectF(0, 0, width(), height()), m_dossier.when, fontOf(Type::Small),
                   t.text2);
    }

  private:
    RecentDossier m_dossier;
};

} // namespace

class EmptyPage::DropZone : public QWidget {
  public:
    explicit DropZone(QWidget* parent) : QWidget(parent) {}
    void setActive(bool active) {
        m_active = active;
        update();
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        p.setRenderHint(QPainter::Antialiasing);
        QPen pen(m_active ? tokens().accent : tokens().ctl, m_active ? 2 : 1.5);
        pen.setDashPattern({2.4, 1.8});
        pen.setCapStyle(Qt::FlatCap);
        p.setPen(pen);
        p.setBrush(m_active ? tokens().soft2 : tokens().side);
        p.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), pxF(9), pxF(9));
    }

  private:
    bool m_active = false;
};

EmptyPage::EmptyPage(QWidget* parent) : QWidget(parent) {
    auto* outer = columnLayout(this, 0, 44, 0, 24);
    m_content = new QWidget(this);
    outer->addWidget(m_content, 0, Qt::AlignHCenter);
    outer->addStretch(1);
    auto* layout = columnLayout(m_content);
    layout->addWidget(new WrapLabel(tr("Ask about all of it, and see where each answer stands"),
                                    Type::Display, &Tokens::text, 32, m_content));
    addGap(layout, 5);
    layout->addWidget(
        new WrapLabel(tr("Add contracts, notes or a code repository. Dossier reads every "
                         "page on this computer, once."),
                      Type::Lead, &Tokens::text2, 20, m_content));
    addGap(layout, 28);
    m_grid = new QGridLayout;
    layout->addLayout(m_grid);

    m_left = new QWidget(m_content);
    auto* left = columnLayout(m_left);
    m_drop = new DropZone(m_left);
    auto* drop = columnLayout(m_drop, 27, 25, 27, 25);
    auto* head = rowIn(drop, 14);
    head->addWidget(new IconLabel(QStringLiteral("add-file"), 34, &Tokens::accentT, m_drop));
    auto* words = columnIn(head);
    auto* dropTitle =
        new Label(tr("Drop files or a folder here"), Type::Panel, &Tokens::text, m_drop);
    onThemeChange(dropTitle, [dropTitle] {
        QFont font = fontOf(Type::Panel);
        font.setWeight(QFont::Medium);
        dropTitle->setFont(font);
        dropTitle->setFixedHeight(px(21));
    });
    words->addWidget(dropTitle);
    auto* formats = new Label(tr("PDF, Word, HTML, Markdown, text, source code"), Type::Small,
                              &Tokens::text2, m_drop);
    formats->setLineHeight(17);
    words->addWidget(formats);
    head->addStretch(1);
    addGap(drop, 17);
    const auto action = [&](const QString& iconName, const QString& text, const QString& keys,
                            Button::Kind kind) {
        auto* button = new Button(text, iconName, kind, m_drop);
        button->setIconName(iconName, 17);
        button->setHeight(34, Type::Body, 14, 7);
        button->setTextAlignment(Qt::AlignLeft);
        button->setKeyHint(keys);
        button->setPlainKeyHint(true);
        onThemeChange(button, [button] { button->setFixedWidth(px(226)); });
        auto* row = rowIn(drop);
        scaleLayout(row, 48, 0, 0, 0, 0);
        row->addWidget(button);
        row->addStretch(1);
        return button;
    };
    connect(action(QStringLiteral("add-file"), tr("Add files…"), QStringLiteral("Ctrl+O"),
                   Button::Primary),
            &Button::clicked, this, &EmptyPage::addFilesRequested);
    addGap(drop, 8);
    connect(action(QStringLiteral("add-folder"), tr("Add a folder…"),
                   QStringLiteral("Ctrl+Shift+O"), Button::Normal),
            &Button::clicked, this, &EmptyPage::addFolderRequested);
    left->addWidget(m_drop);
    m_recent = new QWidget(m_left);
    columnLayout(m_recent, 0, 24, 0, 0);
    left->addWidget(m_recent);
    left->addStretch(1);

    m_sample = new QWidget(m_content);
    columnLayout(m_sample);
    arrange();
    onThemeChange(this, [this] { arrange(); });
}

void EmptyPage::paintEvent(QPaintEvent*) {
    QPainter(this).fillRect(rect(), tokens().base);
}

void EmptyPage::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    arrange();
}

void EmptyPage::arrange() {
    const bool wide = width() >= px(900);
    m_content->setFixedWidth(std::min(px(880), std::max(px(300), width() - px(48))));
    m_grid->setHorizontalSpacing(px(44));
    m_grid->setVerticalSpacing(px(28));
    m_grid->removeWidget(m_left);
    m_grid->removeWidget(m_sample);
    m_grid->addWidget(m_left, 0, 0, Qt::AlignTop);
    m_grid->addWidget(m_sample, wide ? 0 : 1, wide ? 1 : 0, Qt::AlignTop);
    m_grid->setColumnMinimumWidth(0, wide ? px(430) : 0);
    m_grid->setColumnMinimumWidth(1, wide ? px(406) : 0);
}

void EmptyPage::setRecent(const std::vector<RecentDossier>& recent) {
    auto* layout = static_cast<QVBoxLayout*>(m_recent->layout());
    while (QLayoutItem* item = layout->takeAt(0)) {
        if (item->widget() != nullptr) {
            item->widget()->deleteLater();
        }
        delete item;
    }
    m_recent->setVisible(!recent.empty());
    if (recent.empty()) {
        return;
    }
    auto* title = new Label(tr("Continue"), Type::Medium, &Tokens::text, m_recent);
    title->setLineHeight(28);
    layout->addWidget(title);
    for (const RecentDossier& dossier : recent) {
        auto* row = new RecentRow(dossier, m_recent);
        connect(row, &QAbstractButton::clicked, this,
                [this, path = dossier.path] { emit openRequested(path); });
        layout->addWidget(row);
    }
}

void EmptyPage::setSample(const QStringList& questions, const QString& text, const QString& facts) {
    auto* outer = static_cast<QVBoxLayout*>(m_sample->layout());
    while (QLayoutItem* item = outer->takeAt(0)) {
        if (item->widget() != nullptr) {
            item->widget()->deleteLater();
        }
        delete item;
    }
    m_sample->setVisible(!text.isEmpty());
    if (text.isEmpty()) {
        return;
    }
    class Card : public QWidget {
      public:
        using QWidget::QWidget;

      protected:
        void paintEvent(QPaintEvent*) override {
            QPainter p(this);
            p.setRenderHint(QPainter::Antialiasing);
            p.setPen(Qt::NoPen);
            p.setBrush(tokens().band);
            p.drawRoundedRect(rect(), pxF(9), pxF(9));
        }
    };
    auto* card = new Card(m_sample);
    auto* layout = columnLayout(card, 22, 20, 22, 16);
    auto* head = rowIn(layout, 9);
    auto* badge = new BadgeLabel(tr("Sample"), BadgeLabel::Accent, card);
    badge->show();
    head->addWidget(badge);
    auto* title = new Label(tr("Look around first"), Type::Panel, &Tokens::text, card);
    title->setLineHeight(21);
    QFont font = fontOf(Type::Panel);
    font.setWeight(QFont::Medium);
    title->setFont(font);
    head->addWidget(title);
    head->addStretch(1);
    addGap(layout, 8);
    layout->addWidget(new WrapLabel(text, Type::Body, &Tokens::text2, 20, card));
    addGap(layout, 14);
    for (const QString& question : questions) {
        auto* button = new QuestionButton(question, card);
        connect(button, &QAbstractButton::clicked, this,
                [this, question] { emit sampleRequested(question); });
        layout->addWidget(button);
        addGap(layout, 7);
    }
    addGap(layout, 5);
    auto* foot = rowIn(layout, 8);
    auto* open = new Button(tr("Open the sample dossier"), {}, Button::Normal, card);
    connect(open, &Button::clicked, this, [this] { emit sampleRequested({}); });
    foot->addWidget(open);
    foot->addStretch(1);
    auto* count = new Label(facts, Type::Small, &Tokens::text2, card);
    count->setTabular();
    foot->addWidget(count);
    outer->addWidget(card);
}

void EmptyPage::setDropActive(bool active) {
    m_drop->setActive(active);
}

} // namespace dossier::ui
