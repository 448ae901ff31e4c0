// SPDX-License-Identifier: GPL-3.0-or-later
// Full and broken disks: every write and sync of an action fails once, in a loop until the action
// gets through. Each time the error says so, and the dossier opens with what was saved before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/store/store.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {
namespace {

using test::Fault;

struct Saved {
    Source source;
    Question question;
    Answer answer;
};

Saved fill(Store& store) {
    Saved saved;
    saved.source.id = store.newSourceId();
    saved.source.name = "a.txt";
    store.addSources({saved.source});
    store.saveThread({store.newThreadId(), "main", std::nullopt, 0});
    saved.question = {store.newQuestionId(), ThreadId{1}, 1, "Why?", "none", 0, {}};
    saved.answer.id = store.newAnswerId();
    saved.answer.question = saved.question.id;
    saved.answer.text = "because";
    store.addQuestion(saved.question, {}, saved.answer);
    return saved;
}

void act(Store& store, Saved saved) {
    store.saveDocument(saved.source, std::string(30'000, 'd'),
                       {{{0, 10}, "ten words"}, {{10, 20}, "other words"}});
    saved.answer.text = std::string(10'000, 'a');
    saved.answer.state = AnswerState::Done;
    store.saveAnswer(saved.answer);
    store.setSetting("done", "yes");
}

class StoreFaults : public ::testing::TestWithParam<Fault> {};

TEST_P(StoreFaults, EveryFailingWriteIsToldAndHarmless) {
    const test::TempFolder folder;
    bool through = false;
    int n = 1;
    for (; !through && n < 2000; ++n) {
        const auto path = folder.path() / ("d" + std::to_string(n) + ".dossier");
        Saved saved;
        {
            const auto store = Store::create(path, test::faultyVfs());
            saved = fill(*store);
            test::failFrom(GetParam(), n);
            try {
                act(*store, saved);
                through = !test::faultHappened();
            } catch (const Error& error) {
                EXPECT_EQ(error.code(),
                          GetParam() == Fault::DiskFull ? ErrorCode::DiskFull : ErrorCode::Io)
                    << error.what();
                EXPECT_THAT(error.failed(), ::testing::HasSubstr("dossier.db"));
                EXPECT_FALSE(error.remedy().empty());
                test::failFrom(GetParam(), 0);
                EXPECT_NO_THROW(store->setSetting("later", "works")) << "the store stays usable";
            }
            test::failFrom(GetParam(), 0);
        }
        const auto store = Store::open(path);
        const StoreContents contents = store->load();
        ASSERT_EQ(contents.sources.size(), 1U);
        ASSERT_EQ(contents.answers.size(), 1U);
        const std::string& text = contents.answers[0].text;
        EXPECT_TRUE(text == "because" || text == std::string(10'000, 'a')) << "never half of it";
        if (contents.settings.contains("done")) {
            EXPECT_EQ(StoreReader(path).document(saved.source.id).size(), 30'000U);
        }
        std::filesystem::remove_all(path);
    }
    EXPECT_TRUE(through);
    EXPECT_GT(n, 3) << "the faults were delivered";
}

INSTANTIATE_TEST_SUITE_P(All, StoreFaults,
                         ::testing::Values(Fault::DiskFull, Fault::WriteError, Fault::SyncError));

} // namespace
} // namespace dossier::app
