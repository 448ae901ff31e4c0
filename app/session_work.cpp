// SPDX-License-Identifier: GPL-3.0-or-later
// Marks, searches, quotation checks, exports, jobs, settings.
#include <algorithm>

#include "app/asking/terms.h"
#include "app/session_impl.h"

namespace dossier::app {
namespace {

/// Where the first of the searched words stands in a passage, so that the viewer can go to it.
ingest::TextRange firstMatch(const ingest::Document& document, const SearchHit& hit) {
    if (hit.matches.empty()) {
        return hit.place.range;
    }
    const std::string word =
        hit.snippet.substr(hit.matches.front().begin, hit.matches.front().size());
    const std::string_view passage =
        std::string_view(document.text).substr(hit.place.range.begin, hit.place.range.size());
    const std::size_t at = passage.find(word);
    return at == std::string_view::npos
               ? hit.place.range
               : ingest::TextRange{hit.place.range.begin + at,
                                   hit.place.range.begin + at + word.size()};
}

} // namespace

// ---------------------------------------------------------------- marks

const std::vector<Mark>& Session::marks() const {
    return d->marks;
}

std::vector<Mark> Session::marksOf(SourceId source) const {
    std::vector<Mark> list;
    for (const Mark& mark : d->marks) {
        if (mark.source == source) {
            list.push_back(mark);
        }
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const Mark& a, const Mark& b) { return a.range.begin < b.range.begin; });
    return list;
}

Mark Session::addMark(Mark mark) {
    if (d->find(mark.source) == nullptr) {
        throw Error(ErrorCode::InvalidArgument, "The source of this mark is not in the dossier",
                    "Mark a passage of an open source");
    }
    // The viewer that marks holds the document, so it is in the corpus: no waiting for the disk.
    const DocumentPtr document = d->corpus.document(mark.source);
    if (mark.range.empty() || mark.range.end > document->text.size()) {
        throw Error(ErrorCode::InvalidArgument, "The mark covers no text", "Select some text");
    }
    mark.id = d->store->newMarkId();
    mark.quote = document->text.substr(mark.range.begin, mark.range.size());
    mark.author = mark.author.empty() ? d->options.author : mark.author;
    mark.createdMs = mark.changedMs = nowMs();
    putBackMark(mark);
    return mark;
}

void Session::putBackMark(const Mark& mark) {
    std::erase_if(d->marks, [&](const Mark& m) { return m.id == mark.id; });
    d->marks.push_back(mark);
    d->save([this, mark] { d->store->saveMark(mark); },
            [this, source = mark.source] { emit marksChanged(source); });
}

Mark Session::removeMark(MarkId id) {
    const auto it =
        std::find_if(d->marks.begin(), d->marks.end(), [id](const Mark& m) { return m.id == id; });
    if (it == d->marks.end()) {
        throw Error(ErrorCode::InvalidArgument, "There is no such mark", "Choose another one");
    }
    const Mark mark = *it;
    d->marks.erase(it);
    d->save([this, id] { d->store->removeMark(id); },
            [this, source = mark.source] { emit marksChanged(source); });
    return mark;
}

Mark Session::changeMark(const Mark& changed) {
    const auto it = std::find_if(d->marks.begin(), d->marks.end(),
                                 [&](const Mark& m) { return m.id == changed.id; });
    if (it == d->marks.end()) {
        throw Error(ErrorCode::InvalidArgument, "There is no such mark", "Choose another one");
    }
    const Mark before = *it;
    *it = changed;
    it->changedMs = nowMs();
    d->save([this, mark = *it] { d->store->saveMark(mark); },
            [this, source = changed.source] { emit marksChanged(source); });
    return before;
}

// ---------------------------------------------------------------- searching

void Session::searchSources(const std::string& words, std::size_t limit, QObject* context,
                            SearchDone done) {
    auto& latest = d->searches[context];
    if (!latest) {
        latest = std::make_shared<std::atomic<std::uint64_t>>(0);
    }
    const std::uint64_t number = ++*latest;
    d->lookup.post([this, words, limit, guard = QPointer<QObject>(context), latest, number,
                    done = std::move(done)](std::stop_token stop) {
        std::vector<SearchHit> hits;
        try {
            if (*latest == number) {
                hits = StoreReader(d->store->folder()).search(words, limit);
            }
            for (SearchHit& hit : hits) {
                if (*latest != number || stop.stop_requested()) {
                    return;
                }
                const DocumentPtr document = d->corpus.document(hit.place.source);
                hit.place = placeOf(hit.place.source, *document, firstMatch(*document, hit));
            }
        } catch (const Error& error) {
            d->tellFailure(error);
        }
        d->post([guard, latest, number, done, hits = std::move(hits)] {
            if (guard && *latest == number) {
                done(hits);
            }
        });
    });
}

