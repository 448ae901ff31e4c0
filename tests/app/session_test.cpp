// SPDX-License-Identifier: GPL-3.0-or-later
// The session as the window uses it: a scripted engine, an event loop, and what is on disk after.
#include "app/store/store.h"
#include "tests/app/session_fixture.h"

namespace dossier::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SessionTest, AddsFilesAndFoldersWithErrorsPerFile) {
    create();
    const auto lease = folder.write("in/lease.txt", kLease);
    folder.write("in/repo/src/a.cpp", "int a();\n");
    folder.write("in/repo/bad.txt", "FAIL no text in it");
    folder.write("in/repo/x.bin", "\1\2");
    const Job job = add({lease, folder.path() / "in/repo", folder.path() / "in/none.txt"});
    EXPECT_EQ(job.state, JobState::Done);
    EXPECT_EQ(job.succeeded, 2U);
    ASSERT_EQ(job.problems.size(), 2U);
    EXPECT_EQ(job.problems[0].failure.code, ErrorCode::NotFound);
    EXPECT_EQ(job.problems[1].path, "repo/bad.txt");
    ASSERT_EQ(job.leftOut.size(), 1U);
    EXPECT_EQ(job.leftOut[0].path, "repo/x.bin");
    EXPECT_EQ(job.leftOut[0].reason, "binary");
    ASSERT_EQ(session->sources().size(), 3U);
    EXPECT_EQ(session->sources()[0].path(), "lease.txt");
    EXPECT_EQ(session->sources()[0].title, "lease.txt");
    EXPECT_EQ(session->sources()[0].state, SourceState::Ready);
    EXPECT_EQ(session->sources()[1].path(), "repo/bad.txt");
    EXPECT_EQ(session->sources()[1].state, SourceState::Failed);
    EXPECT_EQ(session->sources()[2].path(), "repo/src/a.cpp");
    EXPECT_EQ(session->sources()[2].format, ingest::Format::Code);

    const SourceId first = session->sources()[0].id;
    DocumentPtr document;
    session->withDocument(first, session.get(),
                          [&](DocumentPtr d, std::optional<Failure>) { document = d; });
    until([&] { return document != nullptr; }, "the document");
    EXPECT_EQ(document->text, kLease);
    session.reset();
    open();
    ASSERT_EQ(session->sources().size(), 3U) << "all of it is on disk";
    EXPECT_EQ(session->sources()[0].state, SourceState::Ready);
    ASSERT_TRUE(session->sources()[1].failure);
    EXPECT_THAT(session->sources()[1].failure->failed, HasSubstr("no text in it"));
}

TEST_F(SessionTest, AddingAgainReplacesWhatChanged) {
    create();
    const auto lease = folder.write("in/lease.txt", kLease);
    add({lease});
    const SourceId before = session->sources()[0].id;
    const Job same = add({lease});
    EXPECT_EQ(same.unchanged, 1U);
    EXPECT_EQ(same.succeeded, 0U);
    EXPECT_THAT(same.problems, IsEmpty());
    ASSERT_EQ(session->sources().size(), 1U);
    session->setIncluded({before}, false);
    folder.write("in/lease.txt", "Another text entirely.");
    add({lease});
    ASSERT_EQ(session->sources().size(), 1U);
    EXPECT_NE(session->sources()[0].id, before);
    EXPECT_FALSE(session->sources()[0].included) << "the person's check mark stays";
    const auto other = folder.write("else/lease.txt", "A lease from elsewhere.");
    add({other});
    ASSERT_EQ(session->sources().size(), 2U);
    EXPECT_EQ(session->sources()[1].name, "lease (2).txt") << "names stay unambiguous";
}

TEST_F(SessionTest, AddingAgainTriesWhatCouldNotBeReadAndMendsADamagedText) {
    create();
    const auto bad = folder.write("in/bad.txt", "FAIL for now");
    const auto good = folder.write("in/good.txt", kLease);
    EXPECT_EQ(add({bad, good}).problems.size(), 1U);
    const SourceId first = session->sources()[0].id, second = session->sources()[1].id;
    Job again = add({bad});
    ASSERT_EQ(again.problems.size(), 1U) << "tried again, not left alone";
    EXPECT_THAT(again.problems[0].failure.failed, HasSubstr("for now"));
    EXPECT_EQ(session->sources()[0].id, first);

    session.reset();
    {
        Database database(path() / "dossier.db", Database::Mode::ReadWrite);
        database.script("UPDATE document SET bytes = substr(bytes, 1, 20)");
    }
    open();
    again = add({good});
    EXPECT_EQ(again.succeeded, 1U);
    EXPECT_EQ(again.unchanged, 0U);
    ASSERT_EQ(session->sources().size(), 2U);
    EXPECT_EQ(session->sources()[1].id, second);
    std::string text;
    session->withDocument(second, session.get(),
                          [&](DocumentPtr d, std::optional<Failure>) { text = d->text; });
    until([&] { return !text.empty(); }, "the document");
    EXPECT_EQ(text, kLease);
}

