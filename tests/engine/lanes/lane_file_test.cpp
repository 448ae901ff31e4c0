// SPDX-License-Identifier: Apache-2.0
// The lane file: what is written is found again, and nothing damaged is ever taken for good.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "engine/base/crc32c.h"
#include "engine/base/error.h"
#include "engine/lanes/lane_copy.h"
#include "tests/engine/lanes/lane_samples.h"
#include "tests/engine/support/golden.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dossier::engine {
namespace {

using namespace test_lanes;

std::filesystem::path newFile(const char* name) {
    return test::temporaryFolder("lanes") / name;
}

std::unique_ptr<LaneIndex> scan(const std::filesystem::path& path) {
    const LaneHandle file(path, LaneHandle::Mode::Read);
    return scanLane(file);
}

std::optional<ErrorCode> codeOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        EXPECT_FALSE(error.remedy().empty());
        return error.code();
    }
    return std::nullopt;
}

TEST(LaneFile, WhatWasWrittenIsFoundAgain) {
    const auto path = newFile("a.lane");
    writeSample(path);
    const auto index = scan(path);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->key, sampleKey());
    EXPECT_TRUE(index->stopped.empty());
    ASSERT_EQ(index->tokens.size(), 521u);
    for (std::uint64_t p = 0; p < 521; ++p) {
        ASSERT_EQ(index->tokens[p], static_cast<Token>(p * 7 % 1000));
    }
    const std::vector<LaneMark> marks{
        {251, "document 256"}, {379, "document 384"}, {507, "document 512"}};
    EXPECT_EQ(index->marks, marks);
    ASSERT_EQ(index->frontiers.size(), 3u);
    EXPECT_EQ(index->rowsEnd(), 512u);
    EXPECT_EQ(index->resumeAt(), 384u); // the last record is provisional
    const LaneHandle file(path, LaneHandle::Mode::Read);
    const LaneFrontier& frontier = index->frontiers[1];
    const LaneRecord& record = index->records[frontier.record];
    const auto bytes = readSection(file, record, record.sections[frontier.section]);
    ASSERT_TRUE(bytes);
    const auto stored = decodeFrontier(*bytes);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->position, 384u);
    EXPECT_EQ(stored->probe.token, 3);
    EXPECT_EQ(stored->probe.checksum, 77u);
    ASSERT_EQ(stored->probe.samples.size(), 2u);
    EXPECT_EQ(stored->probe.samples[1].logit, -1.25f);
    EXPECT_EQ(stored->state, noise(300, 384));
}

TEST(LaneFile, RecordsReplaceWhatStandsBehindTheirBegin) {
    const auto path = newFile("a.lane");
    LaneIndex index = writeSample(path);
    const auto writer = LaneWriter::open(path);
    const std::uint64_t before = index.usedBytes();
    write(*writer, index, sampleDraft(256, 2)); // begins inside, at a frontier
    const auto scanned = scan(path);
    for (const LaneIndex* each : {&index, scanned.get()}) {
        ASSERT_TRUE(each);
        EXPECT_EQ(each->tokens.size(), 512u);
        EXPECT_EQ(each->marks.size(), 2u);
        EXPECT_EQ(each->records[1].liveEnd, 256u);
        EXPECT_EQ(each->records[2].liveEnd, 384u);
        EXPECT_EQ(each->frontiers.size(), 2u);
        if (each == &index) {
            continue;
        }
    }
    EXPECT_LT(index.usedBytes(), before + 2 * lane::kBlock);
    EXPECT_GT(index.fileBytes, index.usedBytes() + lane::kBlock);
    // A record that begins where no frontier stands does not follow.
    LaneRecord record;
    record.offset = index.end;
    record.header = {false, 0, 128, 128, 129, lane::kBlock, index.records.size(), index.chain()};
    EXPECT_FALSE(index.add(record, std::vector<Token>{1}, {}));
}