void Session::searchHistory(const std::string& words, std::size_t limit, QObject* context,
                            HistoryDone done) {
    d->lookup.post([this, words, limit, guard = QPointer<QObject>(context),
                    done = std::move(done)](std::stop_token) {
        std::vector<HistoryHit> hits;
        try {
            for (StoreReader::HistoryRow& row :
                 StoreReader(d->store->folder()).searchHistory(words, limit)) {
                hits.push_back(
                    {row.question, row.answer, std::move(row.snippet), std::move(row.matches)});
            }
        } catch (const Error& error) {
            d->tellFailure(error);
        }
        d->post([guard, done, hits = std::move(hits)] {
            if (guard) {
                done(hits);
            }
        });
    });
}

void Session::checkQuote(const std::string& quote, std::optional<SourceId> named, QObject* context,
                         CheckDone done) {
    std::vector<AskedSource> included;
    for (const Source& source : d->sources) {
        if (source.state == SourceState::Ready && (source.included || source.id == named)) {
            included.push_back({source.id, source.path()});
        }
    }
    d->lookup.post([this, quote, named, included, guard = QPointer<QObject>(context),
                    done = std::move(done)](std::stop_token) {
        Citation citation;
        citation.quote = quote;
        try {
            std::vector<CheckedDocumentPtr> documents;
            for (const AskedSource& source : included) {
                documents.push_back(d->corpus.checked(source.id, source.name));
            }
            const auto check = QuoteVerifier(documents).check(quote, named);
            if (check) {
                citation.verdict = check->verdict;
                citation.percent = check->percent;
            }
            if (check && check->source) {
                citation.place =
                    placeOf(*check->source, *d->corpus.document(*check->source), check->range);
                const auto it =
                    std::find_if(included.begin(), included.end(),
                                 [&](const AskedSource& s) { return s.id == *check->source; });
                citation.document = it->name;
            }
        } catch (const Error& error) {
            d->tellFailure(error);
        }
        d->post([guard, done, citation] {
            if (guard) {
                done(citation);
            }
        });
    });
}

// ---------------------------------------------------------------- jobs, exports, settings

const std::vector<Job>& Session::jobs() const {
    return d->jobs.jobs();
}

void Session::cancelJob(JobId id) {
    d->jobs.cancel(id);
}

void Session::dismissJob(JobId id) {
    d->jobs.dismiss(id);
}

DossierSnapshot Session::snapshot() const {
    DossierSnapshot snapshot;
    snapshot.name = name();
    snapshot.sources = d->sources;
    snapshot.threads = d->threads;
    for (const auto& [id, question] : d->questions) {
        snapshot.questions.push_back(question);
    }
    for (const auto& [id, answer] : d->answers) {
        snapshot.answers.push_back(answer);
    }
    snapshot.marks = d->marks;
    if (d->options.engine != nullptr) {
        snapshot.model = d->options.engine->status().model;
    }
    snapshot.levels = levels();
    snapshot.takenMs = nowMs();
    return snapshot;
}

JobId Session::runExport(const std::string& title,
                         std::function<void(const ExportContext&)> write) {
    const auto job = d->jobs.start(JobKind::Export, title);
    d->exports.post([this, job, write = std::move(write), taken = snapshot()](std::stop_token) {
        std::optional<Error> error;
        try {
            if (!d->options.reader) {
                throw Error(ErrorCode::InvalidArgument, "This session cannot read files",
                            "Open the dossier with a reader");
            }
            write({taken, [this](SourceId id) { return d->corpus.document(id); },
                   [this](SourceId id) { return d->store->originalFile(id); }, *d->options.reader,
                   [&job](std::uint64_t done, std::uint64_t total, const std::string& item) {
                       job->update([&](Job& j) {
                           j.progress = {"Writing", done, total, 0};
                           j.item = item;
                       });
                   },
                   job->stop()});
        } catch (const Error& e) {
            error = e;
        } catch (const std::exception& e) {
            error = Error(ErrorCode::Internal, std::string("The export failed: ") + e.what());
        }
        JobList::end(*job, error);
    });
    return job->copy().id;
}

std::string Session::setting(const std::string& key) const {
    const auto it = d->settings.find(key);
    return it == d->settings.end() ? "" : it->second;
}

void Session::setSetting(const std::string& key, const std::string& value) {
    d->settings[key] = value;
    d->save([this, key, value] { d->store->setSetting(key, value); });
}

void Session::flush() {
    d->storage.drain();
}

} // namespace dossier::app
