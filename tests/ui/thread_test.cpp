// SPDX-License-Identifier: GPL-3.0-or-later
// Answers: Markdown, chips, streaming, quotation rows, the composer, the thread column.
#include <QAbstractItemModelTester>
#include <QClipboard>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>

#include "tests/ingest/support/direct_reader.h"
#include "tests/ui/support/demo.h"
#include "tests/ui/support/ui_testing.h"
#include "ui/playbooks.h"
#include "ui/thread/answer_text.h"
#include "ui/thread/citation_preview.h"
#include "ui/thread/thread_panel.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

app::Citation citation(std::uint32_t number, const std::string& text, const std::string& marked,
                       app::Verdict verdict = app::Verdict::Verified) {
    app::Citation c;
    c.number = number;
    c.verdict = verdict;
    c.percent = 100;
    const std::size_t at = text.find(marked);
    c.inAnswer = {at, at + marked.size()};
    c.quote = marked.substr(3, marked.size() - 6);
    if (verdict != app::Verdict::NotFound) {
        c.place = app::Place{};
        c.place->source = static_cast<app::SourceId>(1);
    }
    return c;
}

int chipsIn(const QTextDocument& document) {
    int count = 0;
    for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
        for (auto it = block.begin(); !it.atEnd(); ++it) {
            count += it.fragment().charFormat().objectType() == kChipObject ? 1 : 0;
        }
    }
    return count;
}

/// The thread column on an invented dossier.
struct Column {
    explicit Column(const char* folder = test::kDemoBare)
        : session(app::Session::open(folder, options())) {
        panel.resize(424, 800);
        panel.show();
        panel.setSession(session.get());
    }
    ~Column() { panel.setSession(nullptr); }

    static app::SessionOptions options() {
        app::SessionOptions result;
        result.reader = std::make_shared<test::DirectReader>();
        return result;
    }

    const std::unique_ptr<app::Session> session;
    ThreadPanel panel;
};

} // namespace

