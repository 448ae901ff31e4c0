// SPDX-License-Identifier: GPL-3.0-or-later
// The report as Markdown. Everything that came from outside is escaped character by character, so
// that no text can become markup.
#include <algorithm>
#include <array>

#include "app/report/pdf_file_links.h"
#include "app/report/report_writers.h"
#include "app/report/words.h"

namespace dossier::app::report {
namespace {

/// Backslashes before everything that Markdown (with tables, strike-through and formulas) may take
/// for markup, and no others: the text is also read as it stands.
std::string escapeMarkdown(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\`*_[]<>|~$&").find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    // What means something only where a line begins: headings, lists, rules, "1.".
    const std::size_t word = out.find_first_not_of("0123456789");
    if (word > 0 && word < out.size() && (out[word] == '.' || out[word] == ')'))
        out.insert(word, 1, '\\');
    else if (!out.empty() && std::string_view("#+-=:").find(out[0]) != std::string_view::npos)
        out.insert(0, 1, '\\');
    return out;
}

/// The longest run of back quotes in a text decides the length of the fence around it.
std::string fence(std::string_view text, std::size_t least) {
    std::size_t longest = 0, run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return std::string(std::max(least, longest + 1), '`');
}

std::string inlineCode(const std::string& text, bool inTable) {
    std::string clean = oneLine(text);
    if (inTable) // a bar ends the cell even inside code
        return escapeMarkdown(clean);
    const std::string marks = fence(clean, 1);
    const bool pad = !clean.empty() && (clean.front() == '`' || clean.back() == '`');
    return marks + (pad ? " " : "") + clean + (pad ? " " : "") + marks;
}

std::string reference(std::uint32_t number) {
    std::string out = "[^";
    out += std::to_string(number);
    out += ']';
    return out;
}

class MarkdownWriter {
  public:
    explicit MarkdownWriter(const Report& report) : m_report(report) {}

    std::string run() {
        head();
        for (const Section& section : m_report.sections)
            addSection(section);
        addNotes();
        addProduction();
        addSources();
        addFootnotes();
        return std::move(m_out);
    }

  private:
    /// The footnote's number, with a word where the quotation is not verified.
    std::string mark(std::uint32_t number) const {
        std::string out = reference(number);
        const std::string word = stateWord(m_report.citations[number - 1]);
        if (!word.empty()) {
            out += " (";
            out += word;
            out += ')';
        }
        return out;
    }

    std::string spansText(const Spans& spans, bool inTable = false) const {
        std::string out;
        for (const Span& span : spans) {
            const std::string text = oneLine(span.text);
            const bool before =
                !span.text.empty() && (span.text.front() == ' ' || span.text.front() == '\n');
            const bool after =
                !span.text.empty() && (span.text.back() == ' ' || span.text.back() == '\n');
            if (before && !out.empty() && out.back() != ' ')
                out += ' ';
            if (!text.empty()) {
                const std::string marks =
                    std::string(span.bold ? "**" : "") + (span.italic ? "*" : "");
                std::string closing(marks.rbegin(), marks.rend());
                out += marks + (span.code ? inlineCode(text, inTable) : escapeMarkdown(text)) +
                       closing;
            }
            for (const std::uint32_t number : span.citations)
                out += mark(number);
            if (after && !text.empty())
                out += ' ';
        }
        return out;
    }

    void line(const std::string& text) { m_out += text + "\n"; }
    void paragraph(const std::string& text) { m_out += text + "\n\n"; }
    void emphasised(const std::string& text) {
        m_out += '*';
        m_out += escapeMarkdown(oneLine(text));
        m_out += "*\n\n";
    }

    void head() {
        paragraph("# " + escapeMarkdown(oneLine(m_report.title)));
        line("| | |");
        line("|---|---|");
        const auto row = [&](const char* name, const std::string& value) {
            if (!value.empty())
                line("| " + std::string(name) + " | " + escapeMarkdown(oneLine(value)) + " |");
        };
        row("To", m_report.recipient);
        row("From", m_report.author);
        row("Date", m_report.date);
        row("Dossier", m_report.subject);
        row("Sources", sourcesText(m_report));
        row("Quotations", countsText(m_report.counts));
        row("Note", m_report.confidentiality);
        line("");
        if (const std::string text = leftOutText(m_report.counts); !text.empty())
            emphasised(text);
    }

    void addQuotation(const Block& block) {
        std::string text = "> ";
        text += spansText(block.spans);
        if (block.citation != 0)
            text += mark(block.citation);
        paragraph(text);
    }

    void addTable(const Block& block) {
        const std::size_t columns = block.rows.front().size();
        for (std::size_t r = 0; r < block.rows.size(); ++r) {
            std::string text = "|";
            for (std::size_t c = 0; c < columns; ++c) {
                text += ' ';
                if (c < block.rows[r].size())
                    text += spansText(block.rows[r][c], true);
                text += " |";
            }
            line(text);
            if (r == 0) {
                text = "|";
                for (std::size_t c = 0; c < columns; ++c)
                    text += "---|";
                line(text);
            }
        }
        line("");
    }

