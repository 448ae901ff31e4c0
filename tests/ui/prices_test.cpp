// SPDX-License-Identifier: GPL-3.0-or-later
// Changes that cost reading say so before they are made, and are answered from the keyboard.
#include <QMenu>
#include <QMenuBar>
#include <QTest>
#include <QUndoStack>

#include "tests/ui/support/window_fixture.h"
#include "ui/sources/sources_panel.h"
#include "ui/sources/sources_view.h"
#include "ui/thread/depth_popup.h"
#include "ui/thread/thread_panel.h"

using namespace dossier;
using namespace dossier::ui;

using Fixture = test::WindowFixture;

namespace {

MessageBar* question(const Fixture& f) {
    for (MessageBar* bar : f.window.messages()->bars()) {
        if (bar->cause() == QLatin1String("price")) {
            return bar;
        }
    }
    return nullptr;
}

Button* focused() {
    return qobject_cast<Button*>(QApplication::focusWidget());
}

/// Chooses the source in the tree and presses Del there.
void pressDelete(Fixture& f, app::SourceId id) {
    f.window.sources()->select(id);
    f.window.sources()->view()->setFocus();
    QTest::keyClick(f.window.sources()->view(), Qt::Key_Delete);
}

QAction* forkAction(const Fixture& f) {
    for (QAction* action : f.window.findChildren<QAction*>()) {
        if (action->shortcut() == QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_B)) {
            return action;
        }
    }
    return nullptr;
}

/// Opens the menu of the row with the focus as the Menu key does; its entry "Fork here".
QAction* forkEntry(Fixture& f, app::SourceId id, QMenu** menu) {
    SourcesView* view = f.window.sources()->view();
    f.window.sources()->select(id);
    view->setFocus();
    const QPoint at = view->visualRect(view->currentIndex()).center();
    QContextMenuEvent event(QContextMenuEvent::Keyboard, at, view->viewport()->mapToGlobal(at));
    QApplication::sendEvent(view->viewport(), &event);
    *menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
    if (*menu != nullptr) {
        for (QAction* action : (*menu)->actions()) {
            if (action->text().startsWith(QLatin1String("&Fork here"))) {
                return action;
            }
        }
    }
    return nullptr;
}

} // namespace

class PricesTest : public QObject {
    Q_OBJECT

  private slots:
    void removingWaitsForAnAnswerAndCanBeLeft() {
        Fixture f;
        const std::size_t before = f.window.session()->sources().size();
        const app::Source first = f.window.session()->sources().front();
        pressDelete(f, first.id);
        QTRY_VERIFY(question(f) != nullptr);
        QVERIFY(question(f)->title().contains(QString::fromStdString(first.name)));
        QVERIFY2(question(f)->text().contains(QStringLiteral("keeps 0 tokens, re-reads ")),
                 qPrintable(question(f)->text()));
        QVERIFY(question(f)->text().contains(QStringLiteral("(about ")));
        QCOMPARE(f.window.session()->sources().size(), before);
        QVERIFY(focused() != nullptr);
        QCOMPARE(focused()->text(), QStringLiteral("Take out"));
        QTest::keyClick(focused(), Qt::Key_Escape);
        QTRY_VERIFY(question(f) == nullptr);
        QCOMPARE(f.window.session()->sources().size(), before);
        QCOMPARE(QApplication::focusWidget(), f.window.sources()->view());
    }