TEST_F(SessionTest, QuotationsAndMarksFollowAChangedSource) {
    script.answer = [](std::span<const engine::Token>) {
        return std::vector<std::string>{"[lease.txt] \"shall bear the cost of doing so\"."};
    };
    create();
    load();
    const auto lease = folder.write("in/lease.txt", kLease);
    add({lease});
    const AnswerId asked = ask("Who repairs the structure?");
    ASSERT_TRUE(wait(asked).citations.at(0).place);
    ASSERT_EQ(wait(asked).citations[0].verdict, Verdict::Verified);
    const std::string quote = wait(asked).citations[0].quote;
    Mark mark;
    mark.source = session->sources()[0].id;
    const std::size_t at = std::string(kLease).find("thirty (30) days");
    mark.range = {at, at + 16};
    mark.note = "ask about this";
    const MarkId marked = session->addMark(mark).id;
    session->flush();

    folder.write("in/lease.txt", std::string("AMENDED\n\n") + kLease);
    add({lease});
    const SourceId second = session->sources()[0].id;
    const Citation moved = session->answer(asked)->citations[0];
    EXPECT_EQ(moved.verdict, Verdict::Verified);
    ASSERT_TRUE(moved.place);
    EXPECT_EQ(moved.place->source, second);
    EXPECT_EQ(moved.place->range.begin, std::string(kLease).find(quote) + 9);
    EXPECT_THAT(session->answer(asked)->searched, ::testing::Not(HasSubstr("changed")));
    ASSERT_EQ(session->marksOf(second).size(), 1U);
    EXPECT_EQ(session->marksOf(second)[0].range.begin, at + 9);

    folder.write("in/lease.txt", "LEASE\n\nNothing of it stands any more.\n");
    add({lease});
    const auto check = [&] {
        const Answer& answer = *session->answer(asked);
        EXPECT_EQ(answer.citations[0].verdict, Verdict::NotFound);
        EXPECT_FALSE(answer.citations[0].place);
        EXPECT_THAT(answer.searched, HasSubstr("The source changed after this answer: "));
        EXPECT_THAT(answer.searched, HasSubstr("no longer stand"));
        const auto marks = session->marksOf(session->sources()[0].id);
        ASSERT_EQ(marks.size(), 1U) << "no note is lost";
        EXPECT_EQ(marks[0].id, marked);
        EXPECT_EQ(marks[0].note, "ask about this");
        EXPECT_EQ(marks[0].quote, "thirty (30) days");
        EXPECT_TRUE(marks[0].range.empty()) << "other words must not look marked";
    };
    check();
    session.reset();
    open();
    check();

    folder.write("in/lease.txt", kLease);
    add({lease});
    EXPECT_EQ(session->answer(asked)->citations[0].verdict, Verdict::Verified);
    EXPECT_THAT(session->answer(asked)->searched, ::testing::Not(HasSubstr("changed")));
    EXPECT_EQ(session->marks()[0].range.begin, at);
}

TEST_F(SessionTest, AnAnswerThatIsOnItsWayIsHeldAgainstTheChangedSource) {
    script.answer = [](std::span<const engine::Token>) {
        std::vector<std::string> words(60, "so ");
        words.emplace_back("[lease.txt] \"shall bear the cost of doing so\".");
        return words;
    };
    script.answerTokensPerSecond = 60;
    create();
    load();
    const auto lease = folder.write("in/lease.txt", kLease);
    add({lease});
    const AnswerId asked = ask("Who repairs the structure?");
    until([&] { return !session->answer(asked)->text.empty(); }, "the first words");
    folder.write("in/lease.txt", "LEASE\n\nNothing of it stands any more.\n");
    add({lease});
    ASSERT_FALSE(isFinal(session->answer(asked)->state)) << "the source changed before the end";
    wait(asked);
    until([&] { return session->answer(asked)->searched.find("changed") != std::string::npos; },
          "the look at the new text");
    EXPECT_EQ(session->answer(asked)->citations.at(0).verdict, Verdict::NotFound);
    EXPECT_FALSE(session->answer(asked)->citations[0].place);
}

