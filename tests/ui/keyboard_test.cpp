// SPDX-License-Identifier: GPL-3.0-or-later
// One session with the keyboard alone, on the real reader, store, engine and model: a dossier is
// made, a contract and a folder are added, a question is asked, its citation opened and left, a
// note written and taken back, a report exported, the theme changed, the pages of memory and model
// visited, the dossier opened again, the window left. No call into the window and no mouse: keys go
// to whatever has the focus, and the window is only looked at. Steps build on one another.
// Pictures after each step: see support/real_window.h.
#include <QFileDialog>
#include <QMenu>
#include <QTest>

#include "tests/ui/support/real_window.h"
#include "ui/add/add_preview.h"
#include "ui/main/empty_page.h"
#include "ui/main/note_popup.h"
#include "ui/memory/memory_page.h"
#include "ui/report/report_page.h"
#include "ui/setup/setup_page.h"
#include "ui/thread/thread_panel.h"
#include "ui/widgets/message_bar.h"

using namespace dossier;
using namespace dossier::ui;

using test::kAnswerMs;
using test::kReadMs;
using test::kSample;

class KeyboardTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() { m_real = std::make_unique<test::RealWindow>(); }
    void cleanupTestCase() { m_real.reset(); }

    void aDossierIsMade() {
        QTRY_COMPARE_WITH_TIMEOUT(m_real->engine().status().state, app::EngineState::Ready,
                                  kAnswerMs);
        QVERIFY(window()->emptyPage()->isVisible());
        press(Qt::Key_N, Qt::ControlModifier);
        answerFileDialog(m_real->file("keys.dossier"));
        QTRY_VERIFY(session() != nullptr);
        QCOMPARE(session()->name(), std::string("keys"));
    }

    void aContractIsAdded() {
        press(Qt::Key_O, Qt::ControlModifier);
        answerFileDialog(kSample / "harbour-wharf" / "Lease Unit 4.pdf");
        QTRY_COMPARE_WITH_TIMEOUT(m_real->ready(), std::size_t{1}, kReadMs);
        QVERIFY(m_real->opened("Lease Unit 4.pdf") != nullptr); // the first opens by itself
    }

    void aFolderIsLookedAtAndAdded() {
        press(Qt::Key_O, Qt::ControlModifier | Qt::ShiftModifier);
        answerFileDialog(kSample / "quillstore" / "src");
        AddPreview* preview = nullptr;
        QTRY_VERIFY((preview = window()->findChild<AddPreview*>()) != nullptr);
        QTRY_VERIFY_WITH_TIMEOUT(preview->model()->chosenFiles() > 5 && preview->model()->exact(),
                                 kReadMs);
        const std::size_t files = preview->model()->chosenFiles();
        m_real->picture("keys-add");
        QVERIFY(tabTo(QStringLiteral("Read now")));
        press(Qt::Key_Space);
        QTRY_COMPARE_WITH_TIMEOUT(m_real->ready(), files + 1, kReadMs);
    }

    void aQuestionIsAsked() {
        press(Qt::Key_L, Qt::ControlModifier);
        type(QStringLiteral("When may the tenant end the lease early?"));
        press(Qt::Key_Return);
        QTRY_COMPARE(window()->thread()->questionCount(), 1);
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(answer().state), kAnswerMs);
        QCOMPARE(answer().state, app::AnswerState::Done);
        QVERIFY(!answer().citations.empty());
        m_real->picture("keys-answer");
    }

    void itsCitationIsOpenedAndLeft() {
        press(Qt::Key_K, Qt::ControlModifier);
        type(QStringLiteral("s recovery.cpp"));
        press(Qt::Key_Return);
        QVERIFY(m_real->opened("recovery.cpp") != nullptr);
        press(Qt::Key_F8);
        DocumentTab* tab = m_real->opened("Lease Unit 4.pdf");
        QVERIFY(tab != nullptr);
        QCOMPARE(tab->view()->currentCitation(), 1u);
        m_real->picture("keys-citation");
        press(Qt::Key_Left, Qt::AltModifier);
        QVERIFY(m_real->opened("recovery.cpp") != nullptr);
        press(Qt::Key_Right, Qt::AltModifier);
        QVERIFY(m_real->opened("Lease Unit 4.pdf") != nullptr);
    }

    void itsCitationIsChosenInTheList() {
        press(Qt::Key_Left, Qt::AltModifier);
        QVERIFY(m_real->opened("recovery.cpp") != nullptr);
        press(Qt::Key_L, Qt::ControlModifier);
        QVERIFY(tabTo(QStringLiteral("Quotations"), Qt::Key_Backtab));
        press(Qt::Key_Return);
        QVERIFY(m_real->opened("Lease Unit 4.pdf") != nullptr);
    }

    void aNoteIsWrittenAndTakenBack() {
        press(Qt::Key_D, Qt::AltModifier | Qt::ShiftModifier);
        DocumentTab* tab = window()->viewer()->current();
        QVERIFY(tab != nullptr);
        QCOMPARE(QApplication::focusWidget(), tab->view());
        for (int i = 0; i < 4; ++i) {
            press(Qt::Key_Right, Qt::ShiftModifier);
        }
        QVERIFY(tab->view()->selection().has_value());
        m_real->picture("keys-selection");
        press(Qt::Key_N);
        QTRY_VERIFY(window()->findChild<NotePopup*>() != nullptr);
        type(QStringLiteral("Ask the surveyor"));
        press(Qt::Key_Return, Qt::ControlModifier);
        QTRY_COMPARE(session()->marks().size(), std::size_t{1});
        QCOMPARE(session()->marks()[0].note, std::string("Ask the surveyor"));
        QTRY_VERIFY(window()->findChild<NotePopup*>() == nullptr);
        QTRY_COMPARE(QApplication::focusWidget(), tab->view()); // where the person was
        press(Qt::Key_Z, Qt::ControlModifier);
        QTRY_VERIFY(session()->marks().empty());
        press(Qt::Key_Y, Qt::ControlModifier);
        QTRY_COMPARE(session()->marks().size(), std::size_t{1});
    }

    void theReportIsExported() {
        press(Qt::Key_E, Qt::ControlModifier);
        QTRY_VERIFY(window()->reportPage()->isVisible());
        const std::filesystem::path folder = m_real->file("export"); // made by the export
        answerFileDialog(folder);
        const auto written = [&] {
            std::error_code error;
            for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
                if (entry.path().filename() == "report.pdf") {
                    return true;
                }
            }
            return false;
        };
        QTRY_VERIFY_WITH_TIMEOUT(written(), kReadMs);
        const auto& bars = window()->reportPage()->messages()->bars();
        QTRY_VERIFY_WITH_TIMEOUT(!bars.empty(), kReadMs);
        QVERIFY2(bars.front()->title().contains(QString::fromStdString(folder.string())),
                 qPrintable(bars.front()->title()));
        QCOMPARE(window()->mode(), Mode::Report); // nobody is taken from the page
        press(Qt::Key_1, Qt::ControlModifier);
        QTRY_COMPARE(window()->mode(), Mode::Read);
    }

    void theThemeIsChangedInTheMenu() {
        const bool dark = Theme::instance().choice() == ThemeChoice::Dark;
        press(Qt::Key_V, Qt::AltModifier);
        QTRY_VERIFY(QApplication::activePopupWidget() != nullptr);
        press(Qt::Key_H); // Theme
        QTest::qWait(50);
        for (int i = 0; i < (dark ? 1 : 2); ++i) {
            press(Qt::Key_Down);
        }
        press(Qt::Key_Return);
        QTRY_VERIFY(QApplication::activePopupWidget() == nullptr);
        QTRY_COMPARE(Theme::instance().choice(), dark ? ThemeChoice::Light : ThemeChoice::Dark);
        m_real->picture("keys-theme");
    }

    void memoryAndModelAreVisited() {
        press(Qt::Key_4, Qt::ControlModifier);
        QTRY_VERIFY(window()->memoryPage()->isVisible());
        press(Qt::Key_K, Qt::ControlModifier);
        type(QStringLiteral("> model"));
        press(Qt::Key_Return);
        QTRY_VERIFY(window()->setupPage()->isVisible());
        m_real->picture("keys-model");
        press(Qt::Key_Escape);
        QTRY_VERIFY(!window()->setupPage()->isVisible());
        press(Qt::Key_1, Qt::ControlModifier);
        QTRY_COMPARE(window()->mode(), Mode::Read);
    }

    void theDossierIsClosedAndOpenedAgain() {
        press(Qt::Key_W, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_VERIFY(session() == nullptr);
        QVERIFY(QApplication::focusWidget() != nullptr);
        press(Qt::Key_O, Qt::ControlModifier | Qt::AltModifier);
        answerFileDialog(m_real->file("keys.dossier"));
        QTRY_VERIFY(session() != nullptr);
        QCOMPARE(session()->marks().size(), std::size_t{1});
        QCOMPARE(window()->thread()->questionCount(), 1);
    }

    void theWindowIsLeft() {
        press(Qt::Key_Q, Qt::ControlModifier);
        QTRY_VERIFY(!window()->isVisible());
    }

  private:
    MainWindow* window() const { return m_real->window.get(); }
    app::Session* session() const { return m_real->session(); }
    const app::Answer& answer() const { return window()->thread()->active()->answer(); }

    /// What a key press would reach now.
    static QWidget* target() {
        if (QWidget* popup = QApplication::activePopupWidget()) {
            QWidget* inside = popup->focusWidget();
            return inside != nullptr ? inside : popup;
        }
        QWidget* focus = QApplication::focusWidget();
        return focus != nullptr ? focus : QApplication::activeWindow();
    }

    static void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QTRY_VERIFY(target() != nullptr);
        QTest::keyClick(target(), key, modifiers);
    }

    static void type(const QString& text) {
        QTRY_VERIFY(target() != nullptr);
        QTest::keyClicks(target(), text);
    }

    /// Presses Tab until what has the focus is named so; false when it comes round before.
    static bool tabTo(const QString& name, Qt::Key key = Qt::Key_Tab) {
        for (int i = 0; i < 80; ++i) {
            QWidget* now = target();
            const QString text = now != nullptr ? now->property("text").toString() : QString();
            if (now != nullptr && (now->accessibleName() == name || text == name)) {
                return true;
            }
            press(key);
        }
        return false;
    }

    /// The name goes into the field, which has the focus, and Enter takes it. Then the window is
    /// active again, which a window manager sees to elsewhere.
    void answerFileDialog(const std::filesystem::path& path) const {
        QTRY_VERIFY(qobject_cast<QFileDialog*>(QApplication::activeModalWidget()) != nullptr);
        QTest::qWait(100);
        press(Qt::Key_A, Qt::ControlModifier);
        type(QString::fromStdString(path.string()));
        QTest::qWait(50);
        press(Qt::Key_Return);
        QTRY_VERIFY(QApplication::activeModalWidget() == nullptr);
        m_real->activate();
    }

    std::unique_ptr<test::RealWindow> m_real;
};

int main(int argc, char** argv) {
    test::UiApplication application(argc, argv);
    if (const char* missing = test::missingForRealWindow()) {
        std::fputs(missing, stderr);
        return 77;
    }
    KeyboardTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "keyboard_test.moc"
