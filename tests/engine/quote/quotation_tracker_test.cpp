// SPDX-License-Identifier: Apache-2.0
#include "engine/quote/quotation_tracker.h"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"

namespace dossier::engine {
namespace {

const std::string kText = "The Supplier shall pay\nall fees. Café rules apply.";

QuotationTracker tracker(const std::string& text = kText, QuotationSyntax syntax = {}) {
    return QuotationTracker({{"1", "Other words stand here."}, {"7", text}}, std::move(syntax));
}

/// Feeds the tokens; every one but the last must be allowed.
bool allows(QuotationTracker t, const std::vector<std::string>& tokens) {
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        EXPECT_TRUE(t.allowed(tokens[i])) << tokens[i];
        t.accept(tokens[i]);
    }
    return t.allowed(tokens.back());
}

QuotationTracker after(const std::vector<std::string>& tokens, const std::string& text = kText) {
    QuotationTracker t = tracker(text);
    for (const std::string& token : tokens) {
        EXPECT_TRUE(t.allowed(token)) << token;
        t.accept(token);
    }
    return t;
}

TEST(QuotationTracker, OutsideQuotationsEverythingGoes) {
    for (const std::vector<std::string>& tokens :
         std::vector<std::vector<std::string>>{{"Not", " found"},
                                               {"\"", "anything"},
                                               {"[", "7", "]", " says", " \"", "anything"},
                                               {"[9] \"", "unknown label"},
                                               {"[7", " \"", "no label yet"},
                                               {"]", "[", "\"", "x"}}) {
        EXPECT_TRUE(allows(tracker(), tokens)) << tokens.front();
        EXPECT_FALSE(after(tokens).inQuotation());
        EXPECT_TRUE(after(tokens).endAllowed());
    }
}

TEST(QuotationTracker, AnOpenedQuotationMustBeVerbatim) {
    EXPECT_TRUE(allows(tracker(), {"[", "7", "]", " \"", "The"}));
    EXPECT_TRUE(allows(tracker(), {"[7]", "\"", "Supplier", " shall"}));
    EXPECT_TRUE(allows(tracker(), {"[7]\n \"", "S", "uppl", "ier"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "Other"}));
    EXPECT_TRUE(allows(tracker(), {"[1] \"", "Other"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "The", " Buyer"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "Supplier", " shall", " not"}));
    EXPECT_TRUE(allows(tracker(), {"[1][7] \"", "The"}));
    EXPECT_TRUE(allows(tracker(), {"[see [7] \"", "The"}));
    EXPECT_FALSE(allows(tracker(), {"[see [7] \"", "Other"}));
    EXPECT_TRUE(after({"[7] \"", "The"}).inQuotation());
    EXPECT_FALSE(after({"[7] \"", "The"}).endAllowed());
    EXPECT_FALSE(tracker().allowed(""));
}

TEST(QuotationTracker, TokensMayStraddleTheMarks) {
    EXPECT_TRUE(allows(tracker(), {"[7]", " \"The"}));
    EXPECT_FALSE(allows(tracker(), {"[7]", " \"Buyer"}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"The Supp"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"The Buy"}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"Supplier shall", " pay", "\"\nAnswer"}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"all", " fees", ".\"", "\nAnswer:", " free again"}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"all fees", ".\"\n", "[1] \"", "Other"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"all fees", ".\" [1] \"The"}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"all fees", ".\" [1] \"Oth"}));
    EXPECT_FALSE(after({"[7] \"all fees", ".\""}).inQuotation());
}

TEST(QuotationTracker, WordsAreNotCut) {
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "upplier"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "The Supp", "\""}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "Caf", "\""}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"", "Café", "\""}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "é"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", " The"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "The ", "\""}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"", "\""})); // no empty quotation
    EXPECT_TRUE(allows(tracker("中文条款。"), {"[7] \"", "条", "款", "\""}));
    EXPECT_FALSE(allows(tracker("中文条款。"), {"[7] \"", "\x96\x87"})); // half a character
}