class ThreadTest : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() { test::demoSettings() = {}; }

    void blocksAreSplit() {
        const std::string text =
            "# Title\nFirst line\nsecond line\n\n- one\n- two\n  - deep\n\n1. a\n"
            "2. b\n> quoted\n> more\n```cpp\nint x;\n\n```\nafter\n";
        const auto pieces = splitAnswer(text);
        QList<int> kinds;
        for (const AnswerPiece& piece : pieces) {
            kinds << static_cast<int>(piece.kind);
        }
        const auto k = [](PieceKind kind) { return static_cast<int>(kind); };
        QCOMPARE(kinds,
                 (QList<int>{k(PieceKind::Heading), k(PieceKind::Paragraph), k(PieceKind::Bullet),
                             k(PieceKind::Bullet), k(PieceKind::Bullet), k(PieceKind::Numbered),
                             k(PieceKind::Numbered), k(PieceKind::Quote), k(PieceKind::Code),
                             k(PieceKind::Paragraph)}));
        QCOMPARE(pieces[4].level, 1);
        QCOMPARE(pieces[6].marker, QStringLiteral("2."));
        QCOMPARE(text.substr(pieces[1].begin, pieces[1].end - pieces[1].begin),
                 std::string("First line\nsecond line"));
    }

    void anOpenFenceRunsToTheEnd() {
        const auto pieces = splitAnswer("text\n\n```\nint x;\n- no item");
        QCOMPARE(pieces.size(), std::size_t{2});
        QCOMPARE(pieces[1].kind, PieceKind::Code);
    }

    void markupBecomesFormats() {
        QTextDocument document;
        AnswerDocument answer(&document);
        answer.update("**Bold** and *leaning* and `code` 2*3*4 snake_case_name", {});
        QCOMPARE(document.toPlainText(),
                 QStringLiteral("Bold and leaning and code 2*3*4 snake_case_name"));
        QTextCursor cursor(&document);
        cursor.setPosition(2);
        QCOMPARE(cursor.charFormat().fontWeight(), int(QFont::Bold));
        cursor.setPosition(12);
        QVERIFY(cursor.charFormat().fontItalic());
    }

    void chipsStandBehindTheirQuotations() {
        const std::string text = "It says “one thing”, and “another thing” too.";
        QTextDocument document;
        AnswerDocument answer(&document);
        answer.update(text,
                      {citation(1, text, "“one thing”"), citation(2, text, "“another thing”")});
        QCOMPARE(chipsIn(document), 2);
        const QString plain = document.toPlainText();
        const qsizetype first = plain.indexOf(QChar::ObjectReplacementCharacter);
        QVERIFY(plain.left(first).trimmed().endsWith(QStringLiteral("“one thing”")));
        QVERIFY(plain.mid(first + 1).startsWith(QStringLiteral("\u2060,")));
    }

    void straightQuotationMarksAreShownTypographically() {
        const std::string text = "It says \"one thing\" here.";
        app::Citation c = citation(1, text, "\"one thing\"");
        QTextDocument document;
        AnswerDocument answer(&document);
        answer.update(text, {c});
        QVERIFY(document.toPlainText().contains(QStringLiteral("“one thing”")));
    }

    /// Streaming makes only the last block again, whatever the size of the answer.
    void streamingTouchesTheTailOnly() {
        QTextDocument document;
        AnswerDocument answer(&document);
        std::string text;
        for (int i = 0; i < 60; ++i) {
            text += "Paragraph " + std::to_string(i) + " with some words in it.\n\n";
        }
        QCOMPARE(answer.update(text, {}), 60);
        text += "And now";
        QCOMPARE(answer.update(text, {}), 1);
        text += " more";
        QCOMPARE(answer.update(text, {}), 1);
        QCOMPARE(answer.update(text, {}), 0);
        QVERIFY(document.toPlainText().endsWith(QStringLiteral("And now more")));
        QCOMPARE(document.blockCount(), 61);
    }

    void streamedAndWholeAnswersAreEqual() {
        const std::string text = "**One.** It says “a thing” here.\n\n- first\n- second “b thing” "
                                 "end\n\n```\ncode\n```\nLast *line*.";
        const std::vector<app::Citation> all = {citation(1, text, "“a thing”"),
                                                citation(2, text, "“b thing”")};
        QTextDocument whole, streamed;
        AnswerDocument(&whole).update(text, all);
        AnswerDocument grows(&streamed);
        for (std::size_t end = 1; end <= text.size(); ++end) {
            if (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
                continue;
            }
            std::vector<app::Citation> known;
            for (const app::Citation& c : all) {
                if (c.inAnswer.end <= end) {
                    known.push_back(c);
                }
            }
            grows.update(text.substr(0, end), known);
        }
        QCOMPARE(streamed.toPlainText(), whole.toPlainText());
        QCOMPARE(chipsIn(streamed), 2);
        QCOMPARE(streamed.toHtml(), whole.toHtml());
    }

    void aChipIsClicked() {
        const std::string text = "It says “one thing” and no more of it.";
        AnswerText view;
        view.resize(360, 100);
        view.setAnswer(text, {citation(7, text, "“one thing”")});
        view.show();
        QSignalSpy clicked(&view, &AnswerText::chipClicked);
        const QRectF chip = view.chipRect(7);
        QVERIFY(!chip.isEmpty());
        QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, chip.center().toPoint());
        QCOMPARE(clicked.size(), 1);
        QCOMPARE(clicked[0][0].toUInt(), 7u);
        QVERIFY(view.chipRect(8).isEmpty());
    }

    void placesAreNamed() {
        app::Place place;
        place.pageLabel = "iv";
        place.section = "5.2";
        QCOMPARE(placeText(place, {}, false), QStringLiteral("p. iv § 5.2"));
        app::Place lines;
        lines.line = 109;
        QCOMPARE(placeText(lines, "a\nb", true), QStringLiteral("109–110"));
        QCOMPARE(placeText(lines, "a", true), QStringLiteral("109"));
        QCOMPARE(placeText(lines, "a", false), QStringLiteral("line 109"));
    }

    void rowsSpeakTheirVerdict() {
        CitationModel model;
        const QAbstractItemModelTester tester(&model);
        app::Source source;
        source.name = "Lease Unit 4.pdf";
        source.format = ingest::Format::Pdf;
        const std::string text = "“one thing” “other”";
        app::Citation found = citation(1, text, "“one thing”");
        found.place->pageLabel = "14";
        app::Citation elsewhere = citation(2, text, "“other”", app::Verdict::OtherDocument);
        elsewhere.named = "Deed";
        model.setRows({rowOf(found, &source, {}), rowOf(elsewhere, &source, {}),
                       rowOf(citation(3, text, "“other”", app::Verdict::NotFound), nullptr,
                             QStringLiteral("12 sources searched"))});
        const auto spoken = [&](int row) {
            return model.index(row).data(Qt::AccessibleTextRole).toString();
        };
        QVERIFY2(spoken(0).contains(QStringLiteral("Verified, Lease Unit 4 p. 14")),
                 qPrintable(spoken(0)));
        QVERIFY(spoken(1).contains(QStringLiteral("Found elsewhere")));
        QVERIFY(spoken(1).contains(QStringLiteral("not Deed")));
        QVERIFY(spoken(2).contains(QStringLiteral("No source 12 sources searched")));
    }

    void surroundingsEndAtSentences() {
        ingest::Document document;
        document.text = "First sentence. The tenant shall pay the rent on time. Last one.";
        const std::size_t at = document.text.find("shall pay");
        const Surroundings around = surroundingsOf(document, {at, at + 9});
        QCOMPARE(around.passage, QStringLiteral("shall pay"));
        QCOMPARE(around.before, QStringLiteral("The tenant "));
        QCOMPARE(around.after, QStringLiteral(" the rent on time."));
        QVERIFY(
            normalisationText(QStringLiteral("sixty (60) days"), QStringLiteral("sixty (60)\ndays"))
                .contains(QStringLiteral("line breaks")));
        QVERIFY(normalisationText(QStringLiteral("the STRUCTURE"), QStringLiteral("the Structure"))
                    .contains(QStringLiteral("capital")));
    }

    void playbooksHoldQuestions() {
        QCOMPARE(playbooks().size(), std::size_t{3});
        for (const Playbook& playbook : playbooks()) {
            for (const PlaybookQuestion& question : playbook.questions) {
                QVERIFY(question.text.endsWith(QLatin1Char('?')) && !question.label.isEmpty());
            }
        }
    }

    // ---- the column

    void questionsStreamAndEndWithQuotations() {
        test::demoSettings().tokensPerSecond = 4000;
        Column column;
        ThreadPanel& panel = column.panel;
        panel.setLevel("high");
        QCOMPARE(panel.questionCount(), 0);
        panel.composer()->setText(QStringLiteral("Who repairs the structure?"));
        QTest::keyClick(panel.composer()->edit(), Qt::Key_Return);
        QCOMPARE(panel.questionCount(), 1);
        QVERIFY(panel.composer()->text().isEmpty());
        QTRY_VERIFY_WITH_TIMEOUT(
            panel.active() != nullptr && panel.active()->answer().citations.size() > 3, 5000);
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(panel.active()->answer().state), 10'000);
        QVERIFY(chipsIn(*panel.active()->text()->document()) > 3);
        QSignalSpy opened(&panel, &ThreadPanel::citationOpened);
        panel.stepCitation(1);
        QCOMPARE(opened.size(), 1);
        QCOMPARE(panel.active()->currentCitation(), 1u);
        panel.stepCitation(1);
        QCOMPARE(panel.active()->currentCitation(), 2u);
        panel.stepCitation(-1);
        QCOMPARE(panel.active()->currentCitation(), 1u);
    }

    void quotationsBelowDoNotPushTheAnswerOutOfSight() {
        Column column;
        ThreadPanel& panel = column.panel;
        panel.askText(QStringLiteral("Who repairs the structure?"));
        QTRY_VERIFY(app::isFinal(panel.active()->answer().state));
        const auto* scroll = panel.findChild<QScrollArea*>();
        const int above = panel.height() - scroll->viewport()->height();
        const AnswerText* text = panel.active()->text();
        const auto top = [&](const QWidget* part) {
            return part->mapTo(scroll->viewport(), QPoint(0, 0)).y();
        };
        // Room for the question and the answer's text, not for all that stands below.
        panel.resize(panel.width(), above + top(text) - top(panel.active()) + text->height() + 20);
        QTRY_VERIFY(scroll->verticalScrollBar()->maximum() > 24);
        QTest::qWait(50);
        QVERIFY2(top(panel.active()) >= 0, qPrintable(QString::number(top(panel.active()))));
        QVERIFY(top(text) + text->height() <= scroll->viewport()->height());
    }

    void anAnswerIsStoppedAndKept() {
        test::demoSettings().tokensPerSecond = 50;
        Column column;
        ThreadPanel& panel = column.panel;
        panel.askText(QStringLiteral("Who repairs the structure?"));
        QTRY_VERIFY(!panel.active()->answer().text.empty());
        panel.stop();
        QCOMPARE(panel.active()->answer().state, app::AnswerState::Stopped);
        QVERIFY(!panel.active()->answer().text.empty());
    }

    void versionsCanBeLeafedThrough() {
        Column column;
        ThreadPanel& panel = column.panel;
        panel.askText(QStringLiteral("Who repairs the structure?"));
        QTRY_VERIFY(app::isFinal(panel.active()->answer().state));
        panel.regenerate();
        QTRY_COMPARE(panel.active()->answer().version, 2u);
        QTRY_VERIFY(app::isFinal(panel.active()->answer().state));
        emit panel.active()->versionRequested(-1);
        QCOMPARE(panel.active()->answer().version, 1u);
    }

    void nothingOfAnAnswerIsCutOrCovered_data() {
        QTest::addColumn<int>("width");
        QTest::newRow("wide") << 640;
        QTest::newRow("as usual") << 424;
        QTest::newRow("small window") << 376;
        QTest::newRow("narrowest") << 300;
    }

    /// With two versions the row of actions is longest.
    void nothingOfAnAnswerIsCutOrCovered() {
        QFETCH(int, width);
        Column column;
        ThreadPanel& panel = column.panel;
        panel.askText(QStringLiteral("Who repairs the structure?"));
        QTRY_VERIFY(app::isFinal(panel.active()->answer().state));
        panel.regenerate();
        QTRY_COMPARE(panel.active()->answer().version, 2u);
        QTRY_VERIFY(app::isFinal(panel.active()->answer().state));
        panel.resize(width, 800);
        const Exchange& exchange = *panel.active();
        const auto top = [&](const QWidget* w) { return w->mapTo(&exchange, QPoint()).y(); };
        QTRY_VERIFY(top(exchange.text()) + exchange.text()->height() <= top(exchange.counts()));
        for (const Button* button : exchange.findChildren<Button*>()) {
            if (button->isVisible()) {
                QTRY_VERIFY2(button->width() >= button->sizeHint().width(),
                             qPrintable(button->accessibleName()));
            }
        }
        for (const IconButton* button : exchange.findChildren<IconButton*>()) {
            const QRect place(button->mapTo(&exchange, QPoint()), button->size());
            QVERIFY(!button->isVisible() || exchange.rect().contains(place));
        }
    }

    void aLongQuestionLeavesRoomForItsAnswer() {
        Column column;
        ThreadPanel& panel = column.panel;
        QString text;
        for (int i = 0; i < 60; ++i) {
            text += QStringLiteral("in the case where the provider does not cure the breach, ");
        }
        QuestionEdit* edit = panel.composer()->edit();
        panel.composer()->setText(text);
        QTest::keyClicks(edit, QStringLiteral("who may then terminate the agreement and when?"));
        QCOMPARE(edit->horizontalScrollBar()->value(), 0);
        panel.ask();
        QTRY_VERIFY(panel.active() != nullptr && panel.active()->isVisible());
        const QWidget* band = panel.active()->band();
        QTRY_VERIFY(band->height() < px(20 * 9));
        const int folded = band->height();
        auto* all = band->findChild<Button*>();
        QCOMPARE(all->text(), Exchange::tr("Show all"));
        QTest::mouseClick(all, Qt::LeftButton);
        QTRY_VERIFY(band->height() > 3 * folded);
        QTest::mouseClick(all, Qt::LeftButton);
        QTRY_COMPARE(band->height(), folded);
    }

    void errorsOfAskingAreTold() {
        Column column;
        ThreadPanel& panel = column.panel;
        QSignalSpy told(&panel, &ThreadPanel::message);
        panel.composer()->setText(QStringLiteral("too large"));
        panel.ask();
        QCOMPARE(told.size(), 1);
        QCOMPARE(panel.composer()->text(), QStringLiteral("too large")); // nothing is lost
    }

    void theFirstQuestionStandsAtTheTop() {
        Column column;
        ThreadPanel& panel = column.panel;
        panel.askText(QStringLiteral("Who repairs the structure?"));
        QTRY_VERIFY(panel.active() != nullptr && panel.active()->isVisible());
        QTRY_COMPARE(panel.active()->y(), 0); // no strip for what is not said
    }

    void olderQuestionsAreOneLine() {
        Column column(test::kDemoLease);
        ThreadPanel& panel = column.panel;
        QCOMPARE(panel.questionCount(), 7);
        QCOMPARE(panel.findChildren<Exchange*>().size(), 1);
        const auto rows = panel.findChildren<QuestionRow*>();
        QTest::mouseClick(rows.first(), Qt::LeftButton);
        QCOMPARE(panel.findChildren<Exchange*>().size(), 2);
        QCOMPARE(panel.active()->question().number, 1u);
    }

    void questionsAreRecalledAndSourcesNamed() {
        Column column(test::kDemoLease);
        ThreadPanel& panel = column.panel;
        QuestionEdit* edit = panel.composer()->edit();
        edit->setFocus();
        QTest::keyClicks(edit, QStringLiteral("draft"));
        QTest::keyClick(edit, Qt::Key_Up);
        QVERIFY(panel.composer()->text().startsWith(QStringLiteral("Who pays")));
        QTest::keyClick(edit, Qt::Key_Down);
        QCOMPARE(panel.composer()->text(), QStringLiteral("draft"));
        QTest::keyClick(edit, Qt::Key_Return, Qt::ShiftModifier);
        QVERIFY(edit->toPlainText().contains(QLatin1Char('\n')));
        panel.composer()->addNamed(column.session->sources().front());
        panel.composer()->addNamed(column.session->sources().front());
        QCOMPARE(panel.composer()->named().size(), std::size_t{1});
    }

    void copiedAnswersCarryTheirPlaces() {
        Column column(test::kDemoLease);
        ThreadPanel& panel = column.panel;
        emit panel.active()->copyRequested();
        const QString copied = QApplication::clipboard()->text();
        QVERIFY(copied.contains(QStringLiteral("doing so” [1]")));
        QVERIFY(copied.contains(QStringLiteral("[4] Deed of variation, p. 2 § 3")));
        QVERIFY(!copied.contains(QStringLiteral("two parts"))); // no thinking
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    ThreadTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "thread_test.moc"
