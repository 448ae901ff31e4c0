// SPDX-License-Identifier: GPL-3.0-or-later
// The state of an invented session; its content is in demo_content.cpp.
#pragma once

#include <QDateTime>
#include <QElapsedTimer>
#include <QTimer>
#include <algorithm>
#include <map>

#include "app/session.h"
#include "tests/ui/support/demo.h"

namespace dossier::app {

/// Line breaks are spaces, so that words are found across them.
inline std::string normalised(const std::string& text) {
    std::string result;
    for (const char c : text) {
        result += c == '\n' ? ' ' : c;
    }
    return result;
}

class Session::Impl {
  public:
    Session* q = nullptr;
    std::string name;
    SessionOptions options;
    std::vector<Source> sources;
    std::map<long long, DocumentPtr> documents;
    std::map<long long, std::filesystem::path> files;
    std::vector<Thread> threads;
    std::vector<Question> questions;
    std::map<long long, Answer> answers;
    std::vector<Mark> marks;
    std::map<long long, Source> removed;
    std::vector<Job> jobs;
    std::map<std::string, std::string> settings;
    ContextUse use;
    std::vector<LevelInfo> levels;
    std::vector<LaneEntry> lanes;
    std::map<std::string, LaneOutlook> outlooks;
    ReadingStatus reading;
    long long nextId = 1000;
    QTimer stream;
    QElapsedTimer streamClock;
    AnswerId streaming{};
    std::string streamText;
    std::size_t streamed = 0;

    // ---- building

    SourceId add(const std::string& sourceName, const std::string& folder, ingest::Format format,
                 std::optional<std::uint64_t> tokens, std::uint64_t pages = 0) {
        Source source;
        source.id = static_cast<SourceId>(++nextId);
        source.name = sourceName;
        source.folder = folder;
        source.format = format;
        source.state = SourceState::Ready;
        source.tokens = tokens;
        source.pages = pages;
        source.title = sourceName;
        source.sha256 = std::string(64, 'a');
        sources.push_back(source);
        return source.id;
    }

    Source& at(SourceId id) {
        return *std::find_if(sources.begin(), sources.end(),
                             [id](const Source& s) { return s.id == id; });
    }

    void back(SourceId id, const std::filesystem::path& file, DocumentPtr document) {
        files[static_cast<long long>(id)] = file;
        documents[static_cast<long long>(id)] = std::move(document);
    }

    /// The place of words in a document; page and line filled in.
    Place find(SourceId id, const std::string& words, const std::string& section) {
        const DocumentPtr document = documents.at(static_cast<long long>(id));
        const std::string text = normalised(document->text);
        const std::size_t begin = text.find(normalised(words));
        Place place;
        place.source = id;
        if (begin == std::string::npos) {
            return place;
        }
        place.range = {begin, begin + words.size()};
        place.section = section;
        place.page = ingest::pageOf(*document, begin);
        if (place.page) {
            place.pageLabel = document->pages[*place.page].label;
        }
        place.line = ingest::lineOf(*document, begin);
        return place;
    }

    Citation cite(std::uint32_t number, Verdict verdict, const std::string& quote,
                  std::optional<Place> place) {
        Citation citation;
        citation.number = number;
        citation.verdict = verdict;
        citation.quote = quote;
        citation.place = std::move(place);
        citation.percent = 100;
        return citation;
    }

    QuestionId ask(ThreadId thread, const std::string& text, const std::string& level) {
        Question question;
        question.id = static_cast<QuestionId>(++nextId);
        question.thread = thread;
        question.number = static_cast<std::uint32_t>(
            1 + std::count_if(questions.begin(), questions.end(),
                              [&](const Question& other) { return other.thread == thread; }));
        question.text = text;
        question.level = level;
        question.askedMs = QDateTime::currentMSecsSinceEpoch();
        questions.push_back(question);
        return question.id;
    }

    Answer& answerTo(QuestionId id) {
        Question& question = *std::find_if(questions.begin(), questions.end(),
                                           [id](const Question& x) { return x.id == id; });
        Answer answer;
        answer.id = static_cast<AnswerId>(++nextId);
        answer.question = id;
        answer.version = static_cast<std::uint32_t>(question.answers.size() + 1);
        answer.level = question.level;
        answer.state = AnswerState::Done;
        answer.model = "demo c0ffee12";
        question.answers.push_back(answer.id);
        return answers[static_cast<long long>(answer.id)] = answer;
    }

