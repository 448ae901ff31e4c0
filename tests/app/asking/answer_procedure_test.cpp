// SPDX-License-Identifier: GPL-3.0-or-later
// The answer procedure equals its reference on the cases that were made with it: topic words,
// search scores, word values, the best z and the result. The profile's own data file is what is
// tested.
#include "app/asking/answer_procedure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "app/asking/naming.h"
#include "app/asking/profile.h"
#include "app/asking/retrieval.h"
#include "engine/base/json_text.h"

namespace dossier::app {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Lt;

Profile embeddedProfile() {
    engine::ModelInfo model;
    model.release = "embedded";
    return loadProfile(model, DOSSIER_SOURCE_DIR "/resources/profiles");
}

nlohmann::json referenceCases() {
    std::ifstream file(DOSSIER_SOURCE_DIR "/tests/app/asking/data/answer_procedure_cases.json");
    return parseJson(file).at("items");
}

/// The passages of a case as a document that needs no cutting.
PassageIndexPtr indexOf(const std::vector<std::string>& texts, const StopWords& stop,
                        const std::string& path = {}, const std::string& title = {}) {
    std::vector<Passage> passages;
    for (const std::string& text : texts) {
        Passage passage;
        passage.text = text;
        passages.push_back(std::move(passage));
    }
    return std::make_shared<PassageIndex>(SourceId{1}, std::move(passages), stop, path, title);
}

TEST(AnswerProcedure, TopicWordsEqualTheReference) {
    const Profile profile = embeddedProfile();
    for (const auto& item : referenceCases()) {
        const std::string question = item["question"];
        std::map<std::string, double> found;
        for (const auto& [stem, weight] : topicWords(profile.search, question)) {
            found[stem] = weight;
        }
        const auto expected = item["topic_words"].get<std::map<std::string, double>>();
        ASSERT_EQ(found.size(), expected.size()) << question;
        for (const auto& [stem, weight] : expected) {
            EXPECT_NEAR(found[stem], weight, 6e-5) << question << ": " << stem;
        }
    }
}

TEST(AnswerProcedure, SearchEqualsTheReference) {
    const Profile profile = embeddedProfile();
    for (const auto& item : referenceCases()) {
        const std::string question = item["question"];
        const auto texts = item["passages"].get<std::vector<std::string>>();
        const auto index = indexOf(texts, profile.search.stopWords);
        const Retrieval retrieval = retrieve(profile.search, {index}, question, 16);
        ASSERT_EQ(retrieval.passages.size(), texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            EXPECT_EQ(retrieval.passages[i].passage, i);
            EXPECT_NEAR(retrieval.passages[i].score, item["retrieval_score"][i].get<double>(), 6e-5)
                << question << " passage " << i;
        }
        const auto expected = item["word_value"].get<std::map<std::string, double>>();
        EXPECT_EQ(retrieval.wordValue.size(), expected.size());
        for (const auto& [stem, value] : expected) {
            ASSERT_TRUE(retrieval.wordValue.contains(stem)) << stem;
            EXPECT_NEAR(retrieval.wordValue.at(stem), value, 6e-5) << stem;
        }
    }
}

/// 40 passages of which the first says what the document is, in words that no question has.
std::vector<std::string> longContract() {
    std::vector<std::string> texts{"HARBOUR LEASE between Orca Ltd and Seal Inc", "Recitals"};
    for (int i = 0; i < 38; ++i) {
        texts.push_back("The tenant pays rent number " + std::to_string(i));
    }
    return texts;
}

std::vector<std::pair<std::size_t, std::size_t>> placesOf(const Retrieval& retrieval) {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (const FoundPassage& found : retrieval.passages) {
        places.emplace_back(found.document, found.passage);
    }
    return places;
}

TEST(AnswerProcedure, OpeningsOfTheBestDocumentsAreAlwaysOffered) {
    const Profile profile = embeddedProfile();
    const auto index = [&](const std::vector<std::string>& texts) {
        return indexOf(texts, profile.search.stopWords);
    };
    const auto contract = index(longContract());
    const std::string question = "How much rent does the tenant pay?";
    const auto search = [&](const std::vector<PassageIndexPtr>& documents, std::size_t openings) {
        return placesOf(retrieve(profile.search, documents, question, 4, openings));
    };
    using Places = std::vector<std::pair<std::size_t, std::size_t>>;
    EXPECT_EQ(search({contract}, 0), (Places{{0, 2}, {0, 3}, {0, 4}, {0, 5}}));
    EXPECT_EQ(search({contract}, 1), (Places{{0, 0}, {0, 2}, {0, 3}, {0, 4}}));
    EXPECT_EQ(search({contract}, 2), (Places{{0, 0}, {0, 1}, {0, 2}, {0, 3}}));
    EXPECT_EQ(search({contract}, 9).size(), 4U) << "never more than asked for";
    // Of several documents the best ones give their first passage each; others give nothing.
    const auto other = index({"Minutes of the meeting", "Nothing else was discussed"});
    EXPECT_EQ(search({other, contract}, 1), (Places{{1, 0}, {1, 2}, {1, 3}, {1, 4}}));
    EXPECT_EQ(search({index({"A short"}), index({"B"})}, 3).size(), 2U);
    EXPECT_TRUE(search({}, 1).empty());
}

TEST(AnswerProcedure, QuestionsNameDocumentsByPathTitleOrParty) {
    const SearchData data = embeddedProfile().search;
    const std::vector<PassageIndexPtr> documents{
        indexOf({"Lease between Harbour Ltd and Orca Inc", "The Orca rent"}, data.stopWords,
                "contracts/Lease Unit 4.pdf", "Lease of Harbour Wharf"),
        indexOf({"Made with Seal Inc", "The orca is a whale"}, data.stopWords,
                "contracts/EX-10.2.pdf", "Supply Agreement"),
        indexOf({"Made with Walrus Inc"}, data.stopWords, "contracts/EX-10.3.pdf",
                "Insurance Agreement")};
    const auto naming = [&](std::string_view question) { return named(data, documents, question); };
    EXPECT_THAT(naming("Which law governs the lease?"), ElementsAre(1, 0, 0)) << "by its path";
    EXPECT_THAT(naming("Which law governs the supply agreement?"), ElementsAre(0, 1, Lt(0.6)))
        << "by its title, of which one word is the other's as well";
    EXPECT_THAT(naming("When does the Walrus contract end?"), ElementsAre(0, 0, 1)) << "by a party";
    EXPECT_THAT(naming("What does Orca pay?"), ElementsAre(1, 0, 0))
        << "parties stand in the first passage";
    EXPECT_THAT(naming("What does the orca pay?"), Each(0)) << "a name has a capital";
    EXPECT_THAT(naming("For the supply agreement: Orca pays?"), ElementsAre(0, 1, Lt(0.6)))
        << "and so has what begins a sentence";
    EXPECT_THAT(naming("What insurance must the tenant keep?"), Each(0)) << "that is a subject";
    EXPECT_THAT(naming("Insurance: who pays? Is there an agreement?")[0], 0);
    EXPECT_THAT(naming("What is in the contracts on the 4 pages?"), Each(0))
        << "what all are called, and small numbers, name none";
    EXPECT_THAT(named(data, {documents[0]}, "Which law governs the lease?"), Each(0));
    EXPECT_TRUE(named(data, {}, "Which law governs the lease?").empty());
}

TEST(AnswerProcedure, SourceFilesAreNamedByFileNameOnly) {
    const SearchData data = embeddedProfile().search;
    Passage code;
    code.text = "int lease();";
    code.line = 1;
    const auto file = [&](const std::string& path) {
        return std::make_shared<PassageIndex>(SourceId{1}, std::vector{code}, data.stopWords, path,
                                              path);
    };
    const std::vector<PassageIndexPtr> documents{file("src/lease.cpp"), file("src/record.cpp")};
    EXPECT_THAT(named(data, documents, "Which law governs the lease?"), Each(0));
    EXPECT_THAT(named(data, documents, "What does Record.cpp do?"), ElementsAre(0, 1));
    EXPECT_THAT(named(data, documents, "What is written in lease.cpp?"), ElementsAre(1, 0));
}

TEST(AnswerProcedure, OnlyDocumentsThatAQuestionNamesAreSearched) {
    const SearchData data = embeddedProfile().search;
    const auto document = [&](const std::string& path) {
        return indexOf({"Some words"}, data.stopWords, path);
    };
    const PassageIndexPtr lease = document("Lease.pdf"), deed = document("Deed of variation.docx"),
                          plan = document("Site plan.pdf");
    const std::vector<PassageIndexPtr> all{lease, deed, plan};
    EXPECT_THAT(documentsToSearch(data, all, "Which law governs the lease?"), ElementsAre(lease));
    EXPECT_THAT(documentsToSearch(data, all, "What does the deed change in the lease?"),
                ElementsAre(lease, deed));
    EXPECT_THAT(documentsToSearch(data, all, "Which law governs?"), ElementsAreArray(all));
    EXPECT_THAT(documentsToSearch(data, {lease}, "What does the deed say?"), ElementsAre(lease));
    EXPECT_TRUE(documentsToSearch(data, {}, "Which law governs the lease?").empty());
}

TEST(AnswerProcedure, CopiesOfAPassageAreOfferedOnce) {
    const Profile profile = embeddedProfile();
    const auto index = [&](const std::vector<std::string>& texts) {
        return indexOf(texts, profile.search.stopWords);
    };
    const auto manual = index({"The block size is 20 records.", "Something else."});
    const auto html = index({"The block size is 20  records", "Another page on block size."});
    const auto found =
        placesOf(retrieve(profile.search, {manual, html}, "What is the block size?", 2));
    EXPECT_EQ(found, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {1, 1}}));
}

