// SPDX-License-Identifier: Apache-2.0
// The hand-made pre-tokeniser against the patterns themselves, and BPE against its definition.
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/tokenizer/bpe.h"
#include "engine/tokenizer/pattern_splitter.h"
#include "engine/tokenizer/piece_scanner.h"
#include "engine/tokenizer/tokenizer_file.h"
#include "tests/engine/tokenizer/fixtures.h"
#include "tests/engine/tokenizer/tiny_tokenizer.h"

namespace dossier::engine {
namespace {

using namespace testing;
using ::testing::ElementsAre;

std::vector<std::string> pieces(std::string_view text) {
    std::vector<std::string> out;
    PieceScanner scanner(text);
    for (std::string_view piece = scanner.next(); !piece.empty(); piece = scanner.next()) {
        out.emplace_back(piece);
    }
    return out;
}

std::string utf8(char32_t c) {
    std::string out;
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | c >> 18);
        out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
        out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    }
    if (c >= 0x80) {
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
    return out;
}

TEST(PieceScanner, CutsAsThePatternsDo) {
    EXPECT_THAT(pieces("Hello, world!"), ElementsAre("Hello", ",", " world", "!"));
    EXPECT_THAT(pieces("1234567"), ElementsAre("123", "456", "7"));
    EXPECT_THAT(pieces("a  12"), ElementsAre("a", "  ", "12"));
    EXPECT_THAT(pieces("a   b"), ElementsAre("a", "  ", " b"));
    EXPECT_THAT(pieces("a \n\n b"), ElementsAre("a", " \n\n", " b"));
    EXPECT_THAT(pieces("x.\r\n\r\ny"), ElementsAre("x", ".\r\n\r\n", "y"));
    EXPECT_THAT(pieces("don't (see)"), ElementsAre("don", "'t", " (", "see", ")"));
    EXPECT_THAT(pieces("\tword"), ElementsAre("\tword"));
    EXPECT_THAT(pieces("'été"), ElementsAre("'", "été"));
    EXPECT_THAT(pieces("中文a。カー・ナ"), ElementsAre("中文", "a", "。", "カー", "・", "ナ"));
    EXPECT_THAT(pieces("\u0378\u0378a\u0378"), ElementsAre("\u0378", "\u0378a", "\u0378"));
    EXPECT_THAT(pieces("\xFFz\xE4\xB8"), ElementsAre("\xFFz", "\xE4\xB8"));
    EXPECT_THAT(pieces(""), ElementsAre());
}

TEST(PieceScanner, KnowsUnicode16) {
    const UnicodeClasses& classes = UnicodeClasses::instance();
    EXPECT_EQ(classes.of(0x1C89), kLetter);
    EXPECT_EQ(classes.of(0x0897), kMark);
    EXPECT_EQ(classes.of(0x10D40), kNumber);
    EXPECT_EQ(classes.of(0x1B7F), kPunctuationSymbol);
    EXPECT_EQ(classes.of(0x85), kSpace);
    EXPECT_EQ(classes.of(0x1C), 0);
    EXPECT_EQ(classes.of(0x9FA6), kLetter);
    EXPECT_EQ(classes.of(0x9FA5), kLetter | kCjk);
    EXPECT_EQ(classes.of(0x3040), kCjk);
    EXPECT_EQ(classes.of(0x10FFFF), 0);
}

/// Old, settled characters of every class, so that the Unicode version of PCRE2 does not matter.
const std::vector<char32_t>& settledCharacters() {
    static const std::vector<char32_t> characters = [] {
        std::vector<char32_t> out;
        const auto add = [&](char32_t first, char32_t last) {
            for (char32_t c = first; c <= last; ++c) {
                out.push_back(c);
            }
        };
        add(0x00, 0x7E);
        add(0x7F, 0xFF);
        add(0x300, 0x310);
        add(0x391, 0x3A1);
        add(0x430, 0x44F);
        add(0x660, 0x669);
        add(0x2000, 0x202F);
        add(0x20A0, 0x20A8);
        add(0x2150, 0x2188);
        add(0x2190, 0x21A0);
        add(0x3000, 0x3020);
        add(0x303F, 0x30FF);
        add(0x4DFE, 0x4E05);
        add(0x9FA0, 0x9FA5);
        add(0xAC00, 0xAC10);
        add(0xE000, 0xE004);
        add(0xFF01, 0xFF10);
        add(0x1F600, 0x1F605);
        add(0x20000, 0x20004);
        add(0xF0000, 0xF0002);
        return out;
    }();
    return characters;
}

TEST(PieceScanner, EqualsThePatternsRunByPcre2) {
    const TokenizerFile file = parseTokenizerFile(jsonText(tinyTokenizer()), "tiny");
    ASSERT_TRUE(PieceScanner::handles(file.splitPatterns));
    std::unique_ptr<PatternSplitter> splitter;
    try {
        splitter = PatternSplitter::make(file.splitPatterns);
    } catch (const Error& error) {
        GTEST_SKIP() << error.what();
    }
    std::mt19937 random(17);
    for (int i = 0; i < 40000; ++i) {
        std::string text;
        // Few different characters at a time, so that runs and repeats are common.
        std::vector<char32_t> alphabet{' ', '\n', 'a', '.'};
        for (int k = 0; k < 5; ++k) {
            alphabet.push_back(settledCharacters()[random() % settledCharacters().size()]);
        }
        for (std::uint32_t n = random() % 24; n > 0; --n) {
            text += utf8(alphabet[random() % alphabet.size()]);
        }
        std::vector<std::string> expected;
        splitter->split(text, [&](std::string_view piece) { expected.emplace_back(piece); });
        ASSERT_EQ(pieces(text), expected);
    }
}

TEST(PieceScanner, RecognisesItsPatternsInBothSpellings) {
    std::vector<std::string> patterns =
        parseTokenizerFile(jsonText(tinyTokenizer()), "tiny").splitPatterns;
    std::string& third = patterns[2];
    for (const auto& [escaped, raw] : {std::pair("\\r", "\r"), std::pair("\\n", "\n")}) {
        for (std::size_t at = third.find(escaped); at != std::string::npos;
             at = third.find(escaped)) {
            third.replace(at, 2, raw);
        }
    }
    EXPECT_TRUE(PieceScanner::handles(patterns));
    third += "?";
    EXPECT_FALSE(PieceScanner::handles(patterns));
    patterns.pop_back();
    EXPECT_FALSE(PieceScanner::handles(patterns));
}

/// The definition: merge the pair of lowest rank, all its occurrences from left to right, and
/// again. Right as long as a merge makes only pairs of higher rank, which is so in a trained list.
std::vector<Token> byDefinition(const TokenizerFile& file,
                                const std::map<std::pair<Token, Token>, std::size_t>& ranks,
                                const std::map<std::string, Token>& ids, std::string_view piece) {
    std::vector<Token> row;
    for (const char c : piece) {
        row.push_back(ids.at(std::string(1, c)));
    }
    for (;;) {
        std::size_t best = file.merges.size();
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            const auto found = ranks.find({row[i], row[i + 1]});
            best = found == ranks.end() ? best : std::min(best, found->second);
        }
        if (best == file.merges.size()) {
            return row;
        }
        const BpeMerge& merge = file.merges[best];
        std::size_t to = 0;
        for (std::size_t i = 0; i < row.size(); ++to) {
            const bool joins =
                i + 1 < row.size() && row[i] == merge.left && row[i + 1] == merge.right;
            row[to] = joins ? merge.merged : row[i];
            i += joins ? 2 : 1;
        }
        row.resize(to);
    }
}

