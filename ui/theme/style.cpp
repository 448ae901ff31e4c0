// SPDX-License-Identifier: GPL-3.0-or-later
// What Fusion draws otherwise and a style sheet cannot say.
#include "ui/theme/style.h"

#include <QAbstractItemView>
#include <QAbstractScrollArea>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QFocusFrame>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMenuBar>
#include <QPainter>
#include <QPlainTextEdit>
#include <QPointer>
#include <QScrollArea>
#include <QStyleOption>
#include <QTableView>
#include <QTextEdit>

#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

/// Mnemonics are underlined while Alt is held down.
bool s_mnemonics = false;

} // namespace

DossierStyle::DossierStyle() : QProxyStyle(QStringLiteral("Fusion")) {}

int DossierStyle::pixelMetric(PixelMetric metric, const QStyleOption* option,
                              const QWidget* widget) const {
    switch (metric) {
    case PM_SmallIconSize:
    case PM_ButtonIconSize:
        return px(16);
    case PM_LayoutHorizontalSpacing:
    case PM_LayoutVerticalSpacing:
        return px(8);
    case PM_FocusFrameHMargin:
    case PM_FocusFrameVMargin:
        return 4;
    case PM_IndicatorWidth:
    case PM_IndicatorHeight:
    case PM_ExclusiveIndicatorWidth:
    case PM_ExclusiveIndicatorHeight:
        return px(15);
    case PM_CheckBoxLabelSpacing:
    case PM_RadioButtonLabelSpacing:
        return px(8);
    case PM_MenuBarItemSpacing:
    case PM_MenuBarPanelWidth:
    case PM_MenuBarHMargin:
    case PM_MenuBarVMargin:
        return 0;
    case PM_ToolTipLabelFrameWidth:
        return 0;
    default:
        return QProxyStyle::pixelMetric(metric, option, widget);
    }
}

int DossierStyle::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                            QStyleHintReturn* data) const {
    switch (hint) {
    case SH_EtchDisabledText:
    case SH_ScrollBar_Transient:
    case SH_ItemView_ActivateItemOnSingleClick:
    case SH_DitherDisabledText:
        return 0;
    case SH_UnderlineShortcut:
        return s_mnemonics ? 1 : 0;
    case SH_Menu_SloppySubMenus:
        return 1;
    case SH_ToolTip_WakeUpDelay:
        return 500;
    default:
        return QProxyStyle::styleHint(hint, option, widget, data);
    }
}

void DossierStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option,
                                 QPainter* painter, const QWidget* widget) const {
    const bool enabled = option->state.testFlag(State_Enabled);
    switch (element) {
    case PE_IndicatorCheckBox: {
        const auto state = option->state.testFlag(State_NoChange) ? Check::Mixed
                           : option->state.testFlag(State_On)     ? Check::On
                                                                  : Check::Off;
        paintCheck(*painter, option->rect, state, enabled, option->state.testFlag(State_MouseOver));
        return;
    }
    case PE_IndicatorRadioButton:
        paintRadio(*painter, option->rect, option->state.testFlag(State_On), enabled);
        return;
    case PE_IndicatorBranch:
        if (option->state.testFlag(State_Children)) {
            const double side = pxF(11);
            const QRectF square(option->rect.center().x() - side / 2,
                                option->rect.center().y() - side / 2, side, side);
            paintIcon(*painter,
                      option->state.testFlag(State_Open) ? QStringLiteral("chevron-down")
                                                         : QStringLiteral("chevron-right"),
                      square, tokens().text3, 2);
        }
        return;
    case PE_IndicatorItemViewItemDrop:
        paintDropMarker(*painter, option->rect);
        return;
    case PE_FrameFocusRect: // elsewhere the focus frame and the delegates draw it
        if (qobject_cast<const QTableView*>(widget) != nullptr) {
            paintRowFocus(*painter, option->rect);
        }
        return;
    default:
        QProxyStyle::drawPrimitive(element, option, painter, widget);
    }
}

void DossierStyle::drawControl(ControlElement element, const QStyleOption* option,
                               QPainter* painter, const QWidget* widget) const {
    if (element != CE_FocusFrame) {
        QProxyStyle::drawControl(element, option, painter, widget);
        return;
    }
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(QPen(tokens().focus, 2));
    painter->setBrush(Qt::NoBrush);
    painter->drawRoundedRect(QRectF(option->rect).adjusted(1.5, 1.5, -1.5, -1.5), pxF(7), pxF(7));
    painter->restore();
}

