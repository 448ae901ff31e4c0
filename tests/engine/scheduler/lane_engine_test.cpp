// SPDX-License-Identifier: Apache-2.0
// Lanes with files behind the engine's interface: what is refused, what is told, what is repaired.
#include <atomic>
#include <cerrno>
#include <thread>

#include "engine/base/error.h"
#include "engine/lanes/lane_file.h"
#include "tests/engine/scheduler/lane_fixture.h"

#include <unistd.h>

namespace dossier::engine {
namespace {

using namespace test_lanes;

constexpr std::uint32_t kVocabulary = 512; // of "tiny"

std::filesystem::path newFolder() {
    return test::temporaryFolder("lanes");
}

std::optional<ErrorCode> codeOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        EXPECT_FALSE(error.remedy().empty()) << error.what();
        return error.code();
    }
    return std::nullopt;
}

/// Three documents with their marks.
struct Documents {
    std::vector<Token> tokens = someTokens(7000, kVocabulary);
    std::vector<LaneMark> marks{{2500, "a"}, {4700, "b"}, {7000, "c"}};
};

LaneInfo writeLane(Engine& engine, const std::filesystem::path& file, const Documents& documents) {
    const LaneId lane = engine.openLane(laneAt(file)).id;
    const LaneInfo info = engine.append(lane, documents.tokens, {}, {}, documents.marks);
    engine.closeLane(lane);
    return info;
}

class LaneEngine : public testing::Test {
  protected:
    // In a process of its own: the longer way, which the programs go.
    static std::unique_ptr<Engine> make() { return loadedEngine("tiny", "", true); }
};

TEST_F(LaneEngine, MarksFrontiersAndSizesAreKept) {
    const auto file = newFolder() / "a.lane";
    const auto engine = make();
    const Documents documents;
    EXPECT_EQ(writeLane(*engine, file, documents).saved, 7000u);
    std::uint64_t told = 0;
    const LaneInfo info = engine->openLane(laneAt(file), [&](const Progress& progress) {
        told = std::max(told, progress.done);
        EXPECT_LE(progress.done, progress.total);
    });
    EXPECT_EQ(info.tokens, 7000u);
    EXPECT_EQ(info.file, file);
    EXPECT_EQ(info.fileBytes, std::filesystem::file_size(file));
    EXPECT_GT(told, 0u);
    const LaneContents contents = engine->laneContents(info.id);
    EXPECT_EQ(contents.marks, documents.marks);
    // The end of every super-chunk; the document ends are too near to them; the provisional one.
    EXPECT_EQ(contents.frontiers, (std::vector<std::uint64_t>{2048, 4096, 6144, 6912}));
    const LaneFileInfo looked = engine->inspectLane(file, Verify::Contents);
    EXPECT_EQ(looked.tokens, 7000u);
    EXPECT_EQ(looked.contents.marks, documents.marks);
    EXPECT_TRUE(looked.tail.empty()); // the last document is whole
    EXPECT_EQ(looked.damagedBytes, 0u);
    EXPECT_EQ(looked.note, "");
    EXPECT_EQ(looked.model, engine->model()->fingerprint);
    bool disk = false;
    for (const MemoryRow& row : engine->memory().ledger) {
        disk |= row.where == "disk" && row.bytes == info.fileBytes;
    }
    EXPECT_TRUE(disk);
}

TEST_F(LaneEngine, TokensOfAnUnfinishedDocumentAreTold) {
    const auto file = newFolder() / "a.lane";
    const auto engine = make();
    const LaneId lane = engine->openLane(laneAt(file)).id;
    const auto tokens = someTokens(2600, kVocabulary);
    const LaneMark mark{2500, "a"};
    engine->append(lane, tokens, {}, {}, {&mark, 1});
    EXPECT_EQ(engine->inspectLane(file, Verify::Directory).tail,
              (std::vector<Token>(tokens.begin() + 2500, tokens.end())));
}