struct Definition {
    explicit Definition(const std::string& json) : file(parseTokenizerFile(json, "test")) {
        for (std::size_t i = 0; i < file.merges.size(); ++i) {
            ranks[{file.merges[i].left, file.merges[i].right}] = i;
        }
        for (std::size_t i = 0; i < file.pieceBytes.size(); ++i) {
            ids[file.pieceBytes[i]] = static_cast<Token>(i);
        }
    }
    std::vector<Token> encode(std::string_view piece) const {
        return byDefinition(file, ranks, ids, piece);
    }
    TokenizerFile file;
    std::map<std::pair<Token, Token>, std::size_t> ranks;
    std::map<std::string, Token> ids;
};

TEST(Bpe, EqualsItsDefinitionAtEveryLength) {
    DOSSIER_NEED(!embeddedFolder().empty(), "no embedded model");
    const Definition definition(readAll(embeddedFolder() / "tokenizer.json"));
    const Bpe bpe(definition.file.pieceBytes, definition.file.merges, Bpe::WholePiece::ByMerges);
    BpeScratch scratch;
    std::mt19937 random(23);
    const std::string alphabets[] = {"etaoinshrdlu ", "ab",       "中文字\xE4\xB8", " ",
                                     "the",           "\xFF\x80z"};
    for (int i = 0; i < 3000; ++i) {
        const std::string& alphabet = alphabets[random() % std::size(alphabets)];
        // Around the borders between the short and the long way as well.
        std::string piece(1 + random() % (i % 10 == 0 ? 300 : 80), '\0');
        for (char& c : piece) {
            c = alphabet[random() % alphabet.size()];
        }
        for (int again = 0; again < 2; ++again) { // the second time from what the scratch remembers
            std::vector<Token> tokens;
            bpe.encode(piece, tokens, scratch);
            ASSERT_EQ(tokens, definition.encode(piece)) << piece;
        }
    }
}

