// SPDX-License-Identifier: GPL-3.0-or-later
// Block splitter and document builder.
#include "ui/thread/answer_markdown.h"

#include <QTextBlock>
#include <QTextCursor>
#include <algorithm>
#include <cctype>
#include <functional>

#include "ui/theme/theme.h"

namespace dossier::ui {
namespace {

constexpr int kCaretObject = kChipObject + 1;

std::string_view lineAt(std::string_view text, std::size_t begin) {
    const std::size_t end = text.find('\n', begin);
    return text.substr(begin, end == std::string_view::npos ? std::string_view::npos : end - begin);
}

struct LineKind {
    PieceKind kind = PieceKind::Paragraph;
    int level = 0;
    std::size_t content = 0; ///< bytes to skip
    QString marker;
    bool fence = false;
    bool starts = false; ///< begins a block even without a blank line before it
};

LineKind classify(std::string_view line) {
    std::size_t indent = 0;
    while (indent < line.size() && line[indent] == ' ') {
        ++indent;
    }
    const std::string_view rest = line.substr(indent);
    LineKind result;
    if (rest.starts_with("```")) {
        result.kind = PieceKind::Code;
        result.fence = result.starts = true;
        return result;
    }
    std::size_t hashes = 0;
    while (hashes < rest.size() && rest[hashes] == '#') {
        ++hashes;
    }
    if (hashes >= 1 && hashes <= 6 && hashes < rest.size() && rest[hashes] == ' ') {
        return {PieceKind::Heading, static_cast<int>(hashes), indent + hashes + 1, {}, false, true};
    }
    const int nesting = static_cast<int>(std::min<std::size_t>(indent / 2, 4));
    if (rest.size() > 1 && (rest[0] == '-' || rest[0] == '*' || rest[0] == '+') && rest[1] == ' ') {
        return {PieceKind::Bullet, nesting, indent + 2, {}, false, true};
    }
    std::size_t digits = 0;
    while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits]))) {
        ++digits;
    }
    if (digits > 0 && digits <= 3 && digits + 1 < rest.size() &&
        (rest[digits] == '.' || rest[digits] == ')') && rest[digits + 1] == ' ') {
        return {PieceKind::Numbered,
                nesting,
                indent + digits + 2,
                QString::fromLatin1(rest.data(), static_cast<qsizetype>(digits + 1)),
                false,
                true};
    }
    if (rest.starts_with("> ") || rest == ">") {
        return {PieceKind::Quote, 0, std::min(line.size(), indent + 2), {}, false, true};
    }
    if (rest.starts_with("|") && rest.size() > 1) {
        return {PieceKind::Table, 0, 0, {}, false, true};
    }
    result.content = indent;
    return result;
}

