// SPDX-License-Identifier: GPL-3.0-or-later
// The engine side of the answer procedure.
#include "app/asking/passage_answerer.h"

#include <algorithm>
#include <numeric>

#include "engine/base/clock.h"
#include "engine/base/grouped.h"

namespace dossier::app {
namespace {

[[noreturn]] void cancelled() {
    throw Error(ErrorCode::Cancelled, "The question was stopped");
}

class Procedure {
  public:
    explicit Procedure(const AskContext& context)
        : m_context(context),
          m_profile(context.profile),
          m_encoder(*context.loaded.encoder),
          m_engine(*context.loaded.engine) {}

    ProcedureRun run() {
        m_context.writer.update([](Answer& a) { a.state = AnswerState::Searching; });
        m_run.documents = searchedPassages(m_context);
        m_run.retrieval = retrieve(m_profile.search, m_run.documents, m_context.input.question,
                                   m_profile.weights.passages, m_profile.weights.openings);
        if (m_context.stopped()) {
            cancelled();
        }
        if (m_run.retrieval.passages.empty()) {
            throw Error(ErrorCode::NotFound, "The documents hold no text that could be asked about",
                        "Add documents with text");
        }
        const OpenLane lane(m_engine);
        read(lane.id);
        const OpenBranch branch(m_engine, m_engine.branch(lane.id).id);
        scoreNumbers(branch.id);
        scoreCandidates(branch.id);
        m_run.result = chooseAnswer(m_run.input, m_profile.weights, m_profile.search.stopWords);
        if (m_run.result.found && !m_context.input.evidenceOnly) {
            shortAnswer(branch.id);
        }
        return std::move(m_run);
    }

  private:
    const Passage& passage(std::size_t offered) const {
        const FoundPassage& found = m_run.retrieval.passages[offered];
        return m_run.documents[found.document]->passages()[found.passage];
    }

    std::string passageText(std::size_t offered) const {
        const Passage& one = passage(offered);
        if (one.line == 0) {
            return one.text;
        }
        const FoundPassage& found = m_run.retrieval.passages[offered];
        return m_run.documents[found.document]->path() + ":" + std::to_string(one.line) + "\n" +
               one.text;
    }

    void read(engine::LaneId lane) {
        std::string body;
        for (std::size_t i = 0; i < m_run.retrieval.passages.size(); ++i) {
            body += i > 0 ? m_profile.passageJoin : "";
            body += fillIn(m_profile.passageForm,
                           {{"number", std::to_string(i + 1)}, {"text", passageText(i)}});
        }
        body +=
            fillIn(m_context.input.evidenceOnly ? m_profile.evidenceForm : m_profile.questionForm,
                   {{"question", m_context.input.question}});
        Tokens prompt{m_encoder.control(Control::Begin)};
        append(prompt,
               m_encoder.encode(m_context.level.effort +
                                fillIn(m_profile.system, {{"not_found", m_profile.notFound}})));
        prompt.push_back(m_encoder.control(Control::User));
        append(prompt, m_encoder.encode(body));
        prompt.push_back(m_encoder.control(Control::Assistant));
        prompt.push_back(m_encoder.control(Control::EndThink));
        m_run.promptTokens = prompt.size();
        checkFits(prompt.size());
        m_context.writer.update([&](Answer& a) {
            a.state = AnswerState::Reading;
            a.promptTokens = prompt.size();
        });
        const auto begin = SteadyClock::now();
        const auto progress = [this](const engine::Progress& p) {
            m_context.writer.update([&p](Answer& a) { a.progress = p; });
        };
        const engine::LaneInfo info =
            m_engine.append(lane, prompt, progress, m_context.writer.stop());
        m_run.readSeconds = secondsSince(begin);
        if (info.tokens < prompt.size()) {
            cancelled();
        }
        m_context.writer.update([](Answer& a) { a.state = AnswerState::Writing; });
    }

    void checkFits(std::size_t tokens) const {
        const std::uint64_t most = m_context.loaded.contextTokens;
        if (most != 0 && tokens + m_profile.reserveTokens > most) {
            throw Error(ErrorCode::TooLarge,
                        "The question and its passages need " + grouped(tokens) +
                            " tokens and the answer " + grouped(m_profile.reserveTokens) +
                            "; the model's context holds " + grouped(most),
                        "Ask a shorter question");
        }
    }

