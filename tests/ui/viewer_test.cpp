// SPDX-License-Identifier: GPL-3.0-or-later
// Line index, row map, searching, syntax, text view and page view.
#include <QElapsedTimer>
#include <QRandomGenerator>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

#include "tests/ingest/support/direct_reader.h"
#include "tests/ui/support/demo.h"
#include "tests/ui/support/ui_testing.h"
#include "ui/viewer/page_view.h"
#include "ui/viewer/syntax.h"
#include "ui/viewer/text_index.h"
#include "ui/viewer/text_view.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

app::DocumentPtr textOf(std::string text, ingest::Format format, const char* language = "") {
    auto document = std::make_shared<ingest::Document>();
    document->text = std::move(text);
    document->format = format;
    document->language = language;
    return document;
}

std::string numberedLines(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) {
        text += "line " + std::to_string(i) + " of the file; /* nothing */ return 0;\n";
    }
    return text;
}

/// The lease, read once.
app::DocumentPtr lease() {
    static const app::DocumentPtr document = std::make_shared<const ingest::Document>(
        test::DirectReader().read(test::demoLeasePdf(), {}, {}, {}));
    return document;
}

ingest::TextRange rangeOf(const ingest::Document& document, const std::string& words) {
    const std::size_t at = document.text.find(words);
    return at == std::string::npos ? ingest::TextRange{} : ingest::TextRange{at, at + words.size()};
}

/// The lease in a page view.
struct LeasePages {
    explicit LeasePages(QSize size = {708, 700}) : view(&renderer) {
        view.resize(size);
        view.show();
        view.setFile(test::demoLeasePdf());
        view.setDocument(lease());
    }

    PageRenderer renderer{std::make_shared<test::DirectReader>()};
    PageView view;
};

int countColor(const QImage& image, const QColor& color) {
    int count = 0;
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
            count += image.pixelColor(x, y) == color;
        }
    }
    return count;
}

} // namespace

