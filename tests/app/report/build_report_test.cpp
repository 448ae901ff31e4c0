// SPDX-License-Identifier: GPL-3.0-or-later
// From a dossier to a report: numbering, what is left out and counted, which answer is taken.
#include "app/report/build_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/report/answer_blocks.h"
#include "tests/app/report/sample_dossier.h"

namespace dossier::app::report {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string allText(const Section& section) {
    std::string text;
    for (const Block& block : section.blocks)
        text += plainText(block.spans) + "\n";
    for (const std::string& remark : section.remarks)
        text += remark + "\n";
    return text;
}

TEST(BuildReport, NumbersQuotationsThroughTheReport) {
    const Report report = buildReport(test::harbourWharf(), {});
    ASSERT_EQ(report.sections.size(), 4U);
    ASSERT_EQ(report.citations.size(), 9U);
    for (std::size_t i = 0; i < report.citations.size(); ++i)
        EXPECT_EQ(report.citations[i].number, i + 1);
    EXPECT_EQ(report.citations[0].question, 0U);
    EXPECT_EQ(report.citations[8].question, 3U);
    EXPECT_EQ(report.citations[0].document, "Lease Unit 4.pdf");
    EXPECT_EQ(report.citations[0].pageLabel, "14");
    EXPECT_EQ(report.citations[7].line, 33U);
    EXPECT_THAT(report.sources[0].citations, ElementsAre(1, 2, 3, 4, 5, 6, 7, 9));
    EXPECT_THAT(report.sources[1].citations, ElementsAre(8));
    EXPECT_EQ(report.sources[2].name, "quillstore/src/recovery.cpp");
    EXPECT_EQ(report.production.tokens, 3U * 61'204U);
}

TEST(BuildReport, UnverifiedStatementsAreLeftOutAndCounted) {
    const Report report = buildReport(test::harbourWharf(), {});
    EXPECT_EQ(report.counts.statementsLeftOut, 1U);
    EXPECT_EQ(report.counts.verified, 6U);
    EXPECT_EQ(report.counts.normalised, 2U);
    EXPECT_EQ(report.counts.notFound, 1U);
    EXPECT_EQ(report.counts.forced, 1U);
    EXPECT_EQ(allText(report.sections[1]).find("withhold the rent"), std::string::npos);
    EXPECT_THAT(allText(report.sections[1]), HasSubstr("One statement left out"));
    EXPECT_THAT(allText(report.sections[1]), HasSubstr("“as a debt”"));
}

TEST(BuildReport, UnverifiedStatementsAreThereWhenAskedFor) {
    ReportOptions options;
    options.withUnverified = true;
    const Report report = buildReport(test::harbourWharf(), options);
    EXPECT_EQ(report.counts.statementsLeftOut, 0U);
    EXPECT_EQ(report.citations.size(), 10U);
    EXPECT_THAT(allText(report.sections[1]), HasSubstr("withhold the rent"));
    EXPECT_EQ(report.citations[6].verdict, Verdict::NotFound);
    EXPECT_FALSE(report.citations[6].source.has_value());
}

TEST(BuildReport, PartialAndElsewhereAreNotVerifiedEither) {
    for (const Verdict verdict : {Verdict::Partial, Verdict::OtherDocument}) {
        DossierSnapshot dossier = test::harbourWharf();
        dossier.answers[0].citations[1].verdict = verdict;
        const Report report = buildReport(dossier, {});
        EXPECT_EQ(report.counts.statementsLeftOut, 2U);
        EXPECT_EQ(allText(report.sections[0]).find("recoverable"), std::string::npos);
    }
}

TEST(BuildReport, AnAnswerOfWhichNothingIsLeftSaysSo) {
    DossierSnapshot dossier = test::harbourWharf();
    for (Citation& citation : dossier.answers[0].citations)
        citation.verdict = Verdict::NotFound;
    dossier.answers[0].text = dossier.answers[0].text.substr(0, dossier.answers[0].text.find("\n"));
    const Report report = buildReport(dossier, {});
    EXPECT_THAT(allText(report.sections[0]), HasSubstr("left out"));
}

TEST(BuildReport, NotFoundShowsWhatWasSearchedAndTheNearestPlaceAsSuch) {
    const Report report = buildReport(test::harbourWharf(), {});
    const Section& section = report.sections[3];
    EXPECT_TRUE(section.notFound);
    EXPECT_THAT(allText(section), HasSubstr("Searched: 3 documents, 183,612 tokens."));
    EXPECT_THAT(allText(section), HasSubstr("which is not an answer"));
    EXPECT_TRUE(report.citations[8].nearest);
}

TEST(BuildReport, TakesTheLastFinishedVersionOfAnAnswer) {
    DossierSnapshot dossier = test::harbourWharf();
    Answer again = dossier.answers[0];
    again.id = AnswerId{77};
    again.state = AnswerState::Writing;
    again.text = "Half an";
    again.citations.clear();
    dossier.answers.push_back(again);
    dossier.questions[0].answers.push_back(again.id);
    EXPECT_THAT(allText(buildReport(dossier, {}).sections[0]), HasSubstr("The landlord pays"));
    dossier.answers.back().state = AnswerState::Done;
    EXPECT_THAT(allText(buildReport(dossier, {}).sections[0]), HasSubstr("Half an"));
}

TEST(BuildReport, UnfinishedStoppedAndFailedAnswersSaySo) {
    DossierSnapshot dossier = test::harbourWharf();
    dossier.answers[0].state = AnswerState::Stopped;
    dossier.answers[1].state = AnswerState::Writing;
    dossier.answers[2].state = AnswerState::Failed;
    dossier.answers[2].failure = Failure{ErrorCode::ProcessDied, "the engine ended", "ask again"};
    dossier.questions[3].answers.clear();
    const Report report = buildReport(dossier, {});
    EXPECT_THAT(report.sections[0].remarks, Contains("Stopped before its end."));
    EXPECT_THAT(report.sections[1].remarks, Contains("Not finished when this report was made."));
    EXPECT_THAT(report.sections[2].remarks, Contains("The answer failed: the engine ended."));
    EXPECT_THAT(report.sections[3].remarks, ElementsAre("Not answered yet."));
}

TEST(BuildReport, ThinkingOnlyWhenAskedFor) {
    DossierSnapshot dossier = test::harbourWharf();
    dossier.answers[0].thinking = "First I look at clause 5.";
    EXPECT_TRUE(buildReport(dossier, {}).sections[0].thinking.empty());
    ReportOptions options;
    options.withThinking = true;
    EXPECT_EQ(buildReport(dossier, options).sections[0].thinking.size(), 1U);
}

TEST(BuildReport, LevelsAreCalledWhatTheWindowCallsThem) {
    DossierSnapshot dossier = test::harbourWharf();
    ASSERT_EQ(dossier.answers.size(), 4U);
    dossier.answers[0].level = "none";
    dossier.answers[0].levelTitle = "Direct"; // by another model than the one loaded now
    dossier.answers[1].level = "none";
    dossier.answers[2].level = "";
    dossier.answers[3].level = "max";
    const auto hows = [&] {
        std::vector<std::string> list;
        for (const Section& section : buildReport(dossier, {}).sections)
            list.push_back(section.how.substr(0, section.how.find(" · ")));
        return list;
    };
    EXPECT_THAT(hows(), ElementsAre("Direct", "Non-think", "Non-think", "Think Max"))
        << "no model is loaded, as in `dossier report`";
    EXPECT_EQ(buildReport(dossier, {}).production.levels, "Direct, Non-think, Think Max");
    dossier.levels.resize(1);
    dossier.levels[0].name = "none";
    dossier.levels[0].title = "At once";
    EXPECT_THAT(hows(), ElementsAre("Direct", "At once", "At once", "Think Max"));
    for (std::size_t i = 0; i < dossier.answers.size(); ++i)
        EXPECT_EQ(hows()[i], levelTitle(dossier.answers[i], dossier.levels));
}

TEST(BuildReport, ChosenQuestionsInTheOrderGiven) {
    ReportOptions options;
    options.questions = {QuestionId{3}, QuestionId{1}};
    const Report report = buildReport(test::harbourWharf(), options);
    ASSERT_EQ(report.sections.size(), 2U);
    EXPECT_EQ(report.sections[0].title, "What does late notice cost?");
    options.questions = {QuestionId{99}};
    try {
        buildReport(test::harbourWharf(), options);
        FAIL() << "an unknown question must be refused";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_THAT(error.failed(), HasSubstr("99"));
    }
}

TEST(BuildReport, NotesGetPlacesFromTheDocument) {
    auto document = std::make_shared<ingest::Document>();
    document->text = std::string(980, 'x') + "\n9.4 Break. The Landlord has no right to terminate";
    document->pages = {{{0, 981}, "viii", 595, 842, true, 0, 0},
                       {{981, 1100}, "1", 595, 842, true, 0, 0}};
    const Report report =
        buildReport(test::harbourWharf(), {}, [&](SourceId) -> DocumentPtr { return document; });
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_EQ(report.notes[0].page, 1U);
    EXPECT_EQ(report.notes[0].pageLabel, "1");
    EXPECT_EQ(report.notes[0].section, "9.4");
    ReportOptions options;
    options.withNotes = false;
    EXPECT_TRUE(buildReport(test::harbourWharf(), options).notes.empty());
}

TEST(BuildReport, SourcesNotIncludedAppearOnlyWhenCited) {
    DossierSnapshot dossier = test::harbourWharf();
    dossier.sources[1].included = false; // cited by the third answer
    dossier.sources[2].included = false; // nobody cites it
    const Report report = buildReport(dossier, {});
    ASSERT_EQ(report.sources.size(), 2U);
    EXPECT_EQ(report.sources[1].name, "Deed of variation.docx");
}

TEST(BuildReport, AnUnknownTokenCountIsNotPassedOffAsExact) {
    DossierSnapshot dossier = test::harbourWharf();
    dossier.sources[0].tokens.reset();
    EXPECT_FALSE(buildReport(dossier, {}).production.tokensExact);
}

TEST(BuildReport, EmptyDossier) {
    DossierSnapshot dossier;
    dossier.name = "Empty";
    const Report report = buildReport(dossier, {});
    EXPECT_EQ(report.title, "Empty");
    EXPECT_TRUE(report.sections.empty());
    EXPECT_EQ(report.counts.total(), 0U);
}

} // namespace
} // namespace dossier::app::report
