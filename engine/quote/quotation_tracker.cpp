// SPDX-License-Identifier: Apache-2.0
#include "engine/quote/quotation_tracker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/error.h"
#include "engine/quote/quotable_index.h"

namespace dossier::engine {
namespace {

constexpr std::array<std::string_view, 4> kLeads{"…", "… ", "...", "... "};
constexpr std::array<std::string_view, 5> kTrails{"", "…", " …", "...", " ..."};

std::vector<std::string> labelsOf(const std::vector<QuotableText>& texts) {
    std::vector<std::string> labels;
    for (const QuotableText& text : texts) {
        labels.push_back(text.label);
    }
    return labels;
}

} // namespace

struct QuotationTracker::Shared {
    Shared(std::vector<QuotableText> quotable, QuotationSyntax marks)
        : syntax(std::move(marks)),
          scanner(labelsOf(quotable), syntax.labelOpen, syntax.labelClose, syntax.quoteOpen) {
        for (QuotableText& text : quotable) {
            texts.emplace_back(std::move(text.text));
        }
        for (const std::string_view trail : kTrails) {
            closings.push_back(std::string(trail) + syntax.quoteClose);
            notInText += closings.back().front();
        }
        notInText += ' ';
    }

    QuotationSyntax syntax;
    LabelScanner scanner;
    std::vector<QuotableIndex> texts;
    std::vector<std::string> closings; ///< kTrails with the closing mark behind them
    std::string notInText;             ///< bytes that a quotation may have where its text has none
};

/// Runs readings over some bytes and either collects what they become or only asks whether any one
/// gets through.
class QuotationTracker::Runner {
  public:
    enum class Want { Any, All };

    Runner(const Shared& shared, Want want, bool mustClose)
        : m_shared(shared), m_want(want), m_mustClose(mustClose) {}

    void outside(LabelScanner::State state, std::string_view bytes);
    void run(Reading reading, std::string_view bytes);
    bool found() const { return m_outside.has_value() || !m_readings.empty(); }
    bool done() const { return m_want == Want::Any && found(); }

    std::optional<LabelScanner::State> takeOutside() { return std::move(m_outside); }
    std::vector<Reading> takeReadings() {
        std::sort(m_readings.begin(), m_readings.end());
        m_readings.erase(std::unique(m_readings.begin(), m_readings.end()), m_readings.end());
        return std::move(m_readings);
    }

  private:
    const QuotableIndex& indexOf(const Reading& reading) const {
        return m_shared.texts[reading.text];
    }
    void begin(const Reading& reading, std::string_view bytes);
    void lead(Reading reading, std::string_view bytes);
    void words(Reading reading, std::string_view bytes);
    void close(Reading reading, std::string_view bytes);
    void tryClosings(const Reading& reading, std::string_view bytes);

