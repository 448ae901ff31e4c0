// SPDX-License-Identifier: GPL-3.0-or-later
// Models: sources, outline, symbols, files to add, owners of memory.
#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>

#include "tests/ui/support/demo.h"
#include "tests/ui/support/ui_testing.h"
#include "ui/add/add_model.h"
#include "ui/main/locator.h"
#include "ui/memory/charts.h"
#include "ui/memory/owners.h"
#include "ui/sources/outline_model.h"
#include "ui/sources/sources_model.h"

using namespace dossier;
using namespace dossier::ui;

namespace {

app::Source source(long long id, const char* folder, const char* name,
                   std::optional<std::uint64_t> tokens) {
    app::Source s;
    s.id = static_cast<app::SourceId>(id);
    s.folder = folder;
    s.name = name;
    s.tokens = tokens;
    s.state = app::SourceState::Ready;
    return s;
}

std::vector<app::Source> threeSources() {
    return {source(1, "Leases", "a.pdf", 300), source(2, "Leases/old", "b.pdf", 100),
            source(3, "", "c.txt", 50)};
}

ingest::Document code(const std::string& text, const std::string& language) {
    ingest::Document document;
    document.text = text;
    document.language = language;
    document.format = ingest::Format::Code;
    return document;
}

QStringList names(const std::vector<OutlineItem>& items) {
    QStringList result;
    for (const OutlineItem& item : items) {
        result << item.title;
    }
    return result;
}

} // namespace

class ModelsTest : public QObject {
    Q_OBJECT

  private slots:
    void whatIsPutBackStandsInItsOldPlace() {
        SourcesModel model;
        const QAbstractItemModelTester tester(&model);
        const std::vector<app::Source> all = threeSources();
        model.reset(all);
        model.update({all[1], all[2]}, {all[0].id});
        model.update(all, {all[0].id});
        QCOMPARE(model.index(0, 0, model.index(0, 0)).data().toString(), QStringLiteral("a.pdf"));
        model.update({all[2]}, {all[0].id, all[1].id});
        QCOMPARE(model.rowCount(), 1);
        model.update(all, {all[0].id, all[1].id});
        QCOMPARE(model.rowCount(), 2);
        QCOMPARE(model.index(0, 0).data().toString(), QStringLiteral("Leases"));
        QCOMPARE(model.index(1, 0).data().toString(), QStringLiteral("c.txt"));
    }

    void whatChangedOnDiskSaysSo() {
        SourcesModel model;
        model.reset(threeSources());
        QSignalSpy told(&model, &QAbstractItemModel::dataChanged);
        model.setChangedOnDisk({static_cast<app::SourceId>(3)});
        QCOMPARE(told.size(), 1);
        QVERIFY(model.index(1, 0)
                    .data(Qt::AccessibleTextRole)
                    .toString()
                    .contains(QStringLiteral("changed")));
        model.setChangedOnDisk({});
        QVERIFY(!model.index(1, 0)
                     .data(Qt::AccessibleTextRole)
                     .toString()
                     .contains(QStringLiteral("changed")));
    }

    void sourcesBecomeATree() {
        SourcesModel model;
        const QAbstractItemModelTester tester(&model);
        model.reset(threeSources());
        QCOMPARE(model.rowCount(), 2);
        const QModelIndex leases = model.index(0, 0);
        QCOMPARE(leases.data().toString(), QStringLiteral("Leases"));
        QCOMPARE(leases.data(SourcesModel::TokensRole).toString(), QStringLiteral("400"));
        QCOMPARE(model.rowCount(leases), 2);
        QCOMPARE(model.index(1, 0, leases).data(SourcesModel::FolderRole).toBool(), true);
        QCOMPARE(
            model.index(0, 0, model.index(1, 0, leases)).data(SourcesModel::PathRole).toString(),
            QStringLiteral("Leases/old/b.pdf"));
        QCOMPARE(model.fileCount(), std::size_t{3});
        QCOMPARE(leases.data(SourcesModel::ShareRole).toDouble(), 1.0);
        QCOMPARE(model.index(1, 0).data(SourcesModel::ShareRole).toDouble(), 0.125);
    }

