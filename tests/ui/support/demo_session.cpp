// SPDX-License-Identifier: GPL-3.0-or-later
// app::Session on invented content.
#include <algorithm>

#include "tests/ui/support/demo.h"
#include "tests/ui/support/demo_state.h"

namespace dossier::test {

DemoSettings& demoSettings() {
    static DemoSettings settings;
    return settings;
}

std::filesystem::path demoLeasePdf() {
    return std::filesystem::path(DOSSIER_SOURCE_DIR) /
           "resources/sample/harbour-wharf/Lease Unit 4.pdf";
}

std::filesystem::path demoData(const std::string& name) {
    return std::filesystem::path(DOSSIER_SOURCE_DIR) / "tests/ui/data" / name;
}

} // namespace dossier::test

namespace dossier::app {

Session::Session(std::unique_ptr<Impl> impl) : d(std::move(impl)) {
    d->q = this;
}
Session::~Session() = default;

std::unique_ptr<Session> Session::create(const std::filesystem::path& path,
                                         const SessionOptions& options) {
    if (path.string().find("refused") != std::string::npos) {
        throw Error(ErrorCode::Permission,
                    "The folder " + path.parent_path().string() + " cannot be written",
                    "Choose another folder");
    }
    auto impl = std::make_unique<Impl>();
    impl->name = path.stem().string();
    impl->options = options;
    impl->threads.push_back({static_cast<ThreadId>(1), "main", std::nullopt, 0});
    impl->levels = {{"high", "Think High", "Analysis.", "", LevelState::Ready, "Ready", 1}};
    return std::unique_ptr<Session>(new Session(std::move(impl)));
}

std::unique_ptr<Session> Session::open(const std::filesystem::path& path,
                                       const SessionOptions& options) {
    const std::string text = path.string();
    if (!text.starts_with("demo:")) {
        throw Error(ErrorCode::NotFound, "There is no dossier at " + text,
                    "Check the path, or make a new dossier");
    }
    if (text == test::kDemoHeld) {
        throw Error(ErrorCode::Busy, "The dossier is held by dossier (process 4711)",
                    "Close it there");
    }
    auto impl = std::make_unique<Impl>();
    impl->name = text.substr(5);
    impl->options = options;
    auto session = std::unique_ptr<Session>(new Session(std::move(impl)));
    session->d->build();
    return session;
}

std::string Session::name() const {
    return d->name;
}
std::filesystem::path Session::folder() const {
    return "/home/user/" + d->name + ".dossier";
}
std::shared_ptr<ingest::Reader> Session::reader() const {
    return d->options.reader;
}
const std::vector<Source>& Session::sources() const {
    return d->sources;
}

const Source* Session::source(SourceId id) const {
    for (const Source& source : d->sources) {
        if (source.id == id) {
            return &source;
        }
    }
    return nullptr;
}

JobId Session::addSources(const AddRequest& request) {
    std::vector<SourceId> ids;
    for (const auto& path : request.paths) {
        const bool pdf = path.extension() == ".pdf";
        const SourceId id = d->add(path.filename().string(), "",
                                   pdf ? ingest::Format::Pdf : ingest::Format::Text, {});
        d->at(id).state = SourceState::Queued;
        d->at(id).addedFrom = path.string();
        d->at(id).fileBytes = std::filesystem::file_size(path);
        d->at(id).addedMs = QDateTime::currentMSecsSinceEpoch();
        ids.push_back(id);
        QTimer::singleShot(0, this, [this, id, path] {
            Source& source = d->at(id);
            try {
                auto document = std::make_shared<const ingest::Document>(
                    d->options.reader->read(path, {}, {}, {}));
                source.state = SourceState::Ready;
                source.pages = document->pages.size();
                source.tokens = document->text.size() / 4;
                d->back(id, path, document);
                d->use.documentTokens += *source.tokens;
            } catch (const Error& error) {
                source.state = SourceState::Failed;
                source.failure = failureOf(error);
            }
            emit sourcesChanged({id});
            emit contextUseChanged();
        });
    }
    emit sourcesChanged(ids);
    return {};
}

void Session::removeSources(const std::vector<SourceId>& ids) {
    for (const SourceId id : ids) {
        d->removed[static_cast<long long>(id)] = d->at(id);
        std::erase_if(d->sources, [id](const Source& s) { return s.id == id; });
    }
    emit sourcesChanged(ids);
}

void Session::restoreSources(const std::vector<SourceId>& ids) {
    for (const SourceId id : ids) {
        const auto at = std::find_if(d->sources.begin(), d->sources.end(),
                                     [id](const Source& s) { return s.id > id; });
        d->sources.insert(at, d->removed.at(static_cast<long long>(id)));
    }
    emit sourcesChanged(ids);
}

void Session::setIncluded(const std::vector<SourceId>& ids, bool included) {
    for (const SourceId id : ids) {
        d->at(id).included = included;
    }
    emit sourcesChanged(ids);
}

JobId Session::readAgain(const std::vector<SourceId>& ids, const std::string&) {
    emit sourcesChanged(ids);
    return {};
}

ContextUse Session::contextUse() const {
    return d->use;
}

void Session::withDocument(SourceId id, QObject* context, DocumentDone done) {
    const DocumentPtr document = d->documents[static_cast<long long>(id)];
    QTimer::singleShot(0, context, [document, done] {
        document
            ? done(document, std::nullopt)
            : done(nullptr, Failure{ErrorCode::NotFound, "The text is not there", "Read it again"});
    });
}

std::filesystem::path Session::originalFile(SourceId id) const {
    return d->files[static_cast<long long>(id)];
}

const std::vector<Thread>& Session::threads() const {
    return d->threads;
}

std::vector<Question> Session::questions(ThreadId thread) const {
    std::vector<Question> result;
    for (const Question& question : d->questions) {
        if (question.thread == thread) {
            result.push_back(question);
        }
    }
    return result;
}

const Question* Session::question(QuestionId id) const {
    for (const Question& question : d->questions) {
        if (question.id == id) {
            return &question;
        }
    }
    return nullptr;
}

const Answer* Session::answer(AnswerId id) const {
    const auto it = d->answers.find(static_cast<long long>(id));
    return it == d->answers.end() ? nullptr : &it->second;
}

std::vector<LevelInfo> Session::levels() const {
    return d->levels;
}
std::string Session::defaultLevel() const {
    return test::demoSettings().lowDepths ? "low" : "high";
}

std::string Session::costText(const std::string& level) const {
    for (const LevelInfo& info : d->levels) {
        if (info.name == level) {
            return d->name == "Quillstore" ? "about 25 s" : info.cost;
        }
    }
    return {};
}

QuestionId Session::ask(const AskRequest& request) {
    if (request.text == "too large") {
        throw Error(
            ErrorCode::TooLarge,
            "The sources (1,112,000 tokens) and the answer do not fit into 1,048,576 tokens",
            "Leave out Surveys or Correspondence");
    }
    const QuestionId id =
        d->ask(request.thread.value_or(d->threads.front().id), request.text, request.level);
    emit questionAdded(id);
    const AnswerId answer = d->answerTo(id).id;
    d->answers[static_cast<long long>(answer)].state = AnswerState::Waiting;
    emit answerAdded(answer);
    d->startStream(answer);
    return id;
}

AnswerId Session::regenerate(QuestionId id, const std::string&) {
    const AnswerId answer = d->answerTo(id).id;
    d->answers[static_cast<long long>(answer)].state = AnswerState::Waiting;
    emit answerAdded(answer);
    d->startStream(answer);
    return answer;
}

void Session::stop(AnswerId) {
    stopAll();
}

void Session::stopAll() {
    if (d->streaming != AnswerId{}) {
        d->finish(AnswerState::Stopped);
    }
    for (auto& [id, answer] : d->answers) {
        if (!isFinal(answer.state)) {
            answer.state = AnswerState::Stopped;
            emit answerChanged(answer.id);
        }
    }
}

bool Session::answering() const {
    return std::any_of(d->answers.begin(), d->answers.end(),
                       [](const auto& entry) { return !isFinal(entry.second.state); });
}

ThreadId Session::fork(QuestionId after, const std::string& forkName) {
    Thread thread;
    thread.id = static_cast<ThreadId>(++d->nextId);
    thread.name = forkName.empty() ? "branch " + std::to_string(d->threads.size()) : forkName;
    thread.forkedAfter = after;
    d->threads.push_back(thread);
    emit threadsChanged();
    return thread.id;
}

std::optional<DocumentFork> Session::forkPrice(SourceId behind, const std::string&) const {
    const std::vector<SourceId> all = documentsOf(d->threads.front().id);
    const auto at = std::find(all.begin(), all.end(), behind);
    if (d->lanes.empty() || at == all.end()) {
        return std::nullopt;
    }
    DocumentFork fork;
    fork.documents = static_cast<std::uint64_t>(at - all.begin()) + 1;
    fork.all = all.size();
    fork.replay = 612;
    fork.seconds = 3;
    return fork;
}

ThreadId Session::fork(SourceId behind, const std::string& level, const std::string&) {
    const auto price = forkPrice(behind, level);
    if (!price) {
        throw Error(ErrorCode::InvalidArgument, "Nothing is read", "Load a model");
    }
    Thread thread;
    thread.id = static_cast<ThreadId>(++d->nextId);
    thread.name = "branch " + std::to_string(d->threads.size());
    for (const SourceId id : documentsOf(d->threads.front().id)) {
        if (thread.documents.size() < price->documents) {
            thread.documents.push_back(source(id)->path());
        }
    }
    d->threads.push_back(thread);
    emit threadsChanged();
    return thread.id;
}

const std::vector<std::string>& Session::branchOrigin(ThreadId id) const {
    static const std::vector<std::string> kNone;
    for (const Thread& thread : d->threads) {
        if (thread.id == id) {
            return thread.documents;
        }
    }
    return kNone;
}

std::vector<SourceId> Session::documentsOf(ThreadId thread) const {
    const std::vector<std::string>& paths = branchOrigin(thread);
    std::vector<SourceId> ids;
    for (const Source& source : d->sources) {
        if (source.included && source.state == SourceState::Ready &&
            (paths.empty() ||
             std::find(paths.begin(), paths.end(), source.path()) != paths.end())) {
            ids.push_back(source.id);
        }
    }
    return ids;
}

void Session::renameThread(ThreadId id, const std::string& newName) {
    for (Thread& thread : d->threads) {
        thread.name = thread.id == id ? newName : thread.name;
    }
    emit threadsChanged();
}

const std::vector<Mark>& Session::marks() const {
    return d->marks;
}

std::vector<Mark> Session::marksOf(SourceId id) const {
    std::vector<Mark> result;
    for (const Mark& mark : d->marks) {
        if (mark.source == id) {
            result.push_back(mark);
        }
    }
    return result;
}

Mark Session::addMark(Mark draft) {
    draft.id = static_cast<MarkId>(++d->nextId);
    draft.author = "M K";
    d->marks.push_back(draft);
    emit marksChanged(draft.source);
    return draft;
}

Mark Session::removeMark(MarkId id) {
    const auto it = std::find_if(d->marks.begin(), d->marks.end(),
                                 [id](const Mark& mark) { return mark.id == id; });
    const Mark mark = *it;
    d->marks.erase(it);
    emit marksChanged(mark.source);
    return mark;
}

void Session::putBackMark(const Mark& mark) {
    d->marks.push_back(mark);
    emit marksChanged(mark.source);
}

Mark Session::changeMark(const Mark& mark) {
    const auto it = std::find_if(d->marks.begin(), d->marks.end(),
                                 [&](const Mark& other) { return other.id == mark.id; });
    const Mark before = *it;
    *it = mark;
    emit marksChanged(mark.source);
    return before;
}

void Session::searchSources(const std::string& words, std::size_t limit, QObject* context,
                            SearchDone done) {
    std::vector<SearchHit> hits;
    for (const Source& source : d->sources) {
        if (hits.size() < limit && d->documents[static_cast<long long>(source.id)]) {
            const Place place = d->find(source.id, words, "");
            if (!place.range.empty()) {
                hits.push_back({place, "… " + words + " …", {}, 1});
            }
        }
    }
    QTimer::singleShot(0, context, [hits, done] { done(hits); });
}

void Session::searchHistory(const std::string& words, std::size_t, QObject* context,
                            HistoryDone done) {
    std::vector<HistoryHit> hits;
    for (const Question& question : d->questions) {
        if (question.text.find(words) != std::string::npos) {
            hits.push_back({question.id, std::nullopt, question.text, {}});
        }
    }
    QTimer::singleShot(0, context, [hits, done] { done(hits); });
}

void Session::checkQuote(const std::string&, std::optional<SourceId>, QObject*, CheckDone) {}
const std::vector<Job>& Session::jobs() const {
    return d->jobs;
}

void Session::cancelJob(JobId id) {
    for (Job& job : d->jobs) {
        job.state = job.id == id ? JobState::Cancelled : job.state;
    }
    emit jobChanged(id);
}

void Session::dismissJob(JobId id) {
    std::erase_if(d->jobs, [id](const Job& job) { return job.id == id; });
    emit jobChanged(id);
}

DossierSnapshot Session::snapshot() const {
    return {};
}

JobId Session::runExport(const std::string& title, std::function<void(const ExportContext&)>) {
    Job job;
    job.id = static_cast<JobId>(++d->nextId);
    job.kind = JobKind::Export;
    job.title = title;
    job.state = JobState::Done;
    d->jobs.push_back(job);
    QTimer::singleShot(0, this, [this, id = job.id] { emit jobChanged(id); });
    return job.id;
}

std::string Session::setting(const std::string& key) const {
    const auto it = d->settings.find(key);
    return it == d->settings.end() ? std::string() : it->second;
}

void Session::setSetting(const std::string& key, const std::string& value) {
    d->settings[key] = value;
}

const std::vector<LaneEntry>& Session::lanes() const {
    return d->lanes;
}
const ReadingStatus& Session::reading() const {
    return d->reading;
}
std::optional<Job> Session::readingJob() const {
    if (!d->reading.active()) {
        return std::nullopt;
    }
    Job job;
    job.id = static_cast<JobId>(-1);
    job.kind = JobKind::ReadLane;
    for (const LevelInfo& level : d->levels) {
        job.title = level.name == d->reading.level ? "Reading for " + level.title : job.title;
    }
    job.progress = {"Reading", d->reading.done, d->reading.total, d->reading.perSecond};
    return job;
}
std::optional<LaneOutlook> Session::laneOutlook(const std::string& level) const {
    const auto it = d->outlooks.find(level);
    return it == d->outlooks.end() ? std::nullopt : std::optional(it->second);
}
void Session::priceOf(SourceChange change, const std::vector<SourceId>& ids, QObject* context,
                      std::function<void(std::optional<LanePrice>)> done) {
    if (d->lanes.empty()) {
        done(std::nullopt);
        return;
    }
    // As if everything stood in the lane in this order.
    LanePrice price;
    price.lanes = 1;
    bool behind = false;
    for (const Source& source : d->sources) {
        const bool hit = std::find(ids.begin(), ids.end(), source.id) != ids.end();
        behind = behind || hit;
        if (!behind) {
            price.keep += source.tokens.value_or(0);
        } else if (!hit || change == SourceChange::Replaced) {
            price.again += source.tokens.value_or(0);
        }
    }
    price.seconds = static_cast<double>(price.again) / 250;
    QTimer::singleShot(0, context, [price, done] { done(price); });
}
std::string Session::forkPrice(QuestionId after) const {
    std::string text = "re-reads up to about ";
    for (const Question& question : d->questions) {
        if (question.id == after) {
            return text.append(std::to_string(100 * question.number))
                .append(" tokens of the conversation, about 3 s");
        }
    }
    return {};
}
void Session::startReading(const std::string& level) {
    d->reading = {};
    d->reading.state = ReadingStatus::State::Reading;
    d->reading.level = level;
    d->reading.done = 25'000;
    d->reading.total = 61'204;
    d->reading.perSecond = 410;
    for (LevelInfo& info : d->levels) {
        if (info.name == level) {
            info.state = LevelState::Preparing;
            info.stateText = "Preparing 40 %";
            info.prepared = 0.4;
        }
    }
    emit readingChanged();
    emit levelsChanged();
}
void Session::pauseReading() {
    d->reading.state = ReadingStatus::State::Paused;
    emit readingChanged();
    emit levelsChanged();
}
void Session::resumeReading() {
    d->reading.state = ReadingStatus::State::Reading;
    emit readingChanged();
    emit levelsChanged();
}
void Session::cancelReading() {
    d->reading.state = ReadingStatus::State::Cancelled;
    emit readingChanged();
}
JobId Session::verifyLanes() {
    for (LaneEntry& lane : d->lanes) {
        lane.checked = {1'795'540'000'000, "good"};
    }
    if (!test::demoSettings().laneFault.empty()) {
        d->lanes.front().checked->result = test::demoSettings().laneFault;
    }
    emit lanesChanged();
    return {};
}
JobId Session::deleteLane(const std::string& laneName) {
    std::erase_if(d->lanes, [&](const LaneEntry& lane) { return lane.name == laneName; });
    emit lanesChanged();
    return {};
}
JobId Session::moveLane(const std::string&, const std::filesystem::path&) {
    return {};
}
void Session::flush() {}

} // namespace dossier::app
