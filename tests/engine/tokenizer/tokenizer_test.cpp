// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "tests/engine/tokenizer/fixtures.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace dossier::engine {
namespace {

using namespace testing;
using ::testing::ElementsAre;

std::shared_ptr<const Tokenizer> tiny() {
    static const auto tokenizer = Tokenizer::parse(jsonText(tinyTokenizer()), "");
    return tokenizer;
}

ErrorCode codeOf(const auto& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Internal;
}

std::string allAddedTokens(const Tokenizer& tokenizer, const std::string& between) {
    std::string out;
    for (Token id = 0; id < static_cast<Token>(tokenizer.vocabularySize()); ++id) {
        if (tokenizer.isAddedToken(id)) {
            out += between + std::string(tokenizer.bytes(id));
        }
    }
    return out;
}

/// Every control string there is, in a document: none may become a control token.
void expectDocumentsStayText(const Tokenizer& tokenizer, std::size_t addedTokens) {
    for (const std::string between : {"", " ", "\n", "word", "中"}) {
        const std::string document = allAddedTokens(tokenizer, between);
        const std::vector<Token> asText = tokenizer.encode(document, AddedTokens::Off);
        for (const Token token : asText) {
            ASSERT_FALSE(tokenizer.isAddedToken(token)) << tokenizer.bytes(token);
        }
        EXPECT_EQ(tokenizer.decode(asText), document);
        const std::vector<Segment> prompt{{SegmentKind::Content, document}};
        EXPECT_EQ(tokenizer.encode(prompt), asText);

        std::size_t found = 0;
        for (const Token token : tokenizer.encode(document, AddedTokens::On)) {
            found += tokenizer.isAddedToken(token) ? 1 : 0;
        }
        EXPECT_EQ(found, addedTokens);
    }
}

TEST(Tokenizer, DocumentsCannotMakeControlTokens) {
    expectDocumentsStayText(*tiny(), 3);
    DOSSIER_NEED(embeddedTokenizer(), "no embedded model");
    expectDocumentsStayText(*embeddedTokenizer(), 20);
    DOSSIER_NEED(v4Tokenizer(), "no shared tokenizer data (or no xz)");
    expectDocumentsStayText(*v4Tokenizer(), 1283);
}

TEST(Tokenizer, KnowsItsVocabulary) {
    EXPECT_EQ(tiny()->vocabularySize(), 262u);
    EXPECT_EQ(tiny()->endToken(), 259);
    EXPECT_EQ(tiny()->addedToken("<｜User｜>"), 260);
    EXPECT_EQ(tiny()->addedToken("<x>"), 261);
    EXPECT_EQ(tiny()->addedToken("the"), std::nullopt);
    EXPECT_EQ(tiny()->tokenOfBytes("the"), 257);
    EXPECT_EQ(tiny()->tokenOfBytes(" t"), 258);
    EXPECT_EQ(tiny()->tokenOfBytes("\xFF"), 255);
    EXPECT_EQ(tiny()->tokenOfBytes("<x>"), std::nullopt);
    EXPECT_EQ(tiny()->bytes(258), " t");
    EXPECT_EQ(tiny()->bytes(260), "<｜User｜>");
    EXPECT_EQ(tiny()->bytes(262), "");
    EXPECT_EQ(tiny()->bytes(-1), "");
    EXPECT_FALSE(tiny()->isAddedToken(257));
    EXPECT_FALSE(tiny()->isAddedToken(-1));
    EXPECT_EQ(codeOf([] {
                  tiny()->decode(std::vector<Token>{5, 262});
              }),
              ErrorCode::InvalidArgument);
}

TEST(Tokenizer, FullSizeVocabularyHas129280Ids) {
    DOSSIER_NEED(v4Tokenizer(), "no shared tokenizer data (or no xz)");
    const Tokenizer& tokenizer = *v4Tokenizer();
    EXPECT_EQ(tokenizer.vocabularySize(), 129280u);
    EXPECT_EQ(tokenizer.endToken(), 1);
    EXPECT_EQ(tokenizer.addedToken("<｜User｜>"), 128803);
    EXPECT_EQ(tokenizer.addedToken("</think>"), 128822);
    EXPECT_EQ(tokenizer.addedToken("｜DSML｜"), 128825);
    EXPECT_EQ(tokenizer.fingerprint(),
              "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf");
    std::size_t nameless = 0;
    for (Token id = 0; id < 129280; ++id) {
        nameless += tokenizer.bytes(id).empty() ? 1 : 0;
    }
    EXPECT_EQ(nameless, 0u);
}

TEST(Tokenizer, EmbeddedVocabularyHas8192Ids) {
    DOSSIER_NEED(embeddedTokenizer(), "no embedded model");
    EXPECT_EQ(embeddedTokenizer()->vocabularySize(), 8192u);
    EXPECT_EQ(embeddedTokenizer()->endToken(), 1);
    EXPECT_EQ(embeddedTokenizer()->addedToken("<think>"), 8181);
}

TEST(Tokenizer, MergesByRankWithinPieces) {
    EXPECT_THAT(tiny()->encode("the", AddedTokens::Off), ElementsAre(257));
    EXPECT_THAT(tiny()->encode(" the", AddedTokens::Off),
                ElementsAre(' ', 257)); // "th" is before " t"
    EXPECT_THAT(tiny()->encode(" to", AddedTokens::Off), ElementsAre(258, 'o'));
    EXPECT_THAT(tiny()->encode("t.he", AddedTokens::Off), ElementsAre('t', '.', 'h', 'e'));
    EXPECT_THAT(tiny()->encode("", AddedTokens::On), ElementsAre());
}

TEST(Tokenizer, AddedTokensOfTheFirstPassGoBeforeOthers) {
    EXPECT_THAT(tiny()->encode("<x><｜User｜>the<x", AddedTokens::On),
                ElementsAre(261, 260, 257, '<', 'x'));
    auto json = tinyTokenizer();
    json["added_tokens"][2]["content"] = "a<｜User";
    const auto tokenizer = Tokenizer::parse(jsonText(json), "");
    EXPECT_THAT(tokenizer->encode("a<｜User｜>", AddedTokens::On), ElementsAre('a', 260));
    EXPECT_EQ(tokenizer->encode("a<｜User|", AddedTokens::On).front(), 261);
}

TEST(Tokenizer, LongestAddedTokenWinsAtOnePlace) {
    auto json = tinyTokenizer();
    json["added_tokens"][2]["content"] = "<x>y";
    json["added_tokens"].push_back({{"id", 262}, {"content", "<x>"}, {"normalized", true}});
    json["added_tokens"].push_back({{"id", 263}, {"content", "x>yz"}, {"normalized", true}});
    const auto tokenizer = Tokenizer::parse(jsonText(json), "");
    EXPECT_THAT(tokenizer->encode("<x>yz", AddedTokens::On), ElementsAre(261, 'z'));
    EXPECT_THAT(tokenizer->encode("<x>z", AddedTokens::On), ElementsAre(262, 'z'));
    EXPECT_THAT(tokenizer->encode("x>yz", AddedTokens::On), ElementsAre(263));
}

TEST(Tokenizer, SegmentsJoinLikeOneText) {
    const std::vector<Segment> segments{{SegmentKind::Control, "<｜User｜>t"},
                                        {SegmentKind::Content, "he <x> <｜User｜>"},
                                        {SegmentKind::Control, "<x>"},
                                        {SegmentKind::Content, "t"},
                                        {SegmentKind::Content, "h"}};
    const std::vector<Token> tokens = tiny()->encode(segments);
    EXPECT_EQ(tiny()->decode(tokens), "<｜User｜>the <x> <｜User｜><x>th");
    EXPECT_THAT(std::vector<Token>(tokens.begin(), tokens.begin() + 5),
                ElementsAre(260, 257, ' ', '<', 'x')); // "the" across the border, "<x>" as text
    EXPECT_THAT(std::vector<Token>(tokens.end() - 2, tokens.end()), ElementsAre(261, 256));
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 260), 1);
}