TEST(LaneFile, CutAtEveryByteItIsValidUpToTheLastGoodTrailer) {
    const auto path = newFile("a.lane");
    const LaneIndex full = writeSample(path);
    std::vector<std::uint64_t> ends{lane::kFirstRecord};
    for (const LaneRecord& record : full.records) {
        ends.push_back(record.offset + record.header.bytes);
    }
    const std::uint64_t tokens[] = {0, 256, 384, 521};
    for (std::uint64_t size = ends.back(); size-- > 0;) {
        std::filesystem::resize_file(path, size);
        const auto index = scan(path);
        if (size < lane::kFirstRecord) {
            ASSERT_FALSE(index) << size;
            continue;
        }
        const auto good = static_cast<std::size_t>(
            std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1);
        ASSERT_TRUE(index);
        ASSERT_EQ(index->records.size(), good) << size;
        ASSERT_EQ(index->tokens.size(), tokens[good]) << size;
        ASSERT_EQ(index->end, ends[good]) << size;
        ASSERT_EQ(index->stopped.empty(), size == ends[good]) << size;
    }
}

TEST(LaneFile, AppendingAfterACutGivesTheSameFile) {
    const auto whole = newFile("whole.lane"), cut = newFile("cut.lane");
    writeSample(whole);
    const std::string bytes = fileBytes(whole);
    std::mt19937 random(5);
    for (int round = 0; round < 25; ++round) {
        const std::size_t size =
            lane::kFirstRecord + random() % (bytes.size() - lane::kFirstRecord);
        putBytes(cut, bytes.substr(0, size));
        auto index = scan(cut);
        const auto writer = LaneWriter::open(cut);
        const LaneDraft drafts[] = {sampleDraft(0, 2), sampleDraft(256, 1), sampleDraft(384, 1, 9)};
        for (std::size_t i = index->records.size(); i < std::size(drafts); ++i) {
            write(*writer, *index, drafts[i]);
        }
        ASSERT_EQ(fileBytes(cut), bytes) << "cut at " << size;
    }
}

/// What a reader that checks all it uses gets out of a file, as text.
std::string contentsOf(const std::filesystem::path& path) {
    const LaneHandle file(path, LaneHandle::Mode::Read);
    const auto index = scanLane(file);
    if (!index) {
        return "empty";
    }
    std::string text = index->key.model + index->key.prefix + index->key.layout;
    for (const LaneRecord& record : index->records) {
        for (const lane::Section& section : record.sections) {
            const auto bytes = readSection(file, record, section);
            if (!bytes) {
                return text; // ends before this record's part, told
            }
            text += "|";
            text.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        }
    }
    return text;
}

TEST(LaneFile, NoFlippedBitIsTakenForGood) {
    const auto path = newFile("a.lane"), damaged = newFile("b.lane");
    writeSample(path);
    const std::string bytes = fileBytes(path), good = contentsOf(path);
    putBytes(damaged, bytes);
    std::fstream in(damaged, std::ios::binary | std::ios::in | std::ios::out);
    std::size_t noticed = 0, refused = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        // Headers end early in their 8 KiB; the zeros behind them are the same everywhere.
        if (at < lane::kFirstRecord && at % lane::kHeaderBytes > 400 && at % 64 != 0) {
            continue;
        }
        const auto put = [&](char byte) {
            in.seekp(static_cast<std::streamoff>(at));
            in.put(byte);
            in.flush();
        };
        put(static_cast<char>(bytes[at] ^ (1 << at % 8)));
        try {
            const std::string found = contentsOf(damaged);
            ASSERT_TRUE(good.starts_with(found)) << "byte " << at; // all of it, or an honest part
            noticed += found != good;
        } catch (const Error& error) {
            ++refused; // the version or byte order of the first header
            EXPECT_EQ(error.code(), ErrorCode::Unsupported) << error.what();
        }
        put(bytes[at]);
    }
    EXPECT_EQ(refused, 0u); // a damaged first header is replaced by the second
    EXPECT_GT(noticed, 4000u);
}

TEST(LaneFile, ADamagedHeaderIsReplacedByItsCopyAndTwoAreRefused) {
    const auto path = newFile("a.lane");
    writeSample(path);
    std::string bytes = fileBytes(path);
    bytes[30] ^= 4;
    putBytes(path, bytes);
    EXPECT_EQ(scan(path)->tokens.size(), 521u);
    bytes[lane::kHeaderBytes + 30] ^= 4;
    putBytes(path, bytes);
    EXPECT_EQ(codeOf([&] { scan(path); }), ErrorCode::Corrupt);
    putBytes(path, std::string(40000, 'x'));
    EXPECT_EQ(codeOf([&] { scan(path); }), ErrorCode::Corrupt);
}

