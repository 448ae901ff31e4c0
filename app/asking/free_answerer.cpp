// SPDX-License-Identifier: GPL-3.0-or-later
// Prompt, reading, streaming, citations.
#include "app/asking/free_answerer.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "app/asking/ascii.h"
#include "app/asking/citation_parser.h"
#include "engine/base/grouped.h"

namespace dossier::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kEndThink = "</think>";

/// Where a label of the answer points to.
struct Labelled {
    SourceId source{};
    std::optional<ingest::TextRange> near;
};

/// Everything before the answer, and what labels mean.
struct Prompt {
    std::vector<LanePiece> pieces; ///< whole documents: what stays read
    Tokens lane;                   ///< passages instead of them
    Tokens branch;                 ///< the conversation
    std::uint64_t laneTokens = 0;  ///< of either
    std::map<std::string, Labelled, std::less<>> labels;
    std::vector<engine::QuotableRange> quotable; ///< positions count from the lane's beginning
    std::vector<std::pair<std::string, std::uint64_t>> sizes; ///< name and tokens of each document
};

class PromptMaker {
  public:
    explicit PromptMaker(const AskContext& context)
        : m_context(context), m_profile(context.profile), m_encoder(*context.loaded.encoder) {}

    Prompt whole() {
        const PieceMaker maker(m_profile, m_encoder);
        m_prompt.pieces.push_back(maker.prelude(m_context.level));
        for (const AskedSource& source : m_context.input.sources) {
            const DocumentPtr document = m_context.corpus.document(source.id);
            m_prompt.pieces.push_back(maker.document(source.id, source.name, document->text));
            m_prompt.sizes.emplace_back(source.name, m_prompt.pieces.back().tokens.size());
        }
        for (const LanePiece& piece : m_prompt.pieces) {
            m_prompt.laneTokens += piece.tokens.size();
        }
        conversation();
        return std::move(m_prompt);
    }

    Prompt passages(const std::vector<PassageIndexPtr>& documents,
                    const std::vector<FoundPassage>& found) {
        begin();
        for (std::size_t i = 0; i < found.size(); ++i) {
            const Passage& passage = documents[found[i].document]->passages()[found[i].passage];
            const std::string number = std::to_string(i + 1);
            std::string text = passage.text;
            if (passage.line != 0) {
                text = documents[found[i].document]->path() + ":" + std::to_string(passage.line) +
                       "\n" + text;
            }
            const Tokens tokens = m_encoder.encode(
                (i > 0 ? m_profile.passageJoin : "") +
                fillIn(m_profile.passageForm, {{"number", number}, {"text", text}}));
            quotable(number, documents[found[i].document]->source(), passage.range, tokens.size());
            append(m_prompt.lane, tokens);
        }
        m_prompt.laneTokens = m_prompt.lane.size();
        conversation();
        return std::move(m_prompt);
    }

  private:
    void begin() {
        m_prompt.lane.push_back(m_encoder.control(Control::Begin));
        append(m_prompt.lane,
               m_encoder.encode(m_context.level.effort +
                                fillIn(m_profile.system, {{"not_found", m_profile.notFound}})));
        m_prompt.lane.push_back(m_encoder.control(Control::User));
    }

    void quotable(const std::string& label, SourceId source, std::optional<ingest::TextRange> near,
                  std::size_t tokens) {
        m_prompt.labels[label] = {source, near};
        m_prompt.quotable.push_back({label, m_prompt.lane.size(), m_prompt.lane.size() + tokens});
    }

    /// Earlier turns without their thinking, then the question.
    void conversation() {
        Tokens& out = m_prompt.branch;
        std::string form = m_profile.questionForm;
        for (const AskInput::Turn& turn : m_context.input.history) {
            append(out, m_encoder.encode(fillIn(form, {{"question", turn.question}})));
            out.push_back(m_encoder.control(Control::Assistant));
            out.push_back(m_encoder.control(Control::EndThink));
            append(out, m_encoder.encode(turn.answer));
            out.push_back(m_encoder.control(Control::End));
            out.push_back(m_encoder.control(Control::User));
            form = m_profile.followUpForm;
        }
        if (m_context.input.evidenceOnly) {
            form = m_profile.evidenceForm;
        }
        append(out, m_encoder.encode(fillIn(form, {{"question", m_context.input.question}})));
        out.push_back(m_encoder.control(Control::Assistant));
        out.push_back(
            m_encoder.control(m_context.level.think ? Control::Think : Control::EndThink));
    }

