// SPDX-License-Identifier: GPL-3.0-or-later
// The store as its callers rely on it: what was written comes back, every failure is told.
#include "app/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "app/store/schema.h"
#include "tests/support/ordinary_user.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Source sampleSource(Store& store, const std::string& name) {
    Source source;
    source.id = store.newSourceId();
    source.name = name;
    source.folder = "handover/annexes";
    source.addedFrom = "/home/a/" + name;
    source.format = ingest::Format::Pdf;
    source.title = "Lease of Unit 4";
    source.sha256 = std::string(64, 'a');
    source.fileBytes = 12'345;
    source.pages = 88;
    source.lines = 4'000;
    source.pagesWithoutText = 2;
    source.warnings = {"page 3 has no text layer", "page 9 has no text layer"};
    source.addedMs = 1'700'000'000'000;
    return source;
}

Answer sampleAnswer(Store& store, QuestionId question) {
    Answer answer;
    answer.id = store.newAnswerId();
    answer.question = question;
    answer.level = "high";
    answer.startedMs = 1'700'000'000'123;
    return answer;
}

ErrorCode codeOf(const std::function<void()>& action, std::string* text = nullptr) {
    try {
        action();
    } catch (const Error& error) {
        if (text != nullptr) {
            *text = error.failed() + " | " + error.remedy();
        }
        return error.code();
    }
    ADD_FAILURE() << "no error was thrown";
    return ErrorCode::Internal;
}

TEST(Store, KeepsSourcesInOrder) {
    const test::TempFolder folder;
    Source lease;
    {
        const auto store = Store::create(folder.path() / "a.dossier");
        lease = sampleSource(*store, "lease.pdf");
        store->addSources({lease, sampleSource(*store, "annex.pdf")});
        lease.state = SourceState::Failed;
        lease.failure = Failure{ErrorCode::Encrypted, "lease.pdf is encrypted", "Give a password"};
        store->updateSources({lease});
        store->setIncluded(lease.id, false);
    }
    const auto store = Store::open(folder.path() / "a.dossier");
    const StoreContents contents = store->load();
    ASSERT_EQ(contents.sources.size(), 2U);
    EXPECT_EQ(contents.sources[1].name, "annex.pdf");
    const Source& loaded = contents.sources[0];
    EXPECT_EQ(loaded.id, lease.id);
    EXPECT_EQ(loaded.path(), "handover/annexes/lease.pdf");
    EXPECT_EQ(loaded.addedFrom, lease.addedFrom);
    EXPECT_EQ(loaded.title, lease.title);
    EXPECT_EQ(loaded.sha256, lease.sha256);
    EXPECT_EQ(loaded.fileBytes, lease.fileBytes);
    EXPECT_EQ(loaded.pages, lease.pages);
    EXPECT_EQ(loaded.pagesWithoutText, lease.pagesWithoutText);
    EXPECT_EQ(loaded.warnings, lease.warnings);
    EXPECT_EQ(loaded.failure, lease.failure);
    EXPECT_EQ(loaded.state, SourceState::Failed);
    EXPECT_FALSE(loaded.included);
}

TEST(Store, KeepsDocumentsAndFindsTheirWords) {
    const test::TempFolder folder;
    const auto store = Store::create(folder.path() / "a.dossier");
    Source source = sampleSource(*store, "lease.pdf");
    Source other = sampleSource(*store, "other.pdf");
    store->addSources({source, other});
    const std::string bytes("doc\0ument", 9);
    store->saveDocument(source, bytes,
                        {{{0, 40}, "The Tenant shall keep the\ninterior in repair."},
                         {{41, 90}, "Notice of disrepair is given in writing."}});
    store->saveDocument(other, "x", {{{0, 9}, "The Tenant pays the rent."}});

    StoreReader reader(store->folder());
    EXPECT_EQ(reader.document(source.id), bytes);
    EXPECT_EQ(codeOf([&] { reader.document(SourceId{99}); }), ErrorCode::NotFound);

    const auto hits = reader.search("tenant interi", 10);
    ASSERT_EQ(hits.size(), 1U);
    EXPECT_EQ(hits[0].place.source, source.id);
    EXPECT_EQ(hits[0].place.range, (ingest::TextRange{0, 40}));
    EXPECT_EQ(hits[0].snippet, "The Tenant shall keep the interior in repair.");
    ASSERT_EQ(hits[0].matches.size(), 2U);
    EXPECT_EQ(hits[0].snippet.substr(hits[0].matches[0].begin, hits[0].matches[0].size()),
              "Tenant");
    EXPECT_EQ(reader.search("tenant", 10).size(), 2U);
    EXPECT_TRUE(reader.search("\"*(:;", 10).empty()) << "operators of FTS5 are only characters";
    EXPECT_TRUE(reader.search("landlord", 10).empty());

    store->setIncluded(other.id, false);
    EXPECT_EQ(reader.search("tenant", 10).size(), 1U) << "only included sources are searched";
}