TEST_F(SessionTest, AChangedSourceThatCannotBeReadConfirmsNothing) {
    script.answer = [](std::span<const engine::Token>) {
        return std::vector<std::string>{"[lease.txt] \"shall bear the cost of doing so\"."};
    };
    create();
    load();
    const auto lease = folder.write("in/lease.txt", kLease);
    add({lease});
    const AnswerId asked = ask("Who repairs the structure?");
    ASSERT_EQ(wait(asked).citations.at(0).verdict, Verdict::Verified);
    session->flush();
    folder.write("in/lease.txt", "FAIL scrambled");
    add({lease});
    EXPECT_EQ(session->answer(asked)->citations[0].verdict, Verdict::NotFound);
    EXPECT_THAT(session->answer(asked)->searched, HasSubstr("no longer stand"));
}

TEST_F(SessionTest, LeavesDossiersOutOfFolders) {
    create();
    folder.write("a.txt", kLease);
    folder.write("old/dossier.db", "database");
    folder.write("old/sources/ab/c.txt", "a copy");
    const Job job = add({folder.path()});
    EXPECT_EQ(job.succeeded, 1U);
    ASSERT_EQ(session->sources().size(), 1U);
    EXPECT_EQ(session->sources()[0].name, "a.txt");
    std::vector<std::string> left;
    for (const ingest::WalkEntry& entry : job.leftOut) {
        left.push_back(std::filesystem::path(entry.path).filename().string());
        EXPECT_EQ(entry.reason, "a dossier");
    }
    EXPECT_THAT(left, ElementsAre("matter.dossier", "old"));

    const Job itself = add({path()});
    ASSERT_EQ(itself.problems.size(), 1U);
    EXPECT_THAT(itself.problems[0].failure.failed, HasSubstr("is a dossier"));
}

TEST_F(SessionTest, FilesWhoseNamesAreNoUtf8StayApart) {
    create();
    folder.write("in/bad\xfe.txt", "the first");
    folder.write("in/bad\xff.txt", "the second");
    for (int i = 0; i < 2; ++i) {
        const Job job = add({folder.path() / "in"});
        EXPECT_EQ(job.unchanged, i == 0 ? 0U : 2U);
        ASSERT_EQ(session->sources().size(), 2U);
        EXPECT_NE(session->sources()[0].sha256, session->sources()[1].sha256);
        EXPECT_NE(session->sources()[0].name, session->sources()[1].name);
    }
}

TEST_F(SessionTest, CancelledAddingKeepsWhatWasNotReachedForTheNextOpening) {
    create();
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < 20; ++i) {
        files.push_back(
            folder.write("in/" + std::to_string(i) + ".txt", "SLOW " + std::to_string(i)));
    }
    AddRequest request;
    request.paths = files;
    const JobId id = session->addSources(request);
    until([&] { return session->sources().size() == 20; }, "the copies");
    QElapsedTimer timer;
    timer.start();
    session->cancelJob(id);
    EXPECT_EQ(run(id).state, JobState::Cancelled);
    EXPECT_LT(timer.elapsed(), 250 + 100);
    ASSERT_EQ(session->sources().size(), 20U);
    for (const Source& source : session->sources()) {
        EXPECT_NE(source.state, SourceState::Failed) << source.name;
        EXPECT_NE(source.state, SourceState::Reading) << source.name;
    }
    session.reset();
    std::filesystem::remove_all(folder.path() / "in"); // the dossier has its own copies
    {
        const auto store = Store::open(path());
        for (const Source& source : store->load().sources) {
            const auto original = store->originalFile(source.id);
            folder.write(original.lexically_relative(folder.path()), "quick now");
        }
    }
    open();
    ASSERT_EQ(session->sources().size(), 20U);
    until(
        [&] {
            return std::all_of(
                session->sources().begin(), session->sources().end(),
                [](const Source& source) { return source.state == SourceState::Ready; });
        },
        "the rest");
}

