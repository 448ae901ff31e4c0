// SPDX-License-Identifier: GPL-3.0-or-later
// Notes and citations.
#include "ui/main/notes_strip.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QStyledItemDelegate>
#include <algorithm>
#include <array>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"

namespace dossier::ui {
namespace {

/// Chevron and title; folds and unfolds the strip.
class Toggle : public QAbstractButton {
  public:
    explicit Toggle(QWidget* parent) : QAbstractButton(parent) {
        setCheckable(true);
        setText(NotesStrip::tr("Notes & citations"));
        setFocusPolicy(Qt::StrongFocus);
        onThemeChange(this, [this] { setFixedSize(sizeHint()); });
    }
    QSize sizeHint() const override {
        return {static_cast<int>(QFontMetricsF(fontOf(Type::Medium)).horizontalAdvance(text()) +
                                 pxF(19)),
                px(24)};
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        paintIcon(p, isChecked() ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right"),
                  QRectF(0, (height() - pxF(11)) / 2, pxF(11), pxF(11)), tokens().text, 2);
        drawText(p, QRectF(rect()).adjusted(pxF(17), 0, 4, 0), text(), fontOf(Type::Medium),
                 tokens().text);
    }
};

/// "9 in this source", counts by state, highlights, notes: while the strip is folded.
class CountRow : public QWidget {
  public:
    explicit CountRow(QWidget* parent) : QWidget(parent) {
        setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
        onThemeChange(this, [this] { update(); });
    }

    void setRows(const std::vector<const NoteRow*>& rows) {
        m_verdicts = {};
        m_highlights = m_notes = 0;
        m_total = static_cast<int>(rows.size());
        for (const NoteRow* row : rows) {
            if (!row->isMark) {
                ++m_verdicts[static_cast<std::size_t>(row->citation.verdict)];
            } else if (!row->mark.note.empty() || row->mark.kind == ingest::MarkKind::Note) {
                ++m_notes;
            } else {
                ++m_highlights;
            }
        }
        setAccessibleName(NotesStrip::tr("%1 in this source").arg(m_total));
        update();
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        const Tokens& t = tokens();
        double x = 0;
        const QRectF row = rect();
        const auto text = [&](const QString& words, const QColor& color) {
            drawText(p, QRectF(x, 0, row.width() - x, row.height()), words, fontOf(Type::Small),
                     color);
            x += QFontMetricsF(fontOf(Type::Small)).horizontalAdvance(words) + pxF(14);
        };
        const auto glyph = [&](const QString& name, const QString& words) {
            if (x + pxF(60) > row.width()) {
                return;
            }
            paintIcon(p, name, QRectF(x, (row.height() - pxF(14)) / 2, pxF(14), pxF(14)), t.text2);
            x += pxF(18);
            text(words, t.text2);
        };
        text(NotesStrip::tr("%1 in this source").arg(m_total), t.text2);
        for (std::size_t i = 0; i < m_verdicts.size(); ++i) {
            if (m_verdicts[i] > 0) {
                VerdictLook look = lookOf(static_cast<app::Verdict>(i));
                look.word =
                    QStringLiteral("%1 %2")
                        .arg(m_verdicts[i])
                        .arg(i == 0 ? NotesStrip::tr("verified") : look.shortWord.toLower());
                if (static_cast<app::Verdict>(i) == app::Verdict::Partial) {
                    look.word = NotesStrip::tr("%1 partial").arg(m_verdicts[i]);
                }
                const double wide = verdictWordWidth(look, false);
                if (x + wide > row.width()) {
                    break;
                }
                paintVerdictWord(p, QRectF(x, 0, wide, row.height()), look, false);
                x += wide + pxF(14);
            }
        }
        if (m_highlights > 0) {
            glyph(QStringLiteral("highlight"),
                  m_highlights == 1 ? NotesStrip::tr("1 highlight")
                                    : NotesStrip::tr("%1 highlights").arg(m_highlights));
        }
        if (m_notes > 0) {
            glyph(QStringLiteral("note"), m_notes == 1 ? NotesStrip::tr("1 note")
                                                       : NotesStrip::tr("%1 notes").arg(m_notes));
        }
    }

