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

bool isPartOfWord(char c) {
    return isAsciiLetter(c) || isAsciiDigit(c) || c == '_' || c == ')' || c == ']';
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
    std::string out = step(true);
    m_justEnded = false;
    return out;
}

std::vector<ParsedQuotation> CitationParser::takeQuotations() {
    std::vector<ParsedQuotation> taken = std::exchange(m_ended, {});
    if (m_justEnded && !taken.empty() && taken.back().label.empty()) { // its label may still come
        m_ended.push_back(std::move(taken.back()));
        taken.pop_back();
    }
    return taken;
}

bool CitationParser::startsWithOpening(std::size_t at) const {
    const std::string_view rest = std::string_view(m_pending).substr(at);
    return rest.starts_with(m_form.open) || rest.starts_with(kTypographicOpen);
}

void CitationParser::show(std::string& out, std::size_t bytes) {
    if (bytes == 0) {
        return;
    }
    out.append(m_pending, 0, bytes);
    m_previous = m_pending[bytes - 1];
    m_shown += bytes;
    m_pending.erase(0, bytes);
}

/// A label belongs to the quotation that it stands directly behind, else to the one in front of
/// which it stands.
CitationParser::Label CitationParser::labelAt(std::size_t at, bool last) const {
    const std::string_view rest = std::string_view(m_pending).substr(at);
    if (!rest.starts_with(m_form.labelOpen)) {
        return {};
    }
    const std::size_t close = rest.find(m_form.labelClose, m_form.labelOpen.size());
    if (close == std::string_view::npos) {
        const bool mayEnd =
            !last && rest.size() < kLongestLabel && rest.find('\n') == std::string_view::npos;
        return {mayEnd ? Belongs::NotKnownYet : Belongs::NoLabel};
    }
    Label label;
    label.text = rest.substr(m_form.labelOpen.size(), close - m_form.labelOpen.size());
    label.end = at + close + m_form.labelClose.size();
    if (!m_isLabel(label.text)) {
        return {};
    }
    if (m_justEnded && !m_ended.empty() && m_ended.back().label.empty()) {
        label.belongs = Belongs::ToLast;
        return label;
    }
    const std::size_t next = skipBlanks(m_pending, label.end);
    const std::string_view behind = std::string_view(m_pending).substr(next);
    if (!last && (behind.empty() || mayBecome(behind, kTypographicOpen))) {
        return {Belongs::NotKnownYet};
    }
    label.belongs = startsWithOpening(next) ? Belongs::ToNext : Belongs::ToNone;
    return label;
}

/// The blanks in front of a label go with it when it is left out, unless text stands behind it.
CitationParser::Took CitationParser::takeLabel(std::string& out, bool last) {
    const std::size_t at = skipBlanks(m_pending, 0);
    if (at == m_pending.size()) {
        return last ? Took::No : Took::Wait;
    }
    const Label label = labelAt(at, last);
    switch (label.belongs) {
    case Belongs::NoLabel:
        return Took::No;
    case Belongs::NotKnownYet:
        return Took::Wait;
    case Belongs::ToLast:
        m_ended.back().label = label.text;
        m_pending.erase(0, label.end);
        return Took::Yes;
    case Belongs::ToNext:
        show(out, at);
        m_current.label = label.text;
        m_pending.erase(0, skipBlanks(m_pending, label.end - at));
        return Took::Yes;
    case Belongs::ToNone:
        break;
    }
    m_justEnded = false;
    // A name says something and a[3] is code, but a passage's number only the model can see.
    if (!isAsciiNumber(label.text) || (at == 0 && isPartOfWord(m_previous))) {
        show(out, label.end);
    } else if (at == 0 && (m_shown == 0 || m_previous == '\n')) {
        m_pending.erase(0, skipBlanks(m_pending, label.end));
    } else {
        m_pending.erase(0, label.end);
        m_previous = ' '; // a second number is no index of the word
    }
    return Took::Yes;
}

CitationParser::Took CitationParser::takeOutside(std::string& out, bool last) {
    if (const Took took = takeLabel(out, last); took != Took::No) {
        return took;
    }
    if (startsWithOpening(0)) {
        const bool straight = m_pending.starts_with(m_form.open);
        m_closing = straight ? m_form.close : std::string(kTypographicClose);
        m_current.inAnswer.begin = m_shown;
        m_current.text.clear();
        m_inQuotation = true;
        m_justEnded = m_innerOpen = m_forced = false;
        show(out, straight ? m_form.open.size() : kTypographicOpen.size());
        return Took::Yes;
    }
    if (!last && mayBecome(m_pending, kTypographicOpen)) {
        return Took::Wait;
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