TEST(AnswerProcedure, ResultsEqualTheReference) {
    const Profile profile = embeddedProfile();
    for (const auto& item : referenceCases()) {
        const std::string question = item["question"];
        SCOPED_TRACE(question);
        ProcedureInput input;
        input.lpNot = item["ln_p_not"];
        input.lpBracket = item["ln_p_bracket"];
        input.lpNumber = item["ln_p_number"].get<std::vector<double>>();
        const auto texts = item["passages"].get<std::vector<std::string>>();
        const Retrieval retrieval =
            retrieve(profile.search, {indexOf(texts, profile.search.stopWords)}, question, 16);
        for (const FoundPassage& passage : retrieval.passages) {
            input.score.push_back(passage.score);
        }
        input.wordValue = retrieval.wordValue;
        std::vector<std::size_t> order;
        for (const auto& candidate : item["candidates"]) {
            const std::size_t passage = candidate["passage"].get<std::size_t>() - 1;
            input.candidates.push_back(
                {passage, candidate["text"], candidate["ln_p_first_6_tokens"]});
            if (order.empty() || order.back() != passage) {
                order.push_back(passage);
            }
        }
        EXPECT_EQ(pickPassages(input.lpNumber, input.score, ProcedureWeights{}), order);
        const ProcedureResult result =
            chooseAnswer(input, ProcedureWeights{}, profile.search.stopWords);
        EXPECT_NEAR(result.z, item["z_best"].get<double>(), 6e-4);
        EXPECT_EQ(result.found, !item["result"].is_null());
        EXPECT_EQ(result.found, result.margin >= 0);
        if (!item["result"].is_null()) {
            const Candidate& best = input.candidates[result.best];
            EXPECT_EQ(best.passage + 1, item["result"]["passage"].get<std::size_t>());
            EXPECT_EQ(best.text, item["result"]["quotation"].get<std::string>());
        }
    }
}

