// SPDX-License-Identifier: GPL-3.0-or-later
// What stays read between questions, what changes of sources and forks would cost, and a reading
// that another process does.
#include "app/asking/text_encoder.h"
#include "app/engine_core.h"
#include "app/job_list.h"
#include "app/reading/changed.h"
#include "app/store/lock.h"
#include "tests/app/session_fixture.h"

namespace dossier::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

/// " 132": with the blank in front, so that "1132" is no match.
std::string number(std::uint64_t value) {
    return std::string(" ").append(std::to_string(value));
}

TEST_F(SessionTest, KeepsWhatTheModelHasRead) {
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    wait(ask("First?"));
    EXPECT_EQ(engine->openLanes(), 1U);
    EXPECT_EQ(engine->openBranches(), 1U) << "one is kept in front of the answer";
    EXPECT_TRUE(std::filesystem::exists(path() / "lanes"));
    const std::uint64_t read = engine->tokensRead();
    wait(ask("Second?"));
    EXPECT_LT(engine->tokensRead() - read, 150U) << "the documents are not read again";
    wait(ask("Third?", "high"));
    EXPECT_EQ(engine->openLanes(), 1U) << "none and high share a lane";
}

TEST_F(SessionTest, LevelsSayWhatIsReadAndWhatReadingTakes) {
    const auto textOf = [&](const std::string& name) {
        for (const LevelInfo& level : session->levels()) {
            if (level.name == name) {
                return level.stateText;
            }
        }
        return std::string();
    };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    until([&] { return session->laneOutlook("none").has_value(); }, "a look at the lanes");
    until([&] { return session->laneOutlook("none")->read > 30; }, "the document's tokens");
    EXPECT_THAT(textOf("none"), HasSubstr("Reads "));
    EXPECT_THAT(textOf("max"), HasSubstr("Needs "));
    EXPECT_EQ(session->lanes().size(), 0U);
    wait(ask("First?"));
    until([&] { return session->laneOutlook("high")->read == 0; }, "what was read");
    EXPECT_EQ(textOf("none"), "Ready");
    EXPECT_EQ(textOf("high"), "Ready");
    EXPECT_THAT(textOf("max"), HasSubstr("Needs ")); // its effort text shares nothing
    ASSERT_EQ(session->lanes().size(), 1U);
    EXPECT_EQ(session->lanes()[0].info.tokens, session->laneOutlook("high")->total);
}

TEST_F(SessionTest, TakingSourcesOutHasItsPriceBefore) {
    std::optional<LanePrice> price;
    bool asked = false;
    const auto priceOf = [&](SourceChange change, const std::vector<SourceId>& ids) {
        asked = false;
        session->priceOf(change, ids, session.get(), [&](std::optional<LanePrice> found) {
            price = found;
            asked = true;
        });
        until([&] { return asked; }, "the price");
    };
    create();
    add({folder.write("in/a.txt", kLease), folder.write("in/b.txt", "The garden is shared.\n")});
    add({folder.write("in/c.txt", "The roof is new.\n")});
    const std::vector<Source> sources = session->sources();
    priceOf(SourceChange::Removed, {sources[0].id});
    EXPECT_FALSE(price) << "nothing is known without a model";

    load();
    session->setIncluded({sources[2].id}, false);
    priceOf(SourceChange::Removed, {sources[0].id});
    ASSERT_TRUE(price);
    EXPECT_EQ(price->lanes, 0U) << "nothing is read yet";
    EXPECT_EQ(price->again, 0U);

    host->core()->measured({250, 0, 0});
    wait(ask("First?"));
    until([&] { return session->lanes().size() == 1; }, "the lane");
    const std::uint64_t read = session->lanes()[0].info.tokens;
    // Without the header line that each has in the lane.
    const auto document = [&](std::size_t i) { return session->sources()[i].tokens.value(); };

    priceOf(SourceChange::Removed, {sources[0].id}); // b stands behind it
    EXPECT_EQ(price->lanes, 1U);
    EXPECT_GE(price->again, document(1));
    EXPECT_LT(price->keep + price->again, read - document(0) + 1);
    EXPECT_GT(price->seconds, 0);
    EXPECT_THAT(price->text(), HasSubstr("keeps "));
    EXPECT_THAT(price->text(), HasSubstr(number(price->again) + " (about "));
    const LanePrice first = *price;

    priceOf(SourceChange::Removed, {sources[1].id}); // the last one: nothing stands behind it
    EXPECT_EQ(price->again, 0U);
    EXPECT_GT(price->keep, first.keep);
    EXPECT_THAT(price->text(), HasSubstr("keeps all "));

    priceOf(SourceChange::Removed, {sources[2].id}); // takes no part in questions
    EXPECT_EQ(price->again, 0U);
    EXPECT_EQ(price->keep, read);

    priceOf(SourceChange::Replaced, {sources[0].id}); // its new text is read as well
    EXPECT_EQ(price->keep, first.keep);
    EXPECT_EQ(price->keep + price->again, read);

    wait(ask("Deeper?", "max"));
    priceOf(SourceChange::Removed, {sources[0].id});
    EXPECT_EQ(price->lanes, 2U);
    EXPECT_EQ(price->again, 2 * first.again);
    EXPECT_THAT(price->text(), HasSubstr("in 2 lanes together"));
}

