// SPDX-License-Identifier: GPL-3.0-or-later
// Note popup.
#include "ui/main/note_popup.h"

#include <QBoxLayout>
#include <QKeyEvent>
#include <QPainter>
#include <QPlainTextEdit>

namespace dossier::ui {
namespace {

class ColorButton : public QAbstractButton {
  public:
    ColorButton(std::array<std::uint8_t, 3> rgb, const QString& name, QWidget* parent)
        : QAbstractButton(parent), m_color(rgb[0], rgb[1], rgb[2]) {
        setCheckable(true);
        setAutoExclusive(true);
        setToolTip(name);
        setAccessibleName(name);
        setFocusPolicy(Qt::StrongFocus);
        onThemeChange(this, [this] { setFixedSize(px(24), px(24)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        p.setRenderHint(QPainter::Antialiasing);
        p.setPen(
            QPen(isChecked() || hasFocus() ? tokens().text : tokens().line2, isChecked() ? 2 : 1));
        p.setBrush(m_color);
        p.drawRoundedRect(QRectF(rect()).adjusted(3, 3, -3, -3), pxF(4), pxF(4));
    }

  private:
    QColor m_color;
};

} // namespace

const std::array<std::array<std::uint8_t, 3>, 5>& markColors() {
    static const std::array<std::array<std::uint8_t, 3>, 5> colors = {
        {{255, 224, 127}, {169, 220, 178}, {157, 200, 240}, {242, 176, 168}, {205, 184, 240}}};
    return colors;
}

QString markColorName(std::size_t index) {
    const QString names[] = {NotePopup::tr("Yellow"), NotePopup::tr("Green"), NotePopup::tr("Blue"),
                             NotePopup::tr("Red"), NotePopup::tr("Violet")};
    return index < std::size(names) ? names[index] : QString();
}

NotePopup::NotePopup(const app::Mark& mark, QWidget* parent)
    : PopupFrame(parent), m_mark(mark), m_edit(new QPlainTextEdit(this)) {
    setAccessibleName(tr("Note"));
    auto* layout = columnLayout(this, 12, 10, 12, 10, 8);
    auto* quote =
        new Label(QStringLiteral("“%1”").arg(QString::fromStdString(mark.quote).simplified()),
                  Type::QuotationSmall, &Tokens::text2, this);
    quote->setElide(Qt::ElideRight, 80);
    layout->addWidget(quote);
    m_edit->setPlainText(QString::fromStdString(mark.note));
    m_edit->setPlaceholderText(tr("Write a note…"));
    m_edit->setProperty("boxed", true);
    m_edit->setTabChangesFocus(true);
    m_edit->setAccessibleName(tr("Note"));
    m_edit->installEventFilter(this);
    onThemeChange(m_edit, [this] { m_edit->setFixedHeight(px(88)); });
    layout->addWidget(m_edit);
    auto* row = rowIn(layout, 4);
    for (std::size_t i = 0; i < markColors().size(); ++i) {
        auto* color = new ColorButton(markColors()[i], markColorName(i), this);
        color->setChecked(mark.rgb == markColors()[i]);
        connect(color, &QAbstractButton::clicked, this,
                [this, i] { m_mark.rgb = markColors()[i]; });
        row->addWidget(color);
    }
    row->addStretch(1);
    if (mark.id != app::MarkId{}) {
        auto* remove = new Button(tr("Remove"), {}, Button::Flat, this);
        remove->setHeight(26, Type::Small, 8, 5);
        connect(remove, &Button::clicked, this, [this] {
            emit removeRequested(m_mark.id);
            close();
        });
        row->addWidget(remove);
    }
    auto* saveButton = new Button(tr("Save"), {}, Button::Primary, this);
    saveButton->setHeight(26, Type::Small, 10, 5);
    saveButton->setToolTip(tr("Save (Ctrl+Enter)"));
    connect(saveButton, &Button::clicked, this, &NotePopup::save);
    row->addWidget(saveButton);
    m_edit->setFocus(Qt::PopupFocusReason);
    onThemeChange(this, [this] { setFixedWidth(px(320)); });
}

bool NotePopup::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_edit && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if ((key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) &&
            key->modifiers().testFlag(Qt::ControlModifier)) {
            save();
            return true;
        } else if (key->key() == Qt::Key_Escape) {
            close();
            return true;
        }
    }
    return PopupFrame::eventFilter(watched, event);
}

void NotePopup::save() {
    m_mark.note = m_edit->toPlainText().trimmed().toStdString();
    emit saved(m_mark);
    close();
}

} // namespace dossier::ui
