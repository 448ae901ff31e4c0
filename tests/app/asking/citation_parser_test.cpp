// SPDX-License-Identifier: GPL-3.0-or-later
// Quotations of streamed answers, whatever the pieces they arrive in.
#include "app/asking/citation_parser.h"

#include <gtest/gtest.h>

namespace dossier::app {
namespace {

struct Parsed {
    std::string shown;
    std::vector<ParsedQuotation> quotations;
};

bool isName(std::string_view label) {
    return label == "lease.pdf" || label == "2";
}

Parsed parse(std::string_view answer, std::size_t pieceBytes) {
    CitationParser parser({}, isName);
    Parsed parsed;
    const auto take = [&] {
        for (ParsedQuotation& quotation : parser.takeQuotations()) {
            parsed.quotations.push_back(std::move(quotation));
        }
    };
    for (std::size_t at = 0; at < answer.size(); at += pieceBytes) {
        parsed.shown += parser.push(answer.substr(at, pieceBytes));
        take();
    }
    parsed.shown += parser.finish();
    take();
    return parsed;
}

struct Case {
    const char* answer;
    const char* shown;
    std::vector<std::pair<std::string, std::string>> quotations; ///< label, text
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all = {
        {"No quotation at all.", "No quotation at all.", {}},
        {"It must [lease.pdf] \"pay the rent\".",
         "It must \"pay the rent\".",
         {{"lease.pdf", "pay the rent"}}},
        {"[2] \"pay the rent\"\nAnswer: rent",
         "\"pay the rent\"\nAnswer: rent",
         {{"2", "pay the rent"}}},
        {"It must \"pay the rent\" [lease.pdf].",
         "It must \"pay the rent\".",
         {{"lease.pdf", "pay the rent"}}},
        {"It must \"pay the rent\"[2]!", "It must \"pay the rent\"!", {{"2", "pay the rent"}}},
        {"It must “pay the rent” and more",
         "It must “pay the rent” and more",
         {{"", "pay the rent"}}},
        {"See [lease.pdf], or [3] and a[i].", "See [lease.pdf], or [3] and a[i].", {}},
        {"[lease.pdf] “one thing” and [2] \"another\"",
         "“one thing” and \"another\"",
         {{"lease.pdf", "one thing"}, {"2", "another"}}},
        {"[2] \"Acme (the \"Buyer\") shall pay\" today",
         "\"Acme (the \"Buyer\") shall pay\" today",
         {{"2", "Acme (the \"Buyer\") shall pay"}}},
        {"an open \"mark\n\nand [2] \"a closed one\"",
         "an open \"mark\n\nand \"a closed one\"",
         {{"2", "a closed one"}}},
        {"never [2] \"closed", "never \"closed", {}},
        {"ends with [lease.pdf]", "ends with [lease.pdf]", {}},
        {"ends with [lea", "ends with [lea", {}},
        {"\"first\" [2] \"second one\"",
         "\"first\" \"second one\"",
         {{"2", "first"}, {"", "second one"}}},
        {"The term is ten years [2].", "The term is ten years.", {}},
        {"[2] Ten years.\n[2] [2] Or “nine” years [2][2]",
         "Ten years.\nOr “nine” years",
         {{"", "nine"}}},
        {"[2] a[2] and f(x)[2]", "a[2] and f(x)[2]", {}},
        {"[2] \"pay\" [2] [lease.pdf] [2]", "\"pay\" [lease.pdf]", {{"2", "pay"}}},
        {"日本 “引用です” [2]。", "日本 “引用です”。", {{"2", "引用です"}}},
    };
    return all;
}

TEST(CitationParser, AnyPieces) {
    for (const Case& one : cases()) {
        for (const std::size_t bytes : {1UL, 2UL, 3UL, 5UL, 7UL, 1000UL}) {
            SCOPED_TRACE(std::string(one.answer) + " in pieces of " + std::to_string(bytes));
            const Parsed parsed = parse(one.answer, bytes);
            EXPECT_EQ(parsed.shown, one.shown);
            ASSERT_EQ(parsed.quotations.size(), one.quotations.size());
            for (std::size_t i = 0; i < parsed.quotations.size(); ++i) {
                const ParsedQuotation& quotation = parsed.quotations[i];
                EXPECT_EQ(quotation.label, one.quotations[i].first);
                EXPECT_EQ(quotation.text, one.quotations[i].second);
                const std::string marked =
                    parsed.shown.substr(quotation.inAnswer.begin, quotation.inAnswer.size());
                EXPECT_NE(marked.find(quotation.text), std::string::npos) << marked;
                EXPECT_GT(marked.size(), quotation.text.size()) << "with its marks";
            }
        }
    }
}

TEST(CitationParser, ForcedPiecesMarkTheirQuotation) {
    CitationParser parser({}, isName);
    parser.push("[2] \"one piece");
    parser.push(" forced", true);
    parser.push("\" and \"another free\"");
    auto quotations = parser.takeQuotations();
    ASSERT_EQ(quotations.size(), 1U) << "the label of the other may still come";
    parser.push(" [2]");
    quotations.push_back(parser.takeQuotations().at(0));
    EXPECT_EQ(quotations[1].label, "2");
    EXPECT_TRUE(quotations[0].forced);
    EXPECT_FALSE(quotations[1].forced);
}

TEST(CitationParser, ShowsTextAtOnceAndLabelsNever) {
    CitationParser parser({}, isName);
    EXPECT_EQ(parser.push("The rent"), "The rent");
    EXPECT_EQ(parser.push(" "), "") << "goes with a number";
    EXPECT_EQ(parser.push("[lease"), "");
    EXPECT_EQ(parser.push(".pdf] \"is"), " \"is");
    EXPECT_EQ(parser.push(" due"), " due");
}

} // namespace
} // namespace dossier::app