TEST_F(SessionTest, ChangedFilesAreFoundBeforeTheyAreAddedAgain) {
    create();
    const auto lease = folder.write("in/lease.txt", kLease);
    const auto same = folder.write("in/repo/same.txt", "The same.\n");
    const auto longer = folder.write("in/repo/longer.txt", "Short.\n");
    add({lease, folder.path() / "in/repo"});
    AddRequest request;
    request.paths = {lease, folder.path() / "in/repo", folder.path() / "in/none.txt"};
    const auto changed = [&] {
        std::vector<std::string> names;
        for (const SourceId id : changedSources(request, session->sources(), {})) {
            names.push_back(session->source(id)->name);
        }
        return names;
    };
    EXPECT_TRUE(changed().empty());
    // Written again with the same bytes: newer, and not another text.
    const auto later = std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
    std::filesystem::last_write_time(same, later);
    EXPECT_TRUE(changed().empty());
    std::string other = kLease;
    other[10] = '9';
    folder.write("in/lease.txt", other);
    std::filesystem::last_write_time(lease, later);
    folder.write("in/repo/longer.txt", "Not so short.\n");
    EXPECT_THAT(changed(), UnorderedElementsAre("lease.txt", "longer.txt"));
    request.leaveOut = {longer};
    EXPECT_THAT(changed(), ElementsAre("lease.txt"));
    request.paths = {folder.path() / "in/repo"};
    EXPECT_TRUE(changed().empty()) << "the lease is not asked for";
}

TEST_F(SessionTest, AForkHasItsPriceBefore) {
    create();
    add({folder.write("in/lease.txt", kLease)});
    load();
    host->core()->measured({250, 0, 0});
    const AnswerId first = ask("Who pays for the repairs of the roof?");
    wait(first);
    const AnswerId second = ask("And when?");
    wait(second);
    const QuestionId one = session->answer(first)->question;
    const QuestionId two = session->answer(second)->question;
    const auto tokensOf = [&](QuestionId id) {
        const std::string& answer = session->answer(session->question(id)->answers.back())->text;
        return encoder->count(session->question(id)->text) + encoder->count(answer);
    };
    EXPECT_THAT(session->forkPrice(one), HasSubstr(number(tokensOf(one)) + " tokens"));
    EXPECT_THAT(session->forkPrice(two),
                HasSubstr(number(tokensOf(one) + tokensOf(two)) + " tokens"));
    EXPECT_THAT(session->forkPrice(two), HasSubstr(", about "));
    // A fork of a fork counts what it branched off from as well.
    AskRequest request;
    request.text = "Or else?";
    request.level = "none";
    request.thread = session->fork(one, {});
    const QuestionId other = session->ask(request);
    wait(session->question(other)->answers.back());
    EXPECT_THAT(session->forkPrice(other),
                HasSubstr(number(tokensOf(one) + tokensOf(other)) + " tokens"));
    host->unload();
    until([&] { return host->status().state == EngineState::NoModel; }, "the model to go");
    EXPECT_EQ(session->forkPrice(one), "");
}

