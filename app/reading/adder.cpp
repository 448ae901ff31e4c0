// SPDX-License-Identifier: GPL-3.0-or-later
// Copies in batches (one sync for many small files), reads with as many threads as the reader has
// workers.
#include "app/reading/adder.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <unordered_map>

#include "app/asking/passages.h"
#include "app/reading/quotes_in_text.h"

namespace dossier::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatchFiles = 256;
constexpr std::chrono::milliseconds kBatchTime{700};
constexpr unsigned kReadingThreads = 2;

std::string stored(const std::string& title, const Source& source) {
    return title.empty() ? source.name : title;
}

/// True for errors that will meet every other file as well.
bool endsAll(ErrorCode code) {
    return code == ErrorCode::DiskFull || code == ErrorCode::Cancelled;
}

} // namespace

Adder::Adder(Store& store, ingest::Reader& reader, Callbacks callbacks)
    : m_store(store),
      m_texts(store.folder()),
      m_reader(reader),
      m_callbacks(std::move(callbacks)) {}

void Adder::store(Batch& batch, std::vector<Source>& all) {
    if (!batch.added.empty()) {
        m_store.originals().sync();
        m_store.addSources(batch.added, batch.replaced);
        if (!batch.replaced.empty()) {
            m_callbacks.replaced(batch.replaced);
        }
        m_callbacks.added(batch.added);
        all.insert(all.end(), batch.added.begin(), batch.added.end());
    }
    if (!batch.again.empty()) {
        queue(batch.again);
        all.insert(all.end(), batch.again.begin(), batch.again.end());
    }
    batch = {};
}

void Adder::queue(std::vector<Source>& sources) {
    for (Source& source : sources) {
        source.state = SourceState::Queued;
        source.failure.reset();
    }
    m_store.updateSources(sources);
    for (const Source& source : sources) {
        m_callbacks.changed(source);
    }
}

bool Adder::isRead(const Source& source) {
    if (source.state != SourceState::Ready) {
        return false;
    }
    try {
        ingest::deserialize(m_texts.document(source.id));
        return true;
    } catch (const Error&) {
        return false; // gone, damaged, or of another version: all of it is mended by reading
    }
}

void Adder::takeIn(const FileToAdd& file, const Source* former, Batch& batch, RunningJob& job) {
    const Originals::Stored copy = m_store.originals().add(file.file, {}, job.stop());
    if (former != nullptr && former->sha256 == copy.sha256) {
        if (isRead(*former)) {
            job.update([](Job& j) { ++j.unchanged; });
        } else {
            batch.again.push_back(*former);
        }
        return;
    }
    Source source;
    source.id = m_store.newSourceId();
    source.name = file.name;
    source.folder = file.folder;
    source.addedFrom = file.file.string();
    source.title = file.name;
    source.sha256 = copy.sha256;
    source.fileBytes = copy.bytes;
    source.addedMs = nowMs();
    if (former != nullptr) {
        source.included = former->included;
        batch.replaced.push_back({former->id, source.id});
    }
    batch.added.push_back(std::move(source));
}

std::vector<Source> Adder::copyIn(const std::vector<FileToAdd>& files,
                                  const std::vector<Source>& present, RunningJob& job) {
    std::unordered_map<std::string, const Source*> places;
    for (const Source& source : present) {
        places.emplace(source.path(), &source);
    }
    std::vector<Source> all;
    Batch batch;
    auto batchBegin = Clock::now();
    for (std::size_t i = 0; i < files.size(); ++i) {
        const FileToAdd& file = files[i];
        job.update([&](Job& j) {
            j.progress = {"Copying into the dossier", i, files.size(), 0};
            j.item = file.name;
        });
        try {
            const auto former = places.find(file.path());
            takeIn(file, former == places.end() ? nullptr : former->second, batch, job);
        } catch (const Error& error) {
            if (endsAll(error.code())) {
                store(batch, all);
                throw;
            }
            job.update([&](Job& j) {
                j.problems.push_back({file.file.string(), failureOf(error)});
            });
        }
        if (batch.size() >= kBatchFiles || Clock::now() - batchBegin > kBatchTime) {
            store(batch, all);
            batchBegin = Clock::now();
        }
    }
    store(batch, all);
    return all;
}

