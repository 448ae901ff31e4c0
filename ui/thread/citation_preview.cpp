// SPDX-License-Identifier: GPL-3.0-or-later
// Citation preview.
#include "ui/thread/citation_preview.h"

#include <QBoxLayout>
#include <QPainter>

#include "ui/theme/paint.h"
#include "ui/widgets/basics.h"

namespace dossier::ui {
namespace {

/// Chip, source, place and verdict in one line.
class Head : public QWidget {
  public:
    Head(CitationRow row, QWidget* parent) : QWidget(parent), m_row(std::move(row)) {
        onThemeChange(this, [this] { setFixedHeight(px(31)); });
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        QPainter p(this);
        const Tokens& t = tokens();
        const Chip chip{m_row.citation.number, m_row.citation.verdict, false, false,
                        m_row.citation.forced};
        double x = pxF(10);
        const QSizeF size = chipSize(chip);
        paintChip(p, QPointF(x, (height() - size.height()) / 2), chip);
        x += size.width() + pxF(6);
        const VerdictLook look = lookOf(m_row.citation.verdict, m_row.citation.percent);
        const double wide = verdictWordWidth(look, true);
        double right = width() - pxF(10) - wide;
        paintVerdictWord(p, QRectF(right, 0, wide, height()), look, true);
        right -= pxF(6);
        x += drawElided(p, QRectF(x, 0, (right - x) * 0.7, height()), m_row.source,
                        fontOf(Type::SmallMedium), t.text) +
             pxF(6);
        drawElided(p, QRectF(x, 0, right - x, height()), m_row.place, fontOf(Type::Small), t.text2,
                   Qt::ElideRight);
        p.fillRect(0, height() - 1, width(), 1, t.line);
    }

  private:
    CitationRow m_row;
};

QString escaped(const QString& text) {
    return text.toHtmlEscaped();
}

} // namespace

CitationPreview::CitationPreview(const CitationRow& row, const QString& before,
                                 const QString& passage, const QString& after, QWidget* parent)
    : PopupFrame(parent, Qt::ToolTip) {
    auto* layout = columnLayout(this, 1, 1, 1, 1);
    layout->addWidget(new Head(row, this));
    auto* paper = new ui::Panel(&Tokens::paper, {}, this);
    auto* paperLayout = paper->column(13, 10, 13, 10);
    auto* text = new QLabel(paper);
    text->setTextFormat(Qt::RichText);
    text->setWordWrap(true);
    QFont font = fontOf(row.code ? Type::Snippet : Type::QuotationSmall);
    font.setItalic(false);
    text->setFont(font);
    const Tokens& t = tokens();
    if (passage.isEmpty()) {
        text->setText(QStringLiteral("<i style='color:%1'>%2</i>")
                          .arg(t.text3.name(), escaped(tr("Stands in none of the sources."))));
    } else {
        text->setText(
            QStringLiteral("<span style='color:%1'>%2<span style='background-color:%3'>%4</span>%5"
                           "</span>")
                .arg(t.ink.name(), escaped(before), t.hlC.name(), escaped(passage),
                     escaped(after)));
    }
    paperLayout->addWidget(text);
    layout->addWidget(paper);
    const QString quote = QString::fromStdString(row.citation.quote);
    QString note;
    switch (row.citation.verdict) {
    case app::Verdict::VerifiedNormalised:
        note = normalisationText(quote, passage);
        break;
    case app::Verdict::Partial:
        note = tr("%1 % of the quotation stands there in one piece").arg(row.citation.percent);
        break;
    case app::Verdict::OtherDocument:
    case app::Verdict::NotFound:
        note = lookOf(row.citation.verdict).meaning;
        break;
    default:
        break;
    }
    if (row.citation.forced) {
        note += note.isEmpty() ? QString() : QStringLiteral("\n");
        note += tr("Quotation decoding kept the model to these words");
    }
    if (!note.isEmpty()) {
        auto* foot = new ui::Panel(&Tokens::menu, Qt::TopEdge, this);
        auto* label = new Label(note, Type::Small, &Tokens::text2, foot);
        label->setWordWrap(true);
        foot->column(10, 7, 10, 6)->addWidget(label);
        layout->addWidget(foot);
    }
    onThemeChange(this, [this] { setFixedWidth(px(312)); });
}

Surroundings surroundingsOf(const ingest::Document& document, ingest::TextRange range) {
    constexpr std::uint64_t kAround = 160;
    const std::string& text = document.text;
    if (range.end > text.size() || range.empty()) {
        return {};
    }
    const auto boundary = [&](std::uint64_t at) {
        while (at > 0 && at < text.size() &&
               (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
            --at;
        }
        return at;
    };
    const std::uint64_t from = boundary(range.begin > kAround ? range.begin - kAround : 0);
    const std::uint64_t to = boundary(std::min<std::uint64_t>(text.size(), range.end + kAround));
    const auto piece = [&](std::uint64_t begin, std::uint64_t end) {
        return QString::fromUtf8(text.data() + begin, static_cast<qsizetype>(end - begin));
    };
    Surroundings result{piece(from, range.begin), piece(range.begin, range.end).left(600),
                        piece(range.end, to)};
    // Begin and end at a sentence or line where one is near.
    const auto start = std::max({result.before.lastIndexOf(QStringLiteral(". ")),
                                 result.before.lastIndexOf(QLatin1Char('\n'))});
    if (start >= 0) {
        result.before = result.before.mid(start + 1).trimmed();
        result.before += result.before.isEmpty() ? QString() : QStringLiteral(" ");
    } else if (from > 0) {
        result.before.prepend(QStringLiteral("… "));
    }
    const auto dot = result.after.indexOf(QStringLiteral(". "));
    const auto line = result.after.indexOf(QLatin1Char('\n'));
    const auto end = dot < 0 ? line : line < 0 ? dot + 1 : std::min(dot + 1, line);
    if (end > 0) {
        result.after.truncate(end);
    } else if (to < text.size()) {
        result.after += QStringLiteral(" …");
    }
    for (QString* part : {&result.before, &result.passage, &result.after}) {
        part->replace(QLatin1Char('\n'), QLatin1Char(' '));
    }
    return result;
}

QString normalisationText(const QString& quote, const QString& passage) {
    QStringList parts;
    const auto without = [](QString text, const QString& drop) {
        for (const QChar c : drop) {
            text.remove(c);
        }
        return text;
    };
    const QString quotes = QStringLiteral("\"'“”‘’«»„");
    const QString dashes = QStringLiteral("-‐‑–—\u00AD");
    const QString a = quote.simplified(), b = passage.simplified();
    if (quote != a || passage != b) {
        parts << CitationPreview::tr("line breaks and spaces");
    }
    if (a.toCaseFolded() == b.toCaseFolded() && a != b) {
        parts << CitationPreview::tr("capital letters");
    } else if (without(a, quotes) != a || without(b, quotes) != b) {
        parts << CitationPreview::tr("quotation marks");
    }
    if (without(a, dashes).size() != a.size() || without(b, dashes).size() != b.size()) {
        parts << CitationPreview::tr("hyphens");
    }
    static const QString kLigatures = QStringLiteral("ﬀﬁﬂﬃﬄﬅﬆ");
    if (without(b, kLigatures) != b) {
        parts << CitationPreview::tr("ligatures");
    }
    return parts.isEmpty()
               ? CitationPreview::tr("Equal after normalisation")
               : CitationPreview::tr("Evened out: %1").arg(parts.join(QStringLiteral(", ")));
}

} // namespace dossier::ui