TEST(QuotationTracker, CharactersMayBeSplitBetweenTokens) {
    EXPECT_TRUE(allows(tracker(), {"[7] \"Caf\xC3", "\xA9"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"Caf\xC3", "\xA8"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"Caf\xC3", "\""}));
}

TEST(QuotationTracker, ALineBreakMayBeQuotedAsOneSpace) {
    EXPECT_TRUE(allows(tracker(), {"[7] \"pay", " all"}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"pay", "\n", "all"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"pay", "  all"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"payall"}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"The", "\n"})); // but not a space as a line break
    const std::string indented = "a b \r\n\t c\n\nd  e";
    EXPECT_TRUE(allows(tracker(indented), {"[7] \"b c d", "  e"}));
    EXPECT_FALSE(allows(tracker(indented), {"[7] \"d e"}));
    EXPECT_TRUE(allows(tracker(indented), {"[7] \"b \r\n\t", " c"}));
}

TEST(QuotationTracker, DotsMarkWhereItWasCut) {
    for (const std::string dots : {"…", "..."}) {
        EXPECT_TRUE(allows(tracker(), {"[7] \"" + dots, "shall"}));
        EXPECT_TRUE(allows(tracker(), {"[7] \"", dots + " shall", " pay"}));
        EXPECT_FALSE(allows(tracker(), {"[7] \"" + dots, "\""}));
        EXPECT_FALSE(allows(tracker(), {"[7] \"" + dots + " Buyer"}));
        EXPECT_TRUE(allows(tracker(), {"[7] \"The Supplier", dots + "\"", "\n"}));
        EXPECT_TRUE(allows(tracker(), {"[7] \"The Supplier", " " + dots, "\"", "x"}));
        EXPECT_FALSE(allows(tracker(), {"[7] \"The Supplier " + dots, " pay"}));
        EXPECT_FALSE(allows(tracker(), {"[7] \"The Supp", dots + "\""}));
    }
    EXPECT_TRUE(allows(tracker(), {"[7] \"\xE2", "\x80\xA6", "The"}));
    EXPECT_TRUE(allows(tracker("and so on... until noon"), {"[7] \"on... until"}));
}

TEST(QuotationTracker, MarksInsideTheTextGoOnOrClose) {
    const std::string text = "The term \"Affiliate\" means any entity. \"Fees\"\nare due.";
    const auto opened = [&](const std::vector<std::string>& tokens) {
        std::vector<std::string> all{"[7] \"The term"};
        all.insert(all.end(), tokens.begin(), tokens.end());
        return allows(tracker(text), all);
    };
    EXPECT_TRUE(opened({" \"", "Affiliate", "\" means"}));
    EXPECT_FALSE(opened({" \"Affiliate\"", " includes"}));      // the mark belongs to the text
    EXPECT_TRUE(opened({" \"Affiliate\"", "\nAnswer"}));        // a line break: it was the end
    EXPECT_TRUE(opened({" \"Affiliate\"", "\"", " says who"})); // written twice
    EXPECT_TRUE(opened({" \"Affiliate\" means", "\"", " free"}));
    EXPECT_FALSE(opened({" \"Affiliate", "\n"}));
    EXPECT_TRUE(allows(tracker(text), {"[7] \"", "\"Affiliate"}));

    QuotationTracker t = after({"[7] \"The term \"Affiliate", "\""}, text);
    EXPECT_TRUE(t.inQuotation());
    EXPECT_TRUE(t.endAllowed());
    t.accept(" means");
    EXPECT_FALSE(t.endAllowed());

    // Mark and line break stand in the text too: both ways stay open.
    EXPECT_TRUE(allows(tracker(text), {"[7] \"\"Fees\"", "\n", "are"}));
    EXPECT_TRUE(allows(tracker(text), {"[7] \"\"Fees\"", "\n", "Answer: x"}));
}

TEST(QuotationTracker, SeveralPlacesAreFollowedAtOnce) {
    const std::string text = "pay the fee or pay the tax or pay a fine";
    EXPECT_TRUE(allows(tracker(text), {"[7] \"pay", " the", " tax"}));
    EXPECT_TRUE(allows(tracker(text), {"[7] \"pay", " the", " fee"}));
    EXPECT_TRUE(allows(tracker(text), {"[7] \"pay", " a"}));
    EXPECT_FALSE(allows(tracker(text), {"[7] \"pay", " the", " fine"}));
}

