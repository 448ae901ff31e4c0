// SPDX-License-Identifier: GPL-3.0-or-later
// Branches that begin where a document ends: what they cost, what their questions see, and what
// becomes of them when documents change.
#include "app/engine_core.h"
#include "app/job_list.h"
#include "engine/base/grouped.h"
#include "tests/app/session_fixture.h"

namespace dossier::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Long enough for several frontiers (the scripted engine has one every 2,048 tokens).
std::string longText(const std::string& word, int words, const std::string& end) {
    std::string text;
    for (int i = 0; i < words; ++i) {
        text += word + (i % 12 == 11 ? ".\n" : " ");
    }
    return text + "\n\n" + end + "\n";
}

class SessionBranchTest : public SessionTest {
  protected:
    SessionBranchTest() {
        script.answer = [this](std::span<const engine::Token> tokens) {
            prompt = encoder->decode(tokens);
            return std::vector<std::string>{says};
        };
    }

    /// Three documents, read.
    void createRead() {
        create();
        load();
        addThree();
        wait(ask("First?"));
        look();
    }
    void addThree() {
        add({folder.write("in/a.txt", longText("alpha", 1500, kA))});
        add({folder.write("in/b.txt", longText("beta", 3000, kB))});
        add({folder.write("in/c.txt", longText("gamma", 1000, kC))});
    }
    /// Until the session knows what is read, and (unless something is not) that all is.
    void look(bool allRead = true) {
        until(
            [&] {
                const auto outlook = session->laneOutlook("none");
                return outlook && (!allRead || outlook->read == 0) &&
                       outlook->documents.size() == session->documentsOf(main()).size();
            },
            "a look at the lane");
    }
    ThreadId main() const { return session->threads().front().id; }
    SourceId id(const std::string& name) const {
        for (const Source& source : session->sources()) {
            if (source.name == name) {
                return source.id;
            }
        }
        ADD_FAILURE() << "no source " << name;
        return {};
    }
    std::vector<std::string> seenIn(ThreadId thread) const {
        std::vector<std::string> names;
        for (const SourceId seen : session->documentsOf(thread)) {
            names.push_back(session->source(seen)->name);
        }
        return names;
    }
    ThreadId fork(const std::string& behind) { return session->fork(id(behind), "none", {}); }
    const Answer& askIn(ThreadId thread, const std::string& text,
                        const std::vector<SourceId>& only = {}) {
        AskRequest request;
        request.text = text;
        request.level = "none";
        request.thread = thread;
        request.only = only;
        return wait(session->question(session->ask(request))->answers.back());
    }
    Failure refused(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
            return failureOf(error);
        }
        ADD_FAILURE() << "this is not possible";
        return {};
    }

    static constexpr const char* kA = "The tenant waters the garden.";
    static constexpr const char* kB = "The landlord sweeps the roof.";
    static constexpr const char* kC = "The agent counts the keys.";
    std::string prompt, says = "[b.txt] \"The landlord sweeps the roof.\"";
};

