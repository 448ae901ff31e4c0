// SPDX-License-Identifier: GPL-3.0-or-later
// dossier ask: one question, its checked answer.
#include <cstdio>
#include <iostream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/environment.h"
#include "app/cli/headless.h"
#include "app/cli/terminal_text.h"
#include "app/cli/unread.h"
#include "engine/base/json_text.h"

namespace dossier::app::cli {
namespace {

using nlohmann::json;

void addPlace(json& j, const Place& place) {
    j["start"] = place.range.begin;
    j["end"] = place.range.end;
    if (place.page) {
        j["page"] = *place.page + 1;
        j["page_label"] = place.pageLabel;
    } else {
        j["line"] = place.line;
    }
    if (!place.section.empty()) {
        j["section"] = place.section;
    }
}

std::string nameOf(const Session& session, SourceId id) {
    const Source* source = session.source(id);
    return source != nullptr ? source->path() : std::string();
}

json toJson(const Citation& citation) {
    json j{{"quote", citation.quote},
           {"verdict", verdictName(citation.verdict)},
           {"percent", citation.percent},
           {"forced", citation.forced},
           {"document", citation.document.empty() ? citation.named : citation.document},
           {"start", json()},
           {"end", json()}};
    if (citation.place) {
        addPlace(j, *citation.place);
    }
    return j;
}

json toJson(const Session& session, const Answer& answer) {
    json citations = json::array();
    for (const Citation& citation : answer.citations) {
        citations.push_back(toJson(citation));
    }
    json results = json::array();
    for (const SearchHit& hit : answer.searchResults) {
        json result{{"snippet", hit.snippet}, {"document", nameOf(session, hit.place.source)}};
        addPlace(result, hit.place);
        results.push_back(std::move(result));
    }
    json j{{"answer", answer.text},
           {"thinking", answer.thinking},
           {"found", answer.state == AnswerState::Done},
           {"stopped", answer.state == AnswerState::Stopped},
           {"citations", citations},
           {"model", answer.model},
           {"level", answer.level},
           {"tokens", answer.promptTokens + answer.thinkingTokens + answer.answerTokens},
           {"prompt_tokens", answer.promptTokens},
           {"thinking_tokens", answer.thinkingTokens},
           {"answer_tokens", answer.answerTokens},
           {"seconds", answer.seconds}};
    if (answer.nearest) {
        j["nearest"] = toJson(*answer.nearest);
    }
    if (!answer.searched.empty()) {
        j["searched"] = answer.searched;
    }
    if (!results.empty()) {
        j["search_results"] = results;
    }
    return j;
}

std::string placeText(std::string document, const std::optional<Place>& place) {
    if (!place) {
        return document;
    }
    if (!place->page) {
        return document.append(":").append(std::to_string(place->line));
    }
    document.append(", p. ").append(place->pageLabel);
    if (!place->section.empty()) {
        document.append(" § ").append(place->section);
    }
    return document;
}

std::string placeText(const Citation& citation) {
    return placeText(citation.document.empty() ? citation.named : citation.document,
                     citation.place);
}

const char* verdictWords(Verdict verdict) {
    switch (verdict) {
    case Verdict::Verified:
        return "verified";
    case Verdict::VerifiedNormalised:
        return "verified after normalisation";
    case Verdict::Partial:
        return "partly found";
    case Verdict::OtherDocument:
        return "found in another document";
    case Verdict::NotFound:
        break;
    }
    return "NOT FOUND in the documents";
}

void print(const Citation& citation) {
    if (citation.number > 0) {
        std::printf("  [%u] ", citation.number);
    } else {
        std::printf("  "); // the nearest place has no chip
    }
    std::printf("“%s”\n      %s — %s%s\n", printable(citation.quote, Lines::Many).c_str(),
                printable(placeText(citation)).c_str(), verdictWords(citation.verdict),
                citation.forced ? ", forced" : "");
}

void print(const Session& session, const Answer& answer) {
    std::printf("%s\n", printable(answer.text, Lines::Many).c_str());
    if (!answer.citations.empty()) {
        std::printf("\n");
    }
    for (const Citation& citation : answer.citations) {
        print(citation);
    }
    if (!answer.searched.empty()) {
        std::printf("%s%s\n", answer.state == AnswerState::NotFound ? "Searched: " : "Note: ",
                    printable(answer.searched).c_str());
    }
    if (answer.nearest) {
        std::printf("\nNearest place, not an answer:\n");
        print(*answer.nearest);
    }
    if (!answer.searchResults.empty()) {
        std::printf("\nSearch results:\n");
        for (const SearchHit& hit : answer.searchResults) {
            std::printf("  - %s\n    %s\n",
                        printable(placeText(nameOf(session, hit.place.source), hit.place)).c_str(),
                        printable(hit.snippet).c_str());
        }
    }
    std::fprintf(stderr, "%s, %s, %.1f s\n", printable(answer.model).c_str(), answer.level.c_str(),
                 answer.seconds);
}

const char* stateWords(AnswerState state) {
    switch (state) {
    case AnswerState::Searching:
        return "Searching";
    case AnswerState::Reading:
        return "Reading";
    case AnswerState::Thinking:
        return "Thinking";
    case AnswerState::Writing:
        return "Answering";
    case AnswerState::Checking:
        return "Checking quotations";
    default:
        return "Waiting for the model";
    }
}

/// Loads the model and waits; throws what went wrong.
void load(EngineHost& host, const EngineChoice& choice, ProgressLine& line) {
    host.load(loadOptions(choice));
    QObject guard;
    QObject::connect(&host, &EngineHost::statusChanged, &guard, [&] {
        if (host.status().state == EngineState::Loading) {
            line.show("Loading the model", {});
        }
    });
    // May end as Stopped: loaded, and died before anybody looked; asking starts it again.
    waitUntil([&] { return host.status().state != EngineState::Loading; },
              [&] { host.cancelLoad(); });
    line.clear();
    const EngineStatus& status = host.status();
    if (status.state == EngineState::NoModel) {
        throw Error(ErrorCode::Cancelled, "Stopped", "Nothing was asked");
    }
    if (status.state == EngineState::Failed && status.failure) {
        throw Error(status.failure->code, status.failure->failed, status.failure->remedy);
    }
}

std::string questionOf(const AskCommand& command) {
    if (command.question != "-") {
        return command.question;
    }
    std::string text(std::istreambuf_iterator<char>(std::cin), {});
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    if (text.empty()) {
        throw Error(ErrorCode::InvalidArgument, "The standard input holds no question",
                    "Write it there, or as a word of the command");
    }
    return text;
}

} // namespace

engine::LoadOptions loadOptions(const EngineChoice& choice) {
    engine::LoadOptions options;
    options.model = choice.model.empty() ? embeddedModel() : choice.model;
    options.contextTokens = choice.context;
    if (choice.device == "cpu") {
        options.device = engine::Device::Cpu;
    } else if (choice.device == "cuda") {
        options.device = engine::Device::Cuda;
    } else if (choice.device != "auto") {
        throw Error(ErrorCode::InvalidArgument, "Device \"" + choice.device + "\" is unknown",
                    "Use auto, cpu or cuda");
    }
    return options;
}

int runAsk(const AskCommand& command) {
    const std::string question = questionOf(command);
    EngineHost host(engineFactory());
    host.setSampling(false);
    SessionOptions options;
    options.engine = &host;
    options.reader = ingest::makeReader(readerProgram());
    const auto session = Session::open(command.dossier, options);
    ProgressLine line;
    load(host, command.engine, line);
    finishReading(*session, line);

    AskRequest request;
    request.text = question;
    request.level = command.depth;
    request.whole = command.whole;
    AnswerId id{};
    bool asked = false;
    QObject::connect(session.get(), &Session::answerAdded, session.get(), [&](AnswerId added) {
        id = added;
        asked = true;
    });
    QObject::connect(session.get(), &Session::answerChanged, session.get(), [&](AnswerId changed) {
        const Answer* answer = session->answer(changed);
        if (answer && !isFinal(answer->state)) {
            line.show(stateWords(answer->state), answer->progress);
        }
    });
    const QuestionId questionId = session->ask(request);
    if (!asked) { // the signal may come with the next event; the question knows its answers at once
        if (const Question* stored = session->question(questionId);
            stored && !stored->answers.empty()) {
            id = stored->answers.back();
            asked = true;
        }
    }
    waitUntil(
        [&] {
            const Answer* answer = asked ? session->answer(id) : nullptr;
            return answer && isFinal(answer->state);
        },
        [&] { session->stopAll(); });
    line.clear();
    session->flush();
    const Answer& answer = *session->answer(id);
    if (answer.state == AnswerState::Failed && answer.failure) {
        throw Error(answer.failure->code, answer.failure->failed, answer.failure->remedy);
    }
    if (command.json) {
        std::printf("%s\n", jsonText(toJson(*session, answer), 1, BadUtf8::Replace).c_str());
    } else {
        print(*session, answer);
    }
    if (answer.state == AnswerState::Stopped) {
        complain("Stopped", "What was written until then is kept in the dossier");
        return kFailed;
    }
    return answer.state == AnswerState::NotFound ? kNotFound : kAnswered;
}

} // namespace dossier::app::cli