TEST(Store, KeepsQuestionsAnswersAndCitations) {
    const test::TempFolder folder;
    Citation citation{1,
                      "shall bear the cost",
                      {4, 30},
                      Verdict::VerifiedNormalised,
                      100,
                      true,
                      Place{SourceId{7}, {100, 130}, 13, "14", 220, "5.2"},
                      "lease",
                      "lease.pdf"};
    Citation nowhere{
        2, "not there at all", {40, 60}, Verdict::NotFound, 12, false, std::nullopt, "", ""};
    Citation nearest = citation;
    nearest.number = 0;
    nearest.place->page.reset();
    SearchHit hit{*citation.place, "the cost of doing so", {{4, 8}}, 2.5};
    QuestionId asked{};
    {
        const auto store = Store::create(folder.path() / "a.dossier");
        store->saveThread({store->newThreadId(), "main", std::nullopt, 5});
        Question question{store->newQuestionId(), ThreadId{1}, 1, "Who pays?", "high", 6, {}};
        asked = question.id;
        Answer answer = sampleAnswer(*store, question.id);
        store->addQuestion(question, {{SourceId{7}}, true, false}, answer);
        answer.state = AnswerState::Writing;
        answer.text = "The landl";
        store->saveAnswerProgress(answer);
        Answer second = sampleAnswer(*store, question.id);
        second.version = 2;
        store->addAnswer(second);
        second.state = AnswerState::NotFound;
        second.text = "The landlord, “shall bear the cost”.";
        second.thinking = "Let me see.";
        second.citations = {citation, nowhere};
        second.nearest = nearest;
        second.searchResults = {hit};
        second.searched = "2 documents";
        second.model = "V4 01234567";
        second.promptTokens = 1;
        second.thinkingTokens = 2;
        second.answerTokens = 3;
        second.thinkingSeconds = 0.5;
        second.seconds = 1.5;
        second.failure = Failure{ErrorCode::ProcessDied, "gone", "again"};
        store->saveAnswer(second);
    }
    const auto store = Store::open(folder.path() / "a.dossier");
    const StoreContents contents = store->load();
    ASSERT_EQ(contents.threads.size(), 1U);
    ASSERT_EQ(contents.questions.size(), 1U);
    EXPECT_EQ(contents.questions[0].text, "Who pays?");
    EXPECT_THAT(contents.questions[0].answers, ElementsAre(AnswerId{1}, AnswerId{2}));
    const QuestionOptions& options = contents.questionOptions.at(asked);
    EXPECT_THAT(options.only, ElementsAre(SourceId{7}));
    EXPECT_TRUE(options.evidenceOnly);
    EXPECT_EQ(options.whole, false);
    ASSERT_EQ(contents.answers.size(), 2U);
    EXPECT_EQ(contents.answers[0].state, AnswerState::Stopped) << "it was being written";
    EXPECT_EQ(contents.answers[0].text, "The landl");
    const Answer& second = contents.answers[1];
    EXPECT_EQ(second.state, AnswerState::NotFound);
    EXPECT_THAT(second.citations, ElementsAre(citation, nowhere));
    EXPECT_EQ(second.nearest, nearest);
    ASSERT_EQ(second.searchResults.size(), 1U);
    EXPECT_EQ(second.searchResults[0].place, hit.place);
    EXPECT_EQ(second.searchResults[0].matches, hit.matches);
    EXPECT_EQ(second.searched, "2 documents");
    EXPECT_EQ(second.thinking, "Let me see.");
    EXPECT_EQ(second.promptTokens, 1U);
    EXPECT_EQ(second.thinkingTokens, 2U);
    EXPECT_EQ(second.answerTokens, 3U);
    EXPECT_EQ(second.seconds, 1.5);
    EXPECT_EQ(second.failure, (Failure{ErrorCode::ProcessDied, "gone", "again"}));

    StoreReader reader(store->folder());
    const auto inQuestion = reader.searchHistory("pays", 10);
    ASSERT_EQ(inQuestion.size(), 1U);
    EXPECT_EQ(inQuestion[0].question, asked);
    EXPECT_FALSE(inQuestion[0].answer);
    const auto inAnswer = reader.searchHistory("landlord", 10);
    ASSERT_EQ(inAnswer.size(), 1U);
    EXPECT_EQ(inAnswer[0].answer, AnswerId{2});
    EXPECT_EQ(inAnswer[0].question, asked);
}