  private:
    std::array<int, 5> m_verdicts{};
    int m_highlights = 0, m_notes = 0, m_total = 0;
};

class Delegate : public QStyledItemDelegate {
  public:
    explicit Delegate(NotesStrip* strip) : QStyledItemDelegate(strip), m_strip(strip) {}

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {px(100), px(26)};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QPainter& p = *painter;
        const PainterScope scope(p);
        const Tokens& t = tokens();
        const NoteRow& row = m_strip->model().row(index.row());
        const QRectF cell = option.rect;
        const bool current = m_strip->isCurrent(row);
        const bool selected = option.state.testFlag(QStyle::State_Selected);
        if (current || selected || option.state.testFlag(QStyle::State_MouseOver)) {
            p.fillRect(cell, current || selected ? t.soft : t.hover);
        }
        p.fillRect(QRectF(cell.x(), cell.y(), cell.width(), 1), t.line);
        const QFont small = fontOf(Type::Small);
        double x = cell.x() + pxF(12);
        if (row.isMark) {
            paintIcon(p, iconOf(row.mark),
                      QRectF(x + pxF(2), cell.center().y() - pxF(7), pxF(14), pxF(14)), t.text2);
        } else {
            paintChip(
                p, QPointF(x, std::round(cell.y() + (cell.height() - pxF(17)) / 2 + 0.5)),
                {row.citation.number, row.citation.verdict, current, false, row.citation.forced});
        }
        x += pxF(44);
        const double placeWidth = std::min(pxF(190), cell.width() * 0.28);
        const double name =
            drawElided(p, QRectF(x, cell.y(), placeWidth, cell.height()), row.place, small, t.text);
        drawElided(p, QRectF(x + name, cell.y(), std::max(0.0, placeWidth - name), cell.height()),
                   row.where, small, t.text2, Qt::ElideRight);
        x += placeWidth + pxF(10);
        double right = cell.right() - pxF(12);
        drawElided(p, QRectF(right - pxF(56), cell.y(), pxF(56), cell.height()), {}, small,
                   t.text3);
        drawText(p, QRectF(right - pxF(56), cell.y(), pxF(56), cell.height()), row.who, small,
                 t.text3, Qt::AlignRight | Qt::AlignVCenter);
        right -= pxF(66) + pxF(112);
        if (row.isMark) {
            drawText(p, QRectF(right, cell.y(), pxF(112), cell.height()),
                     row.mark.note.empty() ? NotesStrip::tr("My mark") : NotesStrip::tr("My note"),
                     small, t.text2);
        } else {
            paintVerdictWord(p, QRectF(right, cell.y(), pxF(112), cell.height()),
                             lookOf(row.citation.verdict, row.citation.percent), true);
        }
        const QRectF words(x, cell.y(), right - pxF(10) - x, cell.height());
        drawElided(p, words, row.words, row.code ? fontOf(Type::Snippet) : small, t.text,
                   Qt::ElideRight);
        if (option.state.testFlag(QStyle::State_HasFocus) && m_strip->list()->hasFocus()) {
            paintRowFocus(p, cell);
        }
    }

  private:
    static QString iconOf(const app::Mark& mark) {
        if (!mark.note.empty() || mark.kind == ingest::MarkKind::Note) {
            return QStringLiteral("note");
        }
        return mark.kind == ingest::MarkKind::Underline   ? QStringLiteral("underline")
               : mark.kind == ingest::MarkKind::StrikeOut ? QStringLiteral("strike")
                                                          : QStringLiteral("highlight");
    }

    NotesStrip* m_strip;
};

} // namespace

void NotesModel::setRows(std::vector<NoteRow> rows) {
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

QVariant NotesModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) {
        return {};
    }
    const NoteRow& entry = row(index.row());
    if (role == Qt::DisplayRole) {
        return entry.words;
    } else if (role == Qt::ToolTipRole) {
        return entry.isMark && !entry.mark.note.empty()
                   ? QString::fromStdString(entry.mark.note) + QStringLiteral("\n“") +
                         QString::fromStdString(entry.mark.quote) + QStringLiteral("”")
                   : entry.words;
    } else if (role == Qt::AccessibleTextRole) {
        const QString kind =
            entry.isMark ? tr("Mark")
                         : tr("Citation %1, %2")
                               .arg(entry.citation.number)
                               .arg(lookOf(entry.citation.verdict, entry.citation.percent).word);
        return QStringLiteral("%1, %2%3: %4").arg(kind, entry.place, entry.where, entry.words);
    }
    return {};
}