TEST(QuotationTracker, LongQuotationsAreClosed) {
    QuotationSyntax syntax;
    syntax.maxTokens = 3;
    QuotationTracker t = tracker(kText, syntax);
    for (const char* token : {"[7]", " \"", "The", " Supplier", " sh"}) {
        EXPECT_FALSE(t.mustClose());
        EXPECT_TRUE(t.allowed(token));
        t.accept(token);
    }
    EXPECT_TRUE(t.mustClose());
    EXPECT_FALSE(t.allowed("all"));
    EXPECT_TRUE(t.allowed("\""));
    EXPECT_TRUE(t.allowed("…\""));
    EXPECT_TRUE(t.allowed(" …"));
    EXPECT_TRUE(t.allowed("\"\nAnswer"));
    t.accept("\"");
    EXPECT_FALSE(t.mustClose());
    EXPECT_TRUE(t.allowed("anything"));
    EXPECT_TRUE(t.endAllowed());

    // Not in the middle of a character.
    t = tracker(kText, syntax);
    for (const char* token : {"[7] \"", "C", "a", "f\xC3"}) {
        t.accept(token);
    }
    EXPECT_TRUE(t.mustClose());
    EXPECT_FALSE(t.allowed("\""));
    EXPECT_TRUE(t.allowed("\xA9\""));

    // Not without a word.
    t = tracker(kText, syntax);
    for (const char* token : {"[7] \"", ".", ".", ".", " "}) {
        t.accept(token);
    }
    EXPECT_TRUE(t.mustClose());
    EXPECT_FALSE(t.allowed("\""));
    EXPECT_TRUE(t.allowed("Supplier"));
    t.accept("Supplier");
    EXPECT_FALSE(t.allowed(" shall"));
    EXPECT_TRUE(t.allowed("\""));
}

TEST(QuotationTracker, OfMarksInARowTheLastOneCloses) {
    EXPECT_FALSE(allows(tracker(), {"[7] \"The Supplier", "\"\""}));
    EXPECT_FALSE(allows(tracker(), {"[7] \"The Supplier", "\"", "\""}));
    EXPECT_TRUE(allows(tracker(), {"[7] \"The Supplier", "\"", " \""}));
}

TEST(QuotationTracker, WhatWasNotAllowedEndsTheQuotation) {
    QuotationTracker t = after({"[7] \"", "The"});
    t.accept(" Buyer");
    EXPECT_FALSE(t.inQuotation());
    EXPECT_TRUE(t.allowed(" anything"));
    t.accept(" [1] \"");
    EXPECT_TRUE(t.inQuotation());
}

TEST(QuotationTracker, CopiesGoTheirOwnWays) {
    const QuotationTracker t = after({"[7] \"", "The"});
    QuotationTracker other = t;
    other.accept(" Supplier");
    EXPECT_TRUE(t.allowed(" Supplier"));
    EXPECT_FALSE(other.allowed(" Supplier"));
    EXPECT_TRUE(other.allowed(" shall"));
}

TEST(QuotationTracker, OtherMarksAndEmptyTexts) {
    QuotationSyntax syntax{"(passage ", ")", "“", "”", 10};
    EXPECT_TRUE(
        allows(tracker(kText, syntax), {"(pass", "age 7", ") ", "\xE2\x80", "\x9C", "The"}));
    EXPECT_FALSE(allows(tracker(kText, syntax), {"(passage 7) “", "Buyer"}));
    EXPECT_TRUE(allows(tracker(kText, syntax), {"(passage 7) “The", "\xE2\x80", "\x9D", " free"}));
    EXPECT_TRUE(allows(tracker(kText, syntax), {"(passage 7) \"", "free"}));
    EXPECT_TRUE(allows(tracker(" \n", {}), {"[7] \"", "\"", "free"}));
    EXPECT_FALSE(allows(tracker("", {}), {"[7] \"", "x"}));
    EXPECT_TRUE(allows(QuotationTracker({{"1", "one"}, {"1", "two"}}, {}), {"[1] \"", "one"}));
    EXPECT_THROW(QuotationTracker({}, QuotationSyntax{"[", "", "\"", "\"", 9}), Error);
}

