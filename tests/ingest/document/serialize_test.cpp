// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <functional>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "tests/ingest/document/samples.h"

namespace dossier::ingest {
namespace {

ErrorCode codeOf(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_FALSE(error.remedy().empty());
        return error.code();
    }
    return ErrorCode::Internal;
}

/// The same bytes with a right checksum, so that a mutation reaches the parser behind it.
void sealAgain(std::string& bytes) {
    const std::size_t body = bytes.size() - 8;
    std::uint64_t sum = XXH3_64bits(bytes.data(), body);
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[body + i] = static_cast<char>(sum >> (8 * i));
    }
}

} // namespace

TEST(Serialize, SurvivesARoundTrip) {
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
        const Document document = samples::random(seed, seed % 4);
        EXPECT_EQ(deserialize(serialize(document)), document);
    }
}

TEST(Serialize, KeepsEveryField) {
    Document document = samples::random(5, 2);
    document.format = Format::Code;
    document.language = "cpp";
    document.encoding = "windows-1252";
    document.warnings = {"one", "", "drei"};
    document.blocks[1].kind = BlockKind::Running;
    document.blocks[1].continues = true;
    document.words[3].direction = Direction::Left;
    document.words[4].edgeCount = 0;
    document.pages[1].hasText = false;
    EXPECT_EQ(deserialize(serialize(document)), document);
}

TEST(Serialize, KeepsBoxesThatAreNotOnTheGrid) {
    Document document = samples::random(6, 1);
    document.words[0].box.left = 0.0123F;
    document.words[1].box.bottom = 0.7654321F;
    EXPECT_EQ(deserialize(serialize(document)), document);
}

TEST(Serialize, IsCompact) {
    const Document document = samples::random(8, 50);
    const std::size_t beside = serialize(document).size() - document.text.size();
    EXPECT_LT(beside, 24 * document.words.size());
}

TEST(Serialize, RefusesToWriteWhatCouldNotBeReadAgain) {
    Document document = samples::random(1, 1);
    document.words[2].range.begin = 0;
    EXPECT_EQ(codeOf([&] { serialize(document); }), ErrorCode::Corrupt);
}

TEST(Deserialize, RefusesEveryTruncation) {
    const std::string bytes = serialize(samples::random(2, 1, 2));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(codeOf([&] { deserialize(std::string_view(bytes).substr(0, size)); }),
                  ErrorCode::Corrupt);
        if (size >= 15) {
            std::string cut = bytes.substr(0, size);
            sealAgain(cut);
            EXPECT_EQ(codeOf([&] { deserialize(cut); }), ErrorCode::Corrupt) << size;
        }
    }
}

TEST(Deserialize, RefusesEveryFlippedByte) {
    const std::string bytes = serialize(samples::random(2, 1, 2));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string flipped = bytes;
        flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
        EXPECT_NE(codeOf([&] { deserialize(flipped); }), ErrorCode::Internal) << at;
    }
}

TEST(Deserialize, SaysWhenAnotherVersionWroteIt) {
    std::string bytes = serialize(samples::random(2, 1));
    bytes[6] = 9;
    sealAgain(bytes);
    EXPECT_EQ(codeOf([&] { deserialize(bytes); }), ErrorCode::Unsupported);
}

TEST(Deserialize, MutationsBehindTheChecksumGiveAValidDocumentOrAnError) {
    const std::string bytes = serialize(samples::random(4, 2, 3));
    std::mt19937 generator(42);
    int refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string mutated = bytes;
        for (std::uint32_t i = 0, n = 1 + generator() % 4; i < n; ++i) {
            const std::size_t at = 7 + generator() % (mutated.size() - 7);
            switch (generator() % 4) {
            case 0:
                mutated[at] = static_cast<char>(generator());
                break;
            case 1:
                mutated.insert(at, 1 + generator() % 5, static_cast<char>(generator()));
                break;
            case 2:
                mutated.erase(at, 1 + generator() % 5);
                break;
            default:
                mutated[at] = static_cast<char>(0xFF);
            }
            if (mutated.size() < 20) {
                mutated.resize(20);
            }
        }
        sealAgain(mutated);
        try {
            const Document document = deserialize(mutated);
            ASSERT_NO_THROW(validate(document));
            for (const Word& word : document.words) {
                ASSERT_FALSE(boxesOf(document, word.range).empty());
            }
        } catch (const Error& error) {
            ASSERT_EQ(error.code(), ErrorCode::Corrupt);
            ++refused;
        }
    }
    EXPECT_GT(refused, 5000);
}

TEST(Validate, NamesTheBrokenPromise) {
    const auto broken = [](const std::function<void(Document&)>& breakIt) {
        Document document = samples::random(1, 2);
        breakIt(document);
        return codeOf([&] { validate(document); });
    };
    EXPECT_EQ(broken([](Document& d) { d.text[3] = '\r'; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.text[3] = '\0'; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.text[3] = '\xC0'; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.blocks[1].range.begin = 0; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.blocks.back().range.end += 100; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.words[0].box.right = 1.5F; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.words[0].box.left = std::nanf(""); }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.words[0].page = 1; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.words[0].edgeCount += 1; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.words.back().firstEdge += 1000; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.pages[1].label.clear(); }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.pages[1].wordCount -= 1; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.pages[0].firstWord = 1; }), ErrorCode::Corrupt);
    EXPECT_EQ(broken([](Document& d) { d.sha256 = "abc"; }), ErrorCode::Corrupt);
}

} // namespace dossier::ingest