    const AskContext& m_context;
    const Profile& m_profile;
    const TextEncoder& m_encoder;
    Prompt m_prompt;
};

/// Refuses before anything is read, with the sizes and what could be left out.
void checkFits(const AskContext& context, const Prompt& prompt) {
    const std::uint64_t most = context.loaded.contextTokens;
    const std::uint64_t documents = prompt.laneTokens;
    const std::uint64_t all = documents + prompt.branch.size() + context.profile.reserveTokens;
    if (most == 0 || all <= most) {
        return;
    }
    auto sizes = prompt.sizes;
    std::stable_sort(sizes.begin(), sizes.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string largest;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, sizes.size()); ++i) {
        largest +=
            (largest.empty() ? "" : ", ") + sizes[i].first + " (" + grouped(sizes[i].second) + ")";
    }
    throw Error(ErrorCode::TooLarge,
                "The documents need " + grouped(documents) + " tokens, the question " +
                    grouped(prompt.branch.size()) + " and the answer up to " +
                    grouped(context.profile.reserveTokens) + "; the model's context holds " +
                    grouped(most),
                "Leave out at least " + grouped(all - most) + " tokens" +
                    (largest.empty() ? "" : "; the largest are " + largest));
}

/// Streams tokens into the answer and hands quotations to the checking thread.
class Streamer {
  public:
    Streamer(const AskContext& context, const Prompt& prompt, WorkQueue& checks)
        : m_context(context),
          m_prompt(prompt),
          m_checks(checks),
          m_endThink(context.loaded.encoder->control(Control::EndThink)),
          m_verifier(verifierOf(context)),
          m_thinking(context.level.think),
          // A model of the answer procedure knows numbered passages alone: asked over whole
          // documents, which have no numbers, it writes some all the same.
          m_parser({context.profile.quotation.labelOpen, context.profile.quotation.labelClose,
                    context.profile.quotation.open, context.profile.quotation.close},
                   [&prompt, numbers = context.profile.procedure](std::string_view label) {
                       return prompt.labels.contains(label) || (numbers && isAsciiNumber(label));
                   }) {}

    void token(const engine::TokenEvent& event) {
        if (m_thinking) {
            thinkingToken(event);
            return;
        }
        if (m_tokens == 0) {
            m_context.writer.update([](Answer& a) { a.state = AnswerState::Writing; });
            m_answerBegin = Clock::now();
        }
        ++m_tokens;
        show(m_parser.push(event.text, event.forced));
        figures();
    }

    void finish() {
        show(m_parser.finish());
        m_checks.drain();
        figures(true);
    }

  private:
    void thinkingToken(const engine::TokenEvent& event) {
        if (m_thinkingTokens == 0) {
            m_context.writer.update([](Answer& a) { a.state = AnswerState::Thinking; });
        }
        const std::chrono::duration<double> spent = Clock::now() - m_begin;
        if (event.token == m_endThink || event.text == kEndThink) {
            m_thinking = false;
            m_context.writer.update([&](Answer& a) { a.thinkingSeconds = spent.count(); });
            return;
        }
        ++m_thinkingTokens;
        m_context.writer.appendThinking(event.text);
        if (m_thinkingTokens % 16 == 0) {
            m_context.writer.update([&](Answer& a) {
                a.thinkingTokens = m_thinkingTokens;
                a.thinkingSeconds = spent.count();
                a.tokensPerSecond = static_cast<double>(m_thinkingTokens) / spent.count();
            });
        }
    }

    void figures(bool always = false) {
        if (!always && m_tokens % 16 != 0) {
            return;
        }
        const std::chrono::duration<double> spent = Clock::now() - m_answerBegin;
        m_context.writer.update([&](Answer& a) {
            a.thinkingTokens = m_thinkingTokens;
            a.answerTokens = m_tokens;
            a.tokensPerSecond =
                spent.count() > 0 ? static_cast<double>(m_tokens) / spent.count() : 0;
        });
    }

