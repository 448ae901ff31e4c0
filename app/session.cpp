// SPDX-License-Identifier: GPL-3.0-or-later
// Opening, closing, sources and documents.
#include "app/session.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "app/session_impl.h"

namespace dossier::app {
namespace {

std::filesystem::path withSuffix(std::filesystem::path path) {
    path = std::filesystem::absolute(path).lexically_normal();
    if (!path.has_filename()) {
        path = path.parent_path();
    }
    if (path.extension() != ".dossier") {
        path += ".dossier";
    }
    return path;
}

std::string loginName() {
    const passwd* entry = getpwuid(getuid());
    return entry != nullptr ? entry->pw_name : "";
}

} // namespace

// ---------------------------------------------------------------- Impl

Session::Impl::Impl(std::unique_ptr<Store> opened, const SessionOptions& given)
    : options(given),
      store(std::move(opened)),
      corpus([folder = store->folder()](SourceId id) -> DocumentPtr {
          return std::make_shared<const ingest::Document>(
              ingest::deserialize(StoreReader(folder).document(id)));
      }) {
    if (options.author.empty()) {
        options.author = loginName();
    }
    StoreContents contents = store->load();
    sources = std::move(contents.sources);
    threads = std::move(contents.threads);
    for (Question& question : contents.questions) {
        questions[question.id] = std::move(question);
    }
    questionOptions = std::move(contents.questionOptions);
    for (Answer& answer : contents.answers) {
        answers[answer.id] = std::move(answer);
    }
    marks = std::move(contents.marks);
    settings = std::move(contents.settings);
    if (threads.empty()) {
        const Thread main{store->newThreadId(), "main", std::nullopt, nowMs()};
        store->saveThread(main);
        threads.push_back(main);
    }
    if (options.engine != nullptr) {
        asker = std::make_unique<Asker>(options.engine->core(), corpus, options.profiles);
    }
}

Session::Impl::~Impl() {
    for (auto& [id, one] : active) {
        one.writer->requestStop();
    }
    jobs.cancelAll();
}

void Session::Impl::attach(Session* owner) {
    session = owner;
    timer.setInterval(kRefreshMs);
    QObject::connect(&timer, &QTimer::timeout, session, [this] { refresh(); });
    timer.start();
    if (options.engine != nullptr) {
        QObject::connect(options.engine, &EngineHost::statusChanged, session,
                         [this] { engineChanged(); });
        options.engine->setApplicationRows(session, [this] { return corpus.memory(); });
        engineChanged();
    }
    std::vector<Source> unread;
    for (Source& source : sources) {
        if (source.state == SourceState::Queued || source.state == SourceState::Reading) {
            source.state = SourceState::Queued;
            unread.push_back(source);
        }
    }
    if (!unread.empty() && options.reader) {
        const auto job = jobs.start(JobKind::AddSources, "Going on with reading");
        startReading(job, [unread, job](Adder& adder) { adder.read(unread, {}, *job); });
    }
}

void Session::Impl::post(std::function<void()> action) {
    QMetaObject::invokeMethod(session, std::move(action), Qt::QueuedConnection);
}

void Session::Impl::tellFailure(const Error& error) {
    post([this, failure = failureOf(error)] { emit session->failed(failure); });
}

void Session::Impl::save(std::function<void()> write, std::function<void()> saved) {
    storage.post([this, write = std::move(write), saved = std::move(saved)](std::stop_token) {
        try {
            write();
        } catch (const Error& error) {
            tellFailure(error);
            return;
        }
        if (saved) {
            post(saved);
        }
    });
}

Source* Session::Impl::find(SourceId id) {
    const auto it =
        std::find_if(sources.begin(), sources.end(), [id](const Source& s) { return s.id == id; });
    return it == sources.end() ? nullptr : &*it;
}

Answer* Session::Impl::find(AnswerId id) {
    const auto it = answers.find(id);
    return it == answers.end() ? nullptr : &it->second;
}

void Session::Impl::touched(SourceId id) {
    lanesDirty = true;
    changedSources.insert(id);
}

void Session::Impl::refresh() {
    constexpr int kReadingTicks = 10; ///< a third of a second
    if (lanesDirty) {
        lookAtLanes();
    }
    if (++ticks % kReadingTicks == 0) {
        lookAtReading();
    }
    for (const JobId id : jobs.refresh()) {
        emit session->jobChanged(id);
    }
    if (!changedSources.empty()) {
        const std::vector<SourceId> ids(changedSources.begin(), changedSources.end());
        changedSources.clear();
        emit session->sourcesChanged(ids);
        emit session->contextUseChanged();
        emit session->levelsChanged();
    }
    std::vector<AnswerId> ids;
    for (const auto& [id, one] : active) {
        ids.push_back(id);
    }
    for (const AnswerId id : ids) {
        takeNews(id, active.at(id));
    }
}

void Session::Impl::putSource(const Source& source) {
    if (Source* known = find(source.id)) {
        const bool included = known->included; // may have been changed meanwhile
        *known = source;
        known->included = included;
    } else if (!removed.contains(source.id)) {
        // Ids grow in the order of adding, which is the reading order.
        const auto at = std::find_if(sources.begin(), sources.end(),
                                     [&](const Source& s) { return s.id > source.id; });
        sources.insert(at, source);
    }
    corpus.forget(source.id);
    lookup.post([this, id = source.id](std::stop_token) {
        std::erase_if(lanePieces, [id](const auto& one) { return one.first.first == id; });
    });
    touched(source.id);
}

void Session::Impl::dropSources(const std::vector<SourceId>& ids) {
    const std::set<SourceId> wanted(ids.begin(), ids.end());
    std::erase_if(sources, [&](Source& source) {
        const bool drop = wanted.contains(source.id);
        if (drop) {
            removed[source.id] = source;
        }
        return drop;
    });
    for (const SourceId id : ids) {
        touched(id);
    }
}

void Session::Impl::replaceSources(const std::vector<Replacement>& replaced) {
    std::vector<SourceId> former;
    for (const Replacement& one : replaced) {
        former.push_back(one.former);
        for (Mark& mark : marks) {
            if (mark.source == one.former) {
                mark.source = one.source;
            }
        }
    }
    dropSources(former);
}

void Session::Impl::takeOver(const Requoted& changed) {
    for (const auto& [id, citation] : changed.citations) {
        Answer* answer = find(id);
        if (answer == nullptr) {
            continue;
        }
        if (citation.number == 0) {
            answer->nearest = citation;
        }
        for (Citation& one : answer->citations) {
            if (one.number == citation.number) {
                one = citation;
            }
        }
    }
    for (const auto& [id, searched] : changed.searched) {
        if (Answer* answer = find(id)) {
            answer->searched = searched;
            emit session->answerChanged(id);
        }
    }
    for (const Mark& mark : changed.marks) {
        for (Mark& one : marks) {
            if (one.id == mark.id) { // its note may have been changed meanwhile
                one.range = mark.range;
                one.quote = mark.quote;
            }
        }
        emit session->marksChanged(mark.source);
    }
}

Adder::Callbacks Session::Impl::adderCallbacks() {
    Adder::Callbacks callbacks;
    callbacks.added = [this](const std::vector<Source>& added) {
        post([this, added] {
            for (const Source& source : added) {
                putSource(source);
            }
        });
    };
    callbacks.changed = [this](const Source& source) {
        post([this, source] { putSource(source); });
    };
    callbacks.replaced = [this](const std::vector<Replacement>& replaced) {
        post([this, replaced] { replaceSources(replaced); });
    };
    callbacks.requoted = [this](const Requoted& changed) {
        post([this, changed] { takeOver(changed); });
    };
    callbacks.count =
        [core = options.engine != nullptr ? options.engine->core() : nullptr](
            const std::string& text) -> std::optional<std::pair<std::string, std::uint64_t>> {
        const auto loaded = core ? core->loadedNow() : std::nullopt;
        if (!loaded) {
            return std::nullopt;
        }
        return std::pair(loaded->encoder->fingerprint(), loaded->encoder->count(text));
    };
    return callbacks;
}

void Session::Impl::startReading(const std::shared_ptr<RunningJob>& job,
                                 std::function<void(Adder&)> read) {
    reading.post([this, job, read = std::move(read)](std::stop_token) {
        std::optional<Error> error;
        try {
            Adder adder(*store, *options.reader, adderCallbacks());
            read(adder);
        } catch (const Error& e) {
            error = e;
        }
        JobList::end(*job, error);
    });
}

void Session::Impl::engineChanged() {
    const auto loaded = options.engine->core()->loadedNow();
    if (!loaded || loaded->generation == profileGeneration) {
        emit session->levelsChanged();
        return;
    }
    profileGeneration = loaded->generation;
    lookup.post([this, loaded](std::stop_token) {
        try {
            const Profile found = loadProfile(loaded->model, options.profiles);
            const auto counts = store->tokenCounts(loaded->encoder->fingerprint());
            post([this, loaded, found, counts] {
                profile = found;
                lanesDirty = true;
                contextTokens = loaded->contextTokens;
                for (Source& source : sources) {
                    const auto it = counts.find(source.id);
                    source.tokens = it == counts.end() ? std::nullopt : std::optional(it->second);
                    touched(source.id);
                }
                emit session->levelsChanged();
                emit session->contextUseChanged();
                countTokens(*loaded);
            });
        } catch (const Error& error) {
            tellFailure(error);
        }
    });
}

void Session::Impl::countTokens(const EngineHost::Core::Loaded& loaded) {
    std::vector<SourceId> ids;
    for (const Source& source : sources) {
        if (source.state == SourceState::Ready && !source.tokens) {
            ids.push_back(source.id);
        }
    }
    if (ids.empty()) {
        return;
    }
    const auto job = jobs.start(JobKind::CountTokens, "Counting tokens");
    reading.post([this, ids, job, encoder = loaded.encoder](std::stop_token) {
        std::optional<Error> error;
        std::uint64_t done = 0;
        for (const SourceId id : ids) {
            try {
                if (job->stop().stop_requested()) {
                    throw Error(ErrorCode::Cancelled, "Counting was cancelled");
                }
                const std::uint64_t tokens = encoder->count(corpus.document(id)->text);
                store->saveTokenCounts(encoder->fingerprint(), {{id, tokens}});
                post([this, id, tokens] {
                    if (Source* source = find(id)) {
                        source->tokens = tokens;
                        touched(id);
                    }
                });
            } catch (const Error& e) {
                if (e.code() != ErrorCode::NotFound) { // removed meanwhile
                    error = e;
                    break;
                }
            }
            ++done;
            job->update([&](Job& j) { j.progress = {"Counting tokens", done, ids.size(), 0}; });
        }
        JobList::end(*job, error);
    });
}

// ---------------------------------------------------------------- Session

Session::Session(std::unique_ptr<Impl> impl) : d(std::move(impl)) {
    d->attach(this);
}

Session::~Session() {
    d->timer.stop();
    Store* store = d->store.get();
    for (auto& [id, one] : d->active) {
        one.writer->requestStop();
    }
    d->jobs.cancelAll();
    // While `d` still points to it: tasks use it. Storage last, it writes what the others left.
    d->asking.shutDown();
    d->reading.shutDown();
    d->exports.shutDown();
    d->lookup.shutDown();
    d->storage.post([store](std::stop_token) {
        try {
            store->purgeRemoved();
        } catch (const Error&) {
            // They stay marked as removed and are purged when the dossier is closed the next time.
        }
    });
    d->storage.shutDown();
}

std::unique_ptr<Session> Session::create(const std::filesystem::path& path,
                                         const SessionOptions& options) {
    return std::unique_ptr<Session>(
        new Session(std::make_unique<Impl>(Store::create(withSuffix(path)), options)));
}

std::unique_ptr<Session> Session::open(const std::filesystem::path& path,
                                       const SessionOptions& options) {
    std::error_code error;
    const bool asGiven = std::filesystem::is_directory(path, error);
    const auto folder =
        asGiven ? std::filesystem::absolute(path).lexically_normal() : withSuffix(path);
    return std::unique_ptr<Session>(
        new Session(std::make_unique<Impl>(Store::open(folder), options)));
}

std::string Session::name() const {
    const auto folder = d->store->folder();
    return (folder.has_filename() ? folder : folder.parent_path()).stem().string();
}

std::filesystem::path Session::folder() const {
    return d->store->folder();
}

std::shared_ptr<ingest::Reader> Session::reader() const {
    return d->options.reader;
}

const std::vector<Source>& Session::sources() const {
    return d->sources;
}

const Source* Session::source(SourceId id) const {
    return d->find(id);
}

JobId Session::addSources(const AddRequest& request) {
    if (!d->options.reader) {
        throw Error(ErrorCode::InvalidArgument, "This session cannot read files",
                    "Open the dossier with a reader");
    }
    std::string title = "Adding " + std::to_string(request.paths.size()) + " sources";
    if (request.paths.size() == 1) {
        title = "Adding " + request.paths.front().filename().string();
    }
    const auto job = d->jobs.start(JobKind::AddSources, title);
    d->startReading(job, [this, request, job](Adder& adder) {
        d->storage.drain(); // what was just removed is not there any more
        adder.add(request, *job);
    });
    return job->copy().id;
}

void Session::removeSources(const std::vector<SourceId>& ids) {
    std::set<SourceId> wanted(ids.begin(), ids.end());
    std::vector<SourceId> there;
    for (const Source& source : d->sources) {
        if (wanted.contains(source.id)) {
            there.push_back(source.id);
        }
    }
    d->dropSources(there);
    d->save([this, there] { d->store->setRemoved(there, true); });
}

void Session::restoreSources(const std::vector<SourceId>& ids) {
    std::vector<SourceId> back;
    for (const SourceId id : ids) {
        if (const auto found = d->removed.extract(id)) {
            d->putSource(found.mapped());
            back.push_back(id);
        }
    }
    d->save([this, back] { d->store->setRemoved(back, false); });
}

void Session::setIncluded(const std::vector<SourceId>& ids, bool included) {
    std::vector<Source> changed;
    for (const SourceId id : ids) {
        if (Source* source = d->find(id); source != nullptr && source->included != included) {
            source->included = included;
            changed.push_back(*source);
            d->touched(id);
        }
    }
    d->save([this, changed] {
        for (const Source& source : changed) {
            d->store->setIncluded(source.id, source.included);
        }
    });
}

JobId Session::readAgain(const std::vector<SourceId>& ids, const std::string& password) {
    std::vector<Source> again;
    for (const SourceId id : ids) {
        if (Source* source = d->find(id)) {
            source->state = SourceState::Queued;
            source->failure.reset();
            again.push_back(*source);
            d->touched(id);
        }
    }
    const auto job = d->jobs.start(JobKind::AddSources, "Reading again");
    d->startReading(
        job, [again, password, job](Adder& adder) { adder.readAgain(again, password, *job); });
    return job->copy().id;
}

ContextUse Session::contextUse() const {
    ContextUse use;
    use.maxTokens = d->contextTokens;
    if (d->profile) {
        use.whole = d->profile->whole;
        use.note = d->profile->note;
        use.reserveTokens = d->profile->reserveTokens;
    }
    for (const Source& source : d->sources) {
        if (!source.included || source.state == SourceState::Failed) {
            continue;
        }
        use.documentTokens += source.tokens.value_or(0);
        use.exact = use.exact && source.tokens.has_value();
    }
    return use;
}

void Session::withDocument(SourceId id, QObject* context, DocumentDone done) {
    d->lookup.post(
        [this, id, guard = QPointer<QObject>(context), done = std::move(done)](std::stop_token) {
            DocumentPtr document;
            std::optional<Failure> failure;
            try {
                document = d->corpus.document(id);
            } catch (const Error& error) {
                failure = failureOf(error);
            }
            d->post([guard, done, document, failure] {
                if (guard) {
                    done(document, failure);
                }
            });
        });
}

std::filesystem::path Session::originalFile(SourceId id) const {
    return d->store->originalFile(id);
}

} // namespace dossier::app
