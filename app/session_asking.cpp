// SPDX-License-Identifier: GPL-3.0-or-later
// Threads, questions, answers, levels.
#include <algorithm>
#include <cmath>

#include "app/lanes/reading_board.h"
#include "app/reading/quotes_in_text.h"
#include "app/session_impl.h"
#include "engine/base/grouped.h"

namespace dossier::app {
namespace {

constexpr std::int64_t kSaveEveryMs = 1000;
constexpr double kTypicalAnswerTokens = 400, kTypicalThinkingTokens = 2500;

/// The answer as the model wrote it: with the names of documents in front of quotations.
std::string withLabels(const Answer& answer, const Profile* profile) {
    std::string text = answer.text;
    std::vector<Citation> citations = answer.citations;
    std::sort(citations.begin(), citations.end(), [](const Citation& a, const Citation& b) {
        return a.inAnswer.begin > b.inAnswer.begin;
    });
    for (const Citation& citation : citations) {
        if (!citation.named.empty() && citation.inAnswer.begin <= text.size() &&
            !citation.inAnswer.empty()) {
            std::string label = profile != nullptr ? profile->quotation.labelOpen : "[";
            label.append(citation.named);
            label.append(profile != nullptr ? profile->quotation.labelClose : "]").append(" ");
            text.insert(citation.inAnswer.begin, label);
        }
    }
    return text;
}

} // namespace

// ---------------------------------------------------------------- Impl

Answer Session::Impl::newAnswer(QuestionId question, const std::string& level) {
    Answer answer;
    answer.id = store->newAnswerId();
    answer.question = question;
    answer.version = static_cast<std::uint32_t>(questions.at(question).answers.size()) + 1;
    answer.level = level;
    answer.startedMs = nowMs();
    return answer;
}

std::vector<AskInput::Turn> Session::Impl::historyBefore(const Question& question) const {
    std::vector<AskInput::Turn> turns;
    for (const auto& [id, one] : questions) {
        if (one.thread != question.thread || one.number >= question.number || one.answers.empty()) {
            continue;
        }
        const Answer& answer = answers.at(one.answers.back());
        if (answer.state == AnswerState::Done || answer.state == AnswerState::NotFound) {
            turns.push_back({one.text, withLabels(answer, profile ? &*profile : nullptr)});
        }
    }
    const auto thread = std::find_if(threads.begin(), threads.end(),
                                     [&](const Thread& t) { return t.id == question.thread; });
    if (thread != threads.end() && thread->forkedAfter &&
        questions.contains(*thread->forkedAfter)) {
        Question behind = questions.at(*thread->forkedAfter);
        ++behind.number;
        std::vector<AskInput::Turn> earlier = historyBefore(behind);
        earlier.insert(earlier.end(), turns.begin(), turns.end());
        return earlier;
    }
    return turns;
}

AskInput Session::Impl::inputOf(const Question& question, const std::string& level) {
    const QuestionOptions& chosen = questionOptions.at(question.id);
    AskInput input;
    input.question = question.text;
    input.level = level;
    input.evidenceOnly = chosen.evidenceOnly;
    input.whole = chosen.whole;
    input.history = historyBefore(question);
    input.lanes = store->folder() / "lanes";
    const BranchView view = branchView(question.thread);
    input.laneChange = !chosen.only.empty() ? LaneChange::None
                       : view.whole         ? LaneChange::Any
                                            : LaneChange::Extend;
    std::vector<const Source*> asked;
    for (const Source* source : view.sources) {
        const bool named =
            std::find(chosen.only.begin(), chosen.only.end(), source->id) != chosen.only.end();
        if (chosen.only.empty() ? source->included : named) {
            asked.push_back(source);
        }
    }
    for (const Source* source : asked) {
        if (source->state == SourceState::Ready) {
            input.sources.push_back({source->id, source->path()});
        }
    }
    const std::string gone = view.note(), unread = unreadNote(asked);
    input.note = gone + (gone.empty() || unread.empty() ? "" : ". ") + unread;
    return input;
}

std::string Session::Impl::unreadNote(const std::vector<const Source*>& asked) const {
    const auto unread = std::count_if(asked.begin(), asked.end(), [](const Source* source) {
        return source->state == SourceState::Queued || source->state == SourceState::Reading;
    });
    if (unread == 0) {
        return {};
    }
    return unread == 1 ? "1 document was not read yet and has no part in this answer"
                       : grouped(static_cast<std::uint64_t>(unread)) +
                             " documents were not read yet and have no part in this answer";
}

void Session::Impl::startAnswer(const Answer& answer, AskInput input, std::function<void()> write,
                                std::function<void()> stored) {
    input.seed = static_cast<std::uint64_t>(answer.id);
    Active one;
    one.writer = std::make_shared<AnswerWriter>(answer);
    one.savedMs = nowMs();
    one.begun = std::make_shared<std::atomic<bool>>(false);
    active[answer.id] = one;
    const auto run = [this, id = answer.id, writer = one.writer, begun = one.begun,
                      input = std::move(input)](std::stop_token) {
        if (writer->stop().stop_requested()) {
            return; // stopped while it waited
        }
        *begun = true;
        asker->answer(input, *writer);
        try {
            store->saveAnswer(writer->copy());
        } catch (const Error& error) {
            tellFailure(error);
        }
        post([this, id] { finished(id); });
    };
    // The model sees a question only when it is on disk.
    storage.post([this, id = answer.id, writer = one.writer, run, write = std::move(write),
                  stored = std::move(stored)](std::stop_token) {
        try {
            write();
        } catch (const Error& error) {
            writer->update([&](Answer& a) {
                a.state = AnswerState::Failed;
                a.failure = failureOf(error);
            });
            tellFailure(error);
            post([this, id, stored] {
                stored();
                finished(id);
            });
            return;
        }
        post(stored);
        if (asker) {
            asking.post(run);
            return;
        }
        writer->update([](Answer& a) {
            a.state = AnswerState::Failed;
            a.failure = Failure{ErrorCode::NotFound, "No model is loaded",
                                "Choose a model folder on the model page"};
        });
        store->saveAnswer(writer->copy());
        post([this, id] { finished(id); });
    });
}

void Session::Impl::takeNews(AnswerId id, Active& one) {
    Answer* shown = find(id);
    const std::optional<AnswerWriter::News> news = one.writer->take();
    if (shown == nullptr) {
        return;
    }
    if (news) {
        if (news->answer) {
            const AnswerState before = shown->state;
            *shown = *news->answer;
            if (isFinal(shown->state) && !one.saved) {
                shown->state = before; // announced when it is on disk
            }
        } else {
            shown->thinking += news->thinking;
            shown->text += news->text;
        }
        if (!news->thinking.empty() || !news->text.empty()) {
            emit session->answerStreamed(id, QString::fromStdString(news->thinking),
                                         QString::fromStdString(news->text));
        }
        if (news->answer) {
            emit session->answerChanged(id);
        }
    }
    if (!isFinal(shown->state) && *one.begun && nowMs() - one.savedMs > kSaveEveryMs) {
        one.savedMs = nowMs();
        const Answer partial = *shown;
        // A final state that is on disk already must not be overwritten by an older one.
        storage.post([this, partial, writer = one.writer](std::stop_token) {
            if (isFinal(writer->copy().state)) {
                return;
            }
            try {
                store->saveAnswerProgress(partial);
            } catch (const Error& error) {
                tellFailure(error);
            }
        });
    }
}

void Session::Impl::finished(AnswerId id) {
    const auto it = active.find(id);
    if (it == active.end()) {
        return;
    }
    it->second.saved = true;
    takeNews(id, it->second);
    const Answer final = it->second.writer->copy();
    active.erase(it);
    if (Answer* shown = find(id)) {
        *shown = final;
    }
    lookUpReplaced(final);
    lanesDirty = true;
    emit session->answerChanged(id);
    emit session->levelsChanged();
}

/// A source that changed while the answer was on its way was quoted from its former text.
void Session::Impl::lookUpReplaced(const Answer& answer) {
    for (const Source& source : sources) {
        const bool replaced =
            source.state == SourceState::Ready && // else it is looked up when it is read
            std::any_of(answer.citations.begin(), answer.citations.end(), [&](const Citation& one) {
                return one.place && find(one.place->source) == nullptr &&
                       one.document == source.path();
            });
        if (!replaced) {
            continue;
        }
        lookup.post([this, source](std::stop_token) {
            try {
                QuotesInText quotes(source.id, source.path(), corpus.document(source.id));
                const Requoted changed = store->lookUpQuotes(source, quotes);
                post([this, changed] { takeOver(changed); });
            } catch (const Error& error) {
                tellFailure(error);
            }
        });
    }
}

// ---------------------------------------------------------------- Session

const std::vector<Thread>& Session::threads() const {
    return d->threads;
}

std::vector<Question> Session::questions(ThreadId thread) const {
    std::vector<Question> list;
    for (const auto& [id, question] : d->questions) {
        if (question.thread == thread) {
            list.push_back(question);
        }
    }
    std::sort(list.begin(), list.end(),
              [](const Question& a, const Question& b) { return a.number < b.number; });
    return list;
}

const Question* Session::question(QuestionId id) const {
    const auto it = d->questions.find(id);
    return it == d->questions.end() ? nullptr : &it->second;
}

const Answer* Session::answer(AnswerId id) const {
    return d->find(id);
}

QuestionId Session::ask(const AskRequest& request) {
    if (request.text.find_first_not_of(" \t\n") == std::string::npos) {
        throw Error(ErrorCode::InvalidArgument, "The question is empty", "Type a question");
    }
    if (d->profile) {
        d->profile->requireLevel(request.level);
    }
    Question question;
    question.thread = request.thread.value_or(d->threads.front().id);
    if (std::none_of(d->threads.begin(), d->threads.end(),
                     [&](const Thread& t) { return t.id == question.thread; })) {
        throw Error(ErrorCode::InvalidArgument, "There is no such thread", "Choose another one");
    }
    d->requireInBranch(question.thread, request.only);
    question.id = d->store->newQuestionId();
    question.text = request.text;
    question.level = request.level.empty() ? defaultLevel() : request.level;
    question.askedMs = nowMs();
    for (const auto& [id, other] : d->questions) {
        if (other.thread == question.thread) {
            question.number = std::max(question.number, other.number);
        }
    }
    ++question.number;
    const QuestionOptions options{request.only, request.evidenceOnly, request.whole};
    d->questions[question.id] = question;
    d->questionOptions[question.id] = options;
    const Answer answer = d->newAnswer(question.id, question.level);
    d->questions[question.id].answers.push_back(answer.id);
    d->answers[answer.id] = answer;
    d->startAnswer(
        answer, d->inputOf(question, question.level),
        [this, question, options, answer] { d->store->addQuestion(question, options, answer); },
        [this, question = question.id, answer = answer.id] {
            emit questionAdded(question);
            emit answerAdded(answer);
        });
    return question.id;
}

AnswerId Session::regenerate(QuestionId id, const std::string& level) {
    const auto it = d->questions.find(id);
    if (it == d->questions.end()) {
        throw Error(ErrorCode::InvalidArgument, "There is no such question", "Ask it anew");
    }
    const std::string chosen = level.empty() ? it->second.level : level;
    if (d->profile) {
        d->profile->requireLevel(chosen);
    }
    d->requireInBranch(it->second.thread, d->questionOptions.at(id).only);
    const Answer answer = d->newAnswer(id, chosen);
    it->second.answers.push_back(answer.id);
    d->answers[answer.id] = answer;
    d->startAnswer(
        answer, d->inputOf(it->second, chosen), [this, answer] { d->store->addAnswer(answer); },
        [this, answer = answer.id] { emit answerAdded(answer); });
    return answer.id;
}

void Session::stop(AnswerId id) {
    const auto it = d->active.find(id);
    if (it == d->active.end()) {
        return;
    }
    it->second.writer->requestStop();
    if (!*it->second.begun) {
        it->second.writer->update([](Answer& a) { a.state = AnswerState::Stopped; });
        d->save([this, writer = it->second.writer] { d->store->saveAnswer(writer->copy()); },
                [this, id] { d->finished(id); });
    }
}

void Session::stopAll() {
    std::vector<AnswerId> ids;
    for (const auto& [id, one] : d->active) {
        ids.push_back(id);
    }
    for (const AnswerId id : ids) {
        stop(id);
    }
}

bool Session::answering() const {
    return !d->active.empty();
}

void Session::renameThread(ThreadId id, const std::string& name) {
    for (Thread& thread : d->threads) {
        if (thread.id == id) {
            thread.name = name;
            d->save([this, thread] { d->store->saveThread(thread); },
                    [this] { emit threadsChanged(); });
        }
    }
}

std::string Session::defaultLevel() const {
    return d->profile ? d->profile->defaultLevel : "";
}

std::string Session::costText(const std::string& level) const {
    if (d->options.engine == nullptr || !d->profile) {
        return {};
    }
    const ProfileLevel* chosen = d->profile->level(level.empty() ? defaultLevel() : level);
    const MeasuredSpeed speed = d->options.engine->core()->speed();
    if (chosen == nullptr) {
        return {};
    }
    if (d->profile->procedure) {
        return speed.questionSeconds > 0 ? aboutTime(speed.questionSeconds) : "";
    }
    if (speed.answerTokensPerSecond <= 0) {
        return {};
    }
    const double tokens = kTypicalAnswerTokens + (chosen->think ? kTypicalThinkingTokens : 0);
    return aboutTime(tokens / speed.answerTokensPerSecond);
}

std::vector<LevelInfo> Session::levels() const {
    std::vector<LevelInfo> list;
    if (!d->profile) {
        return list;
    }
    const ContextUse use = contextUse();
    for (const ProfileLevel& level : d->profile->levels) {
        LevelInfo info{level.name,
                       level.title,
                       level.description,
                       costText(level.name),
                       LevelState::Ready,
                       "Ready",
                       1};
        if (level.minContext > use.maxTokens) {
            info.state = LevelState::Unavailable;
            info.prepared = 0;
            info.stateText = "Needs a context of " + grouped(level.minContext) +
                             " tokens: load the model with a larger one";
        } else if (!d->describeLevel(level, info) && d->profile->whole && !level.effort.empty() &&
                   use.documentTokens > 0) {
            info.state = LevelState::NeedsReading;
            info.prepared = 0;
            info.stateText = "Reads " + grouped(use.documentTokens) + " tokens first";
        }
        list.push_back(std::move(info));
    }
    return list;
}

} // namespace dossier::app