    void uncountedSourcesSaySo() {
        SourcesModel model;
        auto sources = threeSources();
        sources[1].tokens.reset();
        model.reset(sources);
        const QModelIndex leases = model.index(0, 0);
        QCOMPARE(leases.data(SourcesModel::TokensRole).toString(), QStringLiteral("≥ 300"));
        const QModelIndex old = model.index(0, 0, model.index(1, 0, leases));
        QCOMPARE(old.data(SourcesModel::TokensRole).toString(), QStringLiteral("…"));
        // A scan without a text layer has nothing to count and makes no sum inexact.
        sources[1].pages = sources[1].pagesWithoutText = 4;
        model.reset(sources);
        QCOMPARE(model.index(0, 0).data(SourcesModel::TokensRole).toString(),
                 QStringLiteral("300"));
        QCOMPARE(model.index(0, 0, model.index(1, 0, model.index(0, 0)))
                     .data(SourcesModel::BadgeRole)
                     .toString(),
                 QStringLiteral("no text layer"));
    }

    void checkMarksHaveThreeStates() {
        SourcesModel model;
        auto sources = threeSources();
        model.reset(sources);
        const auto state = [&] { return model.index(0, 0).data(Qt::CheckStateRole).toInt(); };
        QCOMPARE(state(), int(Qt::Checked));
        sources[1].included = false;
        model.update(sources, {sources[1].id});
        QCOMPARE(state(), int(Qt::PartiallyChecked));
        QSignalSpy asked(&model, &SourcesModel::includeRequested);
        QVERIFY(model.setData(model.index(0, 0), Qt::Unchecked, Qt::CheckStateRole));
        QCOMPARE(asked.size(), 1);
        const auto ids = asked[0][0].value<std::vector<app::SourceId>>();
        QCOMPARE(ids.size(), std::size_t{2});
        QCOMPARE(asked[0][1].toBool(), false);
        // The session decides: until it answers nothing has changed.
        QCOMPARE(state(), int(Qt::PartiallyChecked));
    }

    void changesArriveInPlace() {
        SourcesModel model;
        const QAbstractItemModelTester tester(&model);
        auto sources = threeSources();
        model.reset(sources);
        QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
        sources.push_back(source(4, "Leases", "d.pdf", 600));
        model.update(sources, {sources[3].id});
        QCOMPARE(model.index(0, 0).data(SourcesModel::TokensRole).toString(),
                 QStringLiteral("1,000"));
        // Removing the only file of a folder takes the folder away.
        const app::SourceId gone = sources[1].id;
        sources.erase(sources.begin() + 1);
        model.update(sources, {gone});
        QCOMPARE(model.rowCount(model.index(0, 0)), 2);
        QVERIFY(!model.indexOf(gone).isValid());
        QVERIFY(model.indexOf(static_cast<app::SourceId>(4)).isValid());
        QCOMPARE(resets.size(), 0);
    }

    void failuresAreCountedAndSpoken() {
        SourcesModel model;
        auto sources = threeSources();
        sources[0].state = app::SourceState::Failed;
        sources[0].failure = app::Failure{ErrorCode::Corrupt, "a.pdf is damaged", "Get it again"};
        model.reset(sources);
        QCOMPARE(model.index(0, 0).data(SourcesModel::BadgeRole).toString(),
                 QStringLiteral("1 failed"));
        const QModelIndex file = model.index(0, 0, model.index(0, 0));
        QCOMPARE(file.data(SourcesModel::DotRole).toInt(), int(Dot::None));
        QVERIFY(file.data(Qt::ToolTipRole).toString().contains(QStringLiteral("Get it again")));
        const QString spoken = model.index(1, 0).data(Qt::AccessibleTextRole).toString();
        QVERIFY2(spoken.contains(QStringLiteral("c.txt, read, 50 tokens")), qPrintable(spoken));
        QVERIFY(spoken.contains(QStringLiteral("in the context")));
    }

