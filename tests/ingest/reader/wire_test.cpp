// SPDX-License-Identifier: GPL-3.0-or-later
#include "ingest/reader/wire.h"

#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "ingest/reader/channel.h"
#include "tests/ingest/support/ingest_testing.h"

namespace dossier::ingest {
namespace {

using testing_support::errorOf;

std::vector<WalkEntry> someEntries() {
    return {
        {"a.c", "a.c", 7, false, true, WalkReason::None, ""},
        {"caf\xEF\xBF\xBD", "caf\xE9", 0, true, false, WalkReason::Vendored, "third-party code"}};
}

std::pair<Channel, Channel> connected() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {Channel(Descriptor(ends[0])), Channel(Descriptor(ends[1]))};
}

} // namespace

TEST(Wire, MessagesSurviveARoundTrip) {
    const auto entries = wire::decodeEntries(wire::encodeEntries(someEntries()));
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[1].file, std::filesystem::path("caf\xE9"));
    EXPECT_EQ(entries[1].kind, WalkReason::Vendored);
    EXPECT_TRUE(entries[1].folder);
    EXPECT_TRUE(entries[0].included);

    PdfMark mark;
    mark.kind = MarkKind::StrikeOut;
    mark.boxes = {{3, {0.1F, 0.2F, 0.3F, 0.4F}}};
    mark.note = "note";
    const std::string bytes = wire::encodeMarks({mark, mark});
    wire::Decoder marks(bytes);
    const auto read = wire::decodeMarks(marks);
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[1].kind, MarkKind::StrikeOut);
    EXPECT_EQ(read[1].boxes, mark.boxes);
    EXPECT_EQ(read[1].note, "note");

    const auto outline = wire::decodeOutline(wire::encodeOutline({{"One", 0, 4}, {"Two", 1, 5}}));
    ASSERT_EQ(outline.size(), 2U);
    EXPECT_EQ(outline[1].title, "Two");
    EXPECT_EQ(outline[1].page, 5U);
}

TEST(Wire, PathsOutsideTheFolderAreRefused) {
    for (const char* path : {"/etc/passwd", "../x", "a/../../x", ""}) {
        const std::string bytes =
            wire::encodeEntries({{path, path, 0, false, true, WalkReason::None, ""}});
        EXPECT_EQ(errorOf([&] { wire::decodeEntries(bytes); }).code(), ErrorCode::Corrupt) << path;
    }
}

TEST(Wire, MutationsGiveErrorsAndNothingElse) {
    std::mt19937 generator(3);
    const std::string originals[] = {wire::encodeEntries(someEntries()),
                                     wire::encodeOutline({{"One", 0, 4}}),
                                     wire::encodeLayers({{"files", true, "detail"}})};
    int refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string bytes = originals[round % 3];
        bytes[generator() % bytes.size()] = static_cast<char>(generator());
        if (generator() % 4 == 0) {
            bytes.resize(generator() % bytes.size());
        }
        try {
            round % 3 == 0   ? (void)wire::decodeEntries(bytes)
            : round % 3 == 1 ? (void)wire::decodeOutline(bytes)
                             : (void)wire::decodeLayers(bytes);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Corrupt);
            ++refused;
        }
    }
    EXPECT_GT(refused, 4000);
}

TEST(Channel, CarriesMessagesOfAnySizeAndDescriptors) {
    auto [ours, theirs] = connected();
    const std::string large(20 << 20, 'x');
    std::thread sender([&channel = ours, &large] {
        channel.send(wire::Message::Progress, "");
        channel.send(wire::Message::Result, large, {STDIN_FILENO});
    });
    EXPECT_EQ(theirs.receive().payload, "");
    const Packet packet = theirs.receive();
    sender.join();
    EXPECT_EQ(packet.payload, large);
    ASSERT_EQ(packet.descriptors.size(), 1U);
    EXPECT_GT(packet.descriptors[0].get(), 2);
}

TEST(Channel, SeesTheOtherEndClose) {
    auto [ours, theirs] = connected();
    theirs = Channel(Descriptor());
    EXPECT_THROW(ours.receive(), Channel::Closed);
    EXPECT_THROW(ours.send(wire::Message::Result, "x"), Channel::Closed);
}

TEST(Channel, WaitsNoLongerThanAsked) {
    auto [ours, theirs] = connected();
    Packet packet;
    EXPECT_FALSE(ours.poll(packet));
    EXPECT_EQ(ours.waitFor(std::chrono::milliseconds(20), -1), Channel::Wait::TimedOut);
    theirs.send(wire::Message::Result, "x");
    EXPECT_EQ(ours.waitFor(std::chrono::milliseconds(1000), -1), Channel::Wait::Ready);
    EXPECT_TRUE(ours.poll(packet));
    EXPECT_EQ(packet.payload, "x");
}

} // namespace dossier::ingest
