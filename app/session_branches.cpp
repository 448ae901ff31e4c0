// SPDX-License-Identifier: GPL-3.0-or-later
// Branches: where they may begin, what that costs, and what their questions see.
#include <algorithm>
#include <unordered_map>

#include "app/session_impl.h"

#include "engine/base/grouped.h"

namespace dossier::app {

// ---------------------------------------------------------------- Impl

const std::vector<std::string>& Session::Impl::documentsInFront(ThreadId id) const {
    static const std::vector<std::string> kNone;
    for (;;) { // a thread is made behind an older one: this ends
        const auto thread = std::find_if(threads.begin(), threads.end(),
                                         [&](const Thread& one) { return one.id == id; });
        if (thread == threads.end()) {
            return kNone;
        }
        if (!thread->documents.empty() || !thread->forkedAfter ||
            !questions.contains(*thread->forkedAfter)) {
            return thread->documents;
        }
        id = questions.at(*thread->forkedAfter).thread;
    }
}

Session::Impl::BranchView Session::Impl::branchView(ThreadId thread) const {
    BranchView view;
    const std::vector<std::string>& paths = documentsInFront(thread);
    view.whole = paths.empty();
    if (view.whole) {
        for (const Source& source : sources) {
            view.sources.push_back(&source);
        }
        return view;
    }
    std::unordered_map<std::string, const Source*> byPath;
    for (const Source& source : sources) {
        byPath.emplace(source.path(), &source);
    }
    for (const std::string& path : paths) {
        const auto found = byPath.find(path);
        if (found == byPath.end()) {
            view.gone.push_back(path);
            continue;
        }
        view.sources.push_back(found->second);
        view.unchecked += found->second->included ? 0 : 1;
    }
    return view;
}

std::string Session::Impl::BranchView::note() const {
    if (gone.empty() && unchecked == 0) {
        return {};
    }
    std::string text =
        "Of the " + grouped(sources.size() + gone.size()) + " documents in front of this branch, ";
    if (!gone.empty()) {
        text += gone.size() == 1 ? gone.front() + " is" : grouped(gone.size()) + " are";
        text += " no longer in the dossier";
    }
    if (unchecked > 0) {
        text += (gone.empty() ? "" : " and ") + grouped(unchecked) +
                (unchecked == 1 ? " is unchecked" : " are unchecked");
    }
    return text;
}

void Session::Impl::requireInBranch(ThreadId thread, const std::vector<SourceId>& only) const {
    const BranchView view = branchView(thread);
    if (view.whole) {
        return;
    }
    for (const SourceId id : only) {
        if (std::none_of(view.sources.begin(), view.sources.end(),
                         [&](const Source* source) { return source->id == id; })) {
            const auto it = std::find_if(sources.begin(), sources.end(),
                                         [&](const Source& source) { return source.id == id; });
            throw Error(ErrorCode::InvalidArgument,
                        (it == sources.end() ? "A document" : it->path()) +
                            " does not stand in front of this branch",
                        "Ask about it in another branch");
        }
    }
    if (only.empty() && std::none_of(view.sources.begin(), view.sources.end(),
                                     [](const Source* source) { return source->included; })) {
        throw Error(ErrorCode::InvalidArgument,
                    "None of the documents in front of this branch takes part in questions now",
                    "Put them back or check them, or ask in another branch");
    }
}

std::vector<SourceId> Session::Impl::readingOrder(const std::string& level) const {
    std::vector<SourceId> order;
    if (profile && !profile->whole) {
        return session->documentsOf(threads.front().id);
    }
    if (const auto outlook = session->laneOutlook(level); profile && outlook) {
        for (const LaneOutlook::Document& document : outlook->documents) {
            order.push_back(document.source);
        }
    }
    return order;
}

ThreadId Session::Impl::addThread(Thread thread) {
    thread.id = store->newThreadId();
    thread.createdMs = nowMs();
    if (thread.name.empty()) {
        const auto taken = [&](const std::string& name) {
            return std::any_of(threads.begin(), threads.end(),
                               [&](const Thread& one) { return one.name == name; });
        };
        for (std::size_t number = threads.size(); thread.name.empty() || taken(thread.name);
             ++number) {
            thread.name = std::string("branch ").append(std::to_string(number));
        }
    }
    threads.push_back(thread);
    save([this, thread] { store->saveThread(thread); }, [this] { emit session->threadsChanged(); });
    return thread.id;
}

// ---------------------------------------------------------------- Session

ThreadId Session::fork(QuestionId after, const std::string& name) {
    if (!d->questions.contains(after)) {
        throw Error(ErrorCode::InvalidArgument, "There is no such question", "Choose another one");
    }
    Thread thread;
    thread.name = name;
    thread.forkedAfter = after;
    return d->addThread(std::move(thread));
}

std::string Session::forkPrice(QuestionId after) const {
    const Question* question = this->question(after);
    if (question == nullptr || d->options.engine == nullptr || !d->profile) {
        return {};
    }
    if (!d->profile->whole) {
        return "reads nothing again: every question takes passages of its own";
    }
    const auto loaded = d->options.engine->core()->loadedNow();
    if (!loaded) {
        return {};
    }
    Question behind = *question;
    ++behind.number;
    // Nothing of the documents is read again; of the conversation this, unless a branch was kept
    // in front of the next answer.
    std::uint64_t tokens = 0;
    for (const AskInput::Turn& turn : d->historyBefore(behind)) {
        tokens += loaded->encoder->count(turn.question) + loaded->encoder->count(turn.answer);
    }
    const std::string text =
        "re-reads up to about " + grouped(tokens) + " tokens of the conversation";
    const double speed = d->options.engine->core()->speed().readTokensPerSecond;
    return speed > 0 ? text + ", " + aboutTime(static_cast<double>(tokens) / speed) : text;
}

std::optional<DocumentFork> Session::forkPrice(SourceId behind, const std::string& level) const {
    const std::vector<SourceId> order = d->readingOrder(level);
    const auto at = std::find(order.begin(), order.end(), behind);
    if (at == order.end()) {
        return std::nullopt;
    }
    DocumentFork fork;
    fork.all = order.size();
    fork.documents = static_cast<std::uint64_t>(at - order.begin()) + 1;
    fork.passages = !d->profile->whole;
    if (!fork.passages) {
        const LaneOutlook outlook = *laneOutlook(level);
        const LaneOutlook::Document& document = outlook.documents[fork.documents - 1];
        const std::uint64_t kept = std::min(document.end, outlook.keep);
        fork.replay = kept - std::min(kept, document.frontier);
        fork.read = document.end - kept;
        fork.seconds = outlook.tokensPerSecond > 0
                           ? static_cast<double>(fork.replay + fork.read) / outlook.tokensPerSecond
                           : 0;
    }
    return fork;
}

ThreadId Session::fork(SourceId behind, const std::string& level, const std::string& name) {
    const std::vector<SourceId> order = d->readingOrder(level);
    const auto last = std::find(order.begin(), order.end(), behind);
    if (last == order.end()) {
        throw Error(ErrorCode::InvalidArgument,
                    "It is not known what is read in front of that document",
                    "Load a model, and choose a document that takes part in questions");
    }
    Thread thread;
    thread.name = name;
    for (auto at = order.begin(); at <= last; ++at) {
        if (const Source* source = this->source(*at)) { // else it was taken out just now
            thread.documents.push_back(source->path());
        }
    }
    return d->addThread(std::move(thread));
}

const std::vector<std::string>& Session::branchOrigin(ThreadId thread) const {
    return d->documentsInFront(thread);
}

std::vector<SourceId> Session::documentsOf(ThreadId thread) const {
    std::vector<SourceId> ids;
    for (const Source* source : d->branchView(thread).sources) {
        if (source->included && source->state == SourceState::Ready) {
            ids.push_back(source->id);
        }
    }
    return ids;
}

} // namespace dossier::app
