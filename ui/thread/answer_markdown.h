// SPDX-License-Identifier: GPL-3.0-or-later
// The Markdown of answers into a QTextDocument, with citation chips as text objects and without
// rebuilding what has not changed while the answer streams in.
#pragma once

#include <QTextDocument>
#include <QTextFormat>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/model_types.h"

namespace dossier::ui {

/// Object type and properties of a chip in the text.
constexpr int kChipObject = QTextFormat::UserObject + 1;
constexpr int kChipNumber = QTextFormat::UserProperty + 1;
constexpr int kChipVerdict = QTextFormat::UserProperty + 2;
constexpr int kChipForced = QTextFormat::UserProperty + 3;

enum class PieceKind : std::uint8_t { Paragraph, Heading, Bullet, Numbered, Quote, Code, Table };

/// One block of an answer: bytes [begin, end) of its text, the content starting at `content`.
struct AnswerPiece {
    PieceKind kind = PieceKind::Paragraph;
    int level = 0; ///< of headings (1..6) and list nesting (0..)
    std::size_t begin = 0, end = 0, content = 0;
    QString marker;   ///< of numbered items: "2."
    bool last = true; ///< of its list: the next piece is no item
};

/// Splits text into blocks; the last one may be unfinished (an open fence runs to the end).
std::vector<AnswerPiece> splitAnswer(std::string_view text);

/// Keeps a document equal to a growing answer.
class AnswerDocument {
  public:
    explicit AnswerDocument(QTextDocument* document);

    /// Brings the document up to date; only blocks from the first difference on are made again.
    /// Returns the number of blocks made.
    int update(const std::string& text, const std::vector<app::Citation>& citations);
    /// After a change of theme or text size.
    void restyle();
    /// A caret behind the last character while the answer is being written.
    void setWriting(bool writing);

  private:
    struct Made {
        std::size_t fingerprint;
        int position; ///< of the block's first character in the document
    };

    void emitPiece(const std::string& text, const AnswerPiece& piece,
                   const std::vector<app::Citation>& citations, bool first, bool lastPiece);
    std::size_t fingerprint(const std::string& text, const AnswerPiece& piece,
                            const std::vector<app::Citation>& citations, bool lastPiece) const;

    QTextDocument* m_document;
    std::vector<Made> m_made;
    std::string m_text;
    std::vector<app::Citation> m_citations;
    bool m_writing = false;
};

/// The answer as plain text or Markdown for the clipboard, with "[1]" behind each quotation and the
/// list of places below.
QString answerForClipboard(const app::Answer& answer,
                           const std::vector<std::pair<std::uint32_t, QString>>& places);

} // namespace dossier::ui