    void twentyThousandSourcesAreCheap() {
        std::vector<app::Source> sources;
        for (int i = 0; i < 20'000; ++i) {
            sources.push_back(source(i + 1, ("big/dir" + std::to_string(i / 500)).c_str(),
                                     ("f" + std::to_string(i) + ".cpp").c_str(), 10));
        }
        SourcesModel model;
        QElapsedTimer clock;
        clock.start();
        model.reset(sources);
        sources[10'000].tokens = 99;
        model.update(sources, {sources[10'000].id});
        QVERIFY2(clock.elapsed() < 1000, qPrintable(QString::number(clock.elapsed())));
        QCOMPARE(model.index(0, 0).data(SourcesModel::TokensRole).toString(),
                 QStringLiteral("200,089"));
    }

    void headingsBecomeAnOutline() {
        ingest::Document document;
        document.text = "5. Repair and condition\ntext\nNo number here\nmore\n";
        document.blocks = {{{0, 23}, ingest::BlockKind::Heading, 1},
                           {{24, 28}, ingest::BlockKind::Paragraph, 0},
                           {{29, 43}, ingest::BlockKind::Heading, 2}};
        const auto items = outlineOf(document, {});
        QCOMPARE(items.size(), std::size_t{2});
        QCOMPARE(items[0].number, QStringLiteral("5"));
        QCOMPARE(items[0].title, QStringLiteral("Repair and condition"));
        QCOMPARE(items[1].level, 1);
        QCOMPARE(items[1].place, QStringLiteral("3"));
        OutlineModel model;
        model.setItems(items);
        QCOMPARE(model.rowAt(26, std::nullopt), 0);
        QCOMPARE(model.rowAt(40, std::nullopt), 1);
        model.setCited({25, 26, 45});
        QCOMPARE(model.item(0).cited, 2);
        QCOMPARE(model.item(1).cited, 1);
        QVERIFY(model.index(0)
                    .data(Qt::AccessibleTextRole)
                    .toString()
                    .contains(QStringLiteral("2 cited")));
    }

    void symbolsAreFound_data() {
        QTest::addColumn<QString>("language");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QStringList>("expected");
        QTest::newRow("cpp") << "cpp"
                             << "namespace quill {\nclass Store;\nstruct Record {\n};\n"
                                "Status Writer::append(Record& r) {\n    if (x(1)) {\n    return "
                                "f(r);\n}\nint main(int argc, char** argv)\n{\n"
                             << QStringList{"quill", "Record", "Writer::append", "main"};
        QTest::newRow("python")
            << "python"
            << "class A:\n    def run(self):\n        return f(1)\nasync def go():\n"
            << QStringList{"A", "run", "go"};
        QTest::newRow("rust")
            << "rust"
            << "pub fn open(p: &Path) {\nstruct S;\nimpl Drop for S {\nlet x = 1;\n"
            << QStringList{"open", "S", "Drop for S"};
        QTest::newRow("go") << "go"
                            << "func (s *Store) Get(k string) {\ntype Key int\nx := f()\n"
                            << QStringList{"Get", "Key"};
        QTest::newRow("unknown") << "cobol"
                                 << "int main() {\n"
                                 << QStringList{};
    }

    void symbolsAreFound() {
        QFETCH(QString, language);
        QFETCH(QString, text);
        QFETCH(QStringList, expected);
        QCOMPARE(names(symbolsOf(code(text.toStdString(), language.toStdString()))), expected);
    }

    void filesToAddAreSummedAndLeftOut() {
        AddModel model;
        const QAbstractItemModelTester tester(&model);
        std::vector<AddFile> files(4);
        files[0].shown = QStringLiteral("repo/src/a.cpp");
        files[1].shown = QStringLiteral("repo/src/b.cpp");
        files[2].shown = QStringLiteral("repo/package-lock.json");
        files[2].proposed = false;
        files[2].kind = ingest::WalkReason::LockFile;
        files[2].reason = QStringLiteral("lock file");
        files[3].shown = QStringLiteral("repo/key.pem");
        files[3].proposed = false;
        files[3].kind = ingest::WalkReason::Secret;
        files[3].reason = QStringLiteral("may hold a secret");
        model.setFiles(files);
        QCOMPARE(model.chosenFiles(), std::size_t{2});
        QCOMPARE(model.leftOut().size(), std::size_t{2});
        const QModelIndex repo = model.index(0, 0);
        QCOMPARE(repo.data(Qt::CheckStateRole).toInt(), int(Qt::PartiallyChecked));
        QVERIFY(!model.exact());
        QCOMPARE(repo.data(AddModel::TokensRole).toString(), QStringLiteral("≥ 0"));
        model.setCount(0, {1000, 0, 10, 0, {}, nullptr});
        model.setCount(1, {234, 0, 5, 0, {}, nullptr});
        QVERIFY(model.exact());
        QCOMPARE(model.chosenTokens(), std::uint64_t{1234});
        QCOMPARE(repo.data(AddModel::TokensRole).toString(), QStringLiteral("1,234"));
        // Leaving a folder out takes its tokens away; taking a group brings files that were out.
        model.choose(model.index(0, 0, repo), false);
        QCOMPARE(model.chosenTokens(), std::uint64_t{0});
        model.chooseGroup(leftOutGroup(ingest::WalkReason::Secret), true);
        QVERIFY(model.chosen(3) && !model.chosen(2));
        QCOMPARE(model.index(2, 0, repo).data(AddModel::NoteKindRole).toInt(),
                 int(BadgeKind::Error));
    }

    void memoryIsSortedByOwner() {
        const app::MemorySample sample = test::demoMemory(0, 1'000'000);
        const OwnerSums gpu = vramSums(sample);
        QCOMPARE(gpu.total, sample.engine.vramTotal);
        QCOMPARE(gpu.used(), sample.engine.vramUsed); // other programs fill the difference
        const OwnerSums ram = ramSums(sample);
        QCOMPARE(ram.bytes[int(Owner::Experts)], sample.engine.ledger[4].bytes);
        QCOMPARE(ram.used(), sample.ramTotal - sample.ramAvailable);
        QCOMPARE(ownerOf("lane rows"), Owner::LaneRows);
        QCOMPARE(ownerOf("frontiers"), Owner::Scratch);
        QCOMPARE(ownerOf("routed experts"), Owner::Experts);
        QCOMPARE(ownerOf("search index"), Owner::Text);
        QVERIFY(memoryAsText(sample, {}).contains(QStringLiteral("expert cache\tvram\t")));
        QVERIFY(niceTop(5ull << 30) >= (5ull << 30) && niceTop(5ull << 30) <= (8ull << 30));
    }

    void theLocatorPrefersStartsOfWords() {
        QCOMPARE(locatorScore(QStringLiteral("segment.cpp"), QStringLiteral("xyz")), 0);
        QVERIFY(locatorScore(QStringLiteral("segment_writer.cpp"), QStringLiteral("seg")) >
                locatorScore(QStringLiteral("unsegmented.cpp"), QStringLiteral("seg")));
        QVERIFY(locatorScore(QStringLiteral("Lease Unit 4.pdf"), QStringLiteral("unit lease")) > 0);
    }
};

int main(int argc, char** argv) {
    test::UiApplication app(argc, argv);
    ModelsTest tests;
    return QTest::qExec(&tests, argc, argv);
}

#include "models_test.moc"
