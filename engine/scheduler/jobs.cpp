// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler/jobs.h"

#include <algorithm>

#include "engine/base/grouped.h"
#include "engine/scheduler/sampler.h"

namespace dossier::engine {
namespace {

/// The texts behind the rule's ranges, spelled by the branch's own tokens.
QuotationTracker makeTracker(const QuotationRule& rule, const Timeline& branch,
                             const Tokenizer& tokenizer) {
    std::vector<QuotableText> texts;
    for (const QuotableRange& range : rule.ranges) {
        if (range.begin > range.end || range.end > branch.size()) {
            throw Error(ErrorCode::InvalidArgument,
                        "The quotable range " + range.label + " is outside the branch's " +
                            grouped(branch.size()) + " tokens",
                        "Give ranges of tokens that were read");
        }
        QuotableText& text = texts.emplace_back();
        text.label = range.label;
        for (std::uint64_t position = range.begin; position < range.end; ++position) {
            text.text += tokenizer.bytes(branch.at(position));
        }
    }
    return {std::move(texts),
            {rule.labelOpen, rule.labelClose, rule.quoteOpen, rule.quoteClose, rule.maxTokens}};
}

} // namespace

AnswerJob::AnswerJob(std::shared_ptr<Timeline> branch, const GenerateOptions& options,
                     TokenFn onToken, std::stop_token stop, const LoadedModel& model)
    : m_branch(std::move(branch)),
      m_tokenizer(model.tokenizer),
      m_options(options),
      m_onToken(std::move(onToken)),
      m_stop(std::move(stop)),
      m_endToken(model.config().eosToken) {
    if (m_tokenizer) {
        m_endToken = m_tokenizer->endToken();
        m_decoder.emplace(m_tokenizer);
    }
    if (m_options.quotation) {
        if (!m_tokenizer) {
            throw Error(ErrorCode::Unsupported, "Quotation decoding needs the model's tokenizer",
                        "Add tokenizer.json to the model's folder");
        }
        m_quotation = makeTracker(*m_options.quotation, *m_branch, *m_tokenizer);
    }
    m_result.promptTokens = m_branch->size();
    m_result.promptSeconds = m_branch->readSeconds;
}

bool AnswerJob::isStop(Token token) const {
    return token == m_endToken ||
           std::find(m_options.stop.begin(), m_options.stop.end(), token) != m_options.stop.end();
}

bool AnswerJob::mayFollow(Token token) const {
    return isStop(token) || m_tokenizer->isAddedToken(token)
               ? m_quotation->endAllowed()
               : m_quotation->allowed(m_tokenizer->bytes(token));
}

Token AnswerJob::choose(bool& forced) const {
    const Token own = sampleToken(m_branch->logits, m_options, m_result.tokens.size());
    forced = m_quotation && !mayFollow(own);
    if (!forced) {
        return own;
    }
    GenerateOptions greedy; // what is left is not the model's distribution: take the best of it
    return sampleAccepted(m_branch->logits, greedy, 0, [&](Token t) { return mayFollow(t); })
        .value_or(own);
}

std::optional<Token> AnswerJob::sample() {
    if (m_stop.stop_requested()) {
        m_result.ended = "cancelled";
        return std::nullopt;
    }
    if (m_result.tokens.size() >= m_options.maxTokens) {
        m_result.ended = "length";
        return std::nullopt;
    }
    const std::span<const float> logits = m_branch->logits;
    TokenEvent event;
    const Token token = choose(event.forced);
    if (m_quotation && !m_tokenizer->isAddedToken(token)) {
        m_quotation->accept(m_tokenizer->bytes(token));
    }
    if (isStop(token)) {
        m_result.ended = "stop";
        return std::nullopt;
    }
    event.token = token;
    event.logProb = static_cast<float>(
        static_cast<double>(logits[static_cast<std::size_t>(token)]) - logSumExp(logits));
    event.text = m_decoder ? m_decoder->push(token) : std::string();
    m_result.tokens.push_back(token);
    m_result.text += event.text;
    if (m_onToken) {
        m_onToken(event);
    }
    return token;
}

bool AnswerJob::ended() {
    if (m_result.tokens.size() >= m_options.maxTokens) {
        m_result.ended = "length";
    }
    return !m_result.ended.empty();
}

GenerateResult AnswerJob::takeResult() {
    if (m_decoder) {
        m_result.text += m_decoder->finish();
    }
    m_result.answerSeconds = secondsSince(m_start);
    return std::move(m_result);
}

double AnswerJob::tokensPerSecond() const {
    return static_cast<double>(m_result.tokens.size()) / std::max(secondsSince(m_start), 1e-6);
}

} // namespace dossier::engine
