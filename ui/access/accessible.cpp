// SPDX-License-Identifier: GPL-3.0-or-later
// Accessible interfaces of painted widgets.
#include "ui/access/accessible.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <algorithm>
#include <array>

#include "ui/access/document_text.h"
#include "ui/memory/charts.h"
#include "ui/thread/depth_popup.h"
#include "ui/viewer/document_view.h"
#include "ui/widgets/controls.h"
#include "ui/widgets/meters.h"

namespace dossier::ui {
namespace {

/// One segment of a switch; lives as long as its switch is asked about.
class SegmentTab : public QAccessibleInterface, public QAccessibleActionInterface {
  public:
    SegmentTab(SegmentSwitch* owner, int index) : m_owner(owner), m_index(index) {}

    bool isValid() const override { return m_owner && m_index < m_owner->count(); }
    QObject* object() const override { return nullptr; }
    QAccessibleInterface* parent() const override {
        return QAccessible::queryAccessibleInterface(m_owner);
    }
    QAccessibleInterface* child(int) const override { return nullptr; }
    QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    int childCount() const override { return 0; }
    int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    QWindow* window() const override { return m_owner->window()->windowHandle(); }
    QString text(QAccessible::Text what) const override {
        const auto& segment = m_owner->segment(m_index);
        return what == QAccessible::Name          ? segment.text
               : what == QAccessible::Description ? segment.tip
                                                  : QString();
    }
    void setText(QAccessible::Text, const QString&) override {}
    QRect rect() const override {
        const QRect r = m_owner->segmentRect(m_index);
        return {m_owner->mapToGlobal(r.topLeft()), r.size()};
    }
    QAccessible::Role role() const override { return QAccessible::PageTab; }
    QAccessible::State state() const override {
        QAccessible::State state;
        state.selectable = true;
        state.focusable = true;
        state.selected = m_owner->current() == m_index;
        state.focused = state.selected && m_owner->hasFocus();
        state.disabled = !m_owner->segment(m_index).enabled;
        return state;
    }
    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::ActionInterface ? static_cast<QAccessibleActionInterface*>(this)
                                                    : nullptr;
    }
    QStringList actionNames() const override { return {pressAction()}; }
    void doAction(const QString& name) override {
        if (name == pressAction() && m_owner->segment(m_index).enabled) {
            m_owner->setCurrent(m_index);
            emit m_owner->chosen(m_index);
        }
    }
    QStringList keyBindingsForAction(const QString&) const override { return {}; }

  private:
    QPointer<SegmentSwitch> m_owner;
    int m_index;
};

class AccessibleSegments : public QAccessibleWidget {
  public:
    explicit AccessibleSegments(SegmentSwitch* owner)
        : QAccessibleWidget(owner, QAccessible::PageTabList) {
        for (int i = 0; i < owner->count(); ++i) {
            m_tabs.push_back(std::make_unique<SegmentTab>(owner, i));
            QAccessible::registerAccessibleInterface(m_tabs.back().get());
        }
    }
    ~AccessibleSegments() override {
        for (const auto& tab : m_tabs) {
            // The registry would delete the tab itself.
            QAccessible::deleteAccessibleInterface(QAccessible::uniqueId(tab.get()));
        }
        for (auto& tab : m_tabs) {
            static_cast<void>(tab.release());
        }
    }
    int childCount() const override { return static_cast<int>(m_tabs.size()); }
    QAccessibleInterface* child(int index) const override {
        return index >= 0 && index < childCount() ? m_tabs[static_cast<std::size_t>(index)].get()
                                                  : nullptr;
    }
    int indexOfChild(const QAccessibleInterface* wanted) const override {
        for (int i = 0; i < childCount(); ++i) {
            if (m_tabs[static_cast<std::size_t>(i)].get() == wanted) {
                return i;
            }
        }
        return -1;
    }

  private:
    std::vector<std::unique_ptr<SegmentTab>> m_tabs;
};

/// A bar with a value from 0 to 100.
class AccessibleProgress : public QAccessibleWidget, public QAccessibleValueInterface {
  public:
    AccessibleProgress(QWidget* widget, std::function<double()> share)
        : QAccessibleWidget(widget, QAccessible::ProgressBar), m_share(std::move(share)) {}

    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::ValueInterface ? static_cast<QAccessibleValueInterface*>(this)
                                                   : QAccessibleWidget::interface_cast(type);
    }
    QVariant currentValue() const override { return m_share() * 100; }
    void setCurrentValue(const QVariant&) override {}
    QVariant maximumValue() const override { return 100; }
    QVariant minimumValue() const override { return 0; }
    QVariant minimumStepSize() const override { return 1; }

  private:
    std::function<double()> m_share;
};

QAccessibleInterface* create(const QString&, QObject* object) {
    if (auto* segments = qobject_cast<SegmentSwitch*>(object)) {
        return new AccessibleSegments(segments);
    } else if (auto* progress = qobject_cast<ThinProgress*>(object)) {
        return new AccessibleProgress(progress,
                                      [progress] { return std::max(0.0, progress->value()); });
    } else if (auto* meter = qobject_cast<MeterBar*>(object)) {
        return new AccessibleProgress(
            meter, [meter] { return meter->parts().empty() ? 0.0 : meter->parts().front().share; });
    } else if (qobject_cast<StackedChart*>(object) != nullptr ||
               qobject_cast<LineChart*>(object) != nullptr ||
               qobject_cast<HeatStrip*>(object) != nullptr) {
        return new QAccessibleWidget(static_cast<QWidget*>(object), QAccessible::Chart);
    } else if (qobject_cast<Legend*>(object) != nullptr) {
        return new QAccessibleWidget(static_cast<QWidget*>(object), QAccessible::StaticText);
    } else if (qobject_cast<DepthItem*>(object) != nullptr) {
        return new QAccessibleWidget(static_cast<QWidget*>(object), QAccessible::RadioButton);
    } else if (auto* view = qobject_cast<DocumentView*>(object)) {
        return new AccessibleDocument(view);
    }
    return nullptr;
}

} // namespace

void installAccessibility() {
    QAccessible::installFactory(create);
}

} // namespace dossier::ui
