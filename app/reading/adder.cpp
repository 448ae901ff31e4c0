// SPDX-License-Identifier: GPL-3.0-or-later
// Copies in batches (one sync for many small files), reads with as many threads as the reader has
// workers.
#include "app/reading/adder.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "app/asking/passages.h"

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
    : m_store(store), m_reader(reader), m_callbacks(std::move(callbacks)) {}

void Adder::storeBatch(std::vector<Source>& batch, std::vector<Source>& all) {
    if (batch.empty()) {
        return;
    }
    m_store.originals().sync();
    m_store.addSources(batch);
    m_callbacks.added(batch);
    all.insert(all.end(), batch.begin(), batch.end());
    batch.clear();
}

std::vector<Source> Adder::copyIn(const std::vector<FileToAdd>& files,
                                  const std::vector<Source>& present, RunningJob& job) {
    std::vector<Source> all, batch;
    auto batchBegin = Clock::now();
    for (std::size_t i = 0; i < files.size(); ++i) {
        const FileToAdd& file = files[i];
        job.update([&](Job& j) {
            j.progress = {"Copying into the dossier", i, files.size(), 0};
            j.item = file.name;
        });
        try {
            const Originals::Stored copy = m_store.originals().add(file.file, {}, job.stop());
            const auto former = std::find_if(present.begin(), present.end(), [&](const Source& s) {
                return s.folder == file.folder && s.name == file.name;
            });
            if (former != present.end() && former->sha256 == copy.sha256) {
                throw Error(ErrorCode::InvalidArgument,
                            former->path() + " is in the dossier already, unchanged",
                            "Nothing needs to be done");
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
            batch.push_back(std::move(source));
            if (former != present.end()) {
                m_store.setRemoved(former->id, true);
                m_callbacks.removed({former->id});
            }
        } catch (const Error& error) {
            if (endsAll(error.code())) {
                storeBatch(batch, all);
                throw;
            }
            job.update([&](Job& j) {
                j.problems.push_back({file.file.string(), failureOf(error)});
            });
        }
        if (batch.size() >= kBatchFiles || Clock::now() - batchBegin > kBatchTime) {
            storeBatch(batch, all);
            batchBegin = Clock::now();
        }
    }
    storeBatch(batch, all);
    return all;
}

void Adder::add(const AddRequest& request, const std::vector<Source>& present, RunningJob& job) {
    const std::vector<FileToAdd> files = expandRequest(request, m_reader, present, job);
    std::vector<Source> sources = copyIn(files, present, job);
    read(std::move(sources), request.password, job);
}

void Adder::keep(Source& source, const ingest::Document& document) {
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
    m_store.saveDocument(source, ingest::serialize(document), passages);
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
        keep(source, m_reader.read(file, {password, source.name}, {}, job.stop()));
        job.update([](Job& j) { ++j.succeeded; });
    } catch (const Error& error) {
        if (endsAll(error.code())) {
            throw;
        }
        source.state = SourceState::Failed;
        source.failure = failureOf(error);
        m_store.updateSources({source});
        job.update([&](Job& j) { j.problems.push_back({source.path(), *source.failure}); });
    }
    m_callbacks.changed(source);
}

void Adder::readAgain(std::vector<Source> sources, const std::string& password, RunningJob& job) {
    for (Source& source : sources) {
        source.state = SourceState::Queued;
        source.failure.reset();
    }
    m_store.updateSources(sources);
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