TEST_F(SessionTest, AnAnswerSaysHowManyDocumentsWereNotReadYet) {
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    AddRequest request;
    request.paths = {folder.write("in/a.txt", "SLOW a"), folder.write("in/b.txt", "SLOW b")};
    const JobId adding = session->addSources(request);
    until([&] { return session->sources().size() == 3; }, "the copies");
    EXPECT_THAT(wait(ask("Who repairs the structure?")).searched,
                HasSubstr("2 documents were not read yet and have no part in this answer"));
    session->cancelJob(adding);
    run(adding);
}

TEST_F(SessionTest, CancellingToReadAgainRemovesNothing) {
    create();
    add({folder.write("in/lease.txt", kLease)});
    const SourceId id = session->sources()[0].id;
    folder.write(session->originalFile(id).lexically_relative(folder.path()), "SLOW now");
    const JobId again = session->readAgain({id});
    until([&] { return session->sources()[0].state == SourceState::Reading; }, "the reading");
    session->cancelJob(again);
    EXPECT_EQ(run(again).state, JobState::Cancelled);
    ASSERT_EQ(session->sources().size(), 1U);
    EXPECT_EQ(session->sources()[0].state, SourceState::Queued);
}

TEST_F(SessionTest, UnfinishedReadingGoesOnWhenOpened) {
    create();
    Source source;
    {
        session.reset();
        const auto store = Store::open(path());
        const auto copy = store->originals().add(folder.write("in/lease.txt", kLease));
        source.id = store->newSourceId();
        source.name = "lease.txt";
        source.sha256 = copy.sha256;
        store->addSources({source}); // and the program is killed here
    }
    open();
    until([&] { return session->sources()[0].state == SourceState::Ready; }, "the reading");
}

TEST_F(SessionTest, StreamsAnAnswerWithCheckedQuotations) {
    script.answer = [](std::span<const engine::Token>) {
        return std::vector<std::string>{"Let me ",
                                        "see.",
                                        "</think>",
                                        "The landlord: ",
                                        "[lease.txt]",
                                        " \"shall bear the",
                                        " cost of doing so\"",
                                        " and never ",
                                        "\"pays for the roof\".",
                                        " But [lease.txt] \"The tenant shall give NOTICE\"."};
    };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    std::string streamed, thought;
    std::vector<AnswerState> states;
    QObject::connect(session.get(), &Session::answerStreamed, session.get(),
                     [&](AnswerId, const QString& thinking, const QString& text) {
                         thought += thinking.toStdString();
                         streamed += text.toStdString();
                     });
    const AnswerId id = ask("Who pays for structural repairs?", "high");
    const Answer& answer = wait(id);
    EXPECT_EQ(answer.state, AnswerState::Done) << (answer.failure ? answer.failure->failed : "");
    EXPECT_EQ(answer.thinking, "Let me see.");
    EXPECT_EQ(answer.text, "The landlord: \"shall bear the cost of doing so\" and never \"pays for "
                           "the roof\". But \"The tenant shall give NOTICE\".");
    EXPECT_EQ(thought, answer.thinking);
    EXPECT_EQ(streamed, answer.text);
    ASSERT_EQ(answer.citations.size(), 3U);
    const Citation& first = answer.citations[0];
    EXPECT_EQ(first.verdict, Verdict::Verified);
    EXPECT_EQ(first.named, "lease.txt");
    EXPECT_EQ(first.document, "lease.txt");
    ASSERT_TRUE(first.place);
    EXPECT_EQ(std::string(kLease).substr(first.place->range.begin, first.place->range.size()),
              "shall bear the cost of doing so");
    EXPECT_EQ(first.place->section, "5.2");
    EXPECT_EQ(first.place->line, 3U);
    EXPECT_EQ(answer.text.substr(first.inAnswer.begin, first.inAnswer.size()),
              "\"shall bear the cost of doing so\"");
    EXPECT_EQ(answer.citations[1].verdict, Verdict::NotFound);
    EXPECT_EQ(answer.citations[2].verdict, Verdict::VerifiedNormalised);
    EXPECT_EQ(answer.level, "high");
    EXPECT_EQ(answer.levelTitle, "Think High");
    EXPECT_THAT(answer.model, HasSubstr("Scripted V4"));
    EXPECT_GT(answer.promptTokens, 30U);

    const std::vector<Citation> citations = answer.citations;
    session.reset();
    open();
    const Answer* stored = session->answer(id);
    ASSERT_NE(stored, nullptr);
    EXPECT_EQ(stored->state, AnswerState::Done);
    EXPECT_EQ(stored->levelTitle, "Think High");
    EXPECT_EQ(stored->text, streamed);
    EXPECT_EQ(stored->citations, citations);
}

