// SPDX-License-Identifier: GPL-3.0-or-later
// The main job through the real window with the real reader, store and engine: add a contract and a
// code folder, ask, watch the answer arrive, click the quotation, come back, note, undo, export;
// the engine is killed in mid-answer; the dossier is opened again. Steps build on one another.
// Pictures after each step: see support/real_window.h.
#include <QDir>
#include <QFileDialog>
#include <QLineEdit>
#include <QMimeData>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTableWidget>
#include <QTest>
#include <QUndoStack>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/ui/support/real_window.h"
#include "ui/add/add_preview.h"
#include "ui/main/locator.h"
#include "ui/main/note_popup.h"
#include "ui/main/notes_strip.h"
#include "ui/main/status_bar.h"
#include "ui/memory/memory_page.h"
#include "ui/report/report_page.h"
#include "ui/setup/setup_page.h"
#include "ui/sources/sources_panel.h"
#include "ui/thread/answer_text.h"
#include "ui/thread/thread_panel.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

using test::kAnswerMs;
using test::kReadMs;
using test::kSample;

int countColor(const QImage& image, const QRect& area, const QColor& color) {
    int count = 0;
    const QRect inside = area.intersected(image.rect());
    for (int y = inside.top(); y <= inside.bottom(); ++y) {
        for (int x = inside.left(); x <= inside.right(); ++x) {
            count += image.pixelColor(x, y) == color ? 1 : 0;
        }
    }
    return count;
}

/// Process ids of the engines that this process has started.
std::vector<pid_t> engines() {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        std::ifstream file(entry.path() / "stat");
        std::string stat;
        std::getline(file, stat);
        const std::size_t close = stat.rfind(')');
        if (close == std::string::npos || stat.find("(dossier-engine)") == std::string::npos) {
            continue;
        }
        const int parent = std::atoi(stat.c_str() + close + 4); // ") S parent"
        if (parent == getpid() && stat[close + 2] != 'Z') {
            found.push_back(std::atoi(name.c_str()));
        }
    }
    return found;
}

} // namespace

class WalkTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() { m_real = std::make_unique<test::RealWindow>(); }

    void cleanupTestCase() {
        m_real.reset();
        QTRY_VERIFY(engines().empty()); // nothing is left behind
    }

    void theModelIsLoaded() {
        QTRY_COMPARE_WITH_TIMEOUT(m_real->engine().status().state, app::EngineState::Ready,
                                  kAnswerMs);
        picture("empty");
    }

    void aContractIsDropped() {
        const auto lease = kSample / "harbour-wharf" / "Lease Unit 4.pdf";
        const auto deed = kSample / "harbour-wharf" / "Deed of variation.docx";
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(QString::fromStdString(lease.string())),
                      QUrl::fromLocalFile(QString::fromStdString(deed.string()))});
        QDragEnterEvent enter({200, 200}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(window(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(200, 200), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(window(), &drop);
        QVERIFY(session() != nullptr);
        QCOMPARE(session()->name(), std::string("Lease Unit 4"));
        QTRY_COMPARE_WITH_TIMEOUT(ready(), std::size_t{2}, kReadMs);
        QTRY_VERIFY(window()->viewer()->current() != nullptr); // the first opens by itself
        QTRY_VERIFY(source("Lease Unit 4.pdf")->tokens.value_or(0) > 5000);
        QCOMPARE(source("Lease Unit 4.pdf")->pages, std::uint64_t{12});
    }

    void aCodeFolderIsChosenLookedAtAndAdded() {
        QTest::keyClick(window(), Qt::Key_O, Qt::ControlModifier | Qt::ShiftModifier);
        auto* dialog = window()->findChild<QFileDialog*>();
        QVERIFY(dialog != nullptr);
        const QString folder = QString::fromStdString((kSample / "quillstore").string());
        emit dialog->fileSelected(folder);
        dialog->close();
        AddPreview* preview = nullptr;
        QTRY_VERIFY((preview = window()->findChild<AddPreview*>()) != nullptr);
        QTRY_VERIFY_WITH_TIMEOUT(preview->model()->chosenFiles() > 30 && preview->model()->exact(),
                                 kReadMs);
        QVERIFY(preview->model()->chosenTokens() > 5000);
        const std::size_t files = preview->model()->chosenFiles();
        picture("add");
        Button* primary = nullptr;
        for (Button* button : preview->findChildren<Button*>()) {
            primary = button->isVisible() && button->text() == QStringLiteral("Read now") ? button
                                                                                          : primary;
        }
        QVERIFY(primary != nullptr);
        QTest::mouseClick(primary, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(ready(), files + 2, kReadMs);
        QTRY_VERIFY(session()->contextUse().exact);
        const app::ContextUse use = session()->contextUse();
        std::uint64_t sum = 0;
        for (const app::Source& each : session()->sources()) {
            sum += each.tokens.value_or(0);
        }
        QCOMPARE(use.documentTokens, sum); // the meter is the sum of the tree
    }

    void aQuestionIsAnsweredWithACheckedQuotation() {
        open("Deed of variation.docx");
        QSignalSpy streamed(session(), &app::Session::answerStreamed);
        ask(QStringLiteral("When may the tenant end the lease early?"));
        QVERIFY(window()->thread()->active() != nullptr);
        const app::Answer& answer = window()->thread()->active()->answer();
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(window()->thread()->active()->answer().state),
                                 kAnswerMs);
        QCOMPARE(answer.state, app::AnswerState::Done);
        QVERIFY(!answer.citations.empty());
        const app::Citation& citation = answer.citations.front();
        QCOMPARE(citation.verdict, app::Verdict::Verified);
        QVERIFY2(citation.quote.find("after the fifth anniversary") != std::string::npos,
                 citation.quote.c_str());
        QVERIFY(streamed.count() > 0 || !answer.text.empty());
        QVERIFY(window()->thread()->active()->text()->toPlainText().contains(
            QStringLiteral("terminate this Lease for convenience")));
        QVERIFY(!session()->answering());
    }

    void theChipOpensThePageWithTheWordsMarked() {
        DocumentTab* before = window()->viewer()->current();
        QVERIFY(before != nullptr && before->source().name == "Deed of variation.docx");
        clickChip(1);
        DocumentTab* tab = opened("Lease Unit 4.pdf");
        QVERIFY(tab != nullptr);
        QTRY_COMPARE(tab->pageView()->currentPage(), 8u); // printed as 7, the ninth of the file
        const app::Place place = *window()->thread()->active()->citation(1)->place;
        QCOMPARE(place.pageLabel, std::string("7"));
        const auto boxes = ingest::boxesOf(*tab->view()->document(), place.range);
        QVERIFY(boxes.size() >= 3); // lines of the quotation
        const Tokens& on = tokens();
        for (const ingest::PageBox& box : boxes) {
            const QRectF page = tab->pageView()->pageRect(box.page);
            const QRect area(QPointF(page.x() + box.box.left * page.width(),
                                     page.y() + box.box.top * page.height())
                                 .toPoint(),
                             QPointF(page.x() + box.box.right * page.width(),
                                     page.y() + box.box.bottom * page.height())
                                 .toPoint());
            QVERIFY(tab->view()->viewport()->rect().contains(area.center()));
            QTRY_VERIFY(countColor(tab->view()->viewport()->grab().toImage(), area, on.hlC) >
                        area.width() * area.height() / 4);
        }
        QTest::qWait(800); // the flash is over
        picture("read");
        QTest::keyClick(window(), Qt::Key_Left, Qt::AltModifier);
        QCOMPARE(window()->viewer()->current(), before);
        QTest::keyClick(window(), Qt::Key_Right, Qt::AltModifier);
        QCOMPARE(window()->viewer()->current(), tab);
    }

    void aQuestionAboutCodeOpensItsLines() {
        window()->thread()->composer()->addNamed(*source("recovery.cpp")); // as @ does
        ask(QStringLiteral("Where is a lost record detected?"));
        QVERIFY(window()->thread()->composer()->named().empty());
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(window()->thread()->active()->answer().state),
                                 kAnswerMs);
        const app::Answer answer = window()->thread()->active()->answer();
        QCOMPARE(answer.state, app::AnswerState::Done);
        QVERIFY(!answer.citations.empty() && answer.citations.front().place);
        const app::Source* cited = session()->source(answer.citations.front().place->source);
        clickChip(answer.citations.front().number);
        DocumentTab* tab = opened(cited->name.c_str());
        QVERIFY(tab != nullptr);
        QVERIFY(tab->textView() != nullptr);
        const std::uint64_t line = answer.citations.front().place->line;
        QTRY_VERIFY(!tab->textView()->lineRect(line).isEmpty());
        const QRect rect = tab->textView()->lineRect(line);
        QTRY_VERIFY(countColor(tab->view()->viewport()->grab().toImage(), rect, tokens().hlC) >
                    rect.height() * 20);
        QCOMPARE(cited->path(), std::string("quillstore/src/recovery.cpp"));
        window()->viewer()->notes()->setOpen(true);
        QTest::qWait(800);
        picture("code");
        window()->viewer()->notes()->setOpen(false);
    }

    void wordsOfAllSourcesAreFoundFromTheKeyboard() {
        activate();
        QTest::keyClick(window(), Qt::Key_K, Qt::ControlModifier);
        QPointer<Locator> locator = window()->findChild<Locator*>();
        QVERIFY(locator != nullptr);
        locator->field()->edit()->setText(QStringLiteral("account of any of the last three"));
        QTRY_VERIFY(locator->resultCount() > 0);
        QTest::keyClick(locator->field()->edit(), Qt::Key_Return);
        DocumentTab* tab = opened("Lease Unit 4.pdf");
        QVERIFY(tab != nullptr);
        QTRY_COMPARE(tab->pageView()->currentPage(), 7u); // clause 7.4, printed as page 6
        QTRY_VERIFY(locator == nullptr);
        // It may close while a search is under way.
        activate();
        QTest::keyClick(window(), Qt::Key_K, Qt::ControlModifier);
        locator = window()->findChild<Locator*>();
        QVERIFY(locator != nullptr);
        locator->field()->edit()->setText(QStringLiteral("landlord"));
        QTest::keyClick(locator->field()->edit(), Qt::Key_Escape);
        QTRY_VERIFY(locator == nullptr);
        QTest::qWait(300);
    }

    void aNoteIsWrittenTakenBackAndStored() {
        DocumentTab* tab = open("Lease Unit 4.pdf");
        QVERIFY(tab != nullptr);
        const std::size_t at = tab->view()->document()->text.find("good and substantial repair");
        QVERIFY(at != std::string::npos);
        tab->view()->showRange({at, at + 27}, false);
        tab->view()->select(ingest::TextRange{at, at + 27});
        tab->view()->setFocus();
        QTest::keyClick(tab->view(), Qt::Key_N);
        NotePopup* popup = nullptr;
        QTRY_VERIFY((popup = window()->findChild<NotePopup*>()) != nullptr);
        QTest::keyClicks(popup->edit(), QStringLiteral("Ask the surveyor"));
        QTest::keyClick(popup->edit(), Qt::Key_Return, Qt::ControlModifier);
        QTRY_COMPARE(session()->marks().size(), std::size_t{1});
        QTRY_VERIFY(window()->findChild<NotePopup*>() == nullptr);
        activate();
        QTest::keyClick(window(), Qt::Key_Z, Qt::ControlModifier);
        QTRY_VERIFY(session()->marks().empty());
        QTest::keyClick(window(), Qt::Key_Z, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_COMPARE(session()->marks().size(), std::size_t{1});
        QCOMPARE(session()->marks()[0].note, std::string("Ask the surveyor"));
        QCOMPARE(session()->marks()[0].quote, std::string("good and substantial repair"));
        QTRY_COMPARE(tab->view()->marks().size(), std::size_t{1});
        QTest::qWait(100);
        picture("note");
    }

    void theMemoryPageFollowsTheEngine() {
        QTest::keyClick(window(), Qt::Key_4, Qt::ControlModifier);
        QTRY_VERIFY(window()->memoryPage()->isVisible());
        QSignalSpy samples(&m_real->engine(), &app::EngineHost::memorySampled);
        QElapsedTimer clock;
        clock.start();
        QTRY_VERIFY_WITH_TIMEOUT(samples.count() >= 8, 20'000);
        QVERIFY2(clock.elapsed() >= 1500, "more often than four times a second");
        window()->memoryPage()->setTableShown(true);
        QVERIFY(window()->memoryPage()->table()->rowCount() >= 4);
        window()->memoryPage()->setTableShown(false);
        QVERIFY(!m_real->engine().memory().back().engine.ledger.empty());
        for (const QScrollArea* area : window()->memoryPage()->findChildren<QScrollArea*>()) {
            QVERIFY2(area->horizontalScrollBar()->maximum() == 0, "nothing is cut off at the side");
        }
        picture("memory");
    }

    void theModelPageShowsWhatIsLoadedAndForecasts() {
        window()->showSetup(SetupPage::Model);
        ModelPanel* panel = window()->setupPage()->modelPanel();
        QTRY_VERIFY_WITH_TIMEOUT(panel->model().has_value() && panel->forecast().has_value(),
                                 60'000);
        QVERIFY(panel->forecast()->fits);
        QVERIFY(panel->loadable());
        QTRY_VERIFY(panel->computer().has_value());
        picture("model");
        for (Button* button : panel->findChildren<Button*>()) {
            if (button->isVisible() && button->text() == QStringLiteral("Check every file")) {
                QTest::mouseClick(button, Qt::LeftButton);
            }
        }
        QTRY_VERIFY(!m_real->engine().jobs().empty());
        QTRY_VERIFY_WITH_TIMEOUT(m_real->engine().jobs().back().state != app::JobState::Running,
                                 kReadMs);
        QCOMPARE(m_real->engine().jobs().back().state, app::JobState::Done);
        QTest::qWait(400);
        picture("model-checked");
        panel->setFolder(m_real->file("")); // no model in there
        QTRY_VERIFY_WITH_TIMEOUT(!panel->model().has_value() && !panel->loadable(), 20'000);
        panel->setFolder(app::embeddedModel());
        QTRY_VERIFY_WITH_TIMEOUT(panel->loadable(), 20'000);
        window()->leaveSetup();
        window()->setMode(Mode::Read);
        QCOMPARE(m_real->engine().status().state, app::EngineState::Ready); // looking loads nothing
    }

    void aKilledEngineIsToldAndTheNextQuestionWorks() {
        const std::vector<pid_t> before = engines();
        QCOMPARE(before.size(), std::size_t{1});
        ask(QStringLiteral("Who pays for structural repairs?"));
        QTRY_VERIFY(session()->answering());
        QTRY_VERIFY_WITH_TIMEOUT(
            window()->thread()->active()->answer().state != app::AnswerState::Searching, kAnswerMs);
        QCOMPARE(kill(before.front(), SIGKILL), 0);
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(window()->thread()->active()->answer().state),
                                 20'000);
        QCOMPARE(window()->thread()->active()->answer().state, app::AnswerState::Failed);
        QVERIFY(window()->thread()->active()->answer().failure.has_value());
        QTest::qWait(100);
        picture("engine-killed");
        const auto& bars = window()->messages()->bars();
        QVERIFY(!bars.empty());
        QVERIFY2(bars.front()->title().contains(QStringLiteral("engine")),
                 qPrintable(bars.front()->title()));
        QTRY_COMPARE(window()->statusRow()->speedText(), QStringLiteral("engine stopped"));
        ask(QStringLiteral("Which law governs the lease?"));
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(window()->thread()->active()->answer().state),
                                 kAnswerMs);
        const app::Answer answer = window()->thread()->active()->answer();
        QCOMPARE(answer.state, app::AnswerState::Done);
        QVERIFY(!answer.citations.empty());
        QVERIFY2(answer.citations.front().quote.find("England and Wales") != std::string::npos,
                 answer.citations.front().quote.c_str());
        QTRY_COMPARE(window()->statusRow()->speedText(), QStringLiteral("idle"));
        QVERIFY(bars.empty());
        picture("engine-again");
    }

    void anEngineKilledWhileNothingIsAskedIsTold() {
        const std::vector<pid_t> before = engines();
        QCOMPARE(before.size(), std::size_t{1});
        QCOMPARE(kill(before.front(), SIGKILL), 0);
        QTRY_COMPARE(window()->statusRow()->speedText(), QStringLiteral("engine stopped"));
        QVERIFY(!window()->messages()->bars().empty());
        picture("engine-killed-idle");
        ask(QStringLiteral("Which law governs the lease?"));
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(window()->thread()->active()->answer().state),
                                 kAnswerMs);
        QCOMPARE(window()->thread()->active()->answer().state, app::AnswerState::Done);
        QTRY_COMPARE(window()->statusRow()->speedText(), QStringLiteral("idle"));
    }

    void theReportIsExported() {
        QTest::keyClick(window(), Qt::Key_3, Qt::ControlModifier);
        ReportPage* page = window()->reportPage();
        QTRY_VERIFY(page->isVisible());
        QCOMPARE(page->blockCount(), 5); // the questions; notes are an option
        page->setFormats(true, true, true, true);
        QTest::qWait(4000); // the preview is set
        picture("report");
        QSignalSpy exported(page, &ReportPage::exported);
        QSignalSpy failed(page, &ReportPage::message);
        const QString folder = QString::fromStdString(m_real->file("export").string());
        page->exportTo(folder.toStdString());
        QTRY_VERIFY_WITH_TIMEOUT(exported.count() + failed.count() == 1, kReadMs);
        QCOMPARE(failed.count(), 0);
        for (const char* name : {"report.pdf", "report.md", "report.html"}) {
            QVERIFY2(QFileInfo(folder + QLatin1Char('/') + QLatin1String(name)).size() > 500, name);
        }
        QFile markdown(folder + QStringLiteral("/report.md"));
        QVERIFY(markdown.open(QIODevice::ReadOnly));
        const QString text = QString::fromUtf8(markdown.readAll());
        QVERIFY(text.contains(QStringLiteral("after the fifth anniversary")));
        QVERIFY(text.contains(QStringLiteral("Ask the surveyor")));
        const QDir copies(folder + QStringLiteral("/sources"));
        QCOMPARE(copies.entryList({QStringLiteral("*.pdf")}).size(), 1);
        QCOMPARE(window()->mode(), Mode::Report); // where the person is, with the news
        QCOMPARE(page->messages()->bars().size(), std::size_t{1});
        QVERIFY(page->messages()->bars().front()->isVisible());
        QVERIFY(page->messages()->bars().front()->title().contains(folder));
        picture("report-exported");
        window()->setMode(Mode::Read);
        QVERIFY(!page->isVisible());
    }

    void aDossierIsClosedWhileItsReportIsSet() {
        const std::filesystem::path folder = session()->folder();
        window()->closeDossier();
        QVERIFY(window()->openDossier(folder)); // nothing of its report has been set yet
        m_real->reader().hold("report.pdf");
        window()->setMode(Mode::Report);
        QTRY_VERIFY_WITH_TIMEOUT(m_real->reader().holds(), kReadMs);
        window()->closeDossier();
        m_real->reader().release();
        QTest::qWait(1000); // the pages arrive, and nobody wants them
        QVERIFY(session() == nullptr);
        QVERIFY(window()->openDossier(folder));
    }

    void everythingIsThereAgainAfterOpening() {
        const std::filesystem::path folder = session()->folder();
        const std::size_t sources = session()->sources().size();
        window()->close();
        m_real->show();
        QVERIFY(window()->openDossier(folder));
        QCOMPARE(session()->sources().size(), sources);
        QCOMPARE(session()->marks().size(), std::size_t{1});
        QCOMPARE(session()->marks()[0].note, std::string("Ask the surveyor"));
        const auto questions = session()->questions(session()->threads().front().id);
        QCOMPARE(questions.size(), std::size_t{5});
        const app::Answer* first = session()->answer(questions[0].answers.back());
        QVERIFY(first != nullptr && first->state == app::AnswerState::Done);
        QCOMPARE(first->citations.front().verdict, app::Verdict::Verified);
        QTRY_VERIFY(window()->viewer()->current() != nullptr); // its tabs come back
    }

  private:
    MainWindow* window() const { return m_real->window.get(); }
    app::Session* session() const { return m_real->session(); }
    const app::Source* source(const char* name) const { return m_real->source(name); }
    DocumentTab* opened(const char* name) const { return m_real->opened(name); }
    std::size_t ready() const { return m_real->ready(); }
    void activate() const { m_real->activate(); }
    void picture(const char* name) const { m_real->picture(name); }

    DocumentTab* open(const char* name) {
        const app::Source* wanted = source(name);
        if (wanted == nullptr) {
            return nullptr;
        }
        window()->viewer()->openSource(wanted->id);
        return opened(name);
    }

    /// As a person does: into the field, Enter.
    void ask(const QString& question) {
        const int before = window()->thread()->questionCount();
        window()->thread()->composer()->edit()->setFocus();
        QTest::keyClicks(window()->thread()->composer()->edit(), question);
        QTest::keyClick(window()->thread()->composer()->edit(), Qt::Key_Return);
        QTRY_COMPARE(window()->thread()->questionCount(), before + 1);
    }

    void clickChip(std::uint32_t number) {
        AnswerText* text = window()->thread()->active()->text();
        QTRY_VERIFY(!text->chipRect(number).isEmpty());
        QTest::qWait(50);
        QTest::mouseClick(text->viewport(), Qt::LeftButton, {},
                          text->chipRect(number).center().toPoint());
    }

    std::unique_ptr<test::RealWindow> m_real;
};

int main(int argc, char** argv) {
    test::UiApplication application(argc, argv);
    if (const char* missing = test::missingForRealWindow()) {
        std::fputs(missing, stderr);
        return 77;
    }
    WalkTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "walk_test.moc"
