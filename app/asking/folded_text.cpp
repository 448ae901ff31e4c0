// SPDX-License-Identifier: GPL-3.0-or-later
// One pass over the characters with the white space, hyphen or dash before the present one kept
// back until it is known what follows.
#include "app/asking/folded_text.h"

#include <QChar>
#include <QString>
#include <array>

#include "ingest/document/utf8.h"

namespace dossier::app {
namespace {

namespace utf8 = ingest::utf8;

enum class Kind : std::uint8_t {
    Word,
    Ideograph,
    Punctuation,
    Space,
    NewLine,
    Hyphen,
    Dash,
    Quote,
    Ignored,
    SoftHyphen
};

bool isIdeograph(char32_t c) {
    return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x323AF);
}

Kind kindOfAscii(char32_t c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return Kind::Word;
    }
    switch (c) {
    case '\n':
    case '\f':
    case '\v':
    case '\r':
        return Kind::NewLine;
    case ' ':
    case '\t':
        return Kind::Space;
    case '-':
        return Kind::Hyphen;
    case '"':
    case '\'':
    case '`':
        return Kind::Quote;
    default:
        return c < 0x20 || c == 0x7F ? Kind::Ignored : Kind::Punctuation;
    }
}

Kind kindOf(char32_t c) {
    if (c < 0x80) {
        return kindOfAscii(c);
    }
    switch (c) {
    case 0x00AD:
        return Kind::SoftHyphen;
    case 0x0085:
    case 0x2028:
    case 0x2029:
        return Kind::NewLine;
    case 0x2010: // hyphen
    case 0x2011: // non-breaking hyphen
    case 0x2013: // en dash
        return Kind::Hyphen;
    case 0x2012:
    case 0x2014:
    case 0x2015:
    case 0x2212:
    case 0xFE58:
    case 0xFE63:
    case 0xFF0D:
        return Kind::Dash;
    case 0x00AB:
    case 0x00BB:
    case 0x00B4:
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2032:
    case 0x2033:
    case 0x2039:
    case 0x203A:
    case 0x300C:
    case 0x300D:
    case 0xFF02:
    case 0xFF07:
        return Kind::Quote;
    case 0x200B:
    case 0x200C:
    case 0x200D:
    case 0x2060:
    case 0xFEFF:
        return Kind::Ignored;
    default:
        break;
    }
    if (isIdeograph(c)) {
        return Kind::Ideograph;
    }
    if (QChar::isSpace(c)) {
        return Kind::Space;
    }
    return QChar::isLetterOrNumber(c) || QChar::isMark(c) ? Kind::Word : Kind::Punctuation;
}

/// Compatibility decomposition and case folding of one character beyond ASCII, as UTF-8.
std::string folded(char32_t c) {
    constexpr char32_t kSharpS = 0x00DF, kCapitalSharpS = 0x1E9E; // Qt folds them to themselves
    if (c == kSharpS || c == kCapitalSharpS) {
        return "ss";
    }
    const QString one = QString::fromUcs4(&c, 1);
    return one.normalized(QString::NormalizationForm_KD).toCaseFolded().toStdString();
}

bool isLetter(char32_t c) {
    return c < 0x80 ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                    : QChar::isLetter(c) && !isIdeograph(c);
}

} // namespace

/// The state of the pass.
class Folder {
  public:
    Folder(FoldedText& out, std::string_view original) : m_out(out), m_original(original) {
        m_out.m_text.reserve(original.size());
        m_out.m_origin.reserve(original.size() + 1);
        m_out.m_length.reserve(original.size());
    }

    void run(std::size_t begin, std::size_t end) {
        for (std::size_t at = begin; at < end;) {
            const auto c = static_cast<unsigned char>(m_original[at]);
            if (c < 0x80) {
                take(c, at, 1);
                ++at;
            } else {
                const utf8::Decoded decoded = utf8::decode(m_original, at);
                take(decoded.value, at, decoded.length);
                at += decoded.length;
            }
        }
    }

    void skipped() { whiteSpace(true); }

  private:
    void whiteSpace(bool newLine) {
        m_space = true;
        m_newLine = m_newLine || newLine;
    }

    void take(char32_t c, std::size_t at, std::uint32_t length) {
        const Kind kind = kindOf(c);
        switch (kind) {
        case Kind::Ignored:
            return;
        case Kind::SoftHyphen:
            m_softHyphen = true;
            return;
        case Kind::Space:
        case Kind::NewLine:
            whiteSpace(kind == Kind::NewLine);
            return;
        case Kind::Hyphen:
            if (isLetter(m_last) && !m_space && m_hyphenAt == kNone) {
                m_hyphenAt = at;
                m_hyphenLength = length;
                return;
            }
            dash(at, length);
            return;
        case Kind::Dash:
            dash(at, length);
            return;
        case Kind::Quote:
            settle(Kind::Quote, c);
            if (m_last != '\'') {
                put('\'', at, length);
            }
            m_last = '\'';
            m_lastKind = Kind::Quote;
            return;
        default:
            character(kind, c, at, length);
        }
    }