TEST_F(SessionTest, StopsWithin250Milliseconds) {
    script.answerTokensPerSecond = 50;
    script.answer = [](std::span<const engine::Token>) { return test::wordsToStream(2000, ""); };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    const AnswerId running = ask("Tell me everything");
    const AnswerId queued = ask("And more");
    until([&] { return session->answer(running)->text.size() > 40; }, "some text");
    QElapsedTimer timer;
    timer.start();
    session->stop(queued);
    session->stop(running);
    const Answer& answer = wait(running);
    EXPECT_LT(timer.elapsed(), 250);
    EXPECT_EQ(answer.state, AnswerState::Stopped);
    EXPECT_GT(answer.text.size(), 40U) << "what was written is kept";
    EXPECT_EQ(wait(queued).state, AnswerState::Stopped);
    EXPECT_FALSE(session->answering());
    session.reset();
    open();
    EXPECT_EQ(session->answer(running)->state, AnswerState::Stopped);
    EXPECT_GT(session->answer(running)->text.size(), 40U);
}

TEST_F(SessionTest, SurvivesTheDeathOfTheEngine) {
    script.answerTokensPerSecond = 50;
    script.answer = [](std::span<const engine::Token>) { return test::wordsToStream(200, ""); };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    const AnswerId id = ask("Tell me everything");
    until([&] { return session->answer(id)->text.size() > 20; }, "some text");
    engine->die();
    const Answer& answer = wait(id);
    EXPECT_EQ(answer.state, AnswerState::Failed);
    ASSERT_TRUE(answer.failure);
    EXPECT_EQ(answer.failure->code, ErrorCode::ProcessDied);
    EXPECT_GT(answer.text.size(), 20U);
    until([&] { return host->status().state == EngineState::Stopped; }, "the news");
    ASSERT_TRUE(host->status().failure);
    EXPECT_EQ(host->status().failure->code, ErrorCode::ProcessDied);
    script.answerTokensPerSecond = 0;
    EXPECT_EQ(wait(ask("Once more")).state, AnswerState::Done) << "the next question works";
    EXPECT_EQ(enginesMade, 2);
    until([&] { return host->status().state == EngineState::Ready; }, "an engine that is ready");
}

TEST_F(SessionTest, AnEngineThatDiesWhileNothingIsAskedIsToldAndTheNextQuestionWorks) {
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    host->setSampling(true);
    engine->die();
    until([&] { return host->status().state == EngineState::Stopped; }, "the news");
    std::vector<EngineState> states;
    std::optional<Failure> reason; // why it starts again
    QObject guard;
    QObject::connect(host.get(), &EngineHost::statusChanged, &guard, [&] {
        states.push_back(host->status().state);
        if (states.back() == EngineState::Loading) {
            reason = host->status().failure;
        }
    });
    script.loadTime = std::chrono::milliseconds(200);
    EXPECT_EQ(wait(ask("Who pays?")).state, AnswerState::Done);
    EXPECT_EQ(enginesMade, 2);
    until([&] { return host->status().state == EngineState::Ready; }, "an engine that is ready");
    ASSERT_FALSE(states.empty());
    EXPECT_EQ(states.front(), EngineState::Loading);
    ASSERT_TRUE(reason);
    EXPECT_EQ(reason->code, ErrorCode::ProcessDied);
    EXPECT_FALSE(host->status().failure);
    host->setSampling(false);
}

TEST_F(SessionTest, MemoryIsToldOfTheDossierOpenedLast) {
    create();
    auto former = std::exchange(session, Session::create(folder.path() / "other", options));
    former.reset(); // in the order of the window, where a dossier that cannot be opened keeps it
    host->setSampling(true);
    const std::vector<MemorySample>& samples = host->memory();
    until([&] { return !samples.empty() && !samples.back().application.empty(); }, "its rows");
    session.reset();
    const std::size_t before = samples.size();
    until([&] { return samples.size() >= before + 2; }, "samples without a dossier");
    EXPECT_TRUE(samples.back().application.empty());
    host->setSampling(false);
}

