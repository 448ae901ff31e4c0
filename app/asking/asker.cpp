// SPDX-License-Identifier: GPL-3.0-or-later
// Chooses the way of answering and turns errors into the answer's state.
#include "app/asking/asker.h"

#include <chrono>

#include "app/asking/passage_answerer.h"
#include "engine/base/grouped.h"

namespace dossier::app {

std::string modelText(const engine::ModelInfo& model) {
    constexpr std::size_t kDigits = 8;
    return model.name + " · " + model.fingerprint.substr(0, kDigits);
}

Asker::Asker(std::shared_ptr<EngineHost::Core> core, Corpus& corpus, std::filesystem::path profiles)
    : m_core(std::move(core)), m_corpus(corpus), m_profiles(std::move(profiles)) {}

void Asker::answerOrThrow(const AskInput& input, AnswerWriter& writer,
                          std::shared_ptr<engine::Engine>& asked) {
    const EngineHost::Core::Loaded loaded = m_core->acquire(writer.stop());
    asked = loaded.engine;
    const Profile profile = loadProfile(loaded.model, m_profiles);
    const ProfileLevel& level = profile.requireLevel(input.level);
    writer.update([&](Answer& a) {
        a.model = modelText(loaded.model);
        a.level = level.name;
        a.levelTitle = level.title;
    });
    if (input.sources.empty()) {
        throw Error(ErrorCode::InvalidArgument,
                    "There are no documents to ask about" +
                        (input.note.empty() ? "" : ": " + input.note),
                    "Add documents and check the ones that the question is about");
    }
    if (level.minContext > loaded.contextTokens && loaded.contextTokens != 0) {
        throw Error(ErrorCode::TooLarge,
                    level.title + " needs a context of " + grouped(level.minContext) +
                        " tokens; this model was loaded with " + grouped(loaded.contextTokens),
                    "Load the model with a larger context, or choose another level");
    }
    const AskContext context{input, profile, level, loaded, m_corpus, writer};
    if (profile.procedure && !input.whole.value_or(false)) {
        answerByProcedure(context);
    } else {
        answerFreely(context, m_lanes, m_checks);
    }
    if (!input.note.empty()) {
        writer.update([&](Answer& a) {
            a.searched.append(a.searched.empty() ? "" : ". ").append(input.note);
        });
    }
    const engine::Telemetry telemetry = loaded.engine->telemetry();
    m_core->measured({telemetry.readTokensPerSecond, telemetry.answerTokensPerSecond, 0});
}

void Asker::answer(const AskInput& input, AnswerWriter& writer) {
    const auto begin = std::chrono::steady_clock::now();
    const auto spent = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    std::shared_ptr<engine::Engine> asked;
    std::optional<Error> error;
    try {
        answerOrThrow(input, writer, asked);
        writer.update([&](Answer& a) { a.seconds = spent(); });
        m_core->measured({0, 0, spent()});
        return;
    } catch (const Error& e) {
        error = e;
    } catch (const std::exception& e) {
        error = Error(ErrorCode::Internal, std::string("Answering failed: ") + e.what());
    }
    if (error->code() == ErrorCode::ProcessDied) {
        m_core->died(asked, *error);
    }
    writer.update([&](Answer& a) {
        a.seconds = spent();
        if (error->code() == ErrorCode::Cancelled) {
            a.state = AnswerState::Stopped;
        } else {
            a.state = AnswerState::Failed;
            a.failure = failureOf(*error);
        }
    });
}

} // namespace dossier::app