TEST(Bpe, VeryLongPiecesAreExact) {
    DOSSIER_NEED(!embeddedFolder().empty(), "no embedded model");
    const Definition definition(readAll(embeddedFolder() / "tokenizer.json"));
    const Bpe bpe(definition.file.pieceBytes, definition.file.merges, Bpe::WholePiece::ByMerges);
    BpeScratch scratch;
    std::mt19937 random(29);
    for (const std::string_view alphabet : {"a", "ab", " ", "aeint", "=-"}) {
        std::string piece(150'000 + random() % 1000, '\0');
        for (char& c : piece) {
            c = alphabet[random() % alphabet.size()];
        }
        std::vector<Token> tokens;
        bpe.encode(piece, tokens, scratch);
        ASSERT_EQ(tokens, definition.encode(piece)) << alphabet;
    }
}

/// Merges that make the cut between two windows matter: "aa", "aaaa", ... to 64 letters.
TEST(Bpe, WindowsMeetWhereTheWholeWouldCut) {
    auto json = tinyTokenizer();
    std::string token = "a";
    for (int id = 262; token.size() < 64; ++id) {
        json["model"]["merges"].push_back(token + " " + token);
        token += token;
        json["model"]["vocab"][token] = id;
    }
    json["model"]["vocab"]["ba"] = 300;
    json["model"]["merges"].push_back("b a");
    const Definition definition(jsonText(json));
    const Bpe bpe(definition.file.pieceBytes, definition.file.merges, Bpe::WholePiece::ByMerges);
    BpeScratch scratch;
#ifdef DOSSIER_SANITIZED
    constexpr std::size_t kStep = 34; // each takes a second there
#else
    constexpr std::size_t kStep = 9;
#endif
    for (std::size_t prefix = 0; prefix < 70; prefix += kStep) {
        for (const std::size_t length : {65'535u, 65'537u, 100'001u, 131'072u}) {
            const std::string piece = std::string(prefix, 'a') + "b" + std::string(length, 'a');
            std::vector<Token> tokens;
            bpe.encode(piece, tokens, scratch);
            ASSERT_EQ(tokens, definition.encode(piece)) << prefix << " " << length;
        }
    }
}

} // namespace
} // namespace dossier::engine