TEST(AnswerProcedure, CandidatesOfTheCasesAreTheirPassagesSentences) {
    const Profile profile = embeddedProfile();
    for (const auto& item : referenceCases()) {
        const auto texts = item["passages"].get<std::vector<std::string>>();
        std::map<std::size_t, std::vector<std::string>> expected;
        for (const auto& candidate : item["candidates"]) {
            expected[candidate["passage"].get<std::size_t>() - 1].push_back(candidate["text"]);
        }
        for (const auto& [passage, units] : expected) {
            std::vector<std::string> sentences;
            for (const ingest::TextRange& range : sentenceRanges(texts[passage])) {
                sentences.push_back(texts[passage].substr(range.begin, range.size()));
            }
            EXPECT_EQ(quotableUnits(sentences, profile.weights), units);
        }
    }
}

TEST(AnswerProcedure, CutsLongSentencesBehindCommas) {
    ProcedureWeights weights;
    weights.unitWords = 60;
    weights.pieceWords = 45;
    std::string sentence = "w0";
    for (int i = 1; i < 100; ++i) {
        sentence += " w" + std::to_string(i) + (i == 40 || i == 10 ? "," : "");
    }
    const auto units = quotableUnits({sentence}, weights);
    ASSERT_EQ(units.size(), 2U);
    EXPECT_TRUE(units[0].starts_with("w0 "));
    EXPECT_TRUE(units[0].ends_with("w40,…"));
    EXPECT_TRUE(units[1].starts_with("…w41 "));
    EXPECT_TRUE(units[1].ends_with("w99"));
    EXPECT_THAT(quotableUnits({"one sentence only"}, weights), ElementsAre("one sentence only"));
}

TEST(AnswerProcedure, ShortAnswersCountOnlyWhenTheyStandInTheQuotation) {
    EXPECT_TRUE(standsIn("the State of Oregon", "governed by the laws of the State of Oregon."));
    EXPECT_TRUE(standsIn("thirty-six (36) months", "a period of thirty-six (36) months from"));
    EXPECT_FALSE(standsIn("State of Ohio", "governed by the laws of the State of Oregon."));
    EXPECT_FALSE(standsIn("laws State", "governed by the laws of the State of Oregon."));
    EXPECT_FALSE(standsIn("", "governed by the laws"));
    EXPECT_FALSE(standsIn("go", "governed by the laws"));
}

} // namespace
} // namespace dossier::app