NotesStrip::NotesStrip(QWidget* parent)
    : QWidget(parent), m_model(new NotesModel(this)), m_list(new QListView(this)) {
    setObjectName(QStringLiteral("notes"));
    auto* layout = columnLayout(this);
    auto* head = new Panel(&Tokens::window, Qt::TopEdge, this);
    head->setBarHeight(31);
    auto* row = head->row(10, 1, 10, 0, 14);
    auto* toggle = new Toggle(head);
    m_toggle = toggle;
    m_counts = new CountRow(head);
    onThemeChange(m_counts, [this] { m_counts->setMinimumHeight(px(24)); });
    m_states = new Button(tr("All states"), QStringLiteral("filter"), Button::Normal, head);
    m_states->setIconName(QStringLiteral("filter"), 13);
    m_states->setHeight(22, Type::Small, 8, 5);
    m_states->setChevron(true);
    m_scope = new Button(tr("This source"), {}, Button::Normal, head);
    m_scope->setHeight(22, Type::Small, 8, 5);
    m_scope->setChevron(true);
    row->addWidget(toggle);
    row->addWidget(m_counts, 1);
    row->addStretch(0);
    row->addWidget(m_states);
    row->addWidget(m_scope);
    layout->addWidget(head);
    m_list->setModel(m_model);
    m_list->setItemDelegate(new Delegate(this));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setUniformItemSizes(true);
    m_list->setMouseTracking(true);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_list->setContextMenuPolicy(Qt::CustomContextMenu);
    m_list->setAccessibleName(tr("Notes and citations"));
    onThemeChange(m_list, [this] {
        m_list->setFixedHeight(px(26 * 4));
        m_list->doItemsLayout();
    });
    layout->addWidget(m_list);
    connect(toggle, &QAbstractButton::clicked, this, [this](bool on) {
        setOpen(on);
        emit openChanged(on);
    });
    connect(m_list, &QListView::clicked, this, &NotesStrip::open);
    connect(m_list, &QListView::activated, this, &NotesStrip::open);
    connect(m_list, &QListView::customContextMenuRequested, this, &NotesStrip::menu);
    connect(m_states, &Button::clicked, this, [this] {
        auto* choices = new QMenu(this);
        choices->setAttribute(Qt::WA_DeleteOnClose);
        const std::pair<QString, Show> entries[] = {{tr("All states"), Show::All},
                                                    {tr("Not verified"), Show::Bad},
                                                    {tr("My notes and marks"), Show::Marks}};
        for (const auto& [text, show] : entries) {
            choices->addAction(text, this, [this, text = text, show = show] {
                m_show = show;
                m_states->setText(text);
                m_states->updateGeometry();
                apply();
            });
        }
        choices->popup(m_states->mapToGlobal(QPoint(0, -choices->sizeHint().height())));
    });
    connect(m_scope, &Button::clicked, this, [this] {
        m_thisSource = !m_thisSource;
        m_scope->setText(m_thisSource ? tr("This source") : tr("All sources"));
        m_scope->updateGeometry();
        apply();
    });
    setOpen(false);
}

void NotesStrip::setOpen(bool open) {
    m_open = open;
    m_toggle->setChecked(open);
    m_list->setVisible(open);
    m_states->setVisible(open);
    m_scope->setVisible(open);
    m_counts->setVisible(!open);
}

void NotesStrip::setRows(std::vector<NoteRow> rows) {
    m_all = std::move(rows);
    apply();
}

void NotesStrip::setSource(app::SourceId source) {
    m_source = source;
    apply();
}

void NotesStrip::setCurrent(app::QuestionId question, std::uint32_t citation) {
    if (m_current != citation || m_question != question) {
        m_question = question;
        m_current = citation;
        m_list->viewport()->update();
    }
}

bool NotesStrip::isCurrent(const NoteRow& row) const {
    return !row.isMark && row.question == m_question && row.citation.number == m_current;
}

void NotesStrip::apply() {
    std::vector<const NoteRow*> here;
    std::vector<NoteRow> shown;
    for (const NoteRow& row : m_all) {
        if (row.source == m_source) {
            here.push_back(&row);
        }
        const bool bad = !row.isMark && row.citation.verdict != app::Verdict::Verified &&
                         row.citation.verdict != app::Verdict::VerifiedNormalised;
        const bool state = m_show == Show::All || (m_show == Show::Bad && bad) ||
                           (m_show == Show::Marks && row.isMark);
        if (state && (!m_thisSource || row.source == m_source)) {
            shown.push_back(row);
        }
    }
    static_cast<CountRow*>(m_counts)->setRows(here);
    m_model->setRows(std::move(shown));
}

void NotesStrip::open(const QModelIndex& index) {
    if (!index.isValid()) {
        return;
    }
    const NoteRow row = m_model->row(index.row());
    if (row.isMark) {
        emit markOpened(row.mark);
    } else {
        emit citationOpened(row.question, row.citation.number);
    }
}

void NotesStrip::menu(const QPoint& at) {
    const QModelIndex index = m_list->indexAt(at);
    if (!index.isValid()) {
        return;
    }
    const NoteRow row = m_model->row(index.row());
    auto* actions = new QMenu(this);
    actions->setAttribute(Qt::WA_DeleteOnClose);
    actions->addAction(tr("Open"), this,
                       [this, index = QPersistentModelIndex(index)] { open(index); });
    if (row.isMark) {
        actions->addAction(tr("Edit the note…"), this,
                           [this, mark = row.mark] { emit markEditRequested(mark); });
        actions->addAction(tr("Remove"), this,
                           [this, id = row.mark.id] { emit markRemoveRequested(id); });
    } else if (row.citation.place) {
        actions->addAction(tr("Make it a highlight (Ctrl+H)"), this,
                           [this, question = row.question, number = row.citation.number] {
                               emit promoteRequested(question, number);
                           });
    }
    actions->popup(m_list->viewport()->mapToGlobal(at));
}

} // namespace dossier::ui