void Adder::add(const AddRequest& request, RunningJob& job) {
    const std::vector<Source> present = m_texts.sources();
    const std::vector<FileToAdd> files = expandRequest(request, m_reader, present, job);
    std::vector<Source> sources = copyIn(files, present, job);
    read(std::move(sources), request.password, job);
}

void Adder::keep(Source& source, const DocumentPtr& read) {
    const ingest::Document& document = *read;
    source.format = document.format;
    source.state = SourceState::Ready;
    source.title = stored(document.title, source);
    source.textBytes = document.text.size();
    source.pages = document.pages.size();
    source.lines = document.text.empty() ? 0 : ingest::lineOf(document, document.text.size());
    source.pagesWithoutText = static_cast<std::uint64_t>(
        std::count_if(document.pages.begin(), document.pages.end(),
                      [](const ingest::Page& page) { return !page.hasText; }));
    source.warnings = document.warnings;
    source.failure.reset();
    std::vector<StoredPassage> passages;
    for (Passage& passage : cutPassages(document)) {
        passages.push_back({passage.range, std::move(passage.text)});
    }
    const auto counted = m_callbacks.count(document.text);
    QuotesInText quotes(source.id, source.path(), read);
    const Requoted changed =
        m_store.saveDocument(source, ingest::serialize(document), passages, &quotes);
    if (!changed.empty()) {
        m_callbacks.requoted(changed);
    }
    if (counted) {
        m_store.saveTokenCounts(counted->first, {{source.id, counted->second}});
        source.tokens = counted->second;
    }
}

void Adder::readOne(Source& source, const std::string& password, RunningJob& job) {
    source.state = SourceState::Reading;
    m_callbacks.changed(source);
    try {
        const auto file = m_store.originalFile(source.id);
        keep(source, std::make_shared<const ingest::Document>(
                         m_reader.read(file, {password, source.name}, {}, job.stop())));
        job.update([](Job& j) { ++j.succeeded; });
    } catch (const Error& error) {
        if (endsAll(error.code())) {
            throw;
        }
        source.state = SourceState::Failed;
        source.failure = failureOf(error);
        // Nothing of a former text can be found in one that nobody could read.
        QuotesInText quotes(source.id, source.path(), std::make_shared<const ingest::Document>());
        const Requoted changed = m_store.saveUnreadable(source, quotes);
        if (!changed.empty()) {
            m_callbacks.requoted(changed);
        }
        job.update([&](Job& j) { j.problems.push_back({source.path(), *source.failure}); });
    }
    m_callbacks.changed(source);
}

void Adder::readAgain(std::vector<Source> sources, const std::string& password, RunningJob& job) {
    queue(sources);
    read(std::move(sources), password, job);
}

void Adder::read(std::vector<Source> sources, const std::string& password, RunningJob& job) {
    std::atomic<std::size_t> next{0}, done{0};
    std::mutex mutex;
    std::optional<Error> ending;
    const auto begin = Clock::now();
    const auto work = [&] {
        for (std::size_t i = next++; i < sources.size(); i = next++) {
            {
                const std::lock_guard lock(mutex);
                if (ending || job.stop().stop_requested()) {
                    return;
                }
            }
            const std::chrono::duration<double> spent = Clock::now() - begin;
            job.update([&](Job& j) {
                j.progress = {"Reading", done, sources.size(),
                              static_cast<double>(done) / std::max(spent.count(), 1e-3)};
                j.item = sources[i].name;
            });
            try {
                readOne(sources[i], password, job);
            } catch (const Error& error) {
                const std::lock_guard lock(mutex);
                ending = error;
                return;
            }
            ++done;
        }
    };
    {
        std::vector<std::jthread> threads;
        for (unsigned t = 1; t < std::min<std::size_t>(kReadingThreads, sources.size()); ++t) {
            threads.emplace_back(work);
        }
        work();
    }
    if (!ending && !job.stop().stop_requested()) {
        job.update([&](Job& j) { j.progress.done = sources.size(); });
        return;
    }
    // What was not read yet stays in the dossier, queued: its bytes are here, and perhaps nowhere
    // else any more. The next opening goes on with it.
    for (Source& source : sources) {
        if (source.state == SourceState::Reading) {
            source.state = SourceState::Queued;
            m_callbacks.changed(source);
        }
    }
    throw ending ? Error(*ending) : Error(ErrorCode::Cancelled, "Adding was cancelled");
}

} // namespace dossier::app