    std::vector<std::vector<float>> score(engine::BranchId branch,
                                          const std::vector<Tokens>& continuations) {
        auto scores = m_engine.score(branch, continuations, m_context.writer.stop());
        if (m_context.stopped()) {
            cancelled();
        }
        return scores;
    }

    std::string labelText(std::size_t offered) const {
        std::string text = m_profile.quotation.labelOpen;
        return text.append(std::to_string(offered + 1)).append(m_profile.quotation.labelClose);
    }

    /// "[", a passage's number and "]", one token each.
    Tokens label(std::size_t offered) const {
        Tokens tokens = m_encoder.encode(labelText(offered));
        if (tokens.size() != 3) {
            throw Error(ErrorCode::Unsupported,
                        "The model's tokenizer does not write passage numbers as one token",
                        "Use the profile with the model that it was made for");
        }
        return tokens;
    }

    void scoreNumbers(engine::BranchId branch) {
        std::vector<Tokens> continuations;
        for (std::size_t i = 0; i < m_run.retrieval.passages.size(); ++i) {
            const Tokens tokens = label(i);
            continuations.push_back({tokens[0], tokens[1]});
            m_run.input.score.push_back(m_run.retrieval.passages[i].score);
        }
        continuations.push_back({m_encoder.encode(m_profile.notFound).at(0)});
        const auto scores = score(branch, continuations);
        for (std::size_t i = 0; i + 1 < scores.size(); ++i) {
            m_run.input.lpNumber.push_back(scores[i].at(1));
        }
        m_run.input.lpBracket = scores.at(0).at(0);
        m_run.input.lpNot = scores.back().at(0);
        m_run.input.wordValue = m_run.retrieval.wordValue;
    }

    void scoreCandidates(engine::BranchId branch) {
        std::vector<Tokens> continuations;
        const auto add = [&](std::size_t offered, const Sentence& sentence, std::string unit) {
            Tokens tokens = label(offered);
            Tokens quotation = m_encoder.encode(" " + m_profile.quotation.open + unit);
            quotation.resize(std::min<std::size_t>(quotation.size(), m_profile.weights.k));
            append(tokens, quotation);
            continuations.push_back(std::move(tokens));
            m_run.input.candidates.push_back({offered, unit, 0});
            m_run.units.push_back({sentence.range, std::move(unit)});
        };
        // What is too short to prove anything is taken only where there is nothing else.
        for (const std::size_t shortest : {kShortestQuote, std::size_t{0}}) {
            for (const std::size_t offered :
                 pickPassages(m_run.input.lpNumber, m_run.input.score, m_profile.weights)) {
                for (const Sentence& sentence : passage(offered).sentences) {
                    for (std::string& unit : quotableUnits({sentence.text}, m_profile.weights)) {
                        if (characterCount(withoutCutMarks(unit)) >= shortest) {
                            add(offered, sentence, std::move(unit));
                        }
                    }
                }
            }
            if (!m_run.input.candidates.empty()) {
                break;
            }
        }
        if (m_profile.weights.m == 0) {
            return; // nothing would come of the model's opinion on sentences
        }
        const auto scores = score(branch, continuations);
        for (std::size_t i = 0; i < scores.size(); ++i) {
            m_run.input.candidates[i].lpTokens =
                std::accumulate(scores[i].begin() + 3, scores[i].end(), 0.0);
        }
    }