    const Shared& m_shared;
    Want m_want;
    bool m_mustClose;
    std::optional<LabelScanner::State> m_outside;
    std::vector<Reading> m_readings;
};

void QuotationTracker::Runner::outside(LabelScanner::State state, std::string_view bytes) {
    if (state.afterClosing && bytes.starts_with(m_shared.syntax.quoteClose)) {
        return;
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (const auto text = m_shared.scanner.step(state, bytes[i]); text) {
            Reading reading;
            reading.text = *text;
            run(reading, bytes.substr(i + 1));
            return;
        }
    }
    m_outside = std::move(state);
}

void QuotationTracker::Runner::run(Reading reading, std::string_view bytes) {
    if (bytes.empty()) {
        m_readings.push_back(reading);
        return;
    }
    switch (reading.kind) {
    case Reading::Kind::Begin:
    case Reading::Kind::AfterLead:
        begin(reading, bytes);
        break;
    case Reading::Kind::Lead:
        lead(reading, bytes);
        break;
    case Reading::Kind::Words:
        words(reading, bytes);
        break;
    case Reading::Kind::Close:
        close(reading, bytes);
        break;
    case Reading::Kind::MaybeClosed:
        if (bytes.front() == '\n' || bytes.front() == '\r') {
            outside({}, bytes);
        }
        break;
    }
}

void QuotationTracker::Runner::begin(const Reading& reading, std::string_view bytes) {
    const QuotableIndex& index = indexOf(reading);
    if (!index.canBegin()) {
        tryClosings(reading, bytes);
        return;
    }
    const bool mustClose = std::exchange(m_mustClose, false); // not before it has a word
    Reading next = reading;
    if (reading.kind == Reading::Kind::Begin) {
        next.kind = Reading::Kind::Lead;
        for (std::size_t i = 0; i < kLeads.size(); ++i) {
            next.variant = static_cast<std::uint8_t>(i);
            lead(next, bytes);
        }
        next.variant = 0;
    }
    next.kind = Reading::Kind::Words;
    // What can close a quotation or stand for a line break need not be in the text.
    const std::size_t sure = std::max<std::size_t>(1, bytes.find_first_of(m_shared.notInText));
    for (const std::uint64_t at : index.begins(bytes.substr(0, sure))) {
        if (done()) {
            break;
        }
        next.at = static_cast<std::uint32_t>(at) + 1;
        words(next, bytes.substr(1));
    }
    m_mustClose = mustClose;
}

void QuotationTracker::Runner::lead(Reading reading, std::string_view bytes) {
    const std::string_view dots = kLeads[reading.variant];
    while (!bytes.empty() && reading.read < dots.size()) {
        if (bytes.front() != dots[reading.read]) {
            return;
        }
        ++reading.read;
        bytes.remove_prefix(1);
    }
    if (reading.read == dots.size()) {
        reading.kind = Reading::Kind::AfterLead;
        reading.read = reading.variant = 0;
    }
    run(reading, bytes);
}

/// The closing mark may follow here, alone or after dots.
void QuotationTracker::Runner::tryClosings(const Reading& reading, std::string_view bytes) {
    const QuotableIndex& index = indexOf(reading);
    const std::string_view text = index.text();
    const bool afterSpace = reading.at > 0 && QuotableIndex::isSpace(text[reading.at - 1]);
    for (std::size_t i = 0; i < m_shared.closings.size(); ++i) {
        if (m_shared.closings[i].front() != bytes.front() ||
            (i == 0 && afterSpace && !m_mustClose)) {
            continue;
        }
        Reading next = reading;
        next.kind = Reading::Kind::Close;
        next.variant = static_cast<std::uint8_t>(i);
        next.alsoInText = i == 0 && !m_mustClose &&
                          text.substr(reading.at).starts_with(m_shared.syntax.quoteClose);
        close(next, bytes);
    }
}

void QuotationTracker::Runner::words(Reading reading, std::string_view bytes) {
    const QuotableIndex& index = indexOf(reading);
    const std::string& text = index.text();
    while (!bytes.empty()) {
        const bool whole = index.isCharacterBorder(reading.at);
        if (m_mustClose ? whole : index.canEnd(reading.at)) {
            tryClosings(reading, bytes);
        }
        if (done() || (m_mustClose && whole)) {
            return;
        }
        if (bytes.front() == ' ') {
            if (const auto after = index.afterLineBreak(reading.at); after) {
                Reading next = reading;
                next.at = static_cast<std::uint32_t>(*after);
                words(next, bytes.substr(1));
            }
        }
        if (reading.at == text.size() || text[reading.at] != bytes.front()) {
            return;
        }
        ++reading.at;
        bytes.remove_prefix(1);
    }
    m_readings.push_back(reading);
}

void QuotationTracker::Runner::close(Reading reading, std::string_view bytes) {
    const std::string& closing = m_shared.closings[reading.variant];
    while (reading.read < closing.size()) {
        if (bytes.empty()) {
            m_readings.push_back(reading);
            return;
        }
        if (bytes.front() != closing[reading.read]) {
            return;
        }
        ++reading.read;
        bytes.remove_prefix(1);
    }
    if (!reading.alsoInText) {
        LabelScanner::State closed;
        closed.afterClosing = true;
        outside(closed, bytes);
        return;
    }
    Reading maybe;
    maybe.kind = Reading::Kind::MaybeClosed;
    run(maybe, bytes);
}

QuotationTracker::QuotationTracker(std::vector<QuotableText> texts, QuotationSyntax syntax)
    : m_outside(LabelScanner::State{}) {
    for (const std::string* mark :
         {&syntax.labelOpen, &syntax.labelClose, &syntax.quoteOpen, &syntax.quoteClose}) {
        if (mark->empty() || mark->size() > 64) {
            throw Error(ErrorCode::InvalidArgument,
                        "A quotation mark or label mark is empty or longer than 64 bytes",
                        "Give all four marks of the quotation rule");
        }
    }
    m_shared = std::make_shared<const Shared>(std::move(texts), std::move(syntax));
}

bool QuotationTracker::mustClose() const {
    return inQuotation() && m_tokens >= std::max(1U, m_shared->syntax.maxTokens);
}

bool QuotationTracker::allowed(std::string_view bytes) const {
    if (bytes.empty()) {
        return false;
    }
    Runner runner(*m_shared, Runner::Want::Any, mustClose());
    if (m_outside) {
        runner.outside(*m_outside, bytes);
    }
    for (const Reading& reading : m_readings) {
        if (runner.done()) {
            break;
        }
        runner.run(reading, bytes);
    }
    return runner.found();
}

bool QuotationTracker::endAllowed() const {
    return m_outside.has_value() ||
           std::any_of(m_readings.begin(), m_readings.end(), [](const Reading& reading) {
               return reading.kind == Reading::Kind::MaybeClosed;
           });
}

void QuotationTracker::accept(std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    Runner runner(*m_shared, Runner::Want::All, mustClose());
    if (m_outside) {
        runner.outside(*m_outside, bytes);
    }
    for (const Reading& reading : m_readings) {
        runner.run(reading, bytes);
    }
    const bool went = runner.found();
    const bool goesOn = inQuotation();
    m_outside = runner.takeOutside();
    m_readings = runner.takeReadings();
    if (!went) {
        m_outside = LabelScanner::State{};
    }
    m_tokens = goesOn && inQuotation() ? m_tokens + 1 : 0;
}

} // namespace dossier::engine
