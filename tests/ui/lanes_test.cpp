// SPDX-License-Identifier: GPL-3.0-or-later
// The lanes view: what it says, and what its buttons do.
#include <QTableWidget>
#include <QTest>

#include "tests/ui/support/window_fixture.h"
#include "ui/lanes/lanes_dialog.h"
#include "ui/main/jobs_popup.h"
#include "ui/main/status_bar.h"
#include "ui/widgets/basics.h"

using namespace dossier;
using namespace dossier::ui;

class LanesTest : public QObject {
    Q_OBJECT

  private slots:
    void init() {
        m_session = app::Session::open(test::kDemoLease, {});
        m_dialog = new LanesDialog(m_session.get());
        m_dialog->show();
    }
    void cleanup() {
        delete m_dialog;
        m_session.reset();
    }

    void showsTokensBytesFrontiersLevelStateAndLastCheck() {
        const QTableWidget* table = m_dialog->table();
        QCOMPARE(table->rowCount(), 2);
        QVERIFY(cell(0, 0).contains(QStringLiteral("Think High")));
        QCOMPARE(cell(0, 1), QLocale().toString(812'344));
        QCOMPARE(cell(0, 3), QStringLiteral("64"));
        QVERIFY(cell(0, 6).startsWith(QStringLiteral("good, ")));
        QCOMPARE(cell(0, 7), QStringLiteral("good"));
        QCOMPARE(cell(1, 0), QStringLiteral("Think Max"));
        QVERIFY(cell(1, 2).contains(QStringLiteral("/media/archive/lanes")));
        QCOMPARE(cell(1, 6), QStringLiteral("not yet"));
        QCOMPARE(cell(1, 7), QStringLiteral("not checked")); // nobody knows whether it is good
        QVERIFY(trouble().isEmpty());
    }

    void fitsAboveTheSmallestWindow() {
        test::WindowFixture f;
        f.window.resize(1024, 700);
        LanesDialog dialog(f.window.session(), &f.window);
        dialog.setAttribute(Qt::WA_DeleteOnClose, false);
        dialog.show();
        QVERIFY(dialog.width() <= 1024);
        const QTableWidget* table = dialog.table();
        const int last = table->columnCount() - 1;
        const int end = table->columnViewportPosition(last) + table->columnWidth(last);
        QVERIFY2(end <= table->viewport()->width(),
                 qPrintable(QStringLiteral("%1 > %2").arg(end).arg(table->viewport()->width())));
    }

    void theReadingIsShownAndDirected() {
        QVERIFY(button(QStringLiteral("Read"))->isVisible());
        QVERIFY(button(QStringLiteral("Pause")) == nullptr ||
                !button(QStringLiteral("Pause"))->isVisible());
        m_session->startReading("max");
        QVERIFY2(text().startsWith(QStringLiteral("Reading for Think Max: ")), qPrintable(text()));
        QVERIFY(text().contains(QLocale().toString(25'000)));
        QVERIFY(text().contains(QStringLiteral("about")));
        QTest::mouseClick(button(QStringLiteral("Pause")), Qt::LeftButton);
        QVERIFY(m_session->reading().state == app::ReadingStatus::State::Paused);
        QVERIFY(text().startsWith(QStringLiteral("Paused")));
        QVERIFY(!button(QStringLiteral("Delete"))->isEnabled()); // not while a lane is written
        QTest::mouseClick(button(QStringLiteral("Go on")), Qt::LeftButton);
        QVERIFY(m_session->reading().state == app::ReadingStatus::State::Reading);
        QTest::mouseClick(button(QStringLiteral("Cancel")), Qt::LeftButton);
        QVERIFY(text().contains(QStringLiteral("what was read stays")));
    }

    void theReadingIsAJobOfTheWindow() {
        test::WindowFixture f;
        f.window.session()->startReading("max");
        QTRY_VERIFY2(f.window.statusRow()->jobText().contains(
                         QStringLiteral("Reading for Think Max · 40 %")),
                     qPrintable(f.window.statusRow()->jobText()));
        QTest::keyClick(&f.window, Qt::Key_J, Qt::ControlModifier);
        auto* card = f.window.findChild<JobCard*>();
        QVERIFY(card != nullptr);
        const QWidget* list = card->window();
        QVERIFY(list->mapToGlobal(list->rect().bottomLeft()).y() <
                f.window.statusRow()->jobRect().top()); // above the bar, inside the window
        Button* cancel = nullptr;
        for (Button* each : card->findChildren<Button*>()) {
            cancel = each->text() == QStringLiteral("Cancel") ? each : cancel;
        }
        QVERIFY(cancel != nullptr);
        QTest::mouseClick(cancel, Qt::LeftButton);
        QVERIFY(f.window.session()->reading().state == app::ReadingStatus::State::Cancelled);
        QTRY_VERIFY(f.window.statusRow()->jobText().isEmpty());
    }

    void stepsAreShownAsAShareAndBytesAsBytes() {
        app::Job job;
        job.kind = app::JobKind::Export;
        job.item = "Lease.pdf";
        job.progress = {"", 50, 200, 0};
        QCOMPARE(jobDetail(job), QStringLiteral("25 % · Lease.pdf"));
        job.kind = app::JobKind::CheckModel;
        job.item.clear();
        job.progress = {"Checking states", 2, 8, 0};
        QCOMPARE(jobDetail(job), QStringLiteral("25 %"));
        job.progress = {"Checking the lane", 2'000'000, 8'000'000, 0};
        QCOMPARE(jobDetail(job), QStringLiteral("2.0 MB of 8.0 MB"));
    }

    void deletingIsSaidFirst() {
        QTest::mouseClick(button(QStringLiteral("Delete")), Qt::LeftButton);
        QCOMPARE(m_session->lanes().size(), std::size_t{2});
        QTest::mouseClick(button(QStringLiteral("Delete for good")), Qt::LeftButton);
        QCOMPARE(m_session->lanes().size(), std::size_t{1});
        QCOMPARE(m_dialog->table()->rowCount(), 1);
    }

    void checkingIsRemembered() {
        QTest::mouseClick(button(QStringLiteral("Check all")), Qt::LeftButton);
        QVERIFY(cell(1, 6).startsWith(QStringLiteral("good, ")));
    }

    void whatACheckFindsStandsInFullUntilTheLaneIsWrittenAgain() {
        test::demoSettings().laneFault = "Damaged: rows of layer 7 (tokens 6,144 to 8,192). The "
                                         "first 6,144 tokens stay, 806,200 are read again";
        QTest::mouseClick(button(QStringLiteral("Check all")), Qt::LeftButton);
        test::demoSettings().laneFault.clear();
        QVERIFY2(cell(0, 6).startsWith(QStringLiteral("not good, ")), qPrintable(cell(0, 6)));
        QCOMPARE(cell(0, 7), QStringLiteral("see below"));
        QCOMPARE(cell(1, 7), QStringLiteral("good"));
        m_dialog->table()->setCurrentCell(0, 0);
        QVERIFY2(trouble().contains(QStringLiteral("806,200 are read again. The next reading")),
                 qPrintable(trouble()));
        m_dialog->table()->setCurrentCell(1, 0);
        QVERIFY(trouble().isEmpty());
        app::LaneEntry lane = m_session->lanes().front();
        lane.usedMs = lane.checked->timeMs + 1; // a reading restored it first
        QVERIFY(lane.trouble().empty());
    }

    void closesWithItsDossier() {
        m_session.reset();
        QTRY_VERIFY(m_dialog == nullptr || !m_dialog->isVisible());
    }

  private:
    QString trouble() const {
        const auto* label = m_dialog->findChild<WrapLabel*>();
        return label != nullptr && label->isVisible() ? label->text() : QString();
    }
    QString cell(int row, int column) const { return m_dialog->table()->item(row, column)->text(); }
    Button* button(const QString& name) const {
        for (Button* one : m_dialog->findChildren<Button*>()) {
            if (one->text() == name) {
                return one;
            }
        }
        return nullptr;
    }
    QString text() const {
        for (Label* label : m_dialog->findChildren<Label*>()) {
            if (label->accessibleName() == QStringLiteral("Reading")) {
                return label->text();
            }
        }
        return {};
    }

    std::unique_ptr<app::Session> m_session;
    QPointer<LanesDialog> m_dialog;
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    LanesTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "lanes_test.moc"