TEST_F(SessionTest, AModelThatCannotBeLoadedHasFailed) {
    script.loadError = Error(ErrorCode::Corrupt, "model.safetensors is damaged", "Copy it again");
    engine::LoadOptions model;
    model.model = folder.path() / "model";
    host->load(model);
    until([&] { return host->status().state == EngineState::Failed; }, "the news");
    ASSERT_TRUE(host->status().failure);
    EXPECT_EQ(host->status().failure->code, ErrorCode::Corrupt);
    script.loadError.reset();
    script.loadTime = std::chrono::milliseconds(200);
    bool restarts = false;
    QObject guard;
    QObject::connect(host.get(), &EngineHost::statusChanged, &guard, [&] {
        const EngineStatus& status = host->status();
        restarts |= status.state == EngineState::Loading && status.failure.has_value();
    });
    engine->setScript(script);
    host->load(model);
    until([&] { return host->status().state == EngineState::Ready; }, "the model");
    EXPECT_FALSE(restarts) << "a failure of another load is no reason for this one";
}

TEST_F(SessionTest, RefusesDocumentsThatDoNotFitBeforeReading) {
    script.model.maxContext = 66'000;
    create();
    load();
    std::string text;
    for (int i = 0; i < 400; ++i) {
        text += "word" + std::to_string(i) + " ";
    }
    add({folder.write("in/lease.txt", kLease), folder.write("in/long.txt", text)});
    const Answer& answer = wait(ask("Who pays?"));
    EXPECT_EQ(answer.state, AnswerState::Failed);
    ASSERT_TRUE(answer.failure);
    EXPECT_EQ(answer.failure->code, ErrorCode::TooLarge);
    EXPECT_THAT(answer.failure->failed, HasSubstr("66,000"));
    EXPECT_THAT(answer.failure->failed, HasSubstr("65,536"));
    EXPECT_THAT(answer.failure->remedy, HasSubstr("long.txt (4"));
    EXPECT_EQ(engine->tokensRead(), 0U);
    const ContextUse use = session->contextUse();
    EXPECT_TRUE(use.whole);
    EXPECT_TRUE(use.exact);
    EXPECT_EQ(use.maxTokens, 66'000U);
    EXPECT_EQ(use.documentTokens, *session->sources()[0].tokens + *session->sources()[1].tokens);
    session->setIncluded({session->sources()[1].id}, false);
    EXPECT_EQ(wait(ask("Who pays?")).state, AnswerState::Done);
}

TEST_F(SessionTest, SaysNotFoundWithSearchResults) {
    script.answer = [](std::span<const engine::Token>) {
        return std::vector<std::string>{"Not found in ", "the documents."};
    };
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    const Answer& answer = wait(ask("What repair cost does the Landlord bear?"));
    EXPECT_EQ(answer.state, AnswerState::NotFound);
    EXPECT_THAT(answer.searched, HasSubstr("1 document"));
    ASSERT_FALSE(answer.searchResults.empty());
    EXPECT_THAT(answer.searchResults[0].snippet, HasSubstr("Landlord"));
}

TEST_F(SessionTest, NamesTheLevelsThatAModelHas) {
    create();
    load();
    std::vector<std::string> names;
    for (const LevelInfo& level : session->levels()) {
        names.push_back(level.name);
    }
    EXPECT_THAT(names, ElementsAre("none", "high", "max"));
    EXPECT_EQ(session->defaultLevel(), "high");
    AskRequest request;
    request.text = "Who pays?";
    request.level = "low";
    try {
        session->ask(request);
        FAIL() << "there is no level low";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_THAT(error.remedy(), HasSubstr("none, high, max"));
    }
    EXPECT_TRUE(session->questions(session->threads()[0].id).empty());
}

TEST_F(SessionTest, MarksCanBeUndone) {
    create();
    add({folder.write("in/lease.txt", kLease)});
    const SourceId source = session->sources()[0].id;
    Mark draft;
    draft.source = source;
    draft.range = {7, 20};
    draft.note = "who?";
    const Mark mark = session->addMark(draft);
    EXPECT_EQ(mark.quote, std::string(kLease).substr(7, 13));
    EXPECT_EQ(mark.author, "ab");
    Mark changed = mark;
    changed.note = "the landlord";
    EXPECT_EQ(session->changeMark(changed), mark);
    EXPECT_EQ(session->marksOf(source)[0].note, "the landlord");
    const Mark removed = session->removeMark(mark.id);
    EXPECT_TRUE(session->marks().empty());
    session->putBackMark(removed);
    EXPECT_EQ(session->marks()[0].id, mark.id);
    draft.range = {0, 10'000};
    EXPECT_THROW(session->addMark(draft), Error);
    session.reset();
    open();
    ASSERT_EQ(session->marks().size(), 1U);
    EXPECT_EQ(session->marks()[0].note, "the landlord");
}

TEST_F(SessionTest, SearchesAndChecksQuotations) {
    create();
    add({folder.write("in/lease.txt", kLease)});
    std::vector<SearchHit> hits;
    bool done = false;
    session->searchSources("no such words", 10, session.get(),
                           [&](const auto&) { FAIL() << "the older search is dropped"; });
    session->searchSources("thirty days", 10, session.get(), [&](const auto& found) {
        hits = found;
        done = true;
    });
    until([&] { return done; }, "the search");
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(hits[0].place.section, "5.3");
    EXPECT_EQ(std::string(kLease).substr(hits[0].place.range.begin, hits[0].place.range.size()),
              "thirty");
    std::optional<Citation> citation;
    session->checkQuote("SHALL BEAR THE COST", std::nullopt, session.get(),
                        [&](const Citation& c) { citation = c; });
    until([&] { return citation.has_value(); }, "the check");
    EXPECT_EQ(citation->verdict, Verdict::VerifiedNormalised);
    EXPECT_EQ(citation->document, "lease.txt");
}

TEST_F(SessionTest, RemovedSourcesComeBack) {
    create();
    add({folder.write("in/a.txt", kLease), folder.write("in/b.txt", "Another text.")});
    const SourceId first = session->sources()[0].id;
    session->removeSources({first});
    ASSERT_EQ(session->sources().size(), 1U);
    EXPECT_EQ(session->source(first), nullptr);
    session->restoreSources({first});
    ASSERT_EQ(session->sources().size(), 2U);
    EXPECT_EQ(session->sources()[0].id, first) << "at its old place";
    session->removeSources({first});
    session.reset();
    open();
    EXPECT_EQ(session->sources().size(), 1U);
}

TEST_F(SessionTest, ExportsGetEverything) {
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    wait(ask("Who pays?"));
    std::size_t bytes = 0, answers = 0;
    const Job job = run(session->runExport("Report", [&](const ExportContext& context) {
        context.progress(1, 2, "lease.txt");
        bytes = context.document(context.dossier.sources.at(0).id)->text.size();
        answers = context.dossier.answers.size();
        EXPECT_TRUE(std::filesystem::exists(context.original(context.dossier.sources[0].id)));
    }));
    EXPECT_EQ(job.state, JobState::Done);
    EXPECT_EQ(bytes, std::string(kLease).size());
    EXPECT_EQ(answers, 1U);
    const Job failed = run(session->runExport("Report", [](const ExportContext&) {
        throw Error(ErrorCode::DiskFull, "No space", "Free some");
    }));
    EXPECT_EQ(failed.state, JobState::Failed);
    EXPECT_EQ(failed.failure->code, ErrorCode::DiskFull);
}

TEST_F(SessionTest, AsksWithoutAModelOrDocumentsFailClearly) {
    create();
    add({folder.write("in/lease.txt", kLease)});
    const Answer& none = wait(ask("Who pays?"));
    EXPECT_EQ(none.state, AnswerState::Failed);
    EXPECT_THAT(none.failure->failed, HasSubstr("No model"));
    load();
    session->setIncluded({session->sources()[0].id}, false);
    const Answer& empty = wait(ask("Who pays?"));
    EXPECT_EQ(empty.state, AnswerState::Failed);
    EXPECT_THAT(empty.failure->failed, HasSubstr("no documents"));
    EXPECT_THROW(ask("  \n"), Error);
}

TEST_F(SessionTest, RegeneratesAsAnotherVersion) {
    create();
    load();
    add({folder.write("in/lease.txt", kLease)});
    const AnswerId first = ask("Who pays?");
    wait(first);
    const QuestionId question = session->answer(first)->question;
    const AnswerId second = session->regenerate(question, "high");
    wait(second);
    EXPECT_EQ(session->answer(second)->version, 2U);
    EXPECT_EQ(session->answer(second)->level, "high");
    EXPECT_THAT(session->question(question)->answers, ElementsAre(first, second));
}

} // namespace
} // namespace dossier::app