TEST(Tokenizer, AnyBytesComeBackExactly) {
    std::mt19937 random(11);
    const auto check = [&](const Tokenizer& tokenizer) {
        for (int i = 0; i < 3000; ++i) {
            std::string bytes(random() % 60, '\0');
            for (char& c : bytes) {
                // Mostly UTF-8 fragments, so that cut and overlong sequences are common.
                const std::uint32_t r = random();
                c = static_cast<char>(
                    r % 4 == 0 ? r >> 8 : "\xE4\xB8\xAD\xF0\x9F\x98\xED\xA0 a1.\n"[r / 4 % 13]);
            }
            const std::vector<Token> tokens = tokenizer.encode(bytes, AddedTokens::On);
            ASSERT_EQ(tokenizer.decode(tokens), bytes);
            ASSERT_EQ(tokenizer.count(bytes, AddedTokens::On), tokens.size());
        }
    };
    check(*tiny());
    DOSSIER_NEED(embeddedTokenizer(), "no embedded model");
    check(*embeddedTokenizer());
}

TEST(Tokenizer, IllFormedBytesDoNotDisturbTheTextAroundThem) {
    EXPECT_THAT(tiny()->encode("the\xFF"
                               "the \xC3 the",
                               AddedTokens::Off),
                ElementsAre(257, 0xFF, 257, ' ', 0xC3, ' ', 257));
}