TEST(Store, NeverUsesAMarkIdAgain) {
    const test::TempFolder folder;
    Mark mark;
    {
        const auto store = Store::create(folder.path() / "a.dossier");
        const Source source = sampleSource(*store, "lease.pdf");
        store->addSources({source});
        mark = {store->newMarkId(),
                source.id,
                ingest::MarkKind::Note,
                {3, 9},
                {1, 2, 255},
                "why?",
                "ab",
                "quoted",
                10,
                10};
        store->saveMark(mark);
        mark.note = "because";
        mark.changedMs = 20;
        store->saveMark(mark);
    }
    {
        const auto store = Store::open(folder.path() / "a.dossier");
        EXPECT_THAT(store->load().marks, ElementsAre(mark));
        store->removeMark(mark.id);
    }
    const auto store = Store::open(folder.path() / "a.dossier");
    EXPECT_TRUE(store->load().marks.empty());
    EXPECT_NE(store->newMarkId(), mark.id);
}

TEST(Store, PurgesRemovedSourcesButKeepsSharedOriginals) {
    const test::TempFolder folder;
    const auto store = Store::create(folder.path() / "a.dossier");
    const auto file = folder.write("lease.pdf", "the same bytes");
    const auto stored = store->originals().add(file);
    Source first = sampleSource(*store, "lease.pdf");
    first.sha256 = stored.sha256;
    Source second = first;
    second.id = store->newSourceId();
    store->addSources({first, second});
    store->saveDocument(first, "text", {{{0, 4}, "text"}});

    store->setRemoved(first.id, true);
    EXPECT_EQ(store->load().sources.size(), 1U);
    EXPECT_TRUE(StoreReader(store->folder()).search("text", 5).empty());
    store->setRemoved(first.id, false);
    EXPECT_EQ(store->load().sources.size(), 2U);
    EXPECT_EQ(StoreReader(store->folder()).document(first.id), "text") << "undo brings all back";

    store->setRemoved(first.id, true);
    store->purgeRemoved();
    EXPECT_TRUE(std::filesystem::exists(stored.file)) << "the other source has the same content";
    EXPECT_EQ(codeOf([&] { StoreReader(store->folder()).document(first.id); }),
              ErrorCode::NotFound);
    store->setRemoved(second.id, true);
    store->purgeRemoved();
    EXPECT_FALSE(std::filesystem::exists(stored.file));
}

TEST(Store, OriginalsAreCopiesByContent) {
    const test::TempFolder folder;
    const Originals originals(folder.path() / "sources");
    const auto a = originals.add(folder.write("a.TXT", "hello"));
    const auto b = originals.add(folder.write("sub/b.txt", "hello"));
    EXPECT_EQ(a.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    EXPECT_EQ(a.file, b.file);
    EXPECT_EQ(a.file.extension(), ".txt") << "the reader tells formats by extension";
    EXPECT_EQ(a.bytes, 5U);
    EXPECT_EQ(codeOf([&] { originals.add(folder.path()); }), ErrorCode::Unsupported);
    EXPECT_EQ(codeOf([&] { originals.add(folder.path() / "none"); }), ErrorCode::NotFound);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(codeOf([&] { originals.add(folder.path() / "a.TXT", {}, stop.get_token()); }),
              ErrorCode::Cancelled);
    std::size_t files = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder.path() / "sources")) {
        files += entry.is_regular_file() ? 1 : 0;
    }
    EXPECT_EQ(files, 1U) << "failed copies leave nothing behind";
}