namespace {

/// The ring inside an area that scrolls, which fills what it stands in.
class InnerRing : public QWidget {
  public:
    explicit InnerRing(QWidget* area) : QWidget(area) {
        setAttribute(Qt::WA_TransparentForMouseEvents);
        setGeometry(area->rect());
        show();
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        paintRowFocus(p, rect());
    }
};

/// Follows the keyboard focus in all windows of the program. Fields show it by their border and
/// item views by their rows, so they get no ring.
class FocusRing : public QObject {
  public:
    explicit FocusRing(QWidget* window) : QObject(window) {
        connect(qApp, &QApplication::focusChanged, this,
                [this](QWidget*, QWidget* now) { follow(now); });
        qApp->installEventFilter(this);
    }

    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::KeyPress) {
            const auto* key = static_cast<QKeyEvent*>(event);
            showMnemonics(key->key() == Qt::Key_Alt || s_mnemonics);
            const bool moves = key->key() == Qt::Key_Tab || key->key() == Qt::Key_Backtab ||
                               key->modifiers().testFlag(Qt::AltModifier) ||
                               key->key() == Qt::Key_F6;
            if (moves && !m_keyboard) {
                m_keyboard = true;
                follow(QApplication::focusWidget()); // which may be the only one there is
            }
        } else if (event->type() == QEvent::KeyRelease) {
            if (static_cast<QKeyEvent*>(event)->key() == Qt::Key_Alt &&
                QApplication::activePopupWidget() == nullptr) {
                showMnemonics(false);
            }
        } else if (event->type() == QEvent::Resize && m_inner && watched == m_inner->parent()) {
            m_inner->setGeometry(m_inner->parentWidget()->rect());
        } else if (event->type() == QEvent::MouseButtonPress) {
            showMnemonics(false);
            m_keyboard = false;
            follow(nullptr);
        } else if (event->type() == QEvent::FocusIn) {
            const auto reason = static_cast<QFocusEvent*>(event)->reason();
            // Tab reasons come as well when a widget with the focus is hidden; keys tell them
            // apart.
            if (reason == Qt::ShortcutFocusReason) {
                m_keyboard = true;
                follow(qobject_cast<QWidget*>(watched));
            }
        }
        return false;
    }

  private:
    void showMnemonics(bool show) {
        if (s_mnemonics != show) {
            s_mnemonics = show;
            static_cast<QWidget*>(parent())->update();
            for (QWidget* bar : static_cast<QWidget*>(parent())->findChildren<QMenuBar*>()) {
                bar->update();
            }
        }
    }

    /// A scroll area does so itself only where the focus comes from inside it.
    static void bringIntoSight(QWidget* widget) {
        for (QWidget* at = widget->parentWidget(); at != nullptr; at = at->parentWidget()) {
            if (auto* area = qobject_cast<QScrollArea*>(at)) {
                area->ensureWidgetVisible(widget, 0, px(8));
            }
        }
    }

    /// Text to be read: no caret and no border of its own.
    static bool isBareText(const QWidget* widget) {
        const auto* rich = qobject_cast<const QTextEdit*>(widget);
        const auto* plain = qobject_cast<const QPlainTextEdit*>(widget);
        return (rich != nullptr && rich->isReadOnly()) ||
               (plain != nullptr && plain->isReadOnly() && !plain->property("boxed").toBool());
    }

    void follow(QWidget* now) {
        if (m_frame) {
            m_frame->setWidget(nullptr);
        }
        delete m_inner;
        if (now != nullptr && m_keyboard) {
            bringIntoSight(now);
        }
        if (now != nullptr && m_keyboard && now->metaObject() == &QScrollArea::staticMetaObject) {
            m_inner = new InnerRing(now);
            return;
        }
        if (now == nullptr || !m_keyboard || qobject_cast<QLineEdit*>(now) ||
            qobject_cast<QComboBox*>(now) || qobject_cast<QAbstractSpinBox*>(now) ||
            (qobject_cast<QAbstractScrollArea*>(now) && !isBareText(now)) ||
            now->property("ownFocus").toBool() || now->isWindow()) {
            return;
        }
        if (!m_frame) {
            m_frame = new QFocusFrame(now->window());
            m_frame->setAttribute(Qt::WA_TransparentForMouseEvents);
        }
        m_frame->setWidget(now);
    }

    /// Becomes a child of the widget around the one with the focus, and is deleted with it.
    QPointer<QFocusFrame> m_frame;
    QPointer<InnerRing> m_inner;
    bool m_keyboard = false;
};

} // namespace

void installFocusRing(QWidget* window) {
    new FocusRing(window);
}

} // namespace dossier::ui