    void dash(std::size_t at, std::uint32_t length) {
        settle(Kind::Dash, '-');
        if (m_last != '-') {
            put('-', at, length);
        }
        m_last = '-';
        m_lastKind = Kind::Dash;
    }

    void character(Kind kind, char32_t c, std::size_t at, std::uint32_t length) {
        settle(kind, c);
        if (c < 0x80) {
            const char lower =
                c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
            if (lower == '.' && dotsAtEnd() >= 3) {
                return;
            }
            put(lower, at, length);
        } else {
            for (const char byte : folded(c)) {
                if (byte != '.' || dotsAtEnd() < 3) {
                    put(byte, at, length);
                }
            }
        }
        m_last = c;
        m_lastKind = kind;
    }

    /// Decides about white space and a hyphen in front of a character of this kind.
    void settle(Kind kind, char32_t c) {
        if (m_hyphenAt != kNone) {
            const bool joins = isLetter(c) && (!m_space || m_newLine);
            if (!joins) {
                put('-', m_hyphenAt, m_hyphenLength);
                m_last = '-';
            }
            m_hyphenAt = kNone;
        } else if (m_space && !(m_softHyphen && m_newLine)) {
            const bool words = (kind == Kind::Word || kind == Kind::Ideograph) &&
                               (m_lastKind == Kind::Word || m_lastKind == Kind::Ideograph);
            if (words && !(kind == Kind::Ideograph && m_lastKind == Kind::Ideograph) &&
                !m_out.m_text.empty() && m_last != '-') {
                // The blank belongs to the character before it, so that ranges end with words.
                const std::uint32_t origin = m_out.m_origin.back();
                m_out.m_text += ' ';
                m_out.m_origin.push_back(origin);
                m_out.m_length.push_back(m_out.m_length.back());
            }
        }
        m_space = m_newLine = m_softHyphen = false;
    }

    void put(char byte, std::size_t at, std::uint32_t length) {
        m_out.m_text += byte;
        m_out.m_origin.push_back(static_cast<std::uint32_t>(at));
        m_out.m_length.push_back(static_cast<std::uint8_t>(length));
    }

    std::size_t dotsAtEnd() const {
        const std::string& text = m_out.m_text;
        std::size_t n = 0;
        while (n < 3 && n < text.size() && text[text.size() - 1 - n] == '.') {
            ++n;
        }
        return n;
    }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    FoldedText& m_out;
    std::string_view m_original;
    char32_t m_last = 0;
    Kind m_lastKind = Kind::Punctuation;
    bool m_space = false, m_newLine = false, m_softHyphen = false;
    std::size_t m_hyphenAt = kNone;
    std::uint32_t m_hyphenLength = 0;
};

FoldedText::FoldedText(std::string_view original, std::span<const ingest::TextRange> skip) {
    Folder folder(*this, original);
    std::size_t at = 0;
    for (const ingest::TextRange& range : skip) {
        folder.run(at, range.begin);
        folder.skipped();
        at = range.end;
    }
    folder.run(at, original.size());
    m_text.shrink_to_fit();
    m_origin.shrink_to_fit();
    m_length.shrink_to_fit();
}

ingest::TextRange FoldedText::original(std::size_t begin, std::size_t end) const {
    return {m_origin[begin], m_origin[end - 1] + std::uint64_t{m_length[end - 1]}};
}

bool FoldedText::isWordEdge(std::size_t position) const {
    if (position == 0 || position >= m_text.size()) {
        return true;
    }
    if (utf8::isContinuation(m_text[position])) {
        return false;
    }
    std::size_t before = position - 1;
    while (before > 0 && utf8::isContinuation(m_text[before])) {
        --before;
    }
    const auto wordAt = [this](std::size_t at) {
        return kindOf(utf8::decode(m_text, at).value) == Kind::Word;
    };
    return !wordAt(before) || !wordAt(position);
}

std::size_t FoldedText::bytesHeld() const {
    return m_text.capacity() + m_origin.capacity() * sizeof(m_origin[0]) + m_length.capacity();
}

std::string_view withoutCutMarks(std::string_view quote) {
    static constexpr std::array<std::string_view, 12> kMarks = {
        " ", "\n", "\t", "\r", "\f", "\xC2\xA0", "…", "[…]", "[...]", "(...)", "(…)", "..."};
    for (bool changed = true; changed;) {
        changed = false;
        for (const std::string_view mark : kMarks) {
            if (quote.starts_with(mark)) {
                quote.remove_prefix(mark.size());
                changed = true;
            }
            if (quote.ends_with(mark)) {
                quote.remove_suffix(mark.size());
                changed = true;
            }
        }
    }
    return quote;
}

std::size_t characterCount(std::string_view text) {
    return utf8::length(text);
}

} // namespace dossier::app