TEST(Store, TellsWhoHoldsTheDossier) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    int ready[2];
    int leave[2];
    ASSERT_EQ(pipe(ready) | pipe(leave), 0);
    Store::create(path).reset();
    const pid_t child = fork();
    if (child == 0) {
        const auto store = Store::open(path);
        char c = 'r';
        [[maybe_unused]] auto n = write(ready[1], &c, 1);
        n = read(leave[0], &c, 1);
        _exit(0);
    }
    char c = 0;
    ASSERT_EQ(read(ready[0], &c, 1), 1);
    std::string text;
    EXPECT_EQ(codeOf([&] { Store::open(path); }, &text), ErrorCode::Busy);
    EXPECT_THAT(text, HasSubstr("process " + std::to_string(child)));
    EXPECT_THAT(text, HasSubstr("app_store_test"));
    ASSERT_EQ(write(leave[1], &c, 1), 1);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_NO_THROW(Store::open(path)) << "a lock dies with its holder";
}

TEST(Store, RefusesWhatItCannotOpen) {
    const test::TempFolder folder;
    std::string text;
    EXPECT_EQ(codeOf([&] { Store::open(folder.path() / "none.dossier"); }, &text),
              ErrorCode::NotFound);
    EXPECT_THAT(text, HasSubstr("none.dossier"));
    EXPECT_EQ(codeOf([&] { Store::open(folder.path()); }), ErrorCode::NotFound);

    const auto path = folder.path() / "a.dossier";
    Store::create(path).reset();
    EXPECT_EQ(codeOf([&] { Store::create(path); }), ErrorCode::InvalidArgument);
    {
        Database database(path / "dossier.db", Database::Mode::ReadWrite);
        database.script("PRAGMA user_version = 999");
    }
    EXPECT_EQ(codeOf([&] { Store::open(path); }, &text), ErrorCode::Unsupported);
    EXPECT_THAT(text, HasSubstr("newer version"));
    EXPECT_THAT(text, HasSubstr("999"));

    folder.write("b.dossier/dossier.db",
                 "This is not a database, whatever its name says. " + std::string(2000, 'x'));
    EXPECT_EQ(codeOf([&] { Store::open(folder.path() / "b.dossier"); }, &text), ErrorCode::Corrupt);
    EXPECT_THAT(text, HasSubstr("b.dossier/dossier.db"));

    std::filesystem::create_directories(folder.path() / "c.dossier");
    {
        Database other(folder.path() / "c.dossier/dossier.db", Database::Mode::Create);
        other.script("CREATE TABLE t(x)");
    }
    EXPECT_EQ(codeOf([&] { Store::open(folder.path() / "c.dossier"); }), ErrorCode::Unsupported)
        << "a database of another application";
}

TEST(Store, AnEmptyDatabaseIsDamageAndNoNewDossier) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    const auto file = folder.write("a.dossier/dossier.db", "");
    std::string text;
    EXPECT_EQ(codeOf([&] { Store::open(path); }, &text), ErrorCode::Corrupt);
    EXPECT_THAT(text, HasSubstr("is empty"));
    EXPECT_THAT(text, HasSubstr("from a copy"));
    EXPECT_EQ(std::filesystem::file_size(file), 0U) << "left as it was";
    EXPECT_EQ(codeOf([&] { Store::create(path); }), ErrorCode::InvalidArgument);
    std::filesystem::remove(file);
    { // as SQLite leaves it when nothing but its mode was set
        Database database(file, Database::Mode::Create);
        database.script("PRAGMA journal_mode = WAL; VACUUM");
    }
    EXPECT_EQ(codeOf([&] { Store::open(path); }), ErrorCode::Corrupt);
}

TEST(Store, IsMadeWholeOrNotAtAll) {
    const test::TempFolder folder;
    std::filesystem::create_directories(folder.path() / "empty.dossier");
    EXPECT_NO_THROW(Store::create(folder.path() / "empty.dossier"));
    const auto file = folder.write("full.dossier/notes.txt", "mine");
    EXPECT_EQ(codeOf([&] { Store::create(folder.path() / "full.dossier"); }),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(test::contents(file), "mine");
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        EXPECT_FALSE(entry.path().filename().string().starts_with("unfinished-")) << entry.path();
    }
}