TEST(Tokenizer, OneHugeLineIsFineAndExact) {
    DOSSIER_NEED(embeddedTokenizer(), "no embedded model");
    std::string line(1 << 20, 'a');
    const std::vector<Token> tokens = embeddedTokenizer()->encode(line, AddedTokens::Off);
    EXPECT_EQ(embeddedTokenizer()->decode(tokens), line);
    std::mt19937 random(5);
    for (char& c : line) {
        c = static_cast<char>('a' + random() % 26);
    }
    EXPECT_EQ(embeddedTokenizer()->decode(embeddedTokenizer()->encode(line, AddedTokens::Off)),
              line);
    line.assign(1 << 20, ' ');
    EXPECT_EQ(embeddedTokenizer()->decode(embeddedTokenizer()->encode(line, AddedTokens::On)),
              line);
}

TEST(Tokenizer, CountingReportsProgressAndStops) {
    std::string text;
    while (text.size() < (5 << 20)) {
        text += "The quick brown fox, 123. ";
    }
    std::vector<Progress> reports;
    const std::uint64_t count =
        tiny()->count(text, AddedTokens::Off, [&](const Progress& p) { reports.push_back(p); });
    EXPECT_EQ(count, tiny()->encode(text, AddedTokens::Off).size());
    ASSERT_GE(reports.size(), 5u);
    EXPECT_LT(reports.front().done, text.size());
    EXPECT_EQ(reports.back().done, text.size());
    EXPECT_EQ(reports.back().total, text.size());

    std::stop_source stop;
    std::uint64_t last = 0;
    EXPECT_EQ(codeOf([&] {
                  tiny()->count(
                      text, AddedTokens::Off,
                      [&](const Progress& p) {
                          last = p.done;
                          stop.request_stop();
                      },
                      stop.get_token());
              }),
              ErrorCode::Cancelled);
    EXPECT_GT(last, 0u);
    EXPECT_LT(last, text.size() / 2);
    EXPECT_EQ(codeOf([&] { tiny()->encode(text, AddedTokens::On, stop.get_token()); }),
              ErrorCode::Cancelled);
    EXPECT_EQ(
        codeOf([&] {
            tiny()->encode(std::vector<Segment>{{SegmentKind::Content, text}}, stop.get_token());
        }),
        ErrorCode::Cancelled);
}

TEST(Tokenizer, MayBeUsedFromManyThreads) {
    const std::vector<Vector> vectors = readVectors(dataFolder() / "vectors.json", "embedded");
    DOSSIER_NEED(embeddedTokenizer(), "no embedded model");
    std::vector<std::size_t> wrong(4, 0);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (const Vector& vector : vectors) {
                // Two tokenizers in turn: what a thread remembers of one must not serve the other.
                const std::string back =
                    tiny()->decode(tiny()->encode(vector.text, AddedTokens::On));
                wrong[t] += back != vector.text ? 1 : 0;
                wrong[t] +=
                    embeddedTokenizer()->encode(vector.text, AddedTokens::On) != vector.ids ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

TEST(StreamDecoder, GivesOutWholeCharactersOnly) {
    StreamDecoder decoder(tiny());
    EXPECT_EQ(decoder.push(257), "the");
    EXPECT_EQ(decoder.push(0xE4), "");
    EXPECT_EQ(decoder.push(0xB8), "");
    EXPECT_EQ(decoder.push(0xAD), "中");
    EXPECT_EQ(decoder.push("\xF0\x9F\x98"), "");
    EXPECT_EQ(decoder.push("\x80!"), "😀!");
    EXPECT_EQ(decoder.push(260), "<｜User｜>");
    EXPECT_EQ(decoder.push(-1), "");
}

TEST(StreamDecoder, ReplacesWhatCannotBecomeACharacter) {
    StreamDecoder decoder(tiny());
    EXPECT_EQ(decoder.push("a\xE4\xB8z"), "a\uFFFDz");
    EXPECT_EQ(decoder.push("\xC0\xAF"), "\uFFFD\uFFFD");           // overlong
    EXPECT_EQ(decoder.push("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD"); // surrogate
    EXPECT_EQ(decoder.push("\xF4\x90"), "\uFFFD\uFFFD");           // beyond U+10FFFF
    EXPECT_EQ(decoder.push("\xE4"), "");
    EXPECT_EQ(decoder.push("\xE4"), "\uFFFD");
    EXPECT_EQ(decoder.finish(), "\uFFFD");
    EXPECT_EQ(decoder.finish(), "");
    EXPECT_EQ(decoder.push("b"), "b");
}

TEST(StreamDecoder, CutsAnywhereGiveTheSameText) {
    const std::string text = "a中文😀é\u0301 ①\r\n\U0010FFFF";
    for (std::size_t i = 0; i <= text.size(); ++i) {
        for (std::size_t j = i; j <= text.size(); ++j) {
            StreamDecoder decoder(nullptr);
            std::string out = decoder.push(std::string_view(text).substr(0, i));
            out += decoder.push(std::string_view(text).substr(i, j - i));
            out += decoder.push(std::string_view(text).substr(j));
            ASSERT_EQ(out + decoder.finish(), text);
        }
    }
}

} // namespace
} // namespace dossier::engine
