// SPDX-License-Identifier: GPL-3.0-or-later
// The table of quotations, and what the table cannot hold: hints, speed, odd bytes.
#include "app/asking/quote_verifier.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

namespace dossier::app {
namespace {

using ingest::TextRange;

/// Text with <<...>> around running headers and footnotes.
DocumentPtr documentOf(std::string_view marked) {
    auto document = std::make_shared<ingest::Document>();
    std::uint64_t open = 0;
    for (std::size_t at = 0; at < marked.size();) {
        if (marked.substr(at, 2) == "<<") {
            open = document->text.size();
            at += 2;
        } else if (marked.substr(at, 2) == ">>") {
            document->blocks.push_back(
                {{open, document->text.size()}, ingest::BlockKind::Running, 0, false});
            at += 2;
        } else {
            document->text += marked[at++];
        }
    }
    ingest::indexLines(*document);
    return document;
}

struct Table {
    std::map<std::string, SourceId> ids;
    std::vector<CheckedDocumentPtr> documents;
    nlohmann::json cases;
};

Table loadTable() {
    std::ifstream file(DOSSIER_SOURCE_DIR "/tests/app/asking/data/quote_cases.json");
    nlohmann::json json;
    file >> json;
    Table table;
    for (const auto& [name, text] : json["documents"].items()) {
        const SourceId id{static_cast<long long>(table.ids.size() + 1)};
        table.ids[name] = id;
        table.documents.push_back(
            std::make_shared<CheckedDocument>(id, name, documentOf(text.get<std::string>())));
    }
    table.cases = json["cases"];
    return table;
}

TEST(QuoteVerifier, Table) {
    const Table table = loadTable();
    ASSERT_GE(table.cases.size(), 80U);
    const QuoteVerifier verifier(table.documents);
    for (const auto& item : table.cases) {
        const std::string quote = item["quote"];
        const std::string named = item["named"];
        const std::string verdict = item["verdict"];
        SCOPED_TRACE("quotation: " + quote + " (named: " + named + ")");
        const auto check = verifier.check(
            quote, named.empty() ? std::nullopt : std::optional(table.ids.at(named)));
        if (verdict == "too-short") {
            EXPECT_FALSE(check) << verdictName(check->verdict);
            continue;
        }
        ASSERT_TRUE(check);
        EXPECT_EQ(verdictName(check->verdict), verdict) << check->percent << " %";
        EXPECT_EQ(check->source.has_value(), verdict != "not-found");
        if (check->source) {
            for (const auto& document : table.documents) {
                if (document->id() == *check->source) {
                    EXPECT_EQ(
                        document->document()->text.substr(check->range.begin, check->range.size()),
                        item["covers"].get<std::string>());
                }
            }
        }
        if (check->verdict == Verdict::Partial) {
            EXPECT_GE(check->percent, 85U);
            EXPECT_LT(check->percent, 100U);
        }
        if (check->verdict == Verdict::NotFound) {
            EXPECT_LT(check->percent, 85U);
        }
    }
}

/// Whatever is called verified must stand in the source: every substring of the documents that is
/// cut at blanks is verified, and with one word changed in its middle none of them is.
TEST(QuoteVerifier, NeverVerifiesAChangedWord) {
    const Table table = loadTable();
    const QuoteVerifier verifier(table.documents);
    std::size_t checked = 0;
    for (const auto& document : table.documents) {
        const std::string& text = document->document()->text;
        for (std::size_t begin = 0; begin + 60 < text.size(); begin += 7) {
            const std::size_t from = text.find(' ', begin);
            const std::size_t to = from == std::string::npos ? from : text.find(' ', from + 50);
            if (to == std::string::npos) {
                break;
            }
            const std::string quote = text.substr(from + 1, to - from - 1);
            const auto check = verifier.check(quote);
            ASSERT_TRUE(check);
            EXPECT_EQ(check->verdict, Verdict::Verified) << quote;
            std::string changed = quote;
            const std::size_t middle = changed.find(' ', changed.size() / 2);
            if (middle == std::string::npos) {
                continue;
            }
            changed.insert(middle, " zebra");
            const auto other = verifier.check(changed);
            ASSERT_TRUE(other);
            EXPECT_TRUE(other->verdict == Verdict::NotFound || other->verdict == Verdict::Partial)
                << changed;
            ++checked;
        }
    }
    EXPECT_GT(checked, 100U);
}

TEST(QuoteVerifier, TakesThePlaceNearestToTheHint) {
    std::string text;
    for (int i = 0; i < 50; ++i) {
        text += "Clause " + std::to_string(i) + " says: notice is given in writing.\n";
    }
    const QuoteVerifier verifier(
        {std::make_shared<CheckedDocument>(SourceId{1}, "a", documentOf(text))});
    const std::size_t at = text.find("notice", text.find("Clause 33"));
    const auto check =
        verifier.check("notice is given in writing", SourceId{1}, TextRange{at - 20, at + 30});
    ASSERT_TRUE(check);
    EXPECT_EQ(check->range.begin, at);
    const auto folded =
        verifier.check("NOTICE is given in writing", SourceId{1}, TextRange{at - 20, at + 30});
    ASSERT_TRUE(folded);
    EXPECT_EQ(folded->range.begin, at);
    EXPECT_EQ(verifier.check("notice is given in writing")->range.begin, text.find("notice"));
}

TEST(QuoteVerifier, SurvivesAnyBytes) {
    std::string noise;
    std::uint32_t state = 1;
    for (int i = 0; i < 20'000; ++i) {
        state = state * 1664525U + 1013904223U;
        noise += static_cast<char>(state >> 24);
    }
    const QuoteVerifier verifier(
        {std::make_shared<CheckedDocument>(SourceId{1}, "a", documentOf(noise))});
    for (std::size_t at = 0; at + 40 < noise.size(); at += 101) {
        verifier.check(noise.substr(at, 40));
    }
    EXPECT_FALSE(verifier.check(std::string(5, '\xff')));
}

/// A million tokens are about four megabytes. Twenty quotations, half of them invented, must not
/// hold up an answer.
TEST(QuoteVerifier, IsQuickOnAMillionTokens) {
    std::string text;
    std::uint32_t state = 7;
    const char* words[] = {"the ", "tenant ", "shall ", "notice ",
                           "of ",  "repair ", "any ",   "cost "};
    while (text.size() < 4'500'000) {
        state = state * 1664525U + 1013904223U;
        text += words[state >> 29];
    }
    const auto document = std::make_shared<CheckedDocument>(SourceId{1}, "a", documentOf(text));
    const QuoteVerifier verifier({document});
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i) {
        const std::size_t at = text.find(' ', 400'000U * static_cast<unsigned>(i)) + 1;
        const std::string quote = text.substr(at, text.find(' ', at + 200) - at);
        EXPECT_EQ(verifier.check(quote)->verdict, Verdict::Verified);
        EXPECT_EQ(verifier.check(quote + " zebra crossing of the other kind")->verdict,
                  Verdict::Partial);
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(spent.count(), 4.0) << "seconds for 20 quotations";
}

} // namespace
} // namespace dossier::app
