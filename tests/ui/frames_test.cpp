// SPDX-License-Identifier: GPL-3.0-or-later
// How long the window thread is away while an answer streams in at 200 tokens a second and the
// person scrolls. Prints a table; fails on any stall over one second. `--report FILE` appends the
// figures as a line of Markdown.
#include <QElapsedTimer>
#include <QFile>
#include <QScrollBar>
#include <QTest>
#include <QTextStream>
#include <algorithm>
#include <cmath>

#include "tests/ingest/support/direct_reader.h"
#include "tests/ui/support/demo.h"
#include "tests/ui/support/ui_testing.h"
#include "ui/main/main_window.h"
#include "ui/sources/sources_panel.h"
#include "ui/thread/thread_panel.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

/// How long this thread was ready to run but got no processor, in milliseconds: what other programs
/// on a busy machine take is not the window's doing. 0 where the kernel does not tell.
double waitedForProcessor() {
    static QFile file(QStringLiteral("/proc/thread-self/schedstat"));
    if (!file.isOpen() && !file.open(QIODevice::ReadOnly | QIODevice::Unbuffered)) {
        return 0;
    }
    file.seek(0);
    const QList<QByteArray> fields = file.readAll().simplified().split(' ');
    return fields.size() >= 2 ? fields[1].toDouble() / 1e6 : 0;
}

/// Measures each pass of the event loop: a zero timer fires between events, so the gap between two
/// of its calls is the time that one batch of events, painting included, kept the thread busy or
/// blocked.
class FrameWatch : public QObject {
    Q_OBJECT

  public:
    void start() {
        m_gaps.clear();
        m_waited = waitedForProcessor();
        m_clock.start();
        m_timer.start(0, this);
    }
    void stop() { m_timer.stop(); }

    double percentile(double share) const {
        std::vector<double> sorted = m_gaps;
        std::sort(sorted.begin(), sorted.end());
        return sorted.empty() ? 0
                              : sorted[std::min(sorted.size() - 1,
                                                static_cast<std::size_t>(
                                                    share * static_cast<double>(sorted.size())))];
    }
    double worst() const {
        return m_gaps.empty() ? 0 : *std::max_element(m_gaps.begin(), m_gaps.end());
    }
    std::size_t frames() const { return m_gaps.size(); }

  protected:
    void timerEvent(QTimerEvent*) override {
        const double waited = waitedForProcessor();
        const double gap = static_cast<double>(m_clock.nsecsElapsed()) / 1e6 - (waited - m_waited);
        m_waited = waited;
        m_clock.restart();
        // Idle passes take microseconds; what counts are passes in which something was done.
        if (gap > 0.5) {
            m_gaps.push_back(gap);
        }
    }

  private:
    QBasicTimer m_timer;
    QElapsedTimer m_clock;
    double m_waited = 0;
    std::vector<double> m_gaps;
};

QString reportFile;

void report(const QString& name, const FrameWatch& watch) {
    const QString line = QStringLiteral("| %1 | %2 | %3 | %4 | %5 |")
                             .arg(name)
                             .arg(watch.frames())
                             .arg(watch.percentile(0.5), 0, 'f', 1)
                             .arg(watch.percentile(0.99), 0, 'f', 1)
                             .arg(watch.worst(), 0, 'f', 1);
    QTextStream(stdout) << line << Qt::endl;
    if (!reportFile.isEmpty()) {
        QFile file(reportFile);
        if (file.open(QIODevice::Append)) {
            file.write(line.toUtf8() + '\n');
        }
    }
}

} // namespace

class FramesTest : public QObject {
    Q_OBJECT

  private slots:
    void init() {
        test::demoSettings() = {};
        test::demoSettings().tokensPerSecond = 200;
    }

    void streaming() {
        MainWindow window(services());
        prepare(window, test::kDemoLease);
        window.thread()->askText(QStringLiteral("Who repairs the structure?"));
        FrameWatch watch;
        watch.start();
        QTest::qWait(6000);
        watch.stop();
        report(QStringLiteral("answer streams at 200 tokens/s"), watch);
        QVERIFY2(window.thread()->active()->answer().text.size() > 2500,
                 qPrintable(QString::number(window.thread()->active()->answer().text.size())));
        check(watch);
    }

    void streamingWhileScrolling() {
        MainWindow window(services());
        prepare(window, test::kDemoLease);
        window.thread()->askText(QStringLiteral("Who repairs the structure?"));
        FrameWatch watch;
        watch.start();
        QScrollBar* bar = window.viewer()->current()->view()->verticalScrollBar();
        for (int i = 0; i < 120; ++i) {
            bar->setValue(bar->maximum() * (i % 60) / 60);
            QTest::qWait(33);
        }
        watch.stop();
        report(QStringLiteral("the same while a PDF is scrolled"), watch);
        check(watch);
    }

    void manySources() {
        MainWindow window(services());
        window.resize(1440, 900);
        window.show();
        FrameWatch watch;
        watch.start();
        window.openDossier(test::kDemoMany);
        QTest::qWait(300);
        QScrollBar* bar = window.sources()
                              ->findChild<QAbstractScrollArea*>(QStringLiteral("sources"))
                              ->verticalScrollBar();
        for (int i = 0; i < 40; ++i) {
            bar->setValue(bar->maximum() * i / 40);
            QTest::qWait(16);
        }
        watch.stop();
        report(QStringLiteral("a dossier of 20,000 sources is opened and scrolled"), watch);
        check(watch);
    }

    void aLongAnswer() {
        test::demoSettings().tokensPerSecond = 4000;
        QString text;
        for (int i = 0; i < 400; ++i) {
            text += QStringLiteral(
                        "Clause %1 says “shall bear the cost of doing so” and the tenant must "
                        "then give notice in writing.\n\n")
                        .arg(i);
        }
        test::demoSettings().answerText = text;
        MainWindow window(services());
        prepare(window, test::kDemoBare);
        window.thread()->askText(QStringLiteral("Who repairs the structure?"));
        FrameWatch watch;
        watch.start();
        QTRY_VERIFY_WITH_TIMEOUT(app::isFinal(window.thread()->active()->answer().state), 60'000);
        watch.stop();
        report(QStringLiteral("400 paragraphs with 400 citations at 4,000 tokens/s"), watch);
        check(watch);
    }

  private:
    static WindowServices services() {
        WindowServices result;
        result.reader = std::make_shared<test::DirectReader>();
        return result;
    }

    static void prepare(MainWindow& window, const char* folder) {
        window.resize(1440, 900);
        window.show();
        window.openDossier(folder);
        for (const app::Source& source : window.session()->sources()) {
            if (source.name == "Lease Unit 4.pdf") {
                window.viewer()->openSource(source.id);
            }
        }
        QTest::qWait(500);
    }

    static void check(const FrameWatch& watch) {
        QVERIFY2(watch.worst() < 1000, "the window stood still for over a second");
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    QStringList args = app.arguments();
    const qsizetype at = args.indexOf(QStringLiteral("--report"));
    if (at > 0 && at + 1 < args.size()) {
        reportFile = args[at + 1];
        args.removeAt(at + 1);
        args.removeAt(at);
    }
    FramesTest tests;
    return QTest::qExec(&tests, args);
}

#include "frames_test.moc"