TEST(LaneFile, AnotherByteOrderAndANewerVersionAreSaid) {
    const auto path = newFile("a.lane");
    writeSample(path);
    std::string bytes = fileBytes(path);
    for (const std::size_t copy : {std::size_t{0}, std::size_t{lane::kHeaderBytes}}) {
        std::swap(bytes[copy + 8], bytes[copy + 11]);
        std::swap(bytes[copy + 9], bytes[copy + 10]);
    }
    putBytes(path, bytes);
    EXPECT_EQ(codeOf([&] { scan(path); }), ErrorCode::Unsupported);

    const auto newer = newFile("b.lane");
    writeSample(newer);
    bytes = fileBytes(newer);
    bytes[12] = 9;
    const auto raw = std::as_bytes(std::span(bytes));
    const auto length =
        static_cast<std::uint8_t>(bytes[16]) + 256u * static_cast<std::uint8_t>(bytes[17]);
    const std::uint32_t checksum = crc32c(raw.subspan(24, length), crc32c(raw.first(20)));
    std::memcpy(bytes.data() + 20, &checksum, sizeof checksum);
    putBytes(newer, bytes);
    EXPECT_EQ(codeOf([&] { scan(newer); }), ErrorCode::Unsupported);
}

TEST(LaneFile, LanesOfOtherModelsAreRefusedInWords) {
    const LaneKey own = sampleKey();
    checkLaneKey(own, own, "x.lane");
    LaneKey other = own;
    other.numerics = "cuda-sm90-1";
    checkLaneKey(own, other, "x.lane"); // another class may read it
    for (std::string LaneKey::*field :
         {&LaneKey::model, &LaneKey::tokenizer, &LaneKey::layout, &LaneKey::prefix}) {
        other = own;
        other.*field += "x";
        EXPECT_EQ(codeOf([&] { checkLaneKey(own, other, "x.lane"); }), ErrorCode::InvalidArgument);
    }
}

TEST(LaneFile, ASecondWriterIsToldAndReadersAreNot) {
    const auto path = newFile("a.lane");
    writeSample(path);
    const auto writer = LaneWriter::open(path);
    EXPECT_EQ(codeOf([&] { LaneWriter::open(path); }), ErrorCode::Busy);
    EXPECT_EQ(scan(path)->tokens.size(), 521u);
}

// ---------------------------------------------------------------- disks that refuse

TEST(LaneFile, AFullDiskLeavesTheFileAsItWas) {
    const auto path = newFile("a.lane");
    LaneIndex index = writeSample(path);
    const std::string before = fileBytes(path);
    const auto writer = LaneWriter::open(path);
    const LaneDraft draft = sampleDraft(512, 1);
    std::size_t least = 0, failures = 0;
    for (std::size_t room = 0; room < 9000; room += 333) {
        least = room;
        std::size_t left = room;
        LaneHandle::setWriteFunction([&left](int fd, const void* data, std::size_t bytes) -> long {
            if (left == 0) {
                errno = ENOSPC;
                return -1;
            }
            const long n = ::write(fd, data, std::min(bytes, left));
            left -= static_cast<std::size_t>(n);
            return n;
        });
        const auto code =
            codeOf([&] { writer->append(draft, index.end, index.records.size(), index.chain()); });
        LaneHandle::setWriteFunction({});
        if (!code) {
            break;
        }
        ++failures;
        ASSERT_EQ(code, ErrorCode::DiskFull);
        ASSERT_EQ(fileBytes(path), before) << room;
    }
    EXPECT_GE(failures, 10u);
    EXPECT_GE(least, lane::kBlock);
    EXPECT_EQ(scan(path)->records.size(), 4u); // with room it worked
}