TEST_F(LaneEngine, OtherModelsLevelsAndFilesAreRefusedInWords) {
    const auto folder = newFolder();
    const auto engine = make();
    writeLane(*engine, folder / "a.lane", {});
    EXPECT_EQ(codeOf([&] { engine->openLane(laneAt(folder / "a.lane", "Think hard.")); }),
              ErrorCode::InvalidArgument);
    const auto other = loadedEngine("tiny-pro", "", true);
    try {
        other->openLane(laneAt(folder / "a.lane"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(error.failed().find("another model"), std::string::npos) << error.failed();
    }
    EXPECT_EQ(codeOf([&] { engine->openLane(laneAt(folder / "missing" / "a.lane")); }),
              ErrorCode::NotFound);
    std::ofstream(folder / "text.lane") << std::string(30000, 'x');
    EXPECT_EQ(codeOf([&] { engine->openLane(laneAt(folder / "text.lane")); }), ErrorCode::Corrupt);
    // A moved file is the same lane, and the engine goes on after all of this.
    std::filesystem::rename(folder / "a.lane", folder / "moved.lane");
    EXPECT_EQ(engine->openLane(laneAt(folder / "moved.lane")).tokens, 7000u);
}

TEST_F(LaneEngine, OneWriterAndAnyNumberOfReaders) {
    const auto file = newFolder() / "a.lane";
    const auto engine = make();
    const LaneId lane = engine->openLane(laneAt(file)).id;
    engine->append(lane, someTokens(3000, kVocabulary));
    const auto second = make();
    EXPECT_EQ(codeOf([&] { second->openLane(laneAt(file)); }), ErrorCode::Busy);
    EXPECT_EQ(codeOf([&] { engine->openLane(laneAt(file)); }), ErrorCode::Busy);
    LaneOptions options = laneAt(file);
    options.readOnly = true;
    const LaneInfo reader = second->openLane(options);
    EXPECT_EQ(reader.tokens, 3000u);
    EXPECT_EQ(ask(*second, reader.id), ask(*engine, lane));
    EXPECT_EQ(codeOf([&] { second->append(reader.id, std::vector<Token>{1}); }),
              ErrorCode::Permission);
    engine->append(lane, someTokens(500, kVocabulary, 3)); // not disturbed
    engine->closeLane(lane);
    EXPECT_EQ(second->openLane(laneAt(file)).tokens, 3500u);
}

TEST_F(LaneEngine, ChangedDocumentsKeepWhatStandsBeforeThem) {
    const auto folder = newFolder();
    const auto engine = make();
    const Documents documents;
    writeLane(*engine, folder / "a.lane", documents);
    auto changed = someTokens(2000, kVocabulary, 21);
    std::vector<Token> whole(documents.tokens.begin(), documents.tokens.begin() + 4700);
    whole.insert(whole.end(), changed.begin(), changed.end());
    const LaneId straight = engine->openLane().id;
    engine->append(straight, whole);

    LaneOptions options = laneAt(folder / "a.lane");
    options.keep = 4700; // documents a and b stay
    const LaneInfo kept = engine->openLane(options);
    EXPECT_EQ(kept.tokens, 4700u);
    EXPECT_EQ(kept.restored->replayed, 4700u - 4096);
    EXPECT_EQ(engine->laneContents(kept.id).marks.size(), 2u);
    const LaneMark mark{6700, "c2"};
    engine->append(kept.id, changed, {}, {}, {&mark, 1});
    EXPECT_EQ(ask(*engine, kept.id), ask(*engine, straight));
    engine->closeLane(kept.id);
    const LaneInfo again = engine->openLane(laneAt(folder / "a.lane"));
    EXPECT_EQ(again.tokens, 6700u);
    EXPECT_EQ(again.restored->check, "equal");
    EXPECT_EQ(engine->laneContents(again.id).marks.back(), mark);
    EXPECT_EQ(ask(*engine, again.id), ask(*engine, straight));
    engine->closeLane(again.id);

    // A copy without what was replaced is the same lane.
    const LaneFileInfo copy = engine->copyLane(folder / "a.lane", folder / "copy.lane", UINT64_MAX);
    EXPECT_EQ(copy.unusedBytes, 0u);
    EXPECT_LT(copy.fileBytes, std::filesystem::file_size(folder / "a.lane"));
    const LaneInfo compact = engine->openLane(laneAt(folder / "copy.lane"));
    EXPECT_EQ(ask(*engine, compact.id), ask(*engine, straight));
    // And a part of it serves another dossier that begins with the same document.
    engine->copyLane(folder / "a.lane", folder / "part.lane", 2500);
    const LaneInfo part = engine->openLane(laneAt(folder / "part.lane"));
    EXPECT_EQ(part.tokens, 2500u);
    engine->append(part.id, std::span(whole).subspan(2500));
    EXPECT_EQ(ask(*engine, part.id), ask(*engine, straight));
}

TEST_F(LaneEngine, RestoringOneLaneNeverChangesAnother) {
    const auto folder = newFolder();
    const auto engine = make();
    const auto a = someTokens(2600, kVocabulary, 1), b = someTokens(3100, kVocabulary, 2);
    for (const auto& [name, tokens] : {std::pair{"a.lane", &a}, {"b.lane", &b}}) {
        const LaneId lane = engine->openLane(laneAt(folder / name)).id;
        engine->append(lane, *tokens);
        engine->closeLane(lane);
    }
    const LaneId first = engine->openLane(laneAt(folder / "b.lane")).id;
    const BranchId branch = engine->branch(first).id;
    engine->extend(branch, someTokens(40, kVocabulary, 5));
    const auto expected = ask(*engine, first);
    const Saying onBranch = sayingOf(*engine, engine->fork(branch).id);
    for (int i = 0; i < 3; ++i) {
        const LaneId other = engine->openLane(laneAt(folder / "a.lane")).id;
        ask(*engine, other);
        ASSERT_EQ(ask(*engine, first), expected);
        ASSERT_EQ(sayingOf(*engine, engine->fork(branch).id), onBranch);
        engine->closeLane(other);
        ASSERT_EQ(ask(*engine, first), expected);
    }
}

TEST_F(LaneEngine, RestoringStopsOnRequestAndLosesNothing) {
    const auto file = newFolder() / "a.lane";
    const auto engine = make();
    writeLane(*engine, file, {});
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(engine->openLane(laneAt(file), {}, source.get_token()), Error);
    EXPECT_EQ(engine->openLane(laneAt(file)).tokens, 7000u);
}

TEST_F(LaneEngine, QuestionsAreAnsweredWhileTheRestIsRead) {
    const auto file = newFolder() / "a.lane";
    const auto engine = make();
    const LaneId lane = engine->openLane(laneAt(file)).id;
    const Documents documents;
    std::atomic<std::uint64_t> done = 0;
    std::jthread reader([&] {
        engine->append(
            lane, documents.tokens, [&](const Progress& progress) { done = progress.done; }, {},
            documents.marks);
    });
    while (done < 2600) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    // Document a is read; the rest is under way.
    const auto early = ask(*engine, lane, 2500);
    reader.join();
    EXPECT_EQ(engine->lane(lane).tokens, 7000u);
    EXPECT_EQ(ask(*engine, lane, 2500), early);
    const LaneId straight = engine->openLane().id;
    engine->append(straight, std::span(documents.tokens).first(2500));
    EXPECT_EQ(ask(*engine, straight), early);
}

TEST_F(LaneEngine, BadMarksAreRefused) {
    const auto engine = make();
    const LaneId lane = engine->openLane(laneAt(newFolder() / "a.lane")).id;
    const auto tokens = someTokens(100, kVocabulary);
    for (const std::vector<LaneMark>& marks : {std::vector<LaneMark>{{0, "a"}},
                                               {{101, "a"}},
                                               {{60, "a"}, {50, "b"}},
                                               {{5, "a\nb"}},
                                               {{5, std::string(129, 'x')}}}) {
        EXPECT_EQ(codeOf([&] { engine->append(lane, tokens, {}, {}, marks); }),
                  ErrorCode::InvalidArgument);
    }
    EXPECT_EQ(engine->append(lane, tokens).tokens, 100u);
}

// ---------------------------------------------------------------- damage

/// Changes a byte of the first section of a kind in a record.
void damage(const std::filesystem::path& file, std::size_t record, lane::SectionKind kind,
            std::uint64_t at = 10) {
    const LaneHandle handle(file, LaneHandle::Mode::Read);
    const auto index = scanLane(handle);
    for (const lane::Section& section : index->records[record].sections) {
        if (section.kind == kind) {
            std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
            const auto offset =
                static_cast<std::streamoff>(index->records[record].offset + section.offset + at);
            out.seekg(offset);
            const char byte = static_cast<char>(out.get() ^ 0x10);
            out.seekp(offset);
            out.put(byte);
            return;
        }
    }
}

TEST(LaneDamage, DamagedRowsAreToldAndReadAgain) {
    const auto file = newFolder() / "a.lane";
    const auto engine = loadedEngine();
    const Documents documents;
    writeLane(*engine, file, documents);
    damage(file, 1, lane::SectionKind::Keys);
    EXPECT_GT(engine->inspectLane(file, Verify::Contents).damagedBytes, 0u);
    const LaneInfo info = engine->openLane(laneAt(file));
    EXPECT_EQ(info.tokens, 2048u); // before the damaged record
    EXPECT_EQ(info.restored->lost, 7000u - 2048);
    EXPECT_NE(info.restored->note.find("damaged"), std::string::npos) << info.restored->note;
    engine->append(info.id, std::span(documents.tokens).subspan(2048), {}, {}, documents.marks);
    const LaneId straight = engine->openLane().id;
    engine->append(straight, documents.tokens);
    EXPECT_EQ(ask(*engine, info.id), ask(*engine, straight));
    engine->closeLane(info.id);
    const LaneInfo again = engine->openLane(laneAt(file));
    EXPECT_EQ(again.tokens, 7000u);
    EXPECT_EQ(again.restored->note, "");
    EXPECT_EQ(ask(*engine, again.id), ask(*engine, straight));
}

TEST(LaneDamage, ADamagedFrontierGivesWayToTheOneBefore) {
    const auto file = newFolder() / "a.lane";
    const auto engine = loadedEngine();
    const Documents documents;
    writeLane(*engine, file, documents);
    damage(file, 3, lane::SectionKind::Frontier, 5000);
    const LaneInfo info = engine->openLane(laneAt(file));
    EXPECT_EQ(info.tokens, 6144u);
    EXPECT_EQ(info.restored->lost, 7000u - 6144);
    EXPECT_NE(info.restored->note.find("after 6,912 tokens"), std::string::npos)
        << info.restored->note;
    EXPECT_EQ(info.restored->check, "equal");
}

TEST(LaneDamage, AnUnfinishedRecordIsToldAndReplaced) {
    const auto folder = newFolder();
    const auto engine = loadedEngine();
    const Documents documents;
    writeLane(*engine, folder / "a.lane", documents);
    std::filesystem::copy_file(folder / "a.lane", folder / "b.lane");
    std::filesystem::resize_file(folder / "b.lane",
                                 std::filesystem::file_size(folder / "b.lane") * 2 / 3);
    const LaneInfo info = engine->openLane(laneAt(folder / "b.lane"));
    EXPECT_LT(info.tokens, 7000u);
    EXPECT_NE(info.restored->note, "");
    engine->append(info.id, std::span(documents.tokens).subspan(info.tokens), {}, {},
                   std::span(documents.marks)
                       .subspan(info.tokens >= 4700   ? 2
                                : info.tokens >= 2500 ? 1
                                                      : 0));
    engine->closeLane(info.id);
    EXPECT_TRUE(bytesOf(folder / "a.lane") == bytesOf(folder / "b.lane"));
}

TEST(LaneDamage, AFullDiskLosesNothingAndAppendingTriesAgain) {
    const auto folder = newFolder();
    const auto engine = loadedEngine();
    const Documents documents;
    const LaneId lane = engine->openLane(laneAt(folder / "a.lane")).id;
    std::atomic<long> left = 600'000;
    LaneHandle::setWriteFunction([&](int fd, const void* data, std::size_t bytes) -> long {
        if (left <= 0) {
            errno = ENOSPC;
            return -1;
        }
        const long n =
            ::write(fd, data, std::min<std::size_t>(bytes, static_cast<std::size_t>(left)));
        left -= n;
        return n;
    });
    const auto code =
        codeOf([&] { engine->append(lane, documents.tokens, {}, {}, documents.marks); });
    LaneHandle::setWriteFunction({});
    EXPECT_EQ(code, ErrorCode::DiskFull);
    const LaneInfo info = engine->lane(lane);
    EXPECT_GE(info.tokens, info.saved);
    EXPECT_EQ(engine->inspectLane(folder / "a.lane", Verify::Contents).tokens, info.saved);
    EXPECT_EQ(engine->inspectLane(folder / "a.lane", Verify::Contents).damagedBytes, 0u);
    ask(*engine, lane); // still answers
    std::vector<LaneMark> rest;
    for (const LaneMark& mark : documents.marks) {
        if (mark.end > info.tokens) {
            rest.push_back(mark);
        }
    }
    const LaneInfo whole =
        engine->append(lane, std::span(documents.tokens).subspan(info.tokens), {}, {}, rest);
    EXPECT_EQ(whole.saved, 7000u);
    const auto expected = ask(*engine, lane);
    engine->closeLane(lane);
    const LaneInfo again = engine->openLane(laneAt(folder / "a.lane"));
    EXPECT_EQ(again.tokens, 7000u);
    EXPECT_EQ(engine->laneContents(again.id).marks, documents.marks);
    EXPECT_EQ(ask(*engine, again.id), expected);
}

TEST(LaneStop, WhatWasFinishedIsOnTheDiskWhenTheEngineEnds) {
    const auto file = newFolder() / "a.lane";
    const auto tokens = someTokens(9000, kVocabulary);
    std::uint64_t kept = 0;
    {
        const auto engine = loadedEngine();
        const LaneId lane = engine->openLane(laneAt(file)).id;
        std::stop_source source;
        kept = engine
                   ->append(
                       lane, tokens,
                       [&](const Progress& progress) {
                           if (progress.done >= 4096 && progress.done % 2048 == 0) {
                               source.request_stop(); // between two super-chunks
                           }
                       },
                       source.get_token())
                   .tokens;
    } // nobody closes the lane
    EXPECT_GE(kept, 4096u);
    EXPECT_LT(kept, 9000u);
    const auto engine = loadedEngine();
    EXPECT_EQ(engine->openLane(laneAt(file)).tokens, kept);
}

// ---------------------------------------------------------------- numerics classes

TEST(LaneClasses, ALaneOfAnotherClassOpensAndSaysSo) {
    const auto fast = loadedEngine("tiny"), plain = loadedEngine("tiny", "plain");
    if (fast->device().numerics == plain->device().numerics) {
        GTEST_SKIP() << "this processor has only the plain kernels";
    }
    const auto folder = newFolder();
    const Documents documents;
    const auto tokens = std::span(documents.tokens).first(2300);
    for (const auto& [from, to] : {std::pair{fast.get(), plain.get()}, {plain.get(), fast.get()}}) {
        const auto file = folder / (from->device().numerics + ".lane");
        const LaneId lane = from->openLane(laneAt(file)).id;
        from->append(lane, tokens);
        from->closeLane(lane);
        LaneInfo info = to->openLane(laneAt(file));
        EXPECT_EQ(info.tokens, 2300u);
        EXPECT_TRUE(info.restored->classChanged);
        EXPECT_EQ(info.restored->writtenBy, from->device().numerics);
        EXPECT_NE(info.restored->check, "failed");
        EXPECT_NE(info.restored->note.find(from->device().numerics), std::string::npos);
        to->append(info.id, std::span(documents.tokens).subspan(2300, 300));
        to->closeLane(info.id);
        info = to->openLane(laneAt(file)); // the last record is of this class now
        EXPECT_EQ(info.tokens, 2600u);
        EXPECT_FALSE(info.restored->classChanged);
        EXPECT_EQ(info.restored->check, "equal");
        to->closeLane(info.id);
    }
}

// ---------------------------------------------------------------- costs

TEST(LaneCosts, AFileIsHardlyLargerThanRowsAndFrontiers) {
    const auto file = newFolder() / "a.lane";
    const auto engine = loadedEngine();
    const LaneId lane = engine->openLane(laneAt(file)).id;
    engine->append(lane, someTokens(16000, kVocabulary));
    const LaneHandle handle(file, LaneHandle::Mode::Read);
    const auto index = scanLane(handle);
    std::uint64_t useful = 0;
    for (const LaneRecord& record : index->records) {
        for (const lane::Section& section : record.sections) {
            useful += section.kind == lane::SectionKind::Entries ||
                              section.kind == lane::SectionKind::Keys ||
                              section.kind == lane::SectionKind::Frontier
                          ? section.bytes
                          : 0;
        }
    }
    EXPECT_LE(static_cast<double>(std::filesystem::file_size(file)),
              1.15 * static_cast<double>(useful));
}

} // namespace
} // namespace dossier::engine