class ViewerTest : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() { Theme::instance().setChoice(ThemeChoice::Light); }

    void linesAreIndexed() {
        const LineIndex index = indexLines("a\nbb\n\nccc");
        QCOMPARE(index.size(), std::size_t{4});
        QCOMPARE(index.lineCount, 4u);
        QCOMPARE(index.indexOf(0), std::size_t{0});
        QCOMPARE(index.indexOf(2), std::size_t{1});
        QCOMPARE(index.indexOf(5), std::size_t{2});
        QCOMPARE(index.indexOf(8), std::size_t{3});
        QCOMPARE(index.number(3), 4u);
        QCOMPARE(indexLines("").size(), std::size_t{1});
        QCOMPARE(indexLines("a\n").size(), std::size_t{1});
    }

    void veryLongLinesAreDividedAtCharacters() {
        std::string text = "first\n";
        for (int i = 0; i < 9000; ++i) {
            text += "é"; // no space to divide at
        }
        text += "\nlast\n";
        const LineIndex index = indexLines(text);
        QCOMPARE(index.lineCount, 3u);
        QVERIFY(index.size() > 3);
        QCOMPARE(index.number(index.size() - 1), 3u);
        QVERIFY(index.first(1) && !index.first(2));
        for (const std::uint64_t start : index.starts) {
            QVERIFY((static_cast<unsigned char>(text[start]) & 0xC0) != 0x80);
        }
        QVERIFY(index.longest <= LineIndex::kLongest);
    }

    void rowsAreFoundBySums() {
        std::string text;
        QRandomGenerator random(7);
        for (int i = 0; i < 500; ++i) {
            text += std::string(static_cast<std::size_t>(random.bounded(300)), 'x') + "\n";
        }
        const LineIndex index = indexLines(text);
        RowMap map;
        map.estimate(index, text.size(), 40);
        std::vector<std::uint32_t> plain;
        for (std::size_t i = 0; i < index.size(); ++i) {
            plain.push_back(map.rows(i));
        }
        for (int change = 0; change < 300; ++change) {
            const auto line = static_cast<std::size_t>(random.bounded(int(index.size())));
            const auto rows = static_cast<std::uint32_t>(1 + random.bounded(9));
            map.setRows(line, rows);
            plain[line] = rows;
        }
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < plain.size(); ++i) {
            QCOMPARE(map.before(i), sum);
            for (std::uint32_t row = 0; row < plain[i]; ++row) {
                const auto [line, within] = map.lineAt(sum + row);
                QCOMPARE(line, i);
                QCOMPARE(within, row);
            }
            sum += plain[i];
        }
        QCOMPARE(map.total(), sum);
    }

    void wordsAreFound() {
        const std::string text = "Größe: the LANDLORD\nshall pay. The landlord  shall not.";
        const auto hits = findInText(text, QStringLiteral("landlord shall"));
        QCOMPARE(hits.size(), std::size_t{2});
        QCOMPARE(text.substr(hits[0].begin, hits[0].size()), std::string("LANDLORD\nshall"));
        QCOMPARE(text.substr(hits[1].begin, hits[1].size()), std::string("landlord  shall"));
        QCOMPARE(findInText(text, QStringLiteral("größe")).size(), std::size_t{1});
        QVERIFY(findInText(text, QStringLiteral("tenant")).empty());
        QVERIFY(findInText(text, QStringLiteral("   ")).empty());
        QCOMPARE(findInText("aaaa", QStringLiteral("a"), 3).size(), std::size_t{3});
    }

    void offsetsOfBothEncodingsAgree() {
        const std::string text = "aé漢😀z";
        int units = 0;
        for (std::size_t byte = 0; byte <= text.size(); ++byte) {
            if (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xC0) == 0x80) {
                continue;
            }
            const int at = utf16Index(text, byte);
            QCOMPARE(utf8Index(text, at), byte);
            QVERIFY(at >= units);
            units = at;
        }
        QCOMPARE(units, 6);
    }

    void syntaxIsColoured_data() {
        QTest::addColumn<QString>("language");
        QTest::addColumn<QString>("line");
        QTest::addColumn<QString>("word");
        QTest::addColumn<int>("kind");
        const auto row = [](const char* language, const char* line, const char* word,
                            SyntaxKind kind) {
            QTest::newRow(line) << language << line << word << static_cast<int>(kind);
        };
        row("cpp", "return Error{};", "return", SyntaxKind::Keyword);
        row("cpp", "Result<RecordId> x;", "RecordId", SyntaxKind::Type);
        row("cpp", "std::span<int> y;", "std", SyntaxKind::Type);
        row("cpp", "x = kMaxRecordBytes;", "kMaxRecordBytes", SyntaxKind::Constant);
        row("cpp", "if (a == Durability::Buffered)", "Buffered", SyntaxKind::Constant);
        row("cpp", "s = \"a \\\" b\";", "\"a \\\" b\"", SyntaxKind::String);
        row("cpp", "x; // why", "// why", SyntaxKind::Comment);
        row("cpp", "#include <vector>", "#include <vector>", SyntaxKind::Preprocessor);
        row("python", "def f(): # why", "# why", SyntaxKind::Comment);
        row("python", "x = 0x1F", "0x1F", SyntaxKind::Constant);
        row("sql", "SELECT a FROM b", "SELECT", SyntaxKind::Keyword);
    }

    void syntaxIsColoured() {
        QFETCH(QString, language);
        QFETCH(QString, line);
        QFETCH(QString, word);
        QFETCH(int, kind);
        const std::string text = line.toStdString();
        std::vector<SyntaxSpan> spans;
        colorLine(*languageOf(language.toStdString()), text, 0, &spans);
        const std::size_t at = text.find(word.toStdString());
        bool found = false;
        for (const SyntaxSpan& span : spans) {
            found = found || (span.begin == at && span.end == at + word.toStdString().size() &&
                              static_cast<int>(span.kind) == kind);
        }
        QVERIFY(found);
    }

    void commentsRunOverLines() {
        const std::string text = "a /* b\nc */ d\n\"\"\"\n";
        const auto index = indexLines(text);
        const auto states = lineStates(*languageOf("cpp"), text, index.starts, {});
        QCOMPARE(int(states[0]), 0);
        QVERIFY(states[1] != 0);
        QCOMPARE(int(states[2]), 0);
        const std::string python = "x = '''\nreturn\n'''\nreturn\n";
        const auto lines = indexLines(python);
        const auto inString = lineStates(*languageOf("python"), python, lines.starts, {});
        QVERIFY(inString[1] != 0);
        QCOMPARE(int(inString[3]), 0);
    }

    void aMillionLinesAreCheap() {
        const app::DocumentPtr document =
            textOf(numberedLines(1'000'000), ingest::Format::Code, "cpp");
        TextView view;
        view.resize(700, 700);
        view.show();
        QSignalSpy ready(&view, &TextView::ready);
        QElapsedTimer clock;
        clock.start();
        view.setDocument(document);
        // Opening leaves the window thread at once; the index is made elsewhere.
        QVERIFY2(clock.elapsed() < 100, qPrintable(QString::number(clock.elapsed())));
        QVERIFY(ready.wait(10'000));
        QCOMPARE(view.lineCount(), std::uint64_t{1'000'000});
        view.showLine(987'654);
        QCOMPARE(view.currentLine(), std::uint64_t{987'654});
        QVERIFY(!view.lineRect(987'654).isNull());
        QTest::qWait(1500); // the syntax states arrive
        qint64 worst = 0;
        for (int i = 0; i < 60; ++i) {
            view.verticalScrollBar()->setValue(i * 16'000);
            clock.restart();
            view.viewport()->repaint();
            worst = std::max(worst, clock.elapsed());
        }
        QVERIFY2(worst < 100, qPrintable(QString::number(worst)));
    }

    void aJumpBeforeTheIndexIsNotLost() {
        TextView view;
        view.resize(600, 400);
        view.show();
        view.setDocument(textOf(numberedLines(5000), ingest::Format::Code, "cpp"));
        const auto range = ingest::lineRange(*view.document(), 4000);
        view.showRange(range, true);
        QTRY_COMPARE(view.currentLine(), std::uint64_t{4000});
        QVERIFY(!view.lineRect(4000).isNull());
        QVERIFY(view.lineRect(10).isNull());
    }

    void longParagraphsWrap() {
        std::string text;
        for (int i = 0; i < 300; ++i) {
            text +=
                "The Landlord shall keep the Structure in good and substantial repair and shall "
                "bear the cost of doing so, save as clause " +
                std::to_string(i) + " says otherwise.\n";
        }
        TextView view;
        view.resize(420, 500);
        view.show();
        QSignalSpy ready(&view, &TextView::ready);
        view.setDocument(textOf(text, ingest::Format::Text));
        QVERIFY(ready.wait());
        QVERIFY(view.wraps());
        QCOMPARE(view.horizontalScrollBar()->maximum(), 0);
        view.showRange(rangeOf(*view.document(), "clause 250 says"), false);
        QTest::qWait(20);
        QVERIFY(!view.lineRect(251).isNull());
        // Coming back to a place survives a change of width.
        const std::uint64_t top = view.topOffset();
        view.resize(600, 500);
        QTest::qWait(20);
        QCOMPARE(view.topOffset(), top);
    }

    void citedLinesAreMarkedAndClicked() {
        TextView view;
        view.resize(700, 500);
        view.show();
        QSignalSpy ready(&view, &TextView::ready);
        view.setDocument(textOf(numberedLines(200), ingest::Format::Code, "cpp"));
        QVERIFY(ready.wait());
        const auto at = ingest::lineRange(*view.document(), 5);
        view.setCitations({{3, app::Verdict::Verified, at, false}}, 0);
        QTest::qWait(20);
        const QRect line = view.lineRect(5);
        QImage image = view.viewport()->grab().toImage();
        QVERIFY(countColor(image.copy(line), tokens().hl) > 1000);
        QCOMPARE(countColor(image.copy(view.lineRect(6)), tokens().hl), 0);
        view.setCitations({{3, app::Verdict::Verified, at, false}}, 3);
        QTest::qWait(20);
        image = view.viewport()->grab().toImage();
        QVERIFY(countColor(image.copy(line), tokens().hlC) > 1000);
        QSignalSpy clicked(&view, &DocumentView::citationClicked);
        QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, QPoint(px(20), line.center().y()));
        QCOMPARE(clicked.size(), 1);
        QCOMPARE(clicked[0][0].toUInt(), 3u);
    }

    void wordsAreSelectedByMouseAndKeyboard() {
        TextView view;
        view.resize(700, 500);
        view.show();
        QSignalSpy ready(&view, &TextView::ready);
        view.setDocument(textOf("alpha beta gamma\ndelta\n", ingest::Format::Code));
        QVERIFY(ready.wait());
        const QRect line = view.lineRect(1);
        QTest::mouseDClick(view.viewport(), Qt::LeftButton, {}, QPoint(px(96), line.center().y()));
        QCOMPARE(view.selectedText(), QStringLiteral("alpha"));
        view.select(std::nullopt);
        view.setFocus();
        QTest::keyClick(&view, Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(view.selectedText(), QStringLiteral("alpha"));
        QTest::keyClick(&view, Qt::Key_Right, Qt::ShiftModifier);
        QTest::keyClick(&view, Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(view.selectedText(), QStringLiteral("alpha beta gamma"));
        QTest::keyClick(&view, Qt::Key_Left, Qt::ShiftModifier);
        QCOMPARE(view.selectedText(), QStringLiteral("alpha beta"));
        QSignalSpy keys(&view, &DocumentView::keyCommand);
        QTest::keyClick(&view, Qt::Key_H);
        QCOMPARE(keys.size(), 1);
        QTest::keyClick(&view, Qt::Key_Escape);
        QVERIFY(!view.selection());
    }

    // ---- pages

    void pagesAreDrawnAndQuotationsHighlighted() {
        auto reader = std::make_shared<test::DirectReader>();
        PageRenderer renderer(reader);
        PageView view(&renderer);
        view.resize(708, 700);
        view.show();
        view.setFile(test::demoLeasePdf());
        view.setDocument(lease());
        QCOMPARE(view.pageCount(), 12u);
        const auto range = rangeOf(*lease(), "shall bear the cost of doing so");
        QVERIFY(!range.empty());
        view.setCitations({{1, app::Verdict::Verified, range, false}}, 1);
        view.showRange(range, true);
        QCOMPARE(view.currentPage(), *ingest::pageOf(*lease(), range.begin));
        const auto boxes = ingest::boxesOf(*lease(), range);
        QVERIFY(!boxes.empty());
        const QRectF page = view.pageRect(boxes[0].page);
        const QRect box(int(page.x() + boxes[0].box.left * page.width()),
                        int(page.y() + boxes[0].box.top * page.height()),
                        int((boxes[0].box.right - boxes[0].box.left) * page.width()),
                        int((boxes[0].box.bottom - boxes[0].box.top) * page.height()));
        const auto highlighted = [&] {
            const QImage image = view.viewport()->grab().toImage().copy(box);
            return countColor(image, tokens().hlC) > box.width() * box.height() / 4;
        };
        QTRY_VERIFY(highlighted());
        // The words are still there: dark ink inside the box, once the page is drawn.
        const auto darkPixels = [&] {
            const QImage inside = view.viewport()->grab().toImage().copy(box);
            int dark = 0;
            for (int y = 0; y < inside.height(); ++y) {
                for (int x = 0; x < inside.width(); ++x) {
                    dark += qGray(inside.pixel(x, y)) < 90;
                }
            }
            return dark;
        };
        QTRY_VERIFY(darkPixels() > 50);
        QVERIFY(reader->rendered > 0);
    }

    void chipsKeepOutOfTheText_data() {
        QTest::addColumn<int>("width");
        QTest::addColumn<double>("zoom");
        QTest::newRow("wide") << 900 << 1.0;
        QTest::newRow("narrow margin") << 420 << 0.5;
        QTest::newRow("no desk") << 300 << 0.5;
    }

    void chipsKeepOutOfTheText() {
        QFETCH(int, width);
        QFETCH(double, zoom);
        LeasePages pages({width, 700});
        pages.view.setZoom(zoom);
        const auto range = rangeOf(*lease(), "shall bear the cost of doing so");
        pages.view.setCitations({{1, app::Verdict::Verified, range, false}}, 1);
        pages.view.showRange(range, false);
        pages.view.viewport()->grab();
        const std::uint32_t page = *ingest::pageOf(*lease(), range.begin);
        const QRectF sheet = pages.view.pageRect(page);
        const auto chips = pages.view.chipRects();
        QCOMPARE(chips.size(), std::size_t{1});
        QVERIFY(chips[0].left() >= 0);
        const ingest::Page& info = lease()->pages[page];
        for (std::uint32_t w = info.firstWord; w < info.firstWord + info.wordCount; ++w) {
            const ingest::Box& box = lease()->words[w].box;
            const QRectF word(
                sheet.x() + box.left * sheet.width(), sheet.y() + box.top * sheet.height(),
                (box.right - box.left) * sheet.width(), (box.bottom - box.top) * sheet.height());
            QVERIFY(!word.intersects(chips[0]));
        }
    }

    void theNightPageHasTheTokensColours() {
        QImage image(4, 1, QImage::Format_RGB32);
        image.setPixel(0, 0, qRgb(255, 255, 255));
        image.setPixel(1, 0, qRgb(0, 0, 0));
        image.setPixel(2, 0, qRgb(128, 128, 128));
        image.setPixel(3, 0, qRgb(200, 30, 30)); // a picture keeps its colours
        PageRenderer::toNight(image, qRgb(0x22, 0x23, 0x27), qRgb(0xDA, 0xD7, 0xD0));
        QCOMPARE(image.pixel(0, 0), qRgb(0x22, 0x23, 0x27));
        QCOMPARE(image.pixel(1, 0), qRgb(0xDA, 0xD7, 0xD0));
        QVERIFY(qGray(image.pixel(2, 0)) > 0x60 && qGray(image.pixel(2, 0)) < 0xA0);
        QCOMPARE(image.pixel(3, 0), qRgb(200, 30, 30));
    }

    void tenThousandPagesAreCheap() {
        auto document = std::make_shared<ingest::Document>();
        document->format = ingest::Format::Pdf;
        for (int i = 0; i < 10'000; ++i) {
            ingest::Page page;
            page.label = std::to_string(i + 1);
            page.widthPt = 595;
            page.heightPt = 842;
            document->pages.push_back(page);
        }
        PageRenderer renderer(nullptr);
        PageView view(&renderer);
        view.resize(700, 800);
        view.show();
        QElapsedTimer clock;
        clock.start();
        view.setFile("none.pdf");
        view.setDocument(document);
        view.showPage(9'998);
        QCOMPARE(view.currentPage(), 9'998u);
        qint64 worst = 0;
        for (int i = 0; i < 50; ++i) {
            view.showPage(static_cast<std::uint32_t>(i * 199));
            QElapsedTimer frame;
            frame.start();
            view.viewport()->repaint();
            worst = std::max(worst, frame.elapsed());
        }
        QVERIFY2(clock.elapsed() < 3000, qPrintable(QString::number(clock.elapsed())));
        QVERIFY2(worst < 60, qPrintable(QString::number(worst)));
        view.setZoom(2.5);
        view.setZoom(0.5);
        QCOMPARE(view.zoom(), 0.5);
    }

    void zoomKeepsThePlace() {
        LeasePages pages({700, 700});
        PageView& view = pages.view;
        view.showPage(6);
        view.verticalScrollBar()->setValue(view.verticalScrollBar()->value() + 300);
        const std::uint32_t page = view.currentPage();
        view.setZoom(view.zoom() * 1.5);
        QCOMPARE(view.currentPage(), page);
        view.fitWidth();
        QVERIFY(view.pageRect(page).width() < 700);
        const std::uint64_t top = view.topOffset();
        view.showPage(0);
        view.setTopOffset(top);
        QCOMPARE(view.topOffset(), top);
    }

    void textOfAPageIsSelected() {
        LeasePages pages;
        PageView& view = pages.view;
        const auto range = rangeOf(*lease(), "Landlord shall keep the Structure");
        view.showRange(range, false);
        const auto boxes = ingest::boxesOf(*lease(), range);
        const QRectF page = view.pageRect(boxes[0].page);
        const auto point = [&](double x) {
            return QPoint(
                int(page.x() + x * page.width()),
                int(page.y() + (boxes[0].box.top + boxes[0].box.bottom) / 2 * page.height()));
        };
        QTest::mousePress(view.viewport(), Qt::LeftButton, {}, point(boxes[0].box.left + 0.002));
        QMouseEvent move(QEvent::MouseMove, point(boxes[0].box.right - 0.002),
                         view.viewport()->mapToGlobal(point(boxes[0].box.right - 0.002)),
                         Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(view.viewport(), &move);
        QTest::mouseRelease(view.viewport(), Qt::LeftButton, {}, point(boxes[0].box.right - 0.002));
        QVERIFY2(view.selectedText().contains(QStringLiteral("shall keep the")),
                 qPrintable(view.selectedText()));
    }

    void wordsAreFoundOnPages() {
        LeasePages pages;
        PageView& view = pages.view;
        QSignalSpy found(&view, &DocumentView::found);
        view.find(QStringLiteral("structure"));
        QVERIFY(found.wait());
        QVERIFY(view.matchCount() > 5);
        const int first = view.currentMatch();
        view.findNext(1);
        QCOMPARE(view.currentMatch(), (first + 1) % view.matchCount());
        QVERIFY(view.selectedText().compare(QStringLiteral("structure"), Qt::CaseInsensitive) == 0);
        view.find(QStringLiteral("no such words here"));
        QVERIFY(found.wait());
        QCOMPARE(view.matchCount(), 0);
    }

    void aFileThatCannotBeDrawnSaysSo() {
        PageRenderer renderer(std::make_shared<test::DirectReader>());
        QSignalSpy failed(&renderer, &PageRenderer::failed);
        PageView view(&renderer);
        view.resize(708, 700);
        view.show();
        view.setFile("/nowhere/missing.pdf");
        view.setDocument(lease());
        QVERIFY(failed.wait());
        QVERIFY(!renderer.problem(renderer.fileId("/nowhere/missing.pdf")).isEmpty());
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    ViewerTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "viewer_test.moc"
