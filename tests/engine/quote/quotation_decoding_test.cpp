// SPDX-License-Identifier: Apache-2.0
// Whole answers with a real vocabulary: whatever the logits say, quotations come out verbatim.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "engine/quote/quotation_tracker.h"
#include "engine/tokenizer/tokenizer.h"

namespace dossier::engine {
namespace {

std::shared_ptr<const Tokenizer> embedded() {
    static const std::shared_ptr<const Tokenizer> tokenizer = [] {
        std::shared_ptr<const Tokenizer> out;
        for (const char* folder : {"/resources/model", "/../shared/embedded-model/checkpoint"}) {
            const std::filesystem::path path = std::string(DOSSIER_SOURCE_DIR) + folder;
            if (!out && std::filesystem::exists(path / "tokenizer.json")) {
                out = Tokenizer::load(path);
            }
        }
        return out;
    }();
    return tokenizer;
}

std::string folded(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool isSpace = c == ' ' || (c >= '\t' && c <= '\r');
        if (!isSpace) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    return out;
}

bool takeFront(std::string& text, const std::string& what) {
    const bool is = text.starts_with(what);
    text.erase(0, is ? what.size() : 0);
    return is;
}

bool takeBack(std::string& text, const std::string& what) {
    const bool is = text.ends_with(what);
    text.resize(text.size() - (is ? what.size() : 0));
    return is;
}

const std::string kPassage = "12.4 Termination.  The Buyer (the \"Customer\") may terminate this\n "
                             "   Agreement for convenience "
                             "at any time upon sixty (60) days' prior written notice…\n\nCafé "
                             "中文条款，适用。 naïve “quotes” "
                             "— and a last line: x_1 = foo(bar);";

/// Logits of a model that likes to copy the passage but errs often.
std::vector<float> noisyLogits(std::mt19937& random) {
    std::vector<float> logits(embedded()->vocabularySize());
    for (float& logit : logits) {
        logit = static_cast<float>(random() % 1000) / 100;
    }
    for (const Token token : embedded()->encode(kPassage, AddedTokens::Off)) {
        logits[static_cast<std::size_t>(token)] += static_cast<float>(random() % 10);
    }
    for (const char* mark : {"\"", "…", ".\"", "\"\n"}) {
        for (const Token token : embedded()->encode(mark, AddedTokens::Off)) {
            logits[static_cast<std::size_t>(token)] += static_cast<float>(random() % 6);
        }
    }
    return logits;
}

std::optional<Token> bestAllowed(const std::vector<float>& logits,
                                 const QuotationTracker& tracker) {
    std::vector<Token> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](Token a, Token b) {
        return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    const auto found = std::find_if(order.begin(), order.end(), [&](Token token) {
        return embedded()->isAddedToken(token) ? tracker.endAllowed()
                                               : tracker.allowed(embedded()->bytes(token));
    });
    return found == order.end() ? std::nullopt : std::optional(*found);
}

TEST(QuotationDecoding, EveryQuotationIsVerbatimWhateverTheModelSays) {
    if (!embedded()) {
        GTEST_SKIP() << "no embedded model";
    }
    std::mt19937 random(7);
    int quotations = 0, forcedShut = 0;
    for (int round = 0; round < 150; ++round) {
        QuotationSyntax syntax;
        syntax.maxTokens = 1 + random() % 40;
        QuotationTracker tracker({{"3", kPassage}}, syntax);
        tracker.accept("[3] \"");
        std::string quotation;
        while (tracker.inQuotation() && !tracker.endAllowed()) {
            forcedShut += tracker.mustClose() ? 1 : 0;
            const std::optional<Token> token = bestAllowed(noisyLogits(random), tracker);
            ASSERT_TRUE(token) << quotation; // there is always a way on
            tracker.accept(embedded()->bytes(*token));
            quotation += embedded()->bytes(*token);
            ASSERT_LT(quotation.size(), 2 * kPassage.size());
        }
        quotation.resize(quotation.rfind('"'));
        if (folded(kPassage).find(folded(quotation)) == std::string::npos) {
            takeFront(quotation, "…") || takeFront(quotation, "...");
            takeFront(quotation, " ");
            takeBack(quotation, "…") || takeBack(quotation, "...");
            takeBack(quotation, " ");
        }
        EXPECT_NE(folded(kPassage).find(folded(quotation)), std::string::npos) << quotation;
        EXPECT_FALSE(quotation.empty());
        ++quotations;
    }
    EXPECT_EQ(quotations, 150);
    EXPECT_GT(forcedShut, 20);
}

TEST(QuotationDecoding, AVerbatimAnswerIsNeverInTheWay) {
    if (!embedded()) {
        GTEST_SKIP() << "no embedded model";
    }
    for (const std::string quotation :
         {"The Buyer (the \"Customer\") may terminate this Agreement for convenience",
          "may terminate this\n    Agreement for", "sixty (60) days' prior written notice…",
          "… at any time upon sixty …", "Café 中文条款，适用。", "“quotes” — and",
          "x_1 = foo(bar);"}) {
        QuotationTracker tracker({{"12", kPassage}}, {});
        const std::string answer = "[12] \"" + quotation + "\"\nAnswer: sixty days";
        for (const Token token : embedded()->encode(answer, AddedTokens::Off)) {
            ASSERT_TRUE(tracker.allowed(embedded()->bytes(token)))
                << quotation << ": " << embedded()->bytes(token);
            tracker.accept(embedded()->bytes(token));
        }
        EXPECT_FALSE(tracker.inQuotation());
    }
}

TEST(QuotationDecoding, IsQuickInAWholeDocument) {
    std::mt19937 random(3);
    std::string document;
    while (document.size() < (2 << 20)) {
        for (std::uint32_t n = 1 + random() % 9; n > 0; --n) {
            document += static_cast<char>('a' + random() % 26);
        }
        document += random() % 10 == 0 ? ".\n" : " ";
    }
    QuotationTracker tracker({{"1", document}}, {});
    tracker.accept("[1] \"");
    const auto start = std::chrono::steady_clock::now();
    int allowed = 0;
    for (int i = 0; i < 1000; ++i) { // tokens that begin like words of the text and are none
        allowed += tracker.allowed(std::string(1, static_cast<char>('a' + i % 26)) + "qqqqqq" +
                                   static_cast<char>('a' + i / 26 % 26))
                       ? 1
                       : 0;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_LT(allowed, 10);
    // A thousand rejected tokens in a document of 2 MiB; a step tests a few.
    EXPECT_LT(seconds.count(), 5);
    RecordProperty("microseconds_per_rejected_token",
                   std::to_string(seconds.count() * 1000)); // seconds / 1000 * 1e6
}

} // namespace
} // namespace dossier::engine