    /// Finds where the text quotes each citation.
    static void placeInAnswer(Answer& answer) {
        for (Citation& citation : answer.citations) {
            const std::string marked = "“" + citation.quote + "”";
            const std::size_t begin = answer.text.find(marked);
            if (begin != std::string::npos) {
                citation.inAnswer = {begin, begin + marked.size()};
            }
        }
    }

    void build();
    SourceId lease(const std::string& sourceName, const std::string& folder, std::uint64_t tokens);
    void buildBare();
    void buildMany();
    void buildLease();
    void buildLanes();
    void buildCode();

    // ---- streaming

    void startStream(AnswerId id) {
        streaming = id;
        streamed = 0;
        streamText = test::demoSettings().answerText.toStdString();
        if (streamText.empty()) {
            for (int i = 0; i < 30; ++i) {
                streamText +=
                    "The landlord keeps the structure in repair and “shall bear the cost of "
                    "doing so”; a tenant who is late bears a part of it only. ";
                streamText += i % 4 == 3 ? "\n\n" : "";
            }
        }
        streamClock.start();
        stream.setInterval(33);
        QObject::connect(&stream, &QTimer::timeout, q, [this] { tick(); });
        stream.start();
    }

    void tick() {
        Answer& answer = answers[static_cast<long long>(streaming)];
        const double rate = test::demoSettings().tokensPerSecond;
        // A token of running English is about four characters.
        std::size_t until =
            rate <= 0 ? streamText.size()
                      : static_cast<std::size_t>(streamClock.elapsed() / 1000.0 * rate * 4);
        until = std::min(until, streamText.size());
        while (until < streamText.size() &&
               (static_cast<unsigned char>(streamText[until]) & 0xC0) == 0x80) {
            ++until;
        }
        const std::string piece = streamText.substr(streamed, until - streamed);
        if (answer.state != AnswerState::Writing) {
            answer.state = AnswerState::Writing;
            emit q->answerChanged(streaming);
        }
        streamed = until;
        answer.text += piece;
        answer.answerTokens = streamed / 4;
        answer.tokensPerSecond = rate;
        emit q->answerStreamed(streaming, {}, QString::fromStdString(piece));
        checkQuotes(answer);
        if (streamed >= streamText.size()) {
            finish(AnswerState::Done);
        }
    }

    /// Cites every quotation that is complete.
    void checkQuotes(Answer& answer) {
        std::size_t at = answer.citations.empty() ? 0 : answer.citations.back().inAnswer.end;
        bool added = false;
        for (;;) {
            const std::size_t open = answer.text.find("“", at);
            const std::size_t close =
                open == std::string::npos ? open : answer.text.find("”", open);
            if (close == std::string::npos) {
                break;
            }
            const std::string quote = answer.text.substr(open + 3, close - open - 3);
            Place place;
            for (const Source& source : sources) {
                if (documents[static_cast<long long>(source.id)]) {
                    place = find(source.id, quote, "");
                    if (!place.range.empty()) {
                        break;
                    }
                }
            }
            Citation citation = place.range.empty()
                                    ? cite(static_cast<std::uint32_t>(answer.citations.size() + 1),
                                           Verdict::NotFound, quote, std::nullopt)
                                    : cite(static_cast<std::uint32_t>(answer.citations.size() + 1),
                                           Verdict::Verified, quote, place);
            citation.inAnswer = {open, close + 3};
            answer.citations.push_back(citation);
            at = close + 3;
            added = true;
        }
        if (added) {
            emit q->answerChanged(answer.id);
        }
    }

    void finish(AnswerState state) {
        stream.stop();
        stream.disconnect(q);
        QObject::disconnect(&stream, nullptr, q, nullptr);
        Answer& answer = answers[static_cast<long long>(streaming)];
        answer.state = state;
        const AnswerId id = streaming;
        streaming = {};
        emit q->answerChanged(id);
    }
};

} // namespace dossier::app