bool blank(std::string_view line) {
    return std::all_of(line.begin(), line.end(),
                       [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

/// End of a fenced block that begins at `begin`; the text's end while the fence is open.
std::size_t fenceEnd(std::string_view text, std::size_t begin) {
    std::size_t at = begin + lineAt(text, begin).size() + 1;
    while (at < text.size()) {
        const std::string_view line = lineAt(text, at);
        if (classify(line).fence) {
            return std::min(text.size(), at + line.size());
        }
        at += line.size() + 1;
    }
    return text.size();
}

} // namespace

std::vector<AnswerPiece> splitAnswer(std::string_view text) {
    std::vector<AnswerPiece> pieces;
    bool open = false; // the last piece takes further lines
    std::size_t at = 0;
    while (at < text.size()) {
        const std::string_view line = lineAt(text, at);
        const std::size_t next = at + line.size() + 1;
        if (blank(line)) {
            open = false;
            at = next;
            continue;
        }
        const LineKind kind = classify(line);
        if (kind.fence) {
            const std::size_t end = fenceEnd(text, at);
            pieces.push_back({PieceKind::Code, 0, at, end, std::min(next, end), {}, true});
            open = false;
            at = end + 1;
            continue;
        }
        const bool continues =
            open &&
            (!kind.starts || (kind.kind == pieces.back().kind &&
                              (kind.kind == PieceKind::Quote || kind.kind == PieceKind::Table)));
        if (continues) {
            pieces.back().end = at + line.size();
        } else {
            pieces.push_back({kind.kind, kind.level, at, at + line.size(), at + kind.content,
                              kind.marker, true});
            open = kind.kind != PieceKind::Heading;
        }
        at = next;
    }
    const auto item = [](const AnswerPiece& piece) {
        return piece.kind == PieceKind::Bullet || piece.kind == PieceKind::Numbered;
    };
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
        pieces[i].last = !(item(pieces[i]) && item(pieces[i + 1]));
    }
    return pieces;
}

namespace {

/// Writes inline Markdown of one block and the chips that fall into it.
class InlineWriter {
  public:
    InlineWriter(QTextCursor& cursor, const std::string& text,
                 const std::vector<app::Citation>& citations, QTextCharFormat base)
        : m_cursor(cursor), m_text(text), m_base(std::move(base)) {
        for (const app::Citation& citation : citations) {
            if (!citation.inAnswer.empty()) {
                m_citations.push_back(&citation);
            }
        }
        std::sort(m_citations.begin(), m_citations.end(),
                  [](const auto* a, const auto* b) { return a->inAnswer.end < b->inAnswer.end; });
    }

    void write(std::size_t begin, std::size_t end, bool markup) {
        auto next = std::lower_bound(
            m_citations.begin(), m_citations.end(), begin,
            [](const app::Citation* c, std::size_t at) { return c->inAnswer.end <= at; });
        std::size_t at = begin;
        while (at < end) {
            if (next != m_citations.end() && (*next)->inAnswer.end == at) {
                chip(**next);
                ++next;
                continue;
            }
            const std::size_t limit =
                next != m_citations.end() ? std::min<std::size_t>(end, (*next)->inAnswer.end) : end;
            at = step(at, limit, end, markup);
        }
        flush();
        while (next != m_citations.end() && (*next)->inAnswer.end <= end) {
            chip(**next);
            ++next;
        }
    }

  private:
    /// Consumes one character or mark of markup; returns the position behind it.
    std::size_t step(std::size_t at, std::size_t limit, std::size_t end, bool markup) {
        const char c = m_text[at];
        const std::string_view rest = std::string_view(m_text).substr(at, end - at);
        if (markup && rest.starts_with("**")) {
            flush();
            m_bold = !m_bold;
            return at + 2;
        } else if (markup && c == '`') {
            flush();
            m_code = !m_code;
            return at + 1;
        } else if (markup && !m_code && (c == '*' || c == '_') && emphasis(at, end)) {
            flush();
            m_italic = !m_italic;
            return at + 1;
        } else if (c == '\n') {
            m_run += ' ';
            std::size_t skip = at + 1;
            while (skip < limit && (m_text[skip] == ' ' || m_text[skip] == '>')) {
                ++skip;
            }
            return skip;
        } else if (c == '"' && quoteMark(at)) {
            m_run += at == m_openQuote ? "\xE2\x80\x9C" : "\xE2\x80\x9D";
            return at + 1;
        }
        m_run += c;
        return at + 1;
    }

    /// A star or underscore that opens or closes emphasis, not one inside a word or a product.
    bool emphasis(std::size_t at, std::size_t end) const {
        const auto alnum = [&](std::size_t i) {
            return i < end && (std::isalnum(static_cast<unsigned char>(m_text[i])) ||
                               static_cast<unsigned char>(m_text[i]) >= 0x80);
        };
        const bool before = at > 0 && alnum(at - 1);
        const bool after = alnum(at + 1);
        return m_italic ? !after : !before && after;
    }

    /// Straight quotation marks around a citation are shown as typographic ones.
    bool quoteMark(std::size_t at) {
        for (const app::Citation* c : m_citations) {
            if (at == c->inAnswer.begin) {
                m_openQuote = at;
                return true;
            } else if (at + 1 == c->inAnswer.end) {
                m_openQuote = std::string::npos;
                return true;
            }
        }
        return false;
    }

    void flush() {
        if (m_run.empty()) {
            return;
        }
        QTextCharFormat format = m_base;
        if (m_bold) {
            format.setFontWeight(QFont::Bold);
        }
        if (m_italic) {
            format.setFontItalic(true);
        }
        if (m_code) {
            format.setFont(fontOf(Type::CodeSmall));
            format.setBackground(tokens().band);
        }
        m_cursor.insertText(QString::fromStdString(m_run), format);
        m_run.clear();
    }

    void chip(const app::Citation& citation) {
        flush();
        QTextCharFormat format = m_base;
        format.setObjectType(kChipObject);
        format.setProperty(kChipNumber, citation.number);
        format.setProperty(kChipVerdict, static_cast<int>(citation.verdict));
        format.setProperty(kChipForced, citation.forced);
        format.setToolTip(QString());
        // A word joiner keeps the comma behind the chip with it.
        m_cursor.insertText(QStringLiteral(" "), m_base);
        m_cursor.insertText(QString(QChar::ObjectReplacementCharacter), format);
        m_cursor.insertText(QStringLiteral("\u2060"), m_base);
    }

    QTextCursor& m_cursor;
    const std::string& m_text;
    std::vector<const app::Citation*> m_citations;
    QTextCharFormat m_base;
    std::string m_run;
    std::size_t m_openQuote = std::string::npos;
    bool m_bold = false, m_italic = false, m_code = false;
};

QTextBlockFormat blockFormatOf(const AnswerPiece& piece) {
    QTextBlockFormat format;
    format.setLineHeight(pxF(20), QTextBlockFormat::FixedHeight);
    format.setBottomMargin(pxF(piece.last ? 8 : 3));
    switch (piece.kind) {
    case PieceKind::Bullet:
    case PieceKind::Numbered:
        format.setLeftMargin(pxF(18.0 * (piece.level + 1)));
        format.setTextIndent(-pxF(16));
        break;
    case PieceKind::Quote:
        format.setLeftMargin(pxF(12));
        break;
    case PieceKind::Code:
    case PieceKind::Table:
        format.setLineHeight(pxF(17), QTextBlockFormat::FixedHeight);
        format.setBackground(tokens().band);
        format.setNonBreakableLines(false);
        break;
    default:
        break;
    }
    return format;
}

QTextCharFormat charFormatOf(const AnswerPiece& piece) {
    QTextCharFormat format;
    format.setForeground(tokens().text);
    switch (piece.kind) {
    case PieceKind::Heading:
        format.setFont(fontOf(piece.level <= 1 ? Type::Panel : Type::Question));
        break;
    case PieceKind::Code:
    case PieceKind::Table:
        format.setFont(fontOf(Type::CodeSmall));
        break;
    case PieceKind::Quote:
        format.setFont(fontOf(Type::Quotation));
        format.setForeground(tokens().text2);
        break;
    default:
        format.setFont(fontOf(Type::Body));
    }
    return format;
}

} // namespace

AnswerDocument::AnswerDocument(QTextDocument* document) : m_document(document) {
    m_document->setDocumentMargin(0);
    m_document->setUndoRedoEnabled(false);
}

std::size_t AnswerDocument::fingerprint(const std::string& text, const AnswerPiece& piece,
                                        const std::vector<app::Citation>& citations,
                                        bool lastPiece) const {
    const std::hash<std::string_view> hash;
    std::size_t value = hash(std::string_view(text).substr(piece.begin, piece.end - piece.begin));
    const auto add = [&value](std::size_t part) { value = value * 1099511628211u + part; };
    add(piece.last);
    add(lastPiece && m_writing);
    for (const app::Citation& c : citations) {
        if (c.inAnswer.end > piece.begin && c.inAnswer.end <= piece.end) {
            add(c.number);
            add(static_cast<std::size_t>(c.verdict));
            add(c.inAnswer.end - piece.begin);
            add(c.forced);
        }
    }
    return value;
}

int AnswerDocument::update(const std::string& text, const std::vector<app::Citation>& citations) {
    m_text = text;
    m_citations = citations;
    const std::vector<AnswerPiece> pieces = splitAnswer(text);
    std::vector<std::size_t> prints;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        prints.push_back(fingerprint(text, pieces[i], citations, i + 1 == pieces.size()));
    }
    std::size_t same = 0;
    while (same < m_made.size() && same < prints.size() &&
           m_made[same].fingerprint == prints[same]) {
        ++same;
    }
    if (same == m_made.size() && same == prints.size()) {
        return 0;
    }
    QTextCursor cursor(m_document);
    cursor.beginEditBlock();
    if (same < m_made.size()) {
        // The paragraph mark before the first changed block goes with it.
        cursor.setPosition(std::max(0, m_made[same].position - (same > 0 ? 1 : 0)));
        cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
        cursor.removeSelectedText();
    }
    m_made.resize(same);
    for (std::size_t i = same; i < pieces.size(); ++i) {
        cursor.movePosition(QTextCursor::End);
        const bool first = i == 0;
        m_made.push_back({prints[i], first ? 0 : cursor.position() + 1});
        emitPiece(text, pieces[i], citations, first, i + 1 == pieces.size());
    }
    cursor.endEditBlock();
    return static_cast<int>(pieces.size() - same);
}

