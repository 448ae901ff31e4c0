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
#include <QPointer>
#include <QStyleOption>

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
    case PE_FrameFocusRect:
        return; // the focus frame and the delegates draw it
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

/// Follows the keyboard focus. Fields show it by their border and item views by their rows, so
/// they get no ring.
class FocusRing : public QObject {
  public:
    explicit FocusRing(QWidget* window) : QObject(window), m_frame(new QFocusFrame(window)) {
        m_frame->setAttribute(Qt::WA_TransparentForMouseEvents);
        connect(qApp, &QApplication::focusChanged, this,
                [this](QWidget*, QWidget* now) { follow(now); });
        qApp->installEventFilter(this);
    }

    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() == QEvent::KeyPress) {
            const auto* key = static_cast<QKeyEvent*>(event);
            showMnemonics(key->key() == Qt::Key_Alt || s_mnemonics);
            m_keyboard = m_keyboard || key->key() == Qt::Key_Tab || key->key() == Qt::Key_Backtab ||
                         key->modifiers().testFlag(Qt::AltModifier) || key->key() == Qt::Key_F6;
        } else if (event->type() == QEvent::KeyRelease) {
            if (static_cast<QKeyEvent*>(event)->key() == Qt::Key_Alt &&
                QApplication::activePopupWidget() == nullptr) {
                showMnemonics(false);
            }
        } else if (event->type() == QEvent::MouseButtonPress) {
            showMnemonics(false);
            m_keyboard = false;
            m_frame->setWidget(nullptr);
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

    void follow(QWidget* now) {
        if (now == nullptr || !m_keyboard || now->window() != m_frame->window() ||
            qobject_cast<QLineEdit*>(now) || qobject_cast<QComboBox*>(now) ||
            qobject_cast<QAbstractSpinBox*>(now) || qobject_cast<QAbstractScrollArea*>(now) ||
            now->property("ownFocus").toBool() || now->isWindow()) {
            m_frame->setWidget(nullptr);
            return;
        }
        m_frame->setWidget(now);
    }

    QPointer<QFocusFrame> m_frame;
    bool m_keyboard = false;
};

} // namespace

void installFocusRing(QWidget* window) {
    new FocusRing(window);
}

} // namespace dossier::ui
