// SPDX-License-Identifier: Apache-2.0
// Quotation decoding with the shipped model: what stands between quotation marks is in the passage.
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"

namespace dossier::engine {
namespace {

const std::filesystem::path kModel = DOSSIER_SOURCE_DIR "/resources/model";

class QuotationDecoding : public testing::Test {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists(kModel / "config.json")) {
            GTEST_SKIP() << "resources/model is not in this checkout";
        }
        m_tokenizer = Tokenizer::load(kModel);
        LoadOptions options;
        options.model = kModel;
        m_engine->load(options);
        m_lane = m_engine->openLane().id;
        add("<｜begin▁of▁sentence｜>Answer only from the numbered passages. Cite the passage "
            "number, "
            "quote the exact sentence, then give the short answer. If no passage answers, reply: "
            "Not found in the documents.<｜User｜>",
            AddedTokens::On);
        for (std::size_t i = 0; i < m_passages.size(); ++i) {
            add((i ? "\n[" : "[") + std::to_string(i + 1) + "] ", AddedTokens::Off);
            const std::uint64_t begin = m_engine->lane(m_lane).tokens;
            add(m_passages[i], AddedTokens::Off);
            m_rule.ranges.push_back({std::to_string(i + 1), begin, m_engine->lane(m_lane).tokens});
        }
        add("\n\nQuestion: Which law governs the agreement?", AddedTokens::Off);
        add("<｜Assistant｜></think>", AddedTokens::On);
    }

    void add(const std::string& text, AddedTokens added) {
        m_engine->append(m_lane, m_tokenizer->encode(text, added));
    }

    GenerateResult answer(const GenerateOptions& options, int* forced = nullptr) {
        return m_engine->generate(m_engine->branch(m_lane).id, options,
                                  [&](const TokenEvent& event) {
                                      if (forced) {
                                          *forced += event.forced;
                                      }
                                  });
    }

    /// The first quotation behind the label of a passage, and the passage's number (0 = none).
    std::pair<std::string, std::size_t> quotation(const std::string& text) const {
        for (std::size_t i = 1; i <= m_passages.size(); ++i) {
            const std::string opening = "[" + std::to_string(i) + "] \"";
            const std::size_t open = text.find(opening);
            const std::size_t close =
                open == std::string::npos ? open : text.find('"', open + opening.size());
            if (close != std::string::npos) {
                const std::size_t begin = open + opening.size();
                return {text.substr(begin, close - begin), i};
            }
        }
        return {};
    }

    const std::vector<std::string> m_passages{
        "5.1 The Supplier shall deliver the Units within thirty days of the order.",
        "15.6 This Agreement and all claims arising out of it are governed by the laws of the "
        "State of Oregon, without regard to its rules on conflict of laws.",
        "16.2 Neither party may assign this Agreement without the consent of the other."};
    std::unique_ptr<Engine> m_engine = makeInProcessEngine();
    std::shared_ptr<const Tokenizer> m_tokenizer;
    LaneId m_lane{};
    QuotationRule m_rule;
};

TEST_F(QuotationDecoding, QuotesWordForWord) {
    GenerateOptions options;
    options.maxTokens = 120;
    options.quotation = m_rule;
    const GenerateResult result = answer(options);
    const auto [quote, passage] = quotation(result.text);
    ASSERT_EQ(passage, 2u) << result.text;
    EXPECT_NE(m_passages[1].find(quote), std::string::npos) << result.text;
    EXPECT_NE(quote.find("Oregon"), std::string::npos) << result.text;
}

TEST_F(QuotationDecoding, HotSamplingCannotBreakAQuotationAndSaysWhereItWasHeld) {
    GenerateOptions options;
    options.maxTokens = 120;
    options.temperature = 1.5; // would write nonsense in the quotation
    int forced = 0, quotations = 0;
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        options.seed = seed;
        options.quotation = m_rule;
        const GenerateResult result = answer(options, &forced);
        const auto [quote, passage] = quotation(result.text);
        if (passage > 0) {
            ++quotations;
            std::string inner = quote;
            for (const char* dots : {"…", "..."}) {
                if (inner.starts_with(dots)) {
                    inner.erase(0, std::string(dots).size());
                }
                if (inner.ends_with(dots)) {
                    inner.erase(inner.size() - std::string(dots).size());
                }
            }
            const std::size_t first = inner.find_first_not_of(' ');
            inner = first == std::string::npos ? "" : inner.substr(first);
            inner.erase(inner.find_last_not_of(' ') + 1);
            EXPECT_NE(m_passages[passage - 1].find(inner), std::string::npos) << result.text;
        }
    }
    EXPECT_GT(quotations, 0);
    EXPECT_GT(forced, 0);
}

TEST_F(QuotationDecoding, RangesOutsideTheBranchAreRefused) {
    GenerateOptions options;
    options.quotation = m_rule;
    options.quotation->ranges.push_back({"9", 10, 1000000});
    EXPECT_THROW(answer(options), Error);
}

} // namespace
} // namespace dossier::engine