    void removingIsConfirmedAndTakenBack() {
        Fixture f;
        const std::size_t before = f.window.session()->sources().size();
        const app::SourceId first = f.window.session()->sources().front().id;
        pressDelete(f, first);
        QTRY_VERIFY(focused() != nullptr && focused()->text() == QStringLiteral("Take out"));
        QTest::keyClick(focused(), Qt::Key_Space);
        QCOMPARE(f.window.session()->sources().size(), before - 1);
        QVERIFY(f.window.session()->source(first) == nullptr);
        QVERIFY(question(f) == nullptr);
        QTest::keyClick(&f.window, Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(f.window.session()->source(first) != nullptr);
        // "Keep" is one Tab further on.
        pressDelete(f, f.window.session()->sources().front().id);
        QTRY_VERIFY(focused() != nullptr && focused()->text() == QStringLiteral("Take out"));
        QTest::keyClick(focused(), Qt::Key_Tab);
        QVERIFY(focused() != nullptr);
        QCOMPARE(focused()->text(), QStringLiteral("Keep"));
        QTest::keyClick(focused(), Qt::Key_Space);
        QVERIFY(question(f) == nullptr);
        QCOMPARE(f.window.session()->sources().size(), before);
    }

    void whatCostsNothingIsNotAskedFor() {
        Fixture f;
        const app::SourceId last = f.window.session()->sources().back().id; // nothing behind it
        emit f.window.sources()->removeRequested({last, last});
        QTRY_VERIFY(f.window.session()->source(last) == nullptr);
        QVERIFY(question(f) == nullptr);
        QCOMPARE(f.window.undoStack()->count(), 1);
        Fixture bare(test::kDemoBare); // nothing of it is read
        const app::SourceId first = bare.window.session()->sources().front().id;
        emit bare.window.sources()->removeRequested({first});
        QTRY_VERIFY(bare.window.session()->source(first) == nullptr);
        QVERIFY(question(bare) == nullptr);
    }

    void aChangedFileIsAskedForBeforeItIsPutInItsPlace() {
        Fixture f;
        QTemporaryDir folder;
        const auto path =
            std::filesystem::canonical(folder.path().toStdString()) / "side letter.txt";
        const auto write = [&](const char* text) {
            QFile file(QString::fromStdString(path.string()));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(text);
        };
        write("The rent is due on the first day of each month.");
        const std::size_t before = f.window.session()->sources().size();
        f.window.addPaths({path});
        QTRY_COMPARE(f.window.session()->sources().size(), before + 1);
        QTRY_VERIFY(f.window.session()->sources().back().tokens.value_or(0) > 0);
        write("The rent is due on the first day of each quarter.");
        f.window.addPaths({path});
        QTRY_VERIFY(question(f) != nullptr);
        QVERIFY(question(f)->title().startsWith(QStringLiteral("“side letter.txt” changed")));
        QVERIFY(question(f)->text().contains(QStringLiteral("re-reads ")));
        QCOMPARE(f.window.session()->sources().size(), before + 1);
        QTest::keyClick(focused(), Qt::Key_Escape);
        QCOMPARE(f.window.session()->sources().size(), before + 1);
        f.window.addPaths({path});
        QTRY_VERIFY(question(f) != nullptr);
        QTest::keyClick(focused(), Qt::Key_Space);
        QTRY_COMPARE(f.window.session()->sources().size(), before + 2);
    }

    void aDepthIsPreparedFromItsRow() {
        Fixture f;
        QVERIFY(f.window.session()->levels().size() >= 3);
        f.window.showDepth();
        auto* popup = f.window.findChild<DepthPopup*>();
        QVERIFY(popup != nullptr);
        DepthItem* deep = popup->items().back();
        QCOMPARE(deep->level().state, app::LevelState::NeedsReading);
        QVERIFY(deep->action()->isVisible() && deep->action()->isEnabled());
        QCOMPARE(deep->action()->text(), QStringLiteral("Prepare in background"));
        QVERIFY(!popup->items().front()->action()->isVisible()); // ready
        // From the row Tab goes to its button.
        deep->setFocus(Qt::TabFocusReason);
        QTest::keyClick(deep, Qt::Key_Tab);
        QCOMPARE(popup->focusWidget(), deep->action());
        QTest::keyClick(deep->action(), Qt::Key_Space);
        QVERIFY(f.window.session()->reading().active());
        QCOMPARE(f.window.session()->reading().level, deep->level().name);
        QCOMPARE(deep->level().state, app::LevelState::Preparing); // and the popup is still there
        QCOMPARE(deep->action()->text(), QStringLiteral("Pause"));
        QTest::mouseClick(deep->action(), Qt::LeftButton);
        QVERIFY(f.window.session()->reading().state == app::ReadingStatus::State::Paused);
        QCOMPARE(deep->action()->text(), QStringLiteral("Go on"));
        QTest::mouseClick(deep->action(), Qt::LeftButton);
        QVERIFY(f.window.session()->reading().state == app::ReadingStatus::State::Reading);
        popup->close();
    }

    void aBranchBehindADocumentSaysItsPriceInTheTreeAndTheMenu() {
        Fixture f;
        const auto all = f.window.session()->documentsOf(f.window.session()->threads()[0].id);
        QVERIFY(all.size() > 2);
        QMenu* menu = nullptr;
        QAction* fork = forkEntry(f, all[1], &menu);
        QVERIFY(fork != nullptr);
        QVERIFY(fork->isEnabled());
        const QString price = QStringLiteral("&Fork here: sees 2 of %1 documents, re-reads up to "
                                             "612 tokens, about 3 s")
                                  .arg(all.size());
        QCOMPARE(fork->text(), price);
        // F is the entry's key in the menu.
        const auto threads = f.window.session()->threads().size();
        QTest::keyClick(menu, Qt::Key_F);
        QTRY_COMPARE(f.window.session()->threads().size(), threads + 1);
        const app::Thread branch = f.window.session()->threads().back();
        QCOMPARE(f.window.thread()->thread(), branch.id);
        QCOMPARE(branch.documents.size(), std::size_t{2});
        QCOMPARE(f.window.thread()->questionCount(), 0);
        QCOMPARE(QApplication::focusWidget(), f.window.thread()->composer()->edit());
        // What it is stands above its questions, and how much it sees in the composer.
        const auto told = [&] {
            for (const WrapLabel* label : f.window.thread()->findChildren<WrapLabel*>()) {
                if (label->isVisible() && label->height() >= label->fontMetrics().height() &&
                    label->text().startsWith(QLatin1String("Begins behind"))) {
                    return label->text();
                }
            }
            return QString();
        };
        QCOMPARE(told(), QStringLiteral("Begins behind %1: questions see 2 documents.")
                             .arg(QString::fromStdString(branch.documents.back())));
        std::uint64_t tokens = 0;
        for (const app::SourceId id : f.window.session()->documentsOf(branch.id)) {
            tokens += f.window.session()->source(id)->tokens.value_or(0);
        }
        QVERIFY2(f.window.thread()->composer()->edit()->placeholderText().contains(
                     QLocale().toString(static_cast<qulonglong>(tokens))),
                 qPrintable(f.window.thread()->composer()->edit()->placeholderText()));
        f.window.session()->setIncluded({all[0]}, false);
        emit f.window.session()->sourcesChanged({all[0]});
        QVERIFY(told().endsWith(QStringLiteral("One of them takes no part now.")));
        // Behind an unchecked document there is no place to begin.
        fork = forkEntry(f, all[0], &menu);
        QVERIFY(fork != nullptr && !fork->isEnabled());
        QCOMPARE(fork->text(), QStringLiteral("&Fork here"));
        menu->close();
        f.window.thread()->showThread(f.window.session()->threads()[0].id);
        QCOMPARE(told(), QString());
        // The menu bar has it for the row with the focus.
        f.window.sources()->select(all[2]);
        QMenu* sources = nullptr;
        QAction* entry = nullptr;
        for (QAction* top : f.window.menuBar()->actions()) {
            if (top->text() == QLatin1String("&Sources")) {
                sources = top->menu();
            }
        }
        QVERIFY(sources != nullptr);
        emit sources->aboutToShow();
        for (QAction* one : sources->actions()) {
            entry = one->text().startsWith(QLatin1String("&Fork here: sees ")) ? one : entry;
        }
        QVERIFY(entry != nullptr);
        entry->trigger();
        QCOMPARE(f.window.session()->threads().back().documents.size(), std::size_t{2});
    }

    void aForkSaysItsPriceOnTheButtonAndInTheMenu() {
        Fixture f;
        Button* fork = nullptr;
        for (Button* button : f.window.thread()->active()->findChildren<Button*>()) {
            fork = button->accessibleName() == QStringLiteral("Fork here") ? button : fork;
        }
        QVERIFY(fork != nullptr);
        const QString price = f.window.thread()->forkPrice();
        QVERIFY(price.contains(QStringLiteral("tokens of the conversation, about")));
        fork->setFocus(Qt::TabFocusReason);
        QVERIFY2(fork->toolTip().endsWith(price), qPrintable(fork->toolTip()));
        QVERIFY(fork->accessibleDescription().endsWith(price));
        QAction* action = forkAction(f);
        QVERIFY(action != nullptr);
        QMenu* ask = nullptr;
        for (QAction* top : f.window.menuBar()->actions()) {
            ask = top->menu() != nullptr && top->menu()->actions().contains(action) ? top->menu()
                                                                                    : ask;
        }
        QVERIFY(ask != nullptr);
        emit ask->aboutToShow();
        QVERIFY2(action->text().endsWith(price), qPrintable(action->text()));
        const auto threads = f.window.session()->threads().size();
        QTest::keyClick(&f.window, Qt::Key_B, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(f.window.session()->threads().size(), threads + 1);
        // Nothing can be forked in an empty branch.
        emit ask->aboutToShow();
        QVERIFY(!action->isEnabled());
        QCOMPARE(action->text(), QStringLiteral("&Fork here"));
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    PricesTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "prices_test.moc"
