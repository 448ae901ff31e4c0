// SPDX-License-Identifier: GPL-3.0-or-later
// Tab reaches everything, everything it reaches has a name, and one sees where the focus is.
#include <QAccessible>
#include <QDialog>
#include <QFocusFrame>
#include <QTest>

#include "tests/ui/support/window_fixture.h"
#include "ui/memory/memory_page.h"
#include "ui/setup/setup_page.h"
#include "ui/thread/thread_panel.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

/// Whether the widget looks another way with the focus than without.
bool showsFocus(QWidget* widget) {
    QWidget* window = widget->window();
    const QRect area = QRect(widget->mapTo(window, QPoint()), widget->size())
                           .adjusted(-6, -6, 6, 6)
                           .intersected(window->rect());
    const QImage with = window->grab(area).toImage();
    widget->clearFocus();
    const QImage without = window->grab(area).toImage();
    widget->setFocus(Qt::TabFocusReason);
    return with != without;
}

QString describe(const QWidget* widget) {
    return QStringLiteral("%1 %2 \"%3\"")
        .arg(QString::fromLatin1(widget->metaObject()->className()), widget->objectName(),
             widget->accessibleName());
}

/// Presses Tab in a window until it comes round.
struct Walk {
    explicit Walk(QWidget* window) {
        const QWidget* previous = nullptr;
        for (int i = 0; i < 200; ++i) {
            QWidget* focus = QApplication::focusWidget();
            QTest::keyClick(focus != nullptr ? focus : window, Qt::Key_Tab);
            QWidget* now = QApplication::focusWidget();
            if (now == nullptr || now->window() != window) {
                hidden << (now != nullptr ? describe(now) + QStringLiteral(" of another window")
                                          : QStringLiteral("nothing"));
                return;
            } else if (now == previous) {
                continue; // a label passes its links first
            }
            previous = now;
            if (visited.contains(now)) {
                return;
            }
            visited.insert(now);
            if (!now->isVisible()) {
                hidden << describe(now);
            }
            QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(now);
            if (accessible == nullptr || accessible->text(QAccessible::Name).isEmpty()) {
                nameless << describe(now);
            }
            if (!showsFocus(now)) {
                unseen << describe(now);
            }
        }
    }

    QSet<QWidget*> visited;
    QStringList hidden, nameless, unseen;
};

void check(QWidget* window, const Walk& walk, int least) {
    QVERIFY2(walk.hidden.isEmpty(), qPrintable(walk.hidden.join(QStringLiteral(", "))));
    QVERIFY2(walk.nameless.isEmpty(), qPrintable(walk.nameless.join(QStringLiteral(", "))));
    QVERIFY2(walk.unseen.isEmpty(), qPrintable(walk.unseen.join(QStringLiteral(", "))));
    QVERIFY2(walk.visited.size() >= least, qPrintable(QString::number(walk.visited.size())));
    // Buttons that can be clicked are among what Tab reaches.
    for (Button* button : window->findChildren<Button*>()) {
        if (button->isVisible() && button->isEnabled() && button->window() == window) {
            QVERIFY2(walk.visited.contains(button), qPrintable(button->text()));
        }
    }
}

} // namespace

class FocusTest : public QObject {
    Q_OBJECT

  private slots:
    void pages_data() {
        QTest::addColumn<QString>("page");
        for (const char* page : {"read", "code", "empty", "memory", "report", "setup", "message"}) {
            QTest::newRow(page) << page;
        }
    }

    void pages() {
        QFETCH(QString, page);
        app::EngineHost engine({});
        MainWindow window(test::services(&engine));
        window.resize(1440, 900);
        window.show();
        test::activate(window);
        if (page == QLatin1String("code")) {
            window.openDossier(test::kDemoCode);
            QTest::qWait(100);
        } else if (page != QLatin1String("empty")) {
            window.openDossier(test::kDemoLease);
            window.viewer()->openSource(window.session()->sources()[3].id);
            QTest::qWait(100);
        }
        if (page == QLatin1String("memory")) {
            window.setMode(Mode::Memory);
        } else if (page == QLatin1String("report")) {
            window.setMode(Mode::Report);
        } else if (page == QLatin1String("setup")) {
            window.showSetup(SetupPage::Placement);
            QTest::qWait(100);
        } else if (page == QLatin1String("message")) {
            window.messages()->show({Message::Error,
                                     QStringLiteral("test"),
                                     QStringLiteral("Failed"),
                                     QStringLiteral("Try it again."),
                                     {{QStringLiteral("Again"), {}}, {QStringLiteral("Not"), {}}}});
        }
        window.toolBar()->dossierButton()->setFocus();
        if (page == QLatin1String("setup")) {
            window.setupPage()->setFocus();
        }
        check(&window, Walk(&window), 5);
    }

    void dialogs_data() {
        QTest::addColumn<QString>("action");
        for (const char* action :
             {"Settings", "Keyboard shortcuts", "Check that it is offline", "What is read"}) {
            QTest::newRow(action) << action;
        }
    }

    void dialogs() {
        QFETCH(QString, action);
        test::WindowFixture f;
        for (QAction* each : f.window.findChildren<QAction*>()) {
            QString name = each->text();
            name.remove(QLatin1Char('&')).remove(QStringLiteral("…"));
            if (name == action) {
                each->trigger();
                break;
            }
        }
        auto* dialog = f.window.findChild<QDialog*>();
        QVERIFY(dialog != nullptr);
        dialog->activateWindow();
        QTRY_COMPARE(QApplication::activeWindow(), dialog);
        check(dialog, Walk(dialog), 1);
        const QPointer<QDialog> watched(dialog);
        QTest::keyClick(dialog, Qt::Key_Escape);
        QTRY_VERIFY(watched.isNull() || !watched->isVisible());
    }

    /// The ring is a child of what it stands in, and some of that goes away while it has the focus.
    void theRingOutlivesWhatItStoodIn() {
        test::WindowFixture f;
        int pressed = 0;
        for (int i = 0; i < 3; ++i) {
            f.window.messages()->show({Message::Info,
                                       QStringLiteral("test"),
                                       QStringLiteral("Done"),
                                       {},
                                       {{QStringLiteral("Undo"), [&] { ++pressed; }}},
                                       true});
            auto* button = qobject_cast<Button*>(QApplication::focusWidget());
            QVERIFY(button != nullptr);
            QCOMPARE(button->text(), QStringLiteral("Undo"));
            QVERIFY(ringed(button));
            QTest::keyClick(button, Qt::Key_Space);
            QTest::qWait(10); // deleted later
        }
        QCOMPARE(pressed, 3);
        f.window.thread()->composer()->edit()->setFocus();
        for (int i = 0; i < 40; ++i) {
            QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
            if (auto* button = qobject_cast<Button*>(QApplication::focusWidget())) {
                QVERIFY(ringed(button));
                return;
            }
        }
        QFAIL("Tab met no button");
    }

  private:
    static bool ringed(const QWidget* widget) {
        for (const QFocusFrame* frame : widget->window()->findChildren<QFocusFrame*>()) {
            if (frame->widget() == widget && frame->isVisible()) {
                return true;
            }
        }
        return false;
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    FocusTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "focus_test.moc"