    void show(const std::string& text) {
        if (!text.empty()) {
            m_context.writer.appendText(text);
        }
        for (const ParsedQuotation& quotation : m_parser.takeQuotations()) {
            m_checks.post([this, quotation](std::stop_token) { check(quotation); });
        }
    }

    void check(const ParsedQuotation& quotation) {
        if (characterCount(withoutCutMarks(quotation.text)) < kShortestQuote) {
            return;
        }
        Labelled labelled;
        std::optional<SourceId> named;
        if (const auto it = m_prompt.labels.find(quotation.label); it != m_prompt.labels.end()) {
            labelled = it->second;
            named = labelled.source;
        }
        try {
            Citation citation = checkedCitation(m_context, ++m_citations, quotation.text, named,
                                                labelled.near, m_verifier);
            citation.inAnswer = quotation.inAnswer;
            citation.forced = quotation.forced;
            m_context.writer.update([&](Answer& a) { a.citations.push_back(std::move(citation)); });
        } catch (const Error&) {
            // The document cannot be read any more: the quotation stays unverified.
            Citation citation;
            citation.number = m_citations;
            citation.quote = quotation.text;
            citation.inAnswer = quotation.inAnswer;
            m_context.writer.update([&](Answer& a) { a.citations.push_back(std::move(citation)); });
        }
    }

    const AskContext& m_context;
    const Prompt& m_prompt;
    WorkQueue& m_checks;
    engine::Token m_endThink;
    QuoteVerifier m_verifier;
    bool m_thinking;
    CitationParser m_parser;
    std::uint64_t m_tokens = 0, m_thinkingTokens = 0;
    std::uint32_t m_citations = 0; ///< of the checking thread
    Clock::time_point m_begin = Clock::now(), m_answerBegin = Clock::now();
};

engine::GenerateOptions optionsOf(const AskContext& context, const Prompt& prompt) {
    const Profile& profile = context.profile;
    engine::GenerateOptions options;
    options.maxTokens = profile.answerTokens + (context.level.think ? profile.thinkingTokens : 0);
    options.temperature = profile.temperature;
    options.topP = profile.topP;
    options.minP = profile.minP;
    options.topK = profile.topK;
    options.seed = context.input.seed;
    if (profile.quotation.constrained) {
        options.quotation = engine::QuotationRule{
            prompt.quotable,        profile.quotation.labelOpen, profile.quotation.labelClose,
            profile.quotation.open, profile.quotation.close,     profile.quotation.maxTokens};
    }
    return options;
}

bool saysNotFound(const Answer& answer, const Profile& profile) {
    const std::size_t at = answer.text.find_first_not_of(" \n");
    return answer.citations.empty() && at != std::string::npos &&
           answer.text.compare(at, profile.notFound.size(), profile.notFound) == 0;
}

void conclude(const AskContext& context, const Prompt& prompt, const std::string& ended,
              bool whole) {
    const Answer answer = context.writer.copy();
    if (ended == "cancelled") {
        throw Error(ErrorCode::Cancelled, "The answer was stopped");
    }
    std::optional<Failure> failure;
    if (ended == "length") {
        failure = Failure{ErrorCode::TooLarge,
                          "The answer reached its limit of " +
                              grouped(answer.thinkingTokens + answer.answerTokens) + " tokens",
                          "Ask for less at once, or choose a lower level"};
    }
    const bool notFound = saysNotFound(answer, context.profile);
    std::vector<SearchHit> hits;
    std::string searched;
    if (notFound) {
        const auto documents = searchedPassages(context);
        hits = searchHits(
            context, documents,
            retrieve(context.profile.search, documents, context.input.question, kSearchResults),
            kSearchResults);
        searched = std::to_string(context.input.sources.size()) +
                   (context.input.sources.size() == 1 ? " document, " : " documents, ") +
                   grouped(prompt.laneTokens) + " tokens" +
                   (whole ? ", read whole" : " of selected passages");
    }
    context.writer.update([&](Answer& a) {
        a.state = notFound ? AnswerState::NotFound : AnswerState::Done;
        a.failure = failure;
        a.searchResults = std::move(hits);
        if (!searched.empty()) {
            a.searched = searched + (a.searched.empty() ? "" : ". ") + a.searched;
        }
    });
}