/// Runs `work` in a process of its own; its exit status.
int inChild(const std::function<int()>& work) {
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(work());
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(LaneFile, ALimitOnFileSizesIsAnErrorNotTheEnd) {
    const auto path = newFile("a.lane");
    writeSample(path);
    const std::string before = fileBytes(path);
    const int result = inChild([&] {
        rlimit limit{before.size() + 100, before.size() + 100};
        setrlimit(RLIMIT_FSIZE, &limit);
        try {
            auto index = scan(path);
            write(*LaneWriter::open(path), *index, sampleDraft(512, 1));
            return 1;
        } catch (const Error& error) {
            return error.code() == ErrorCode::DiskFull ? 7 : 2;
        }
    });
    EXPECT_EQ(result, 7);
    EXPECT_EQ(fileBytes(path), before);
}

TEST(LaneFile, AFolderWithoutWritePermissionIsSaid) {
    const auto folder = test::temporaryFolder("read-only");
    const auto path = folder / "a.lane";
    writeSample(path);
    chmod(path.c_str(), 0444);
    chmod(folder.c_str(), 0555);
    const int result = inChild([&] {
        if (geteuid() == 0 && seteuid(65534) != 0) {
            return 3;
        }
        try {
            LaneWriter::create(folder / "new.lane", sampleKey());
            return 1;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Permission) {
                return 2;
            }
        }
        try {
            LaneWriter::open(path);
            return 4;
        } catch (const Error& error) {
            return error.code() == ErrorCode::Permission ? 7 : 5;
        }
    });
    chmod(folder.c_str(), 0755);
    EXPECT_EQ(result, 7);
}

// ---------------------------------------------------------------- copies

TEST(LaneCopy, WhatIsInUseIsCopiedAndNothingElse) {
    const auto path = newFile("a.lane"), copy = newFile("copy.lane");
    LaneIndex index = writeSample(path);
    write(*LaneWriter::open(path), index, sampleDraft(256, 2, 3)); // replaces two records
    const LaneFileInfo info = copyLaneFile(path, copy, UINT64_MAX, {}, {});
    EXPECT_EQ(info.tokens, 515u);
    EXPECT_EQ(info.unusedBytes, 0u);
    EXPECT_LT(info.fileBytes, index.fileBytes);
    const auto copied = scan(copy);
    EXPECT_EQ(copied->tokens, index.tokens);
    EXPECT_EQ(copied->marks, index.marks);
    EXPECT_EQ(copied->resumeAt(), index.resumeAt());
    ASSERT_EQ(copied->records.size(), 3u); // the tokens behind the rows stand in one of their own
}

TEST(LaneCopy, APrefixEndsAtAFrontierWithTheTokensBehindIt) {
    const auto path = newFile("a.lane"), copy = newFile("copy.lane");
    writeSample(path);
    const LaneFileInfo info = copyLaneFile(path, copy, 300, {}, {});
    EXPECT_EQ(info.tokens, 300u);
    ASSERT_EQ(info.contents.frontiers.size(), 1u);
    EXPECT_EQ(info.contents.frontiers[0], 256u);
    EXPECT_EQ(info.contents.marks.size(), 1u);
    EXPECT_EQ(codeOf([&] { copyLaneFile(path, copy, 300, {}, {}); }), ErrorCode::Io); // exists
}

TEST(LaneCopy, DamageEndsTheCopyBeforeIt) {
    const auto path = newFile("a.lane"), copy = newFile("copy.lane");
    const LaneIndex index = writeSample(path);
    std::string bytes = fileBytes(path);
    for (const lane::Section& section : index.records[1].sections) {
        if (section.kind == lane::SectionKind::Entries) {
            bytes[index.records[1].offset + section.offset + 3] ^= 1;
        }
    }
    putBytes(path, bytes);
    EXPECT_EQ(scan(path)->tokens.size(), 521u); // rows are not read by the walk
    const LaneFileInfo checked = describeLane(path, true, {}, {});
    EXPECT_GT(checked.damagedBytes, 0u);
    EXPECT_EQ(checked.note, "Damaged: rows of layer 1 (tokens 256 to 384). The first 256 tokens "
                            "stay, 265 are read again.");
    EXPECT_EQ(copyLaneFile(path, copy, UINT64_MAX, {}, {}).tokens, 256u);
}

} // namespace
} // namespace dossier::engine
