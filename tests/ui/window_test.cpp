// SPDX-License-Identifier: GPL-3.0-or-later
// The window as a person uses it: jumping, marking, undoing, the keyboard, modes, messages.
#include <QClipboard>
#include <QLineEdit>
#include <QMenuBar>
#include <QMimeData>
#include <QRadioButton>
#include <QSettings>
#include <QSignalSpy>
#include <QSplitter>
#include <QTableWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QUndoStack>

#include "tests/ui/support/window_fixture.h"
#include "ui/add/add_preview.h"
#include "ui/main/dialogs.h"
#include "ui/main/empty_page.h"
#include "ui/main/note_popup.h"
#include "ui/main/notes_strip.h"
#include "ui/main/status_bar.h"
#include "ui/memory/memory_page.h"
#include "ui/report/report_page.h"
#include "ui/setup/setup_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/sources/sources_view.h"
#include "ui/thread/answer_text.h"
#include "ui/thread/depth_popup.h"
#include "ui/thread/thread_panel.h"
#include "ui/widgets/message_bar.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

using test::activate;
using test::services;
using test::titleOf;
using Fixture = test::WindowFixture;

} // namespace

class WindowTest : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() {
        test::demoSettings() = {};
        Theme::instance().setTextPercent(100);
        Theme::instance().setChoice(ThemeChoice::Light);
    }

    void aChipOpensThePlaceAndBackReturns() {
        Fixture f;
        DocumentTab* deed = f.open("Deed of variation.docx");
        QVERIFY(deed != nullptr);
        AnswerText* text = f.window.thread()->active()->text();
        QTest::qWait(50);
        const QRectF chip = text->chipRect(2);
        QVERIFY(!chip.isEmpty());
        QTest::mouseClick(text->viewport(), Qt::LeftButton, {}, chip.center().toPoint());
        QTRY_COMPARE(QString::fromStdString(f.window.viewer()->current()->source().name),
                     QStringLiteral("Lease Unit 4.pdf"));
        QVERIFY(f.loaded());
        DocumentTab* lease = f.window.viewer()->current();
        const app::Citation* citation = f.window.thread()->active()->citation(2);
        QTRY_COMPARE(lease->pageView()->currentPage(), *citation->place->page);
        QCOMPARE(lease->view()->currentCitation(), 2u);
        QCOMPARE(lease->view()->citations().size(), std::size_t{4}); // the fifth is in the deed
        // The passage is in sight.
        const auto boxes = ingest::boxesOf(*lease->view()->document(), citation->place->range);
        const QRectF page = lease->pageView()->pageRect(boxes[0].page);
        const double y = page.y() + boxes[0].box.top * page.height();
        QVERIFY(y > 0 && y < lease->view()->viewport()->height());
        QTest::keyClick(&f.window, Qt::Key_Left, Qt::AltModifier);
        QCOMPARE(f.window.viewer()->current(), deed);
        QTest::keyClick(&f.window, Qt::Key_Right, Qt::AltModifier);
        QCOMPARE(f.window.viewer()->current(), lease);
    }

    void citationsAreWalkedWithF8() {
        Fixture f;
        QTest::keyClick(&f.window, Qt::Key_F8);
        QCOMPARE(f.window.thread()->active()->currentCitation(), 1u);
        for (int i = 0; i < 3; ++i) {
            QTest::keyClick(&f.window, Qt::Key_F8);
        }
        QCOMPARE(f.window.thread()->active()->currentCitation(), 4u);
        QTRY_COMPARE(QString::fromStdString(f.window.viewer()->current()->source().name),
                     QStringLiteral("Deed of variation.docx"));
        QTest::keyClick(&f.window, Qt::Key_F8, Qt::ShiftModifier);
        QCOMPARE(f.window.thread()->active()->currentCitation(), 3u);
        QCOMPARE(f.window.viewer()->notes()->current(), 3u);
    }

    void marksAreMadeAndTakenBack() {
        Fixture f(test::kDemoBare);
        DocumentTab* tab = f.open("Lease Unit 4.pdf");
        QVERIFY(tab != nullptr);
        const std::size_t at = tab->view()->document()->text.find("good and substantial repair");
        tab->view()->select(ingest::TextRange{at, at + 27});
        tab->view()->setFocus();
        QTest::keyClick(tab->view(), Qt::Key_H);
        QCOMPARE(f.window.session()->marks().size(), std::size_t{1});
        QCOMPARE(tab->view()->marks().size(), std::size_t{1});
        QCOMPARE(QString::fromStdString(f.window.session()->marks()[0].quote),
                 QStringLiteral("good and substantial repair"));
        QTest::keyClick(&f.window, Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(f.window.session()->marks().empty());
        QVERIFY(tab->view()->marks().empty());
        QTest::keyClick(&f.window, Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(f.window.session()->marks().size(), std::size_t{1});
        // Alt+2 underlines; without a selection the window says how to make one.
        tab->view()->select(ingest::TextRange{at, at + 4});
        QTest::keyClick(&f.window, Qt::Key_2, Qt::AltModifier);
        QCOMPARE(f.window.session()->marks().back().kind, ingest::MarkKind::Underline);
        QTest::keyClick(&f.window, Qt::Key_1, Qt::AltModifier);
        QCOMPARE(f.window.session()->marks().size(), std::size_t{2});
        QVERIFY(titleOf(f.window).contains(QStringLiteral("Select words first")));
    }

    void notesAreWrittenChangedAndRemoved() {
        Fixture f(test::kDemoBare);
        DocumentTab* tab = f.open("durability.md");
        QVERIFY(tab != nullptr);
        tab->view()->select(ingest::TextRange{2, 12});
        f.window.annotate(QLatin1Char('n'));
        auto* popup = f.window.findChild<NotePopup*>();
        QVERIFY(popup != nullptr);
        QTest::keyClicks(popup->edit(), QStringLiteral("Ask them"));
        QTest::keyClick(popup->edit(), Qt::Key_Return, Qt::ControlModifier);
        QCOMPARE(f.window.session()->marks().size(), std::size_t{1});
        QCOMPARE(f.window.session()->marks()[0].note, std::string("Ask them"));
        QTest::qWait(10);
        emit f.window.viewer()->markClicked(f.window.session()->marks()[0].id);
        popup = f.window.findChild<NotePopup*>();
        QVERIFY(popup != nullptr);
        popup->edit()->setPlainText(QStringLiteral("Asked"));
        QTest::keyClick(popup->edit(), Qt::Key_Return, Qt::ControlModifier);
        QCOMPARE(f.window.session()->marks()[0].note, std::string("Asked"));
        f.window.undoStack()->undo();
        QCOMPARE(f.window.session()->marks()[0].note, std::string("Ask them"));
        f.window.undoStack()->undo();
        QVERIFY(f.window.session()->marks().empty());
    }

    void aCitationBecomesAHighlight() {
        Fixture f;
        const std::size_t before = f.window.session()->marks().size();
        QTest::keyClick(&f.window, Qt::Key_H, Qt::ControlModifier);
        QVERIFY(titleOf(f.window).contains(QStringLiteral("Choose a citation first")));
        QTest::keyClick(&f.window, Qt::Key_F8);
        QTest::keyClick(&f.window, Qt::Key_H, Qt::ControlModifier);
        QCOMPARE(f.window.session()->marks().size(), before + 1);
        QCOMPARE(f.window.session()->marks().back().range,
                 f.window.thread()->active()->citation(1)->place->range);
    }

    void sourcesAreLeftOutRemovedAndBroughtBack() {
        Fixture f;
        SourcesView* view = f.window.sources()->view();
        const QModelIndex folder = view->model()->index(0, 0);
        view->setCurrentIndex(folder);
        view->setFocus();
        QTest::keyClick(view, Qt::Key_Space);
        QVERIFY(!f.window.session()->sources()[0].included);
        f.window.undoStack()->undo();
        QVERIFY(f.window.session()->sources()[0].included);
        const std::size_t count = f.window.session()->sources().size();
        view->setCurrentIndex(view->model()->index(0, 0, folder));
        QTest::keyClick(view, Qt::Key_Delete); // asks, since it was read
        QTRY_VERIFY(qobject_cast<Button*>(QApplication::focusWidget()) != nullptr);
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Space);
        QCOMPARE(f.window.session()->sources().size(), count - 1);
        QVERIFY(titleOf(f.window).contains(QStringLiteral("taken out")));
        f.window.undoStack()->undo();
        QCOMPARE(f.window.session()->sources().size(), count);
    }

    void aCitedSourceIsTakenOutKnowingly() {
        Fixture f;
        ThreadPanel& thread = *f.window.thread();
        const app::SourceId cited = thread.active()->citation(1)->place->source;
        const std::vector<app::Source> before = f.window.session()->sources();
        emit f.window.sources()->removeRequested({cited});
        QTRY_VERIFY(!f.window.messages()->bars().empty());
        const MessageBar& asked = *f.window.messages()->bars().front();
        QVERIFY2(asked.text().contains(QStringLiteral("cite it")), qPrintable(asked.text()));
        QCOMPARE(f.window.session()->sources().size(), before.size());
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);
        QCOMPARE(f.window.session()->source(cited), nullptr);

        thread.openCitation(1); // says why nothing opens, and offers the way back
        QVERIFY2(titleOf(f.window).contains(QStringLiteral("was taken out")),
                 qPrintable(titleOf(f.window)));
        QTest::mouseClick(f.window.messages()->bars().front()->findChild<Button*>(),
                          Qt::LeftButton);
        QVERIFY(f.window.session()->source(cited) != nullptr);
        QVERIFY(titleOf(f.window).isEmpty());
        for (std::size_t i = 0; i < before.size(); ++i) {
            QCOMPARE(f.window.session()->sources()[i].id, before[i].id);
        }
        f.window.undoStack()->undo();
        QCOMPARE(f.window.session()->source(cited), nullptr);
    }

    void theStripCountsAllAnswers() {
        Fixture f;
        f.window.thread()->openCitation(1);
        QVERIFY(f.loaded());
        const NotesStrip& notes = *f.window.viewer()->notes();
        const int rows = notes.model().rowCount();
        QVERIFY(rows > 0);
        f.window.thread()->showQuestion(f.window.session()
                                            ->questions(f.window.thread()->thread())[0]
                                            .id); // another answer is looked at
        QTRY_COMPARE(f.window.thread()->active()->question().number, 1u);
        QCOMPARE(notes.model().rowCount(), rows);
    }

    void theOpenDossierIsNotOpenedAgain() {
        Fixture f;
        const app::Session* session = f.window.session();
        QVERIFY(f.window.openDossier(session->folder()));
        QCOMPARE(f.window.session(), session);
        QVERIFY(!f.window.openDossier(test::kDemoHeld));
        QVERIFY(titleOf(f.window).contains(QStringLiteral("held")));
        QCOMPARE(f.window.messages()->bars().front()->findChild<Button*>()->text(),
                 MainWindow::tr("Try again"));
        QVERIFY(f.window.openDossier(test::kDemoBare));
        QVERIFY(titleOf(f.window).isEmpty()); // it spoke of another one
    }

    void anEmptyDossierOffersAdding() {
        Fixture f(nullptr);
        QVERIFY(f.window.newDossier("/tmp/empty.dossier"));
        const auto shown = [&](const QString& text) {
            const auto buttons = f.window.viewer()->findChildren<Button*>();
            return std::any_of(buttons.begin(), buttons.end(), [&](const Button* button) {
                return button->isVisible() && button->text() == text;
            });
        };
        QTRY_VERIFY(shown(ViewerArea::tr("Add files…")));
        QVERIFY(shown(ViewerArea::tr("Add a folder…")));
    }

    void theLastDossierOpensAgain() {
        const QTemporaryDir folder;
        QSettings().setValue(QStringLiteral("lastDossier"), folder.path());
        Fixture f(nullptr);
        f.window.openLast();
        QVERIFY(titleOf(f.window).contains(folder.path())); // tried, not the sample
        QSettings().setValue(QStringLiteral("lastDossier"), folder.path() + QStringLiteral("/no"));
        f.window.openLast();
        QVERIFY(f.window.session() != nullptr);
    }

    void enterInTheTreeOpens() {
        Fixture f;
        SourcesView* view = f.window.sources()->view();
        view->setCurrentIndex(view->model()->index(1, 0, view->model()->index(0, 0)));
        view->setFocus();
        QTest::keyClick(view, Qt::Key_Return);
        QTRY_COMPARE(QString::fromStdString(f.window.viewer()->current()->source().name),
                     QStringLiteral("Lease Unit 2.pdf"));
        QVERIFY(f.loaded());
        const std::size_t open = f.window.viewer()->documents().size();
        QTest::keyClick(&f.window, Qt::Key_W, Qt::ControlModifier);
        QCOMPARE(f.window.viewer()->documents().size(), open - 1);
    }

    void escapeStopsTheAnswer() {
        test::demoSettings().tokensPerSecond = 60;
        Fixture f(test::kDemoBare);
        f.window.thread()->askText(QStringLiteral("Who repairs?"));
        QTRY_VERIFY(f.window.session()->answering());
        QTRY_VERIFY(f.window.toolBar()->stopButton()->isEnabled());
        QTest::keyClick(&f.window, Qt::Key_Escape);
        QVERIFY(!f.window.session()->answering());
        QTRY_VERIFY(!f.window.toolBar()->stopButton()->isEnabled());
    }

    void wordsAreFoundFromTheKeyboard() {
        Fixture f(test::kDemoBare);
        DocumentTab* tab = f.open("Lease Unit 4.pdf");
        QVERIFY(tab != nullptr);
        QTest::keyClick(&f.window, Qt::Key_F, Qt::ControlModifier);
        QVERIFY(qobject_cast<QLineEdit*>(QApplication::focusWidget()) != nullptr);
        QTest::keyClicks(QApplication::focusWidget(), QStringLiteral("structure"));
        QTRY_VERIFY(tab->view()->matchCount() > 3);
        const int first = tab->view()->currentMatch();
        QTest::keyClick(&f.window, Qt::Key_F3);
        QVERIFY(tab->view()->currentMatch() != first);
        QTest::keyClick(&f.window, Qt::Key_F3, Qt::ShiftModifier);
        QCOMPARE(tab->view()->currentMatch(), first);
        QTest::keyClick(&f.window, Qt::Key_G, Qt::ControlModifier);
        auto* place = qobject_cast<QLineEdit*>(QApplication::focusWidget());
        QVERIFY(place != nullptr);
        place->setText(QStringLiteral("7"));
        QTest::keyClick(place, Qt::Key_Return);
        // The label as printed, which is not the page's number in the file.
        QCOMPARE(tab->view()->document()->pages[tab->pageView()->currentPage()].label,
                 std::string("7"));
    }

    void theLocatorFindsEverything() {
        Fixture f;
        QVERIFY(f.open("Lease Unit 4.pdf") != nullptr);
        QTRY_VERIFY(!f.window.viewer()->outline(f.window.viewer()->current()->sourceId()).empty());
        QTest::keyClick(&f.window, Qt::Key_K, Qt::ControlModifier);
        auto* locator = f.window.findChild<Locator*>();
        QVERIFY(locator != nullptr);
        QLineEdit* field = locator->field()->edit();
        const auto results = [&](const QString& text) {
            field->setText(text);
            QTest::qWait(30);
            return locator->resultCount();
        };
        QCOMPARE(results(QStringLiteral("s unit 7")), 1);
        QVERIFY(results(QStringLiteral(": repair")) >= 1);
        QVERIFY(results(QStringLiteral("> settings")) >= 1);
        QVERIFY(results(QStringLiteral("q rent")) >= 1);
        QCOMPARE(results(QStringLiteral("p 3")), 1);
        QVERIFY(results(QStringLiteral("f quiet enjoyment of nothing")) == 0);
        QCOMPARE(results(QStringLiteral("s deed of")), 1);
        QTest::keyClick(field, Qt::Key_Return);
        QTRY_COMPARE(QString::fromStdString(f.window.viewer()->current()->source().name),
                     QStringLiteral("Deed of variation.docx"));
    }

    void theDepthIsChosenAndRemembered() {
        test::demoSettings().lowDepths = true;
        Fixture f;
        QCOMPARE(f.window.thread()->level(), std::string("low"));
        QTest::mouseClick(f.window.toolBar()->depthButton(), Qt::LeftButton);
        auto* popup = f.window.findChild<DepthPopup*>();
        QVERIFY(popup != nullptr);
        QCOMPARE(popup->items().size(), std::size_t{4});
        QVERIFY(popup->items()[1]->isChecked());
        QVERIFY(popup->items()[3]->accessibleName().contains(QStringLiteral("44 min")));
        QTest::mouseClick(popup->items()[0], Qt::LeftButton);
        QCOMPARE(f.window.thread()->level(), std::string("none"));
        QCOMPARE(f.window.session()->setting("level"), std::string("none"));
        // Ctrl+T goes round among the levels that are ready and never to one that needs reading.
        QTRY_VERIFY(f.window.findChild<DepthPopup*>() == nullptr);
        activate(f.window);
        QTest::keyClick(&f.window, Qt::Key_T, Qt::ControlModifier);
        QCOMPARE(f.window.thread()->level(), std::string("low"));
        QTest::keyClick(&f.window, Qt::Key_T, Qt::ControlModifier);
        QCOMPARE(f.window.thread()->level(), std::string("none"));
    }

    void theWindowMayCloseWithAPopupOpen() {
        auto f = std::make_unique<Fixture>();
        f->window.showDepth();
        QVERIFY(f->window.findChild<DepthPopup*>() != nullptr);
        f->window.close();
        f.reset();
        QVERIFY(QApplication::activePopupWidget() == nullptr);
    }

    void failuresAreBarsAndNeverDialogs() {
        Fixture f;
        f.window.openDossier("/nowhere/at/all.dossier");
        QVERIFY(titleOf(f.window).contains(QStringLiteral("no dossier at")));
        QVERIFY(f.window.session() != nullptr); // the open one stays
        f.window.thread()->askText(QStringLiteral("too large"));
        QVERIFY(titleOf(f.window).contains(QStringLiteral("do not fit")));
        f.window.report({ErrorCode::Io, "third", "again"}, QStringLiteral("third"));
        f.window.report({ErrorCode::Io, "third, newer", "again"}, QStringLiteral("third"));
        QCOMPARE(f.window.messages()->bars().size(), std::size_t{3}); // one for each cause
        int shown = 0;
        for (const MessageBar* bar : f.window.messages()->bars()) {
            shown += bar->isVisible() ? 1 : 0;
        }
        QCOMPARE(shown, MessageArea::kShown);
        QCOMPARE(titleOf(f.window), QStringLiteral("Third, newer"));
        emit f.window.messages()->bars().front()->dismissed();
        QVERIFY(titleOf(f.window).contains(QStringLiteral("do not fit")));
        QVERIFY(QApplication::activeModalWidget() == nullptr);
    }

    void aSourceThatFailsOffersWhatToDo() {
        Fixture f(test::kDemoBare);
        QTemporaryDir folder;
        QFile damaged(folder.filePath(QStringLiteral("broken.pdf")));
        QVERIFY(damaged.open(QIODevice::WriteOnly));
        damaged.write("%PDF-1.4\nnothing");
        damaged.close();
        f.window.addPaths({damaged.fileName().toStdString()});
        QTRY_VERIFY(titleOf(f.window).contains(QStringLiteral("broken.pdf could not be read")));
    }

    void droppedFilesAreAdded() {
        Fixture f(nullptr);
        QVERIFY(f.window.emptyPage()->isVisible());
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(QString::fromStdString(test::demoLeasePdf().string()))});
        QDragEnterEvent enter({200, 200}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(&f.window, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(200, 200), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(&f.window, &drop);
        QVERIFY(f.window.session() != nullptr);
        QTRY_COMPARE(f.window.session()->sources().size(), std::size_t{1});
        QTRY_VERIFY(f.loaded()); // the first source opens by itself
    }

    void foldersAreShownBeforeTheyAreAdded() {
        Fixture f(test::kDemoBare);
        f.window.addPaths(
            {std::filesystem::path(DOSSIER_SOURCE_DIR) / "resources/sample/quillstore"});
        auto* preview = f.window.findChild<AddPreview*>();
        QVERIFY(preview != nullptr);
        QTRY_VERIFY(preview->model()->chosenFiles() > 30);
        QTRY_VERIFY_WITH_TIMEOUT(preview->model()->exact() || preview->model()->chosenTokens() == 0,
                                 20'000);
        QVERIFY(!f.window.thread()->isVisible()); // the columns give way
        const std::size_t before = f.window.session()->sources().size();
        emit preview->cancelled();
        QTRY_VERIFY(f.window.thread()->isVisible());
        QCOMPARE(f.window.session()->sources().size(), before);
    }

    void narrowWindowsFoldTheSources() {
        Fixture f(test::kDemoLease, {1024, 700});
        QVERIFY(!f.window.sources()->isVisible());
        QVERIFY(f.window.thread()->isVisible());
        QVERIFY(f.window.width() <= 1024 && f.window.height() <= 700);
        QTest::keyClick(&f.window, Qt::Key_F7);
        QVERIFY(f.window.sources()->isVisible());
        f.window.resize(1440, 900);
        QTest::qWait(20);
        QVERIFY(f.window.sources()->isVisible());
        QTest::keyClick(&f.window, Qt::Key_F7);
        QVERIFY(!f.window.sources()->isVisible());
        QTest::keyClick(&f.window, Qt::Key_F9);
        QVERIFY(!f.window.thread()->isVisible());
    }

    void aWideThreadPushesNothingOffTheBars() {
        Fixture f;
        QVERIFY(f.loaded());
        auto* columns = f.window.sources()->parentWidget();
        auto* splitter = qobject_cast<QSplitter*>(columns);
        QVERIFY(splitter != nullptr);
        for (const int thread : {424, 640, 800}) {
            splitter->setSizes({300, 1440 - 300 - thread, thread});
            emit splitter->splitterMoved(0, 1);
            const auto inside = [](const QWidget& bar, const QWidget* part) {
                return bar.rect().contains(QRect(part->mapTo(&bar, QPoint()), part->size()));
            };
            const ToolBar& bar = *f.window.toolBar();
            QTRY_VERIFY(inside(bar, bar.stopButton()));
            for (const IconButton* button : bar.findChildren<IconButton*>()) {
                QTRY_VERIFY(!button->isVisible() || inside(bar, button));
            }
            const DocumentTab& tab = *f.window.viewer()->current();
            for (const SearchField* field : tab.findChildren<SearchField*>()) {
                QTRY_VERIFY(inside(tab, field));
            }
        }
    }

    void theSmallestWindowKeepsTheTools() {
        Fixture f(test::kDemoLease, {1024, 700});
        QVERIFY(f.loaded());
        int tools = 0;
        for (const IconButton* button : f.window.viewer()->current()->findChildren<IconButton*>()) {
            const QString name = button->accessibleName();
            tools += button->isVisible() && (name == tr("Highlight") || name == tr("Underline") ||
                                             name == tr("Strike out") || name == tr("Note"));
        }
        QCOMPARE(tools, 4);
    }

    void modesAndPagesAreReached() {
        app::EngineHost engine({});
        MainWindow window(services(&engine));
        window.resize(1440, 900);
        window.show();
        activate(window);
        window.openDossier(test::kDemoLease);
        QTest::keyClick(&window, Qt::Key_4, Qt::ControlModifier);
        QVERIFY(window.memoryPage()->isVisible());
        window.memoryPage()->setTableShown(true);
        QVERIFY(window.memoryPage()->table()->rowCount() >= 8);
        QTest::keyClick(&window, Qt::Key_3, Qt::ControlModifier);
        QCOMPARE(window.mode(), Mode::Report);
        QTest::keyClick(&window, Qt::Key_1, Qt::ControlModifier);
        QVERIFY(window.thread()->isVisible());
        // Arrow keys walk the switch and pass over what is not there.
        window.toolBar()->modes()->setFocus();
        QTest::keyClick(window.toolBar()->modes(), Qt::Key_Right);
        QCOMPARE(window.mode(), Mode::Report);
        QTest::keyClick(window.toolBar()->modes(), Qt::Key_Right);
        QCOMPARE(window.mode(), Mode::Memory);
        window.showSetup(SetupPage::Placement);
        QVERIFY(window.setupPage()->isVisible());
        QVERIFY(!window.toolBar()->isVisible());
        QTRY_VERIFY(window.setupPage()->modelPanel()->model().has_value());
        QVERIFY(window.setupPage()->modelPanel()->forecast()->fits);
        window.leaveSetup();
        QVERIFY(window.memoryPage()->isVisible());
    }

    void theStatusBarTellsAStoppedEngineFromAFailedModel() {
        StatusBar bar;
        app::EngineStatus status;
        const auto text = [&](app::EngineState state, std::optional<app::Failure> failure = {}) {
            status.state = state;
            status.failure = std::move(failure);
            bar.setModel(status);
            return bar.speedText();
        };
        const app::Failure death{ErrorCode::ProcessDied, "The engine was killed", "Ask again"};
        QCOMPARE(text(app::EngineState::Ready), QStringLiteral("idle"));
        QCOMPARE(text(app::EngineState::Stopped, death), QStringLiteral("engine stopped"));
        QCOMPARE(text(app::EngineState::Loading, death), QStringLiteral("starting again"));
        QCOMPARE(text(app::EngineState::Loading), QStringLiteral("loading"));
        QCOMPARE(text(app::EngineState::Failed, death), QStringLiteral("model failed"));
    }

    void theEndOfAnExportIsToldWhereThePersonIs() {
        Fixture f;
        ReportPage* page = f.window.reportPage();
        const auto& onPage = page->messages()->bars();
        const auto& overDocument = f.window.messages()->bars();
        const std::size_t before = overDocument.size();
        f.window.setMode(Mode::Report);
        emit page->exported(QStringLiteral("/reports/one"));
        QCOMPARE(f.window.mode(), Mode::Report);
        QCOMPARE(onPage.size(), std::size_t{1});
        QVERIFY(onPage.front()->isVisible());
        QVERIFY(onPage.front()->title().contains(QStringLiteral("/reports/one")));
        emit page->message({ErrorCode::Io, "The disk is full", "Free some space"},
                           QStringLiteral("export"));
        QCOMPARE(f.window.mode(), Mode::Report);
        QCOMPARE(onPage.size(), std::size_t{1}); // the newer one of the same cause
        QVERIFY(onPage.front()->title().contains(QStringLiteral("disk")));
        QCOMPARE(overDocument.size(), before);
        f.window.setMode(Mode::Read);
        emit page->exported(QStringLiteral("/reports/two"));
        QCOMPARE(f.window.mode(), Mode::Read);
        QCOMPARE(overDocument.size(), before + 1);
        QVERIFY(overDocument.front()->isVisible());
        f.window.closeDossier();
        QVERIFY(onPage.empty());
    }

    void shortcutsDoNotCollide() {
        Fixture f;
        QHash<QString, QString> owners;
        for (const QAction* action : f.window.findChildren<QAction*>()) {
            for (const QKeySequence& keys : action->shortcuts()) {
                const QString text = keys.toString();
                QVERIFY2(!owners.contains(text) || owners[text] == action->text(),
                         qPrintable(text + QStringLiteral(": ") + owners.value(text) +
                                    QStringLiteral(" and ") + action->text()));
                owners.insert(text, action->text());
            }
        }
        for (const char* keys :
             {"Ctrl+O", "Ctrl+Shift+O", "Ctrl+E", "Ctrl+K", "Ctrl+H", "Ctrl+R", "F8", "Shift+F8",
              "Alt+Left", "Alt+1", "Ctrl+T", "Ctrl+F", "F7", "F1"}) {
            QVERIFY2(owners.contains(QLatin1String(keys)), keys);
        }
    }

    void textSizesAndThemesKeepTheWindowWhole_data() {
        QTest::addColumn<int>("percent");
        QTest::addColumn<bool>("dark");
        QTest::newRow("80 light") << 80 << false;
        QTest::newRow("125 dark") << 125 << true;
        QTest::newRow("200 light") << 200 << false;
    }

    void textSizesAndThemesKeepTheWindowWhole() {
        QFETCH(int, percent);
        QFETCH(bool, dark);
        Fixture f;
        QVERIFY(f.open("Lease Unit 4.pdf") != nullptr);
        Theme::instance().setTextPercent(percent);
        Theme::instance().setChoice(dark ? ThemeChoice::Dark : ThemeChoice::Light);
        QTest::qWait(50);
        QCOMPARE(f.window.toolBar()->height(), px(44));
        QCOMPARE(f.window.statusRow()->height(), px(30));
        const QImage image = f.window.grab().toImage();
        QCOMPARE(image.pixelColor(2, f.window.height() - px(15)), tokens().window);
        QVERIFY(f.window.width() <= 1440);
        // The answer still ends above the composer and its chips are where they are clicked.
        AnswerText* text = f.window.thread()->active()->text();
        QVERIFY(!text->chipRect(5).isEmpty());
    }

    void theOfflineCheckCountsSockets() { QCOMPARE(openNetworkSockets(), 0); }

    void everyOpenTabComesBack() {
        Fixture f(test::kDemoBare);
        QVERIFY(f.open("Lease Unit 4.pdf") != nullptr);
        QVERIFY(f.open("durability.md") != nullptr);
        QCOMPARE(f.window.viewer()->documents().size(), std::size_t{2});
        f.window.close();
        QVERIFY(f.window.session()->setting("tabs").find(',') != std::string::npos);
        QCOMPARE(QString::fromStdString(f.window.session()->setting("tab")),
                 QString::number(static_cast<qlonglong>(f.window.viewer()->current()->sourceId())));
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    WindowTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "window_test.moc"