TEST(Store, KeepsWhereBranchesBeginAndTakesOverOlderFiles) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    {
        const auto store = Store::create(path);
        store->saveThread({store->newThreadId(), "main", std::nullopt, 5, {}});
    }
    { // as the first version wrote it
        Database database(path / "dossier.db", Database::Mode::ReadWrite);
        database.script("ALTER TABLE answer DROP COLUMN level_title; "
                        "ALTER TABLE thread DROP COLUMN documents; PRAGMA user_version = 1");
    }
    const std::vector<std::string> documents{"lease.pdf", "mails/\"Re\": roof.eml"};
    {
        const auto store = Store::open(path);
        ASSERT_EQ(store->load().threads.size(), 1u);
        EXPECT_THAT(store->load().threads[0].documents, IsEmpty());
        EXPECT_EQ(store->load().threads[0].createdMs, 5);
        Thread branch{store->newThreadId(), "branch", std::nullopt, 6, documents};
        store->saveThread(branch);
        branch.name = "early";
        branch.documents.clear(); // where it begins never changes
        store->saveThread(branch);
    }
    const StoreContents contents = Store::open(path)->load();
    ASSERT_EQ(contents.threads.size(), 2u);
    EXPECT_EQ(contents.threads[1].name, "early");
    EXPECT_EQ(contents.threads[1].documents, documents);
}

TEST(Store, KeepsWhatTheLevelWasCalledAndTakesOverOlderAnswers) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    {
        const auto store = Store::create(path);
        const Thread thread{store->newThreadId(), "main", std::nullopt, 5, {}};
        store->saveThread(thread);
        Question question;
        question.id = store->newQuestionId();
        question.thread = thread.id;
        store->addQuestion(question, {}, sampleAnswer(*store, question.id));
    }
    { // as the second version wrote it
        Database database(path / "dossier.db", Database::Mode::ReadWrite);
        database.script("ALTER TABLE answer DROP COLUMN level_title; PRAGMA user_version = 2");
    }
    {
        const auto store = Store::open(path);
        std::vector<Answer> answers = store->load().answers;
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers[0].level, "high");
        EXPECT_EQ(answers[0].levelTitle, "");
        answers[0].levelTitle = "Think High";
        store->saveAnswer(answers[0]);
    }
    const StoreContents contents = Store::open(path)->load();
    ASSERT_EQ(contents.answers.size(), 1u);
    EXPECT_EQ(contents.answers[0].levelTitle, "Think High");
}

TEST(Store, FindsDamageAfterACrash) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    {
        const auto store = Store::create(path);
        std::vector<Source> sources;
        for (int i = 0; i < 500; ++i) {
            sources.push_back(sampleSource(*store, "file" + std::to_string(i)));
        }
        store->addSources(sources);
    }
    {
        std::fstream file(path / "dossier.db", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 * 20);
        file.write(std::string(4096 * 8, '\x5a').data(), 4096 * 8);
    }
    folder.write("a.dossier/dossier.lock", "{\"program\":\"killed\"}");
    std::string text;
    EXPECT_EQ(codeOf([&] { Store::open(path); }, &text), ErrorCode::Corrupt);
    EXPECT_THAT(text, HasSubstr("sources")) << "says that the originals are still there";
}

TEST(Store, SaysThatAFolderIsReadOnly) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    Store::create(path).reset();
    using std::filesystem::perms;
    // The ordinary user may still have root's group.
    const perms look = perms::owner_read | perms::group_read | perms::others_read;
    const perms enter = perms::owner_exec | perms::group_exec | perms::others_exec;
    std::filesystem::permissions(path / "dossier.lock", look);
    std::filesystem::permissions(path / "dossier.db", look);
    std::filesystem::permissions(path, look | enter);
    std::filesystem::permissions(folder.path(), look | enter | perms::owner_write);
    const std::string text = test::asOrdinaryUser([&]() -> std::string {
        try {
            Store::open(path);
            return "opened";
        } catch (const Error& error) {
            return std::string(errorCodeName(error.code())) + " " + error.failed() + " " +
                   error.remedy();
        }
    });
    std::filesystem::permissions(path, perms::owner_all);
    EXPECT_THAT(text, HasSubstr(std::string(errorCodeName(ErrorCode::Permission))));
    EXPECT_THAT(text, HasSubstr("a.dossier"));
}

TEST(Store, CanBeCopiedWhileClosed) {
    const test::TempFolder folder;
    const auto path = folder.path() / "a.dossier";
    {
        const auto store = Store::create(path);
        store->addSources({sampleSource(*store, "lease.pdf")});
        store->setSetting("layout", "wide");
    }
    EXPECT_FALSE(std::filesystem::exists(path / "dossier.db-wal"));
    const auto copy = folder.path() / "copy.dossier";
    std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive);
    const auto store = Store::open(path);
    const auto other = Store::open(copy);
    EXPECT_EQ(other->load().sources.at(0).name, "lease.pdf");
    EXPECT_EQ(other->load().settings.at("layout"), "wide");
}

} // namespace
} // namespace dossier::app