TEST_F(SessionBranchTest, SeesWhatIsInFrontAndReplaysFromTheNearestFrontier) {
    createRead();
    host->core()->measured({250, 0, 0});
    session->setIncluded({id("c.txt")}, true); // nothing changes; the speed is looked at again
    wait(ask("Again?"));
    until([&] { return session->laneOutlook("none")->tokensPerSecond > 0; }, "the speed");
    const LaneOutlook lane = *session->laneOutlook("none");
    ASSERT_EQ(lane.documents.size(), 3U);
    const std::uint64_t end = lane.documents[1].end;
    ASSERT_GT(end, 4096U) << "there is a frontier inside";

    const auto price = session->forkPrice(id("b.txt"), "none");
    ASSERT_TRUE(price);
    EXPECT_EQ(price->documents, 2U);
    EXPECT_EQ(price->all, 3U);
    EXPECT_EQ(price->replay, (end - 1) % 2048 + 1);
    EXPECT_EQ(price->read, 0U);
    EXPECT_NEAR(price->seconds, static_cast<double>(price->replay) / 250, 1e-9);
    EXPECT_THAT(price->text(), HasSubstr("sees 2 of 3 documents, re-reads up to "));
    EXPECT_THAT(price->text(), HasSubstr(" tokens, about "));

    const ThreadId branch = fork("b.txt");
    EXPECT_EQ(session->threads().back().name, "branch 1");
    EXPECT_THAT(seenIn(branch), ElementsAre("a.txt", "b.txt"));
    EXPECT_THAT(seenIn(main()), ElementsAre("a.txt", "b.txt", "c.txt"));
    const std::uint64_t replayed = engine->tokensReplayed(), read = engine->tokensRead();
    const Answer& answer = askIn(branch, "Who sweeps?");
    EXPECT_EQ(engine->tokensReplayed() - replayed, price->replay);
    EXPECT_LT(engine->tokensRead() - read, 100U) << "the question alone";
    EXPECT_EQ(engine->openLanes(), 1U);
    EXPECT_THAT(prompt, HasSubstr("alpha"));
    EXPECT_THAT(prompt, HasSubstr(kB));
    EXPECT_THAT(prompt, Not(HasSubstr("gamma")));
    EXPECT_THAT(prompt, Not(HasSubstr("First?"))) << "it begins in front of every question";
    ASSERT_EQ(answer.citations.size(), 1U);
    EXPECT_EQ(answer.citations[0].verdict, Verdict::Verified);
    EXPECT_EQ(answer.citations[0].place->source, id("b.txt"));
    EXPECT_EQ(answer.searched, "");
    // A follow-up, and a branch of the branch, see the same.
    askIn(branch, "And when?");
    EXPECT_THAT(prompt, HasSubstr("Who sweeps?"));
    EXPECT_THAT(prompt, Not(HasSubstr("gamma")));
    const ThreadId other = session->fork(session->questions(branch)[0].id, {});
    EXPECT_EQ(session->threads().back().name, "branch 2");
    EXPECT_THAT(seenIn(other), ElementsAre("a.txt", "b.txt"));
    askIn(other, "Or else?");
    EXPECT_THAT(prompt, HasSubstr("Who sweeps?"));
    EXPECT_THAT(prompt, Not(HasSubstr("And when?")));
    EXPECT_THAT(prompt, Not(HasSubstr("gamma")));
}

TEST_F(SessionBranchTest, QuotationsAreLookedForInFrontOnly) {
    createRead();
    const ThreadId branch = fork("b.txt");
    says = std::string("[c.txt] \"") + kC + "\"";
    ASSERT_EQ(wait(ask("Who counts?")).citations.at(0).verdict, Verdict::Verified);
    const Answer& answer = askIn(branch, "Who counts?");
    ASSERT_EQ(answer.citations.size(), 1U);
    EXPECT_EQ(answer.citations[0].verdict, Verdict::NotFound) << "c.txt is not searched";
    EXPECT_FALSE(answer.citations[0].place);
    says = "Not found in the documents.";
    const std::string searched = askIn(branch, "Who cooks?").searched;
    EXPECT_THAT(searched, HasSubstr("2 documents, "));
    EXPECT_THAT(searched, HasSubstr(grouped(session->laneOutlook("none")->documents[1].end)));
}

TEST_F(SessionBranchTest, IsThereWhenTheDossierIsOpenedAgain) {
    createRead();
    const ThreadId branch = fork("b.txt");
    askIn(branch, "Who sweeps?");
    const std::string before = prompt;
    session.reset();
    open();
    until([&] { return !session->levels().empty(); }, "the profile");
    EXPECT_THAT(session->threads().back().documents, ElementsAre("a.txt", "b.txt"));
    session->regenerate(session->questions(branch)[0].id, "none");
    wait(session->question(session->questions(branch)[0].id)->answers.back());
    EXPECT_EQ(prompt, before);
}

TEST_F(SessionBranchTest, DocumentsThatGoAndComeBackAreTold) {
    createRead();
    const ThreadId branch = fork("b.txt");
    session->removeSources({id("a.txt")});
    EXPECT_THAT(seenIn(branch), ElementsAre("b.txt"));
    EXPECT_EQ(askIn(branch, "Who sweeps?").searched,
              "Of the 2 documents in front of this branch, a.txt is no longer in the dossier");
    EXPECT_THAT(prompt, Not(HasSubstr("alpha")));
    EXPECT_THAT(prompt, HasSubstr("beta"));
    session->setIncluded({id("b.txt")}, false);
    EXPECT_THAT(refused([&] { askIn(branch, "Anything?"); }).failed,
                HasSubstr("None of the documents"));
    EXPECT_EQ(session->questions(branch).size(), 1U) << "nothing was stored";
    EXPECT_THAT(refused([&] { session->regenerate(session->questions(branch)[0].id); }).failed,
                HasSubstr("None of the documents"));

    add({folder.write("in/a.txt", longText("delta", 100, kA))}); // another text under its path
    EXPECT_THAT(seenIn(branch), ElementsAre("a.txt"));
    EXPECT_EQ(askIn(branch, "Who waters?").searched,
              "Of the 2 documents in front of this branch, 1 is unchecked");
    EXPECT_THAT(prompt, HasSubstr("delta"));
    session->setIncluded({id("b.txt")}, true);
    EXPECT_EQ(askIn(branch, "Who waters?").searched, "");
    EXPECT_THAT(prompt, HasSubstr("delta"));
    EXPECT_THAT(prompt, HasSubstr("beta"));
    EXPECT_THAT(prompt, Not(HasSubstr("gamma")));
}