// ---------------------------------------------------------------- against the definition

/// All quotations of a small text with their closing mark, by the words of the header.
std::set<std::string> quotations(const std::string& text) {
    const auto isWord = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto isSpace = [](char c) { return c == ' ' || c == '\n'; };
    const auto border = [&](std::size_t at) {
        return at == 0 || at == text.size() || !isWord(text[at - 1]) || !isWord(text[at]);
    };
    std::set<std::string> out;
    for (std::size_t from = 0; from < text.size(); ++from) {
        std::set<std::string> pieces{""}; // spellings of text[from, to)
        for (std::size_t to = from + 1; to <= text.size(); ++to) {
            std::set<std::string> longer;
            for (const std::string& piece : pieces) {
                longer.insert(piece + text[to - 1]);
            }
            // A run of white space with a line break that ends here.
            std::size_t run = to;
            while (run > from && isSpace(text[run - 1])) {
                --run;
            }
            const bool ends = run < to && to < text.size() && !isSpace(text[to]) && run > from;
            if (ends && text.substr(run, to - run).find('\n') != std::string::npos) {
                for (const std::string& before : quotations(text.substr(from, run - from))) {
                    // Of those, the spellings of exactly this piece, without marks and dots.
                    std::string plain = before.substr(0, before.size() - 1);
                    std::string joined;
                    for (char c : plain) {
                        joined += isSpace(c) ? std::string() : std::string(1, c);
                    }
                    std::string wanted;
                    for (char c : text.substr(from, run - from)) {
                        wanted += isSpace(c) ? std::string() : std::string(1, c);
                    }
                    if (joined == wanted) {
                        longer.insert(plain + " ");
                    }
                }
            }
            pieces = longer;
            if (!border(from) || !border(to) || isSpace(text[from])) {
                continue;
            }
            for (const std::string& piece : pieces) {
                for (const char* lead : {"", "…", "… ", "...", "... "}) {
                    for (const char* trail : {"", "…", " …", "...", " ..."}) {
                        if (*trail != '\0' || !isSpace(text[to - 1])) {
                            out.insert(lead + piece + trail + "\"");
                        }
                    }
                }
            }
        }
    }
    return out;
}

TEST(QuotationTracker, EqualsItsDefinition) {
    std::mt19937 random(41);
    for (int round = 0; round < 60; ++round) {
        std::string text;
        while (text.size() < 9) {
            text += "ab \n,"[random() % 5];
        }
        while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) {
            text.pop_back();
        }
        const std::set<std::string> all = quotations(text);
        if (all.empty()) {
            continue;
        }
        const QuotationTracker opened = after({"[7] \""}, text);
        for (int walk = 0; walk < 60; ++walk) {
            QuotationTracker t = opened;
            std::string written;
            while (t.inQuotation() && written.size() < 40) {
                std::string token;
                for (std::uint32_t n = 1 + random() % 3; n > 0; --n) {
                    token += std::vector<std::string>{
                        "a", "b", " ", "\n", ",", ".", "…", "\""}[random() % 8];
                }
                const std::string next = written + token;
                const std::size_t mark = next.find('"');
                const std::string needed =
                    next.substr(0, mark == std::string::npos ? mark : mark + 1);
                const auto found = all.lower_bound(needed);
                const bool expected = found != all.end() && found->starts_with(needed) &&
                                      (mark == std::string::npos || *found == needed) &&
                                      !next.substr(needed.size()).starts_with('"');
                ASSERT_EQ(t.allowed(token), expected)
                    << "text: " << text << " written: " << written << " token: " << token;
                if (expected) {
                    t.accept(token);
                    written = next;
                } else if (random() % 8 == 0) {
                    break;
                }
            }
        }
    }
}

} // namespace
} // namespace dossier::engine
