// SPDX-License-Identifier: Apache-2.0
// Looking into damaged lanes: which part it is, what stays and what is read again is said before
// the lane is opened, and is what opening then does.
#include <algorithm>

#include "engine/lanes/lane_file.h"
#include "tests/engine/scheduler/lane_fixture.h"

namespace dossier::engine {
namespace {

using namespace test_lanes;

class LaneVerify : public testing::Test {
  protected:
    static constexpr std::uint64_t kTokens = 7000;

    /// Records [0, 2048), [2048, 4096), [4096, 6144) and a provisional one to the end.
    static void SetUpTestSuite() {
        engine = loadedEngine();
        whole = test::temporaryFolder("verify") / "whole.lane";
        const LaneId lane = engine->openLane(laneAt(whole)).id;
        engine->append(lane, someTokens(kTokens, 512), {}, {}, marks);
        said = ask(*engine, lane);
        engine->closeLane(lane);
    }
    static void TearDownTestSuite() { engine.reset(); }

    LaneVerify() { putBack(); }
    void putBack() const {
        std::filesystem::copy_file(whole, file, std::filesystem::copy_options::overwrite_existing);
    }

    void flip(std::uint64_t at) const {
        std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
        out.seekg(static_cast<std::streamoff>(at));
        const char byte = static_cast<char>(out.get() ^ 0x10);
        out.seekp(static_cast<std::streamoff>(at));
        out.put(byte);
    }
    std::unique_ptr<LaneIndex> index() const {
        return scanLane(LaneHandle(file, LaneHandle::Mode::Read));
    }
    /// Damages the middle of the first section of a kind in a record; the section.
    lane::Section flip(std::size_t record, lane::SectionKind kind) const {
        const auto all = index();
        const auto& sections = all->records[record].sections;
        const auto found =
            std::find_if(sections.begin(), sections.end(),
                         [&](const lane::Section& section) { return section.kind == kind; });
        if (found == sections.end()) {
            throw std::logic_error("there is no such section");
        }
        flip(all->records[record].offset + found->offset + found->bytes / 2);
        return *found;
    }
    /// Looks, opens, reads on; `usable` tokens were to stay. What was said of the file.
    std::string lookAndOpen(std::uint64_t usable) const {
        const LaneFileInfo looked = engine->inspectLane(file, Verify::Contents);
        const LaneInfo info = engine->openLane(laneAt(file));
        EXPECT_EQ(info.tokens, usable);
        EXPECT_EQ(info.restored->check, "equal");
        readOn(*engine, info, tokens, marks);
        EXPECT_EQ(ask(*engine, info.id), said);
        engine->closeLane(info.id);
        const LaneFileInfo again = engine->inspectLane(file, Verify::Contents);
        EXPECT_EQ(again.tokens, kTokens);
        EXPECT_EQ(again.contents.marks, marks);
        EXPECT_EQ(again.note.find("read again"), std::string::npos) << again.note;
        return looked.note;
    }

    inline static std::unique_ptr<Engine> engine;
    inline static std::filesystem::path whole;
    inline static std::vector<Saying> said;
    inline static const std::vector<LaneMark> marks{{2500, "a"}, {4700, "b"}, {kTokens, "c"}};
    const std::vector<Token> tokens = someTokens(kTokens, 512);
    const std::filesystem::path file = test::temporaryFolder("verify") / "a.lane";
};

TEST_F(LaneVerify, AWholeLaneIsGood) {
    EXPECT_EQ(lookAndOpen(kTokens), "");
}

TEST_F(LaneVerify, DamagedRowsAndKeysNameTheirLayer) {
    const auto rows = flip(2, lane::SectionKind::Entries);
    EXPECT_EQ(lookAndOpen(4096), "Damaged: rows of layer " + std::to_string(rows.index) +
                                     " (tokens 4,096 to 6,144). The first 4,096 tokens stay, 2,904 "
                                     "are read again.");
    putBack();
    const auto keys = flip(1, lane::SectionKind::Keys);
    flip(2, lane::SectionKind::Entries);
    EXPECT_EQ(lookAndOpen(2048), "Damaged: index keys of layer " + std::to_string(keys.index) +
                                     " (tokens 2,048 to 4,096) and 1 more part. The first 2,048 "
                                     "tokens stay, 4,952 are read again.");
}

TEST_F(LaneVerify, ADamagedStateCostsWhatStandsBehindItOrNothing) {
    flip(3, lane::SectionKind::Frontier);
    EXPECT_EQ(lookAndOpen(6144), "Damaged: the state for continuing after 6,912 tokens. The first "
                                 "6,144 tokens stay, 856 are read again.");
    putBack();
    flip(1, lane::SectionKind::Frontier); // one to go back to, not the one to go on from
    EXPECT_EQ(lookAndOpen(kTokens), "Damaged: the state for continuing after 4,096 tokens. All "
                                    "tokens stay; going back to that place takes longer.");
}

TEST_F(LaneVerify, ADamagedDirectoryEndsTheLaneBeforeItsRecord) {
    const auto all = index();
    const LaneRecord& record = all->records[2];
    const std::uint64_t end = record.offset + record.header.bytes;
    // The record's header, its table (numerics' entry), its trailer; then the small sections.
    std::vector<std::uint64_t> places{record.offset + 20, end - lane::kTrailerBytes + 9};
    {
        const LaneHandle handle(file, LaneHandle::Mode::Read);
        std::vector<std::byte> trailer(lane::kTrailerBytes);
        handle.readAt(end - lane::kTrailerBytes, trailer);
        places.push_back(record.offset + lane::decodeTrailer(trailer.data())->tableOffset + 17);
    }
    for (const lane::Section& section : record.sections) {
        if (section.kind == lane::SectionKind::Numerics ||
            section.kind == lane::SectionKind::Tokens || section.kind == lane::SectionKind::Marks) {
            places.push_back(record.offset + section.offset + section.bytes / 2);
        }
    }
    ASSERT_EQ(places.size(), 6u);
    for (const std::uint64_t at : places) {
        SCOPED_TRACE(at - record.offset);
        putBack();
        flip(at);
        const std::string note = lookAndOpen(4096);
        EXPECT_NE(note.find("A record after 4,096 tokens is damaged"), std::string::npos) << note;
        EXPECT_NE(note.find("the 4,096 tokens before it stay, what followed is read again"),
                  std::string::npos)
            << note;
    }
}

TEST_F(LaneVerify, OneDamagedHeaderIsHarmless) {
    for (const std::uint64_t at : {std::uint64_t{30}, lane::kHeaderBytes + 30}) {
        putBack();
        flip(at);
        lookAndOpen(kTokens);
    }
}

TEST_F(LaneVerify, DamageInWhatWasReplacedIsHarmless) {
    LaneOptions options = laneAt(file);
    options.keep = 4700; // the third record and the provisional one are replaced
    const LaneId lane = engine->openLane(options).id;
    engine->append(lane, std::span(tokens).subspan(4700), {}, {},
                   std::vector<LaneMark>{marks.back()});
    engine->closeLane(lane);
    flip(2, lane::SectionKind::Entries);
    const std::string note = lookAndOpen(kTokens);
    EXPECT_NE(note.find("nobody needs"), std::string::npos) << note;
}

} // namespace
} // namespace dossier::engine