    void addBlock(const Block& block) {
        switch (block.kind) {
        case BlockKind::Paragraph:
            paragraph(spansText(block.spans));
            break;
        case BlockKind::Heading:
            paragraph("### " + spansText(block.spans));
            break;
        case BlockKind::ListItem: {
            const bool bullet = block.marker == "•";
            const std::string indent(static_cast<std::size_t>(block.level) * 4, ' ');
            paragraph(indent + (bullet ? "-" : block.marker) + " " + spansText(block.spans));
            break;
        }
        case BlockKind::Quotation:
            addQuotation(block);
            break;
        case BlockKind::Code: {
            std::string text;
            for (const Span& span : block.spans)
                text += printable(span.text);
            const std::string marks = fence(text, 3);
            paragraph(marks + "\n" + text + "\n" + marks);
            break;
        }
        case BlockKind::Table:
            addTable(block);
            break;
        }
    }

    void addSection(const Section& section) {
        paragraph("## " + std::to_string(section.number) + "\\. " +
                  escapeMarkdown(oneLine(section.title)));
        if (section.notFound)
            addRemarks(section);
        for (const Block& block : section.blocks)
            addBlock(block);
        if (!section.notFound)
            addRemarks(section);
        if (!section.thinking.empty()) {
            paragraph("### Thinking");
            for (const Block& block : section.thinking)
                addBlock(block);
        }
    }

    void addRemarks(const Section& section) {
        for (const std::string& remark : section.remarks)
            emphasised(remark);
    }

    void addNotes() {
        if (m_report.notes.empty())
            return;
        paragraph("## Notes by source");
        std::size_t source = m_report.sources.size();
        for (const ReportNote& note : m_report.notes) {
            if (note.source != source) {
                source = note.source;
                paragraph("### " + escapeMarkdown(oneLine(m_report.sources[source].name)));
            }
            std::string text = "- **N" + std::to_string(note.number) + "** " +
                               escapeMarkdown(placeText(note, m_report.printedLabels));
            text += " · " + kindText(note.kind);
            if (!note.author.empty())
                text += " · " + escapeMarkdown(oneLine(note.author));
            line(text);
            if (!note.quote.empty())
                line("  > " + escapeMarkdown(elided(note.quote, 600)));
            line("");
            if (!note.note.empty())
                paragraph("  " + escapeMarkdown(oneLine(note.note)));
        }
    }

    void addProduction() {
        paragraph("## How this was made");
        const auto row = [&](const char* name, const std::string& value) {
            if (!value.empty())
                line("- " + std::string(name) + ": " + escapeMarkdown(oneLine(value)));
        };
        const Production& production = m_report.production;
        row("Model", production.model);
        row("Depth", production.levels);
        row("Engine", production.engine);
        row("Program", production.program);
        row("Computer", "one local computer, produced offline");
        row("Quotations", countsText(m_report.counts));
        row("Forced", forcedText(m_report.counts));
        row("Date", isoDate(m_report.dateMs));
        line("");
        if (const std::string text = leftOutText(m_report.counts); !text.empty())
            paragraph(escapeMarkdown(text));
    }

    void addSources() {
        paragraph("## Sources");
        for (const ReportSource& source : m_report.sources) {
            std::string text = "- **" + escapeMarkdown(oneLine(source.name)) + "** · " +
                               escapeMarkdown(sourceFacts(source)) + " · SHA-256 " +
                               inlineCode(source.sha256, false);
            if (!source.annotatedCopy.empty())
                text += " · [annotated copy](" + percentEncoded(source.annotatedCopy) + ")";
            if (const std::string why = copyFailedText(source); !why.empty())
                text += " · **" + escapeMarkdown(oneLine(why)) + "**";
            line(text);
        }
        line("");
    }

    void addFootnotes() {
        for (const ReportCitation& citation : m_report.citations) {
            std::string text = reference(citation.number);
            text += ": ";
            std::string where = escapeMarkdown(elided(citation.document, 160));
            const std::string place = placeText(citation, m_report.printedLabels);
            if (!place.empty())
                where += (where.empty() ? "" : ", ") + escapeMarkdown(place);
            const std::string copy =
                citation.source ? m_report.sources[*citation.source].annotatedCopy : "";
            if (!copy.empty() && citation.page)
                where = "[" + where + "](" + percentEncoded(copy) +
                        "#page=" + std::to_string(*citation.page + 1) + ")";
            text += where + (where.empty() ? "" : ". ");
            if (citation.nearest)
                text += "Nearest place, not an answer. ";
            line(text + escapeMarkdown(verdictText(citation)) + " “" +
                 escapeMarkdown(oneLine(citation.quote)) + "”");
            line("");
        }
    }

    const Report& m_report;
    std::string m_out;
};

} // namespace

std::string toMarkdown(const Report& report) {
    return MarkdownWriter(report).run();
}

void writeMarkdown(const Report& report, const std::filesystem::path& file, Existing existing) {
    writeWholeFile(file, toMarkdown(report), existing);
}

} // namespace dossier::app::report