void AnswerDocument::emitPiece(const std::string& text, const AnswerPiece& piece,
                               const std::vector<app::Citation>& citations, bool first,
                               bool lastPiece) {
    QTextCursor cursor(m_document);
    cursor.movePosition(QTextCursor::End);
    const QTextBlockFormat block = blockFormatOf(piece);
    const QTextCharFormat format = charFormatOf(piece);
    if (first) {
        cursor.setBlockFormat(block);
        cursor.setBlockCharFormat(format);
    } else {
        cursor.insertBlock(block, format);
    }
    if (piece.kind == PieceKind::Bullet) {
        cursor.insertText(QStringLiteral("•\u2002"), format);
    } else if (piece.kind == PieceKind::Numbered) {
        cursor.insertText(piece.marker + QLatin1Char(' '), format);
    }
    if (piece.kind == PieceKind::Code || piece.kind == PieceKind::Table) {
        std::size_t end = piece.end;
        if (piece.kind == PieceKind::Code) {
            const std::size_t close = text.rfind("```", end);
            end = close != std::string::npos && close > piece.content ? close : end;
        }
        QString code =
            QString::fromUtf8(text.data() + piece.content,
                              static_cast<qsizetype>(end - std::min(end, piece.content)));
        while (code.endsWith(QLatin1Char('\n'))) {
            code.chop(1);
        }
        cursor.insertText(code.replace(QLatin1Char('\n'), QChar::LineSeparator), format);
    } else {
        InlineWriter(cursor, text, citations, format).write(piece.content, piece.end, true);
    }
    if (lastPiece && m_writing) {
        QTextCharFormat caret = format;
        caret.setObjectType(kCaretObject);
        cursor.insertText(QStringLiteral("\u2060"), format);
        cursor.insertText(QString(QChar::ObjectReplacementCharacter), caret);
    }
}