/// Whole documents; for models that are asked over passages, every passage there is.
Prompt makePrompt(const AskContext& context, bool whole) {
    PromptMaker maker(context);
    if (whole && !context.profile.documentHeader.empty()) {
        return maker.whole();
    }
    const auto documents = whole ? passagesOf(context) : searchedPassages(context);
    const std::size_t count =
        whole ? static_cast<std::size_t>(-1) : context.profile.weights.passages;
    return maker.passages(
        documents,
        retrieve(context.profile.search, documents, context.input.question, count).passages);
}

/// Labels and quotable ranges, now that it is known where the documents stand.
void placeDocuments(Prompt& prompt, const LaneReading& reading) {
    std::uint64_t begin = 0;
    for (const std::size_t index : reading.order) {
        const LanePiece& piece = prompt.pieces[index];
        if (index > 0) {
            prompt.labels[piece.name] = {piece.source, {}};
            prompt.quotable.push_back({piece.name, begin + piece.textBegin, begin + piece.textEnd});
        }
        begin += piece.tokens.size();
    }
    prompt.laneTokens = begin;
}

/// What the person should know of the lane: it stands with the answer.
std::string laneNote(const LaneReading& reading) {
    std::string note = reading.note;
    if (reading.missing > 0) {
        const std::size_t read = reading.order.size() - 1;
        note.append(note.empty() ? "" : " ").append("Asked over the ");
        note.append(std::to_string(read)).append(" of ");
        note.append(std::to_string(read + reading.missing));
        note.append(" documents that are read so far");
    }
    if (note.ends_with('.')) {
        note.pop_back();
    }
    return note;
}

void answerOn(const AskContext& context, const Prompt& prompt, engine::BranchId branch,
              WorkQueue& checks, bool whole) {
    Streamer streamer(context, prompt, checks);
    try {
        const engine::GenerateResult result = context.loaded.engine->generate(
            branch, optionsOf(context, prompt),
            [&](const engine::TokenEvent& e) { streamer.token(e); }, context.writer.stop());
        streamer.finish();
        conclude(context, prompt, result.ended, whole);
    } catch (...) {
        checks.drain(); // its tasks use the streamer
        throw;
    }
}

} // namespace

void answerFreely(const AskContext& context, LaneKeeper& lanes, WorkQueue& checks) {
    const bool whole = context.input.whole.value_or(context.profile.whole);
    context.writer.update([](Answer& a) { a.state = AnswerState::Searching; });
    Prompt prompt = makePrompt(context, whole);
    checkFits(context, prompt);
    context.writer.update([&](Answer& a) {
        a.state = AnswerState::Reading;
        a.promptTokens = prompt.laneTokens + prompt.branch.size();
    });
    const auto progress = [&context](const engine::Progress& p) {
        context.writer.update([&p](Answer& a) { a.progress = p; });
    };
    engine::Engine& engine = *context.loaded.engine;
    const std::stop_token stop = context.writer.stop();
    if (!prompt.pieces.empty()) {
        const LaneReading reading =
            lanes.read(context.loaded,
                       {context.level.effort, prompt.pieces, context.input.lanes,
                        context.input.laneChange, true},
                       progress, stop);
        placeDocuments(prompt, reading);
        if (const std::string note = laneNote(reading); !note.empty()) {
            context.writer.update([&](Answer& a) { a.searched = note; });
        }
        const OpenBranch branch(engine, lanes.branches().branch(reading.id, reading.position,
                                                                prompt.branch, progress, stop));
        answerOn(context, prompt, branch.id, checks, whole);
        return;
    }
    const OpenLane own(engine); // passages differ with every question: nothing is kept
    if (engine.append(own.id, prompt.lane, progress, stop).tokens < prompt.lane.size()) {
        throw Error(ErrorCode::Cancelled, "Reading was stopped");
    }
    const OpenBranch branch(engine, engine.branch(own.id, prompt.lane.size()).id);
    const std::uint64_t all = prompt.lane.size() + prompt.branch.size();
    if (engine.extend(branch.id, prompt.branch, progress, stop).position < all) {
        throw Error(ErrorCode::Cancelled, "Reading was stopped");
    }
    answerOn(context, prompt, branch.id, checks, whole);
}

} // namespace dossier::app