TEST_F(SessionBranchTest, NamedDocumentsMustStandInFront) {
    createRead();
    const ThreadId branch = fork("b.txt");
    EXPECT_THAT(refused([&] { askIn(branch, "Who counts?", {id("c.txt")}); }).failed,
                HasSubstr("c.txt does not stand in front of this branch"));
    EXPECT_THAT(session->questions(branch), IsEmpty());
    askIn(branch, "Who waters?", {id("a.txt")});
    EXPECT_THAT(prompt, HasSubstr("alpha"));
    EXPECT_THAT(prompt, Not(HasSubstr("beta")));
}

TEST_F(SessionBranchTest, TheOrderIsThatOfTheLane) {
    createRead();
    add({folder.write("in/a.txt", longText("delta", 100, kA))}); // goes behind b and c
    wait(ask("Second?"));
    look();
    EXPECT_EQ(session->forkPrice(id("b.txt"), "none")->documents, 1U);
    EXPECT_EQ(session->forkPrice(id("a.txt"), "none")->documents, 3U);
    const ThreadId branch = fork("c.txt");
    EXPECT_THAT(seenIn(branch), ElementsAre("b.txt", "c.txt"));
    const std::uint64_t read = engine->tokensRead();
    askIn(branch, "Who counts?");
    EXPECT_LT(engine->tokensRead() - read, 100U);
    EXPECT_THAT(prompt, Not(HasSubstr("delta")));
}

TEST_F(SessionBranchTest, WhatIsNotReadYetIsReadUpToThere) {
    create();
    load();
    addThree();
    look(false);
    const auto price = session->forkPrice(id("b.txt"), "none");
    ASSERT_TRUE(price);
    EXPECT_EQ(price->read, session->laneOutlook("none")->documents[1].end);
    EXPECT_THAT(price->text(), HasSubstr(" tokens first"));
    const ThreadId branch = fork("b.txt");
    askIn(branch, "Who sweeps?");
    EXPECT_GE(engine->tokensRead(), price->read);
    EXPECT_LT(engine->tokensRead(), price->read + 100);
    // The rest is added to the same lane.
    const std::uint64_t read = engine->tokensRead();
    wait(ask("Who counts?"));
    look();
    EXPECT_LT(engine->tokensRead() - read, session->laneOutlook("none")->total - price->read + 100);
    ASSERT_EQ(session->lanes().size(), 1U);
    EXPECT_EQ(session->lanes()[0].info.tokens, session->laneOutlook("none")->total);
}

TEST_F(SessionBranchTest, NotWithoutAModelNorBehindWhatTakesNoPart) {
    create();
    addThree();
    EXPECT_FALSE(session->forkPrice(id("b.txt"), "none"));
    EXPECT_THAT(refused([&] { fork("b.txt"); }).remedy, HasSubstr("Load a model"));
    load();
    wait(ask("First?"));
    look();
    EXPECT_TRUE(session->forkPrice(id("b.txt"), "none"));
    session->setIncluded({id("b.txt")}, false);
    look(false); // c.txt would be read again, behind a.txt
    EXPECT_FALSE(session->forkPrice(id("b.txt"), "none"));
    EXPECT_EQ(session->forkPrice(id("c.txt"), "none")->documents, 2U);
}

TEST_F(SessionBranchTest, ModelsThatTakePassagesSearchWhatIsInFront) {
    folder.write("model/dossier-profile.json", R"({"mode": "passages"})");
    create();
    load();
    addThree();
    const auto price = session->forkPrice(id("b.txt"), "none");
    ASSERT_TRUE(price);
    EXPECT_TRUE(price->passages);
    EXPECT_EQ(price->documents, 2U);
    EXPECT_THAT(price->text(), HasSubstr("reads nothing again"));
    const ThreadId branch = fork("b.txt");
    EXPECT_THAT(seenIn(branch), ElementsAre("a.txt", "b.txt"));
    const std::string question = "Which agent counts the keys? Which landlord sweeps the roof?";
    askIn(main(), question);
    EXPECT_THAT(prompt, HasSubstr(kC));
    EXPECT_THAT(prompt, HasSubstr(kB));
    askIn(branch, question);
    EXPECT_THAT(prompt, Not(HasSubstr(kC)));
    EXPECT_THAT(prompt, HasSubstr(kB));
}

} // namespace
} // namespace dossier::app