void AnswerDocument::setWriting(bool writing) {
    if (m_writing != writing) {
        m_writing = writing;
        if (!m_text.empty()) {
            update(m_text, m_citations);
        }
    }
}

void AnswerDocument::restyle() {
    m_made.clear();
    QTextCursor cursor(m_document);
    cursor.select(QTextCursor::Document);
    cursor.removeSelectedText();
    update(m_text, m_citations);
}

QString answerForClipboard(const app::Answer& answer,
                           const std::vector<std::pair<std::uint32_t, QString>>& places) {
    std::string text = answer.text;
    std::vector<const app::Citation*> byEnd;
    for (const app::Citation& citation : answer.citations) {
        if (!citation.inAnswer.empty() && citation.inAnswer.end <= text.size()) {
            byEnd.push_back(&citation);
        }
    }
    std::sort(byEnd.begin(), byEnd.end(),
              [](const auto* a, const auto* b) { return a->inAnswer.end > b->inAnswer.end; });
    for (const app::Citation* citation : byEnd) {
        text.insert(citation->inAnswer.end, " [" + std::to_string(citation->number) + "]");
    }
    QString result = QString::fromStdString(text).trimmed();
    if (!places.empty()) {
        result += QStringLiteral("\n");
        for (const auto& [number, place] : places) {
            result += QStringLiteral("\n[%1] %2").arg(number).arg(place);
        }
    }
    return result;
}

} // namespace dossier::ui