    /// After the forced quotation the model says whether it wants to add a short answer; it is kept
    /// only when its words stand in the quotation.
    void shortAnswer(engine::BranchId branch) {
        const Candidate& best = m_run.input.candidates[m_run.result.best];
        std::string quoted = labelText(best.passage);
        quoted.append(" ").append(m_profile.quotation.open).append(best.text);
        quoted.append(m_profile.quotation.close);
        Tokens ended = m_encoder.encode(quoted);
        ended.push_back(m_encoder.control(Control::End));
        const Tokens goesOn = m_encoder.encode(quoted + "\nAnswer:");
        std::size_t common = 0;
        while (common < ended.size() && common < goesOn.size() && ended[common] == goesOn[common]) {
            ++common;
        }
        const OpenBranch fork(m_engine, m_engine.fork(branch).id);
        m_engine.extend(fork.id, std::span(goesOn).first(common), {}, m_context.writer.stop());
        const auto scores = score(
            fork.id, {Tokens(ended.begin() + static_cast<std::ptrdiff_t>(common), ended.end()),
                      Tokens(goesOn.begin() + static_cast<std::ptrdiff_t>(common), goesOn.end())});
        const auto sum = [](const std::vector<float>& values) {
            return std::accumulate(values.begin(), values.end(), 0.0);
        };
        if (sum(scores.at(0)) > sum(scores.at(1))) {
            return;
        }
        m_engine.extend(fork.id, std::span(goesOn).subspan(common), {}, m_context.writer.stop());
        engine::GenerateOptions options;
        options.maxTokens = m_profile.shortAnswerTokens;
        const engine::GenerateResult result =
            m_engine.generate(fork.id, options, {}, m_context.writer.stop());
        std::string text = result.text.substr(0, result.text.find('\n'));
        while (!text.empty() && (text.front() == ' ')) {
            text.erase(0, 1);
        }
        while (!text.empty() && (text.back() == ' ' || text.back() == '.')) {
            text.pop_back();
        }
        if (standsIn(text, best.text) && result.ended == "stop") {
            m_run.shortAnswer = text;
        }
    }

    const AskContext& m_context;
    const Profile& m_profile;
    const TextEncoder& m_encoder;
    engine::Engine& m_engine;
    ProcedureRun m_run;
};

/// "16 of 1,204 passages in 18 documents", or in those that the question names.
std::string searchedText(const AskContext& context, const ProcedureRun& run) {
    const std::size_t all = context.input.sources.size();
    const std::size_t searched = run.documents.size();
    std::string text = std::to_string(run.retrieval.passages.size()) + " of " +
                       grouped(run.retrieval.searched) + " passages in ";
    if (searched == all) {
        return text + grouped(all) + (all == 1 ? " document" : " documents");
    }
    text += searched == 1 ? run.documents[0]->path() : grouped(searched) + " documents";
    return text + ", which the question names";
}

void writeResult(const AskContext& context, const ProcedureRun& run) {
    const QuoteVerifier verifier = verifierOf(context);
    const Sentence& unit = run.units[run.result.best];
    const FoundPassage& found =
        run.retrieval.passages[run.input.candidates[run.result.best].passage];
    const SourceId source = run.documents[found.document]->source();
    Citation citation =
        checkedCitation(context, run.result.found ? 1 : 0, unit.text, source, unit.range, verifier);
    const bool close = std::abs(run.result.margin) < context.profile.weights.close;
    std::vector<SearchHit> hits;
    if (close || !run.result.found) {
        hits = searchHits(context, run.documents, run.retrieval, kSearchResults);
    }
    std::string text;
    if (run.result.found) {
        if (!run.shortAnswer.empty()) {
            text.append(run.shortAnswer).append("\n\n");
        }
        citation.inAnswer.begin = text.size();
        text.append("“").append(unit.text).append("”");
        citation.inAnswer.end = text.size();
    } else {
        text = context.profile.notFound;
    }
    const std::uint64_t tokens = context.loaded.encoder->count(text);
    context.writer.update([&](Answer& a) {
        a.text = std::move(text);
        a.answerTokens = tokens;
        a.searchResults = std::move(hits);
        if (run.result.found) {
            a.state = AnswerState::Done;
            a.citations = {std::move(citation)};
        } else {
            a.state = AnswerState::NotFound;
            a.nearest = std::move(citation);
            a.searched = searchedText(context, run);
        }
    });
}

} // namespace

ProcedureRun runProcedure(const AskContext& context) {
    return Procedure(context).run();
}

ProcedureRun answerByProcedure(const AskContext& context) {
    ProcedureRun run = runProcedure(context);
    writeResult(context, run);
    return run;
}

} // namespace dossier::app
