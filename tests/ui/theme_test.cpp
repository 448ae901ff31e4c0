// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens, contrast, style sheet, fonts, icons and lengths.
#include <QApplication>
#include <QBoxLayout>
#include <QDir>
#include <QFile>
#include <QFontDatabase>
#include <QFontInfo>
#include <QFontMetricsF>
#include <QPainter>
#include <QSvgRenderer>
#include <QTest>
#include <cmath>

#include "tests/ui/support/ui_testing.h"
#include "ui/main/note_popup.h"
#include "ui/memory/owners.h"
#include "ui/theme/icons.h"
#include "ui/theme/paint.h"
#include "ui/theme/theme.h"
#include "ui/widgets/basics.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

double luminance(const QColor& color) {
    const auto linear = [](double c) {
        return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) +
           0.0722 * linear(color.blueF());
}

double contrast(const QColor& a, const QColor& b) {
    const double x = luminance(a), y = luminance(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

QByteArray resource(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class ThemeTest : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() {
        Theme::instance().setTextPercent(100);
        Theme::instance().setChoice(ThemeChoice::Light);
    }

    void bothThemesAreComplete() {
        const QByteArray json = resource(QStringLiteral(":/themes/tokens.json"));
        QVERIFY(!json.isEmpty());
        const Tokens light = readTokens(json, QStringLiteral("light"));
        const Tokens dark = readTokens(json, QStringLiteral("dark"));
        QVERIFY(!light.dark && dark.dark);
        QCOMPARE(light.accent, QColor(QStringLiteral("#2A5CA8")));
        QCOMPARE(dark.hlC, QColor(QStringLiteral("#66541A")));
    }

    void aBrokenTokenFileSaysWhatIsWrong() {
        const auto failure = [](const QByteArray& json) {
            try {
                readTokens(json, QStringLiteral("light"));
            } catch (const Error& error) {
                return QString::fromStdString(error.failed());
            }
            return QString();
        };
        QVERIFY(failure("{}").contains(QStringLiteral("missing")));
        QVERIFY(failure(R"({"light":{"wndow":"#FFFFFF"}})").contains(QStringLiteral("wndow")));
        QVERIFY(failure(R"({"light":{"window":"blueish"}})").contains(QStringLiteral("no colour")));
        QVERIFY(failure(R"({"light":{"window":"#FFFFFF"}})").contains(QStringLiteral("missing")));
    }

    void textIsReadable_data() {
        QTest::addColumn<bool>("dark");
        QTest::newRow("light") << false;
        QTest::newRow("dark") << true;
    }

    /// 4.5:1 for text on every ground it stands on, 3:1 for outlines and the focus ring.
    void textIsReadable() {
        QFETCH(bool, dark);
        Theme::instance().setChoice(dark ? ThemeChoice::Dark : ThemeChoice::Light);
        const Tokens& t = tokens();
        const QColor grounds[] = {t.window, t.side, t.base, t.band, t.button, t.menu};
        for (const QColor& ground : grounds) {
            for (const QColor& ink : {t.text, t.text2, t.text3, t.accentT}) {
                QVERIFY2(contrast(ink, ground) >= 4.5,
                         qPrintable(ink.name() + QStringLiteral(" on ") + ground.name()));
            }
            QVERIFY(contrast(t.focus, ground) >= 3);
            QVERIFY(contrast(t.ctl, ground) >= 3);
        }
        QVERIFY(contrast(t.ok, t.okS) >= 4.5 && contrast(t.norm, t.normS) >= 4.5);
        QVERIFY(contrast(t.neutral, t.neutralS) >= 4.5 && contrast(t.warn, t.warnS) >= 4.5);
        QVERIFY(contrast(t.err, t.errS) >= 4.5 && contrast(t.onaccent, t.accent) >= 4.5);
        QVERIFY(contrast(t.text, t.hl) >= 4.5 && contrast(t.text, t.hlC) >= 4.5);
        QVERIFY(contrast(t.ink, t.paper) >= 7);
        for (const QColor& ground : {t.paper, t.base, QColor(Qt::white)}) {
            const QColor ink = ground == Qt::white ? lightTokens().text : t.text;
            for (const auto& rgb : markColors()) {
                const QColor mark = markGround(QColor(rgb[0], rgb[1], rgb[2]), ground);
                QVERIFY2(contrast(ink, mark) >= 6, qPrintable(mark.name()));
                QVERIFY2(mark != ground, qPrintable(mark.name()));
            }
        }
    }

    void ownersHaveDifferentColours() {
        QSet<QRgb> seen;
        for (int i = 0; i < kOwners; ++i) {
            seen.insert((tokens().*ownerColor(static_cast<Owner>(i))).rgb());
        }
        QCOMPARE(seen.size(), kOwners);
    }

    void theSheetIsFilledAndScaled() {
        const QString sheet =
            QString::fromUtf8(resource(QStringLiteral(":/themes/dossier.qss.in")));
        const QString filled = Theme::fillSheet(sheet, tokens(), 1);
        QVERIFY(!filled.contains(QLatin1Char('@')));
        QVERIFY(filled.contains(tokens().accent.name()));
        const QString large = Theme::fillSheet(
            QStringLiteral("a{padding:4px 10px;border:1px solid @line@;border-radius:2px}"),
            tokens(), 2);
        QVERIFY(large.contains(QStringLiteral("padding:8px 20px")));
        QVERIFY(large.contains(QStringLiteral("border:1px")));
    }

    void theSheetsImagesExist() {
        const QRegularExpression image(QStringLiteral(R"(url\((:[^)]+)\))"));
        for (const ThemeChoice choice : {ThemeChoice::Light, ThemeChoice::Dark}) {
            Theme::instance().setChoice(choice);
            const QString sheet = qApp->styleSheet();
            auto it = image.globalMatch(sheet);
            QVERIFY(it.hasNext());
            while (it.hasNext()) {
                const QString path = it.next().captured(1);
                QVERIFY2(QSvgRenderer(path).isValid(), qPrintable(path));
            }
        }
    }

    void everyIconDraws() {
        const QStringList names =
            QDir(QStringLiteral(":/icons")).entryList({QStringLiteral("*.svg")});
        QVERIFY(names.size() > 90);
        for (const QString& file : names) {
            const QPixmap pixmap = iconPixmap(file.chopped(4), Qt::red, 32);
            bool drawn = false;
            const QImage image = pixmap.toImage();
            for (int y = 0; y < image.height() && !drawn; ++y) {
                for (int x = 0; x < image.width() && !drawn; ++x) {
                    drawn = qAlpha(image.pixel(x, y)) > 40;
                }
            }
            QVERIFY2(drawn, qPrintable(file));
        }
    }

    /// Names in the source that are drawn as icons must be files.
    void iconsNamedInTheSourceExist() {
        const QRegularExpression named(QStringLiteral(
            R"re((?:icon|paintIcon|IconLabel|IconButton|setIconName|setTrailingIcon|setGlyph)\([^;]*?QStringLiteral\("([a-z-]+)"\))re"));
        int checked = 0;
        QDirIterator files(QStringLiteral(DOSSIER_SOURCE_DIR "/ui"), {QStringLiteral("*.cpp")},
                           QDir::Files, QDirIterator::Subdirectories);
        while (files.hasNext()) {
            QFile file(files.next());
            QVERIFY(file.open(QIODevice::ReadOnly));
            auto it = named.globalMatch(QString::fromUtf8(file.readAll()));
            while (it.hasNext()) {
                const QString name = it.next().captured(1);
                ++checked;
                QVERIFY2(QFile::exists(QStringLiteral(":/icons/%1.svg").arg(name)),
                         qPrintable(file.fileName() + QStringLiteral(": ") + name));
            }
        }
        QVERIFY(checked > 40);
    }

    void verdictsHaveGlyphAndWord() {
        for (int i = 0; i <= 4; ++i) {
            const VerdictLook look = lookOf(static_cast<app::Verdict>(i), 89);
            QVERIFY(!look.word.isEmpty() && !look.meaning.isEmpty());
            QVERIFY(QFile::exists(QStringLiteral(":/icons/%1.svg").arg(look.glyph)));
        }
        // Only good states may shrink to the glyph.
        QVERIFY(lookOf(app::Verdict::Verified).chipWord.isEmpty());
        QVERIFY(lookOf(app::Verdict::VerifiedNormalised).chipWord.isEmpty());
        QCOMPARE(lookOf(app::Verdict::NotFound).chipWord, QStringLiteral("not found"));
        QVERIFY(lookOf(app::Verdict::Partial, 89).shortWord.contains(QStringLiteral("89")));
    }

    void digitsAreAsWideAsEachOther() {
        const QFontMetricsF metrics(fontOf(Type::Small));
        QCOMPARE(tabularWidth(metrics, u"111,111"), tabularWidth(metrics, u"888,888"));
        QVERIFY(tabularWidth(metrics, u"1,234") > tabularWidth(metrics, u"123"));
    }

    void ourFontsAreUsed() {
        QCOMPARE(QFontInfo(fontOf(Type::Body)).family(), QStringLiteral("Inter"));
        QCOMPARE(QFontInfo(fontOf(Type::Code)).family(), QStringLiteral("JetBrains Mono"));
        QVERIFY(QFontInfo(fontOf(Type::Quotation)).family().contains(QStringLiteral("Pagella")));
        QVERIFY(QFontInfo(fontOf(Type::Quotation)).italic());
    }

    /// Whatever pixel size Qt chooses, a line is as long as its point size says.
    void textIsAsWideAsDesigned() {
        const QString words = QStringLiteral("no part of that cost shall be recoverable");
        const double at10 = QFontMetricsF(fontOf(Type::Body)).horizontalAdvance(words);
        Theme::instance().setTextPercent(200);
        const double at20 = QFontMetricsF(fontOf(Type::Body)).horizontalAdvance(words);
        QVERIFY2(std::abs(at20 / at10 - 2) < 0.02, qPrintable(QString::number(at20 / at10)));
    }

    /// "!=" and "::" stay two signs.
    void codeHasNoLigatures() {
        const auto ink = [](const QString& text) {
            QImage image(60, 30, QImage::Format_ARGB32);
            image.fill(Qt::white);
            QPainter p(&image);
            drawText(p, image.rect(), text, fontOf(Type::Code), Qt::black);
            return image;
        };
        const QImage both = ink(QStringLiteral("!="));
        QImage separate = ink(QStringLiteral("!"));
        QPainter p(&separate);
        p.setCompositionMode(QPainter::CompositionMode_Multiply);
        const double advance =
            QFontMetricsF(fontOf(Type::Code)).horizontalAdvance(QLatin1Char('!'));
        QImage equals = ink(QStringLiteral("="));
        p.drawImage(QPointF(std::round(advance), 0), equals);
        p.end();
        int different = 0;
        for (int y = 0; y < both.height(); ++y) {
            for (int x = 0; x < both.width(); ++x) {
                different += std::abs(qGray(both.pixel(x, y)) - qGray(separate.pixel(x, y))) > 96;
            }
        }
        QVERIFY2(different < 12, qPrintable(QString::number(different)));
    }

    void gapsOfAnEmptiedLayoutAreForgotten() {
        QWidget widget;
        auto* layout = columnLayout(&widget);
        for (int i = 0; i < 8; ++i) {
            addGap(layout, 8);
        }
        while (layout->count() > 0) {
            delete layout->takeAt(0);
        }
        // What has their memory now belongs to somebody else.
        const std::vector<char> someone(sizeof(QSpacerItem), 'x');
        const std::vector<std::vector<char>> others(8, someone);
        Theme::instance().setTextPercent(125);
        for (const std::vector<char>& other : others) {
            QVERIFY(other == someone);
        }
    }

    void gapsFollowTheTextSize() {
        QWidget widget;
        auto* layout = columnLayout(&widget);
        addGap(layout, 8);
        QCOMPARE(layout->sizeHint(), QSize(0, 8));
        Theme::instance().setTextPercent(125);
        QCOMPARE(layout->sizeHint(), QSize(0, 10));
    }

    void lengthsFollowTheTextSize_data() {
        QTest::addColumn<int>("percent");
        QTest::addColumn<int>("expected");
        QTest::newRow("80") << 80 << 22;
        QTest::newRow("100") << 100 << 27;
        QTest::newRow("200") << 200 << 54;
        QTest::newRow("too small") << 10 << 22;
        QTest::newRow("too large") << 900 << 54;
    }

    void lengthsFollowTheTextSize() {
        QFETCH(int, percent);
        QFETCH(int, expected);
        Theme::instance().setTextPercent(percent);
        QCOMPARE(px(27), expected);
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    ThemeTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "theme_test.moc"
