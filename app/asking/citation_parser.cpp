// SPDX-License-Identifier: GPL-3.0-or-later
// A small state machine over what has not been shown yet.
#include "app/asking/citation_parser.h"

#include <utility>

#include "app/asking/ascii.h"

namespace dossier::app {
namespace {

constexpr std::string_view kTypographicOpen = "“", kTypographicClose = "”";
constexpr std::size_t kLongestLabel = 300; ///< bytes; a longer bracket is text

/// True when `text` ends within `mark`, so that the rest of the mark may still come.
bool mayBecome(std::string_view text, std::string_view mark) {
    return text.size() < mark.size() && mark.starts_with(text);
}

} // namespace

CitationParser::CitationParser(QuotationForm form, std::function<bool(std::string_view)> isLabel)
    : m_form(std::move(form)), m_isLabel(std::move(isLabel)) {}

std::string CitationParser::push(std::string_view piece, bool forced) {
    m_pending += piece;
    m_forced = m_forced || forced;
    return step(false);
}

std::string CitationParser::finish() {
    return step(true);
}

std::vector<ParsedQuotation> CitationParser::takeQuotations() {
    return std::exchange(m_ended, {});
}

bool CitationParser::startsWithOpening(std::size_t at) const {
    const std::string_view rest = std::string_view(m_pending).substr(at);
    return rest.starts_with(m_form.open) || rest.starts_with(kTypographicOpen);
}

void CitationParser::show(std::string& out, std::size_t bytes) {
    out.append(m_pending, 0, bytes);
    m_previous = m_pending[bytes - 1];
    m_shown += bytes;
    m_pending.erase(0, bytes);
}

/// A label in front of a quotation or directly behind one is not shown; any other is text.
CitationParser::Took CitationParser::takeLabel(std::string& out, bool last) {
    const std::size_t close = m_pending.find(m_form.labelClose, m_form.labelOpen.size());
    if (close == std::string::npos) {
        return !last && m_pending.size() < kLongestLabel &&
                       m_pending.find('\n') == std::string::npos
                   ? Took::Wait
                   : Took::No;
    }
    const std::string label =
        m_pending.substr(m_form.labelOpen.size(), close - m_form.labelOpen.size());
    if (!m_isLabel(label)) {
        return Took::No;
    }
    const std::size_t behind = close + m_form.labelClose.size();
    if (m_justEnded && !m_ended.empty() && m_ended.back().label.empty()) {
        m_ended.back().label = label;
        m_pending.erase(0, behind);
        return Took::Yes;
    }
    const std::size_t next = skipBlanks(m_pending, behind);
    const std::string_view rest = std::string_view(m_pending).substr(next);
    if (!last && (rest.empty() || mayBecome(rest, kTypographicOpen))) {
        return Took::Wait;
    }
    if (startsWithOpening(next)) {
        m_current.label = label;
        m_pending.erase(0, next);
    } else {
        show(out, behind);
    }
    return Took::Yes;
}

CitationParser::Took CitationParser::takeOutside(std::string& out, bool last) {
    if (m_pending.starts_with(m_form.labelOpen)) {
        const Took took = takeLabel(out, last);
        if (took != Took::No) {
            return took;
        }
    }
    if (startsWithOpening(0)) {
        const bool straight = m_pending.starts_with(m_form.open);
        m_closing = straight ? m_form.close : std::string(kTypographicClose);
        m_current.inAnswer.begin = m_shown;
        m_current.text.clear();
        m_inQuotation = true;
        m_innerOpen = m_forced = false;
        show(out, straight ? m_form.open.size() : kTypographicOpen.size());
        return Took::Yes;
    }
    if (!last && mayBecome(m_pending, kTypographicOpen)) {
        return Took::Wait;
    }
    // A blank between a quotation and its label behind it goes with the label.
    if (m_justEnded && isAsciiBlank(m_pending[0])) {
        const std::size_t next = skipBlanks(m_pending, 0);
        if (next == m_pending.size() && !last) {
            return Took::Wait;
        }
        if (std::string_view(m_pending).substr(next).starts_with(m_form.labelOpen)) {
            const std::string blanks = m_pending.substr(0, next);
            m_pending.erase(0, next);
            const std::size_t before = m_pending.size();
            const Took took = takeLabel(out, last);
            if (took == Took::Wait || (took == Took::No) || m_pending.size() == before) {
                m_pending.insert(0, blanks);
            }
            if (took != Took::No) {
                return took;
            }
        }
    }
    m_justEnded = m_justEnded && isAsciiBlank(m_pending[0]);
    m_current.label.clear();
    show(out, 1);
    return Took::Yes;
}

void CitationParser::endQuotation() {
    m_current.inAnswer.end = m_shown;
    m_current.forced = m_forced;
    m_ended.push_back(m_current);
    m_current.label.clear();
    m_inQuotation = false;
    m_justEnded = true;
}

void CitationParser::takeInside(std::string& out) {
    if (m_pending.starts_with(m_closing)) {
        // A straight mark behind a blank or a bracket opens marks of the quoted text itself.
        const bool opens = m_closing == m_form.open &&
                           (isAsciiBlank(m_previous) || m_previous == '(' || m_previous == '\n') &&
                           !m_current.text.empty();
        const std::size_t size = m_closing.size();
        if (opens || m_innerOpen) {
            m_innerOpen = opens;
            m_current.text += m_pending.substr(0, size);
            show(out, size);
            return;
        }
        show(out, size);
        endQuotation();
        return;
    }
    if (m_pending[0] == '\n' && m_previous == '\n') {
        m_inQuotation = false; // an empty line: the mark was never closed
        m_current.label.clear();
    }
    m_current.text += m_pending[0];
    show(out, 1);
}

std::string CitationParser::step(bool last) {
    std::string out;
    while (!m_pending.empty()) {
        if (m_inQuotation) {
            if (!last && mayBecome(m_pending, m_closing)) {
                break;
            }
            takeInside(out);
        } else if (takeOutside(out, last) == Took::Wait) {
            break;
        }
    }
    return out;
}

} // namespace dossier::app