TEST_F(SessionTest, EveryRestoreIsACheckThatIsRemembered) {
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    wait(ask("First?"));
    until([&] { return session->lanes().size() == 1; }, "the lane");
    EXPECT_FALSE(session->lanes()[0].checked) << "nothing was restored yet";
    session.reset();
    const std::int64_t before = nowMs();
    open();
    until([&] { return !session->levels().empty(); }, "the profile");
    wait(ask("Second?"));
    const auto checked = [&] { return session->lanes().at(0).checked; };
    until([&] { return session->lanes().size() == 1 && checked(); }, "the check");
    EXPECT_EQ(checked()->result, "good");
    EXPECT_GE(checked()->timeMs, before);
    const std::int64_t restored = checked()->timeMs;
    EXPECT_EQ(run(session->verifyLanes()).state, JobState::Done);
    until([&] { return checked()->timeMs > restored; }, "the check of everything");
    EXPECT_EQ(checked()->result, "good");
}

TEST_F(SessionTest, AReadingElsewhereIsSeenAndDirected) {
    std::string started;
    options.startReader = [&](const std::filesystem::path& dossier, const std::string& level) {
        started = dossier.filename().string() + " " + level;
    };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    wait(ask("First?"));
    EXPECT_EQ(engine->openLanes(), 1U);
    session->startReading("high");
    until([&] { return !started.empty(); }, "the reader to be started");
    EXPECT_EQ(started, "matter.dossier high");
    EXPECT_EQ(engine->openLanes(), 0U) << "a lane has one writer";
    {
        const DossierLock reading(path() / "lanes", DossierLock::Purpose::Reading);
        ReadingBoard board(path());
        ReadingStatus status;
        status.state = ReadingStatus::State::Reading;
        status.level = "max";
        status.done = 42;
        status.total = 100;
        board.setStatus(status);
        until([&] { return session->reading().done == 42; }, "the status");
        ASSERT_TRUE(session->readingJob());
        EXPECT_EQ(session->readingJob()->title, "Reading for Think Max");
        EXPECT_EQ(session->readingJob()->progress.total, 100U);
        for (const LevelInfo& level : session->levels()) {
            if (level.name == "max") {
                EXPECT_EQ(level.state, LevelState::Preparing);
                EXPECT_EQ(level.stateText, "Preparing 42 %");
            } else {
                EXPECT_EQ(level.state, LevelState::Ready);
            }
        }
        session->pauseReading();
        std::optional<ReadingWish> wish;
        until([&] { return (wish = board.takeWish()).has_value(); }, "the wish");
        EXPECT_EQ(*wish, ReadingWish::Pause);
    }
    until([&] { return session->reading().state == ReadingStatus::State::Interrupted; },
          "the end of the reader");
    EXPECT_FALSE(session->readingJob());
}

TEST_F(SessionTest, FollowUpsSeeEarlierTurnsWithoutThinking) {
    std::string prompt;
    script.answer = [&](std::span<const engine::Token> tokens) {
        prompt = encoder->decode(tokens.first(tokens.size()));
        return std::vector<std::string>{"[lease.txt] \"shall bear the cost of doing so\""};
    };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    wait(ask("Who pays?"));
    EXPECT_THAT(prompt, HasSubstr("===== Document: lease.txt ====="));
    EXPECT_THAT(prompt, HasSubstr("5.3 The Tenant"));
    EXPECT_TRUE(prompt.ends_with("Question: Who pays?<assistant></think>")) << prompt;
    wait(ask("And when?"));
    EXPECT_TRUE(prompt.ends_with(
        "Question: Who pays?<assistant></think>[lease.txt] \"shall bear the cost of doing so\""
        "<end><user>Question: And when?<assistant></think>"))
        << prompt;
    const ThreadId fork = session->fork(session->questions(session->threads()[0].id)[0].id, "b");
    AskRequest request;
    request.text = "Or else?";
    request.level = "none";
    request.thread = fork;
    wait(session->question(session->ask(request))->answers.back());
    EXPECT_TRUE(prompt.ends_with("doing so\"<end><user>Question: Or else?<assistant></think>"));
    EXPECT_THAT(prompt, ::testing::Not(HasSubstr("And when?")));
}

} // namespace
} // namespace dossier::app
