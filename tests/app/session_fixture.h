// SPDX-License-Identifier: GPL-3.0-or-later
// A session with a scripted engine and reader, and an event loop that tests wait with.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QEventLoop>

#include "app/session.h"
#include "tests/support/fake_encoder.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fake_reader.h"
#include "tests/support/temp_folder.h"

namespace dossier::app {

inline constexpr const char* kLease =
    "LEASE\n\n5.2 The Landlord shall keep the Structure in good repair "
    "and shall bear the cost of doing so.\n\n5.3 The Tenant shall give "
    "notice within thirty (30) days.\n";

class SessionTest : public ::testing::Test {
  protected:
    SessionTest() {
        static int argc = 1;
        static char name[] = "test";
        static char* argv[] = {name, nullptr};
        if (QCoreApplication::instance() == nullptr) {
            static QCoreApplication application(argc, argv);
        }
        host = std::make_unique<EngineHost>(
            [this] {
                auto made = std::make_unique<test::FakeEngine>(script);
                engine = made.get();
                ++enginesMade;
                return made;
            },
            [this](const engine::ModelInfo&) { return encoder; });
        host->setSampling(false);
        options.reader = std::make_shared<test::FakeReader>();
        options.engine = host.get();
        options.profiles = DOSSIER_SOURCE_DIR "/resources/profiles";
        options.author = "ab";
    }

    /// Runs the event loop until the condition holds; fails after ten seconds.
    void until(const std::function<bool()>& condition, const char* what) {
        QElapsedTimer timer;
        timer.start();
        while (!condition()) {
            ASSERT_LT(timer.elapsed(), 10'000) << "waiting for " << what;
            QCoreApplication::processEvents(QEventLoop::AllEvents, 5);
        }
    }
    void open() { session = Session::open(path(), options); }
    void create() { session = Session::create(path(), options); }
    std::filesystem::path path() const { return folder.path() / "matter.dossier"; }

    void load() {
        engine::LoadOptions model;
        model.model = folder.path() / "model";
        host->load(model);
        until([&] { return host->status().state == EngineState::Ready; }, "the model");
        until([&] { return !session->levels().empty(); }, "the profile");
    }
    Job run(JobId id) {
        const auto find = [&]() -> const Job* {
            for (const Job& job : session->jobs()) {
                if (job.id == id) {
                    return &job;
                }
            }
            return nullptr;
        };
        until([&] { return find() != nullptr && find()->state != JobState::Running; }, "a job");
        QCoreApplication::processEvents();
        return *find();
    }
    Job add(const std::vector<std::filesystem::path>& paths) {
        AddRequest request;
        request.paths = paths;
        return run(session->addSources(request));
    }
    AnswerId ask(const std::string& text, const std::string& level = "none") {
        AskRequest request;
        request.text = text;
        request.level = level;
        return session->question(session->ask(request))->answers.back();
    }
    const Answer& wait(AnswerId id) {
        until([&] { return isFinal(session->answer(id)->state); }, "an answer");
        return *session->answer(id);
    }

    test::TempFolder folder;
    test::FakeScript script = test::aprilScript();
    std::shared_ptr<test::FakeEncoder> encoder = std::make_shared<test::FakeEncoder>();
    test::FakeEngine* engine = nullptr;
    int enginesMade = 0;
    std::unique_ptr<EngineHost> host;
    SessionOptions options;
    std::unique_ptr<Session> session;
};

} // namespace dossier::app
