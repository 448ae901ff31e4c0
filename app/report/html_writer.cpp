// SPDX-License-Identifier: GPL-3.0-or-later
// The report as one HTML file: no scripts, nothing from elsewhere, colours of the program's tokens,
// light and dark by media query, links both ways between statements, quotations and sources.
#include <array>

#include "app/report/pdf_file_links.h"
#include "app/report/report_writers.h"
#include "app/report/words.h"

namespace dossier::app::report {
namespace {

constexpr std::string_view kStyle = R"(
:root{--paper:#fff;--desk:#e2e0db;--text:#1a1a1c;--text2:#57595e;--line:#9a9a9a;--line2:#c9c9c9;
--link:#1f4a8c;--ok:#17693a;--neutral:#4a4c51;--hl:#fff8e0;--hlb:#c98a00;--code:#f5f4f1}
@media(prefers-color-scheme:dark){:root{--paper:#222327;--desk:#131416;--text:#dad7d0;--text2:#adadac;
--line:#85888f;--line2:#4b4e55;--link:#9dc1f8;--ok:#7fd29b;--neutral:#c4c4c2;--hl:#453a16;--hlb:#e3b341;
--code:#2d2e33}}
*{box-sizing:border-box}
body{margin:0;background:var(--desk);color:var(--text);
font:17px/1.42 'TeX Gyre Pagella','P052','Palatino Linotype',Palatino,serif}
main{max-width:46rem;margin:2rem auto;padding:3.2rem 4.4rem;background:var(--paper);overflow-wrap:anywhere}
@media(max-width:50rem){main{margin:0;padding:1.4rem 1.2rem}}
@media print{body,main{background:#fff}main{margin:0;padding:0;max-width:none}}
h1{font-size:1.95rem;line-height:1.24;margin:.4rem 0 1rem}
h2{font-size:1.18rem;margin:1.7rem 0 .5rem;display:flex;gap:.8rem}h2 .n{min-width:1.3rem}
h3{font-size:1.02rem;margin:1.2rem 0 .4rem}
p{margin:.55rem 0}a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}
.kick{font-size:.8rem;letter-spacing:.08em;text-transform:uppercase;color:var(--text2)}
.meta{border-top:2px solid var(--text);border-bottom:1px solid var(--line);padding:.5rem 0;font-size:.92rem}
.meta div,.made div{display:flex}.meta dt,.made dt{width:7rem;flex:none;color:var(--text2)}
.meta dl,.made dl{margin:0}.meta dd,.made dd{margin:0}.made{font-size:.86rem}.made dt{width:10rem}
sup{line-height:0;font:600 .62em Inter,'DejaVu Sans',sans-serif;margin-left:.1em}
blockquote{margin:.8rem 0;padding:.55rem 1rem;border-left:3px solid var(--hlb);background:var(--hl)}
blockquote.q{border-color:var(--line2);background:var(--code)}
blockquote .w{display:block;margin-top:.25rem;font-size:.8rem;color:var(--text2)}
ul.l{list-style:none;margin:.3rem 0;padding:0}ul.l li{display:flex;gap:.6rem}ul.l .m{min-width:1.4rem}
pre{background:var(--code);padding:.6rem .8rem;overflow-x:auto;white-space:pre-wrap}
code,pre,.sha{font-family:'JetBrains Mono','DejaVu Sans Mono',monospace;font-size:.8em}
table{width:100%;border-collapse:collapse;font-size:.88rem;margin:.7rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem .3rem 0;border-bottom:1px solid var(--line2)}
th{border-top:2px solid var(--text);border-bottom:1px solid var(--text)}
.rem{color:var(--text2);font-size:.92rem}.how,.fact{color:var(--text2);font-size:.8rem}
.ok{color:var(--ok)}.bad{color:var(--neutral)}
ol.c{list-style:none;padding:0;font-size:.86rem}ol.c li{margin:.45rem 0}ol.c .n{font:600 .8em Inter,sans-serif}
details{color:var(--text2);font-size:.9rem}footer{margin-top:2.4rem;font-size:.8rem;color:var(--text2)}
:target{background:var(--hl)}
)";

std::string escapeHtml(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            out += c;
        }
    }
    return out;
}

/// Foreign text that must not reorder what stands around it.
std::string isolated(std::string_view text) {
    return "<bdi>" + escapeHtml(oneLine(text)) + "</bdi>";
}

class HtmlWriter {
  public:
    explicit HtmlWriter(const Report& report)
        : m_report(report), m_referenced(report.citations.size() + 1, false) {}

    std::string run() {
        head();
        for (const Section& section : m_report.sections)
            addSection(section);
        addNotes();
        addProduction();
        addCitations();
        addSources();
        if (!m_report.confidentiality.empty())
            m_out += "<footer>" + escapeHtml(m_report.confidentiality) + "</footer>\n";
        m_out += "</main>\n</body>\n</html>\n";
        return std::move(m_out);
    }

  private:
    void head() {
        const std::string title = escapeHtml(oneLine(m_report.title));
        m_out += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'unsafe-inline'\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n";
        if (!m_report.author.empty())
            m_out +=
                "<meta name=\"author\" content=\"" + escapeHtml(oneLine(m_report.author)) + "\">\n";
        m_out += "<title>" + title + "</title>\n<style>" + std::string(kStyle) +
                 "</style>\n</head>\n<body>\n<main>\n<div class=\"kick\">" +
                 escapeHtml(m_report.kicker) + "</div>\n<h1 dir=\"auto\">" + title + "</h1>\n";
        m_out += "<div class=\"meta\"><dl>\n";
        row("To", m_report.recipient);
        row("From", m_report.author);
        row("Date", m_report.date);
        row("Dossier", m_report.subject);
        row("Sources", sourcesText(m_report));
        row("Quotations", countsText(m_report.counts));
        m_out += "</dl></div>\n";
        if (const std::string text = leftOutText(m_report.counts); !text.empty())
            m_out += "<p class=\"rem\">" + escapeHtml(text) + "</p>\n";
    }

    void row(const char* name, const std::string& value) {
        if (!value.empty())
            m_out +=
                "<div><dt>" + std::string(name) + "</dt><dd>" + isolated(value) + "</dd></div>\n";
    }

    /// The number behind a quotation; the first one is where the list leads back to.
    std::string reference(std::uint32_t number) {
        const std::string n = std::to_string(number);
        std::string id;
        if (!m_referenced[number]) {
            m_referenced[number] = true;
            id = " id=\"r" + n + "\"";
        }
        const std::string word = stateWord(m_report.citations[number - 1]);
        std::string text = n;
        if (!word.empty())
            text += " <span class=\"bad\">" + word + "</span>";
        return "<sup" + id + "><a href=\"#c" + n + "\" aria-label=\"Quotation " + n + " " + word +
               "\">" + text + "</a></sup>";
    }

    std::string spans(const Spans& list) {
        std::string out;
        for (const Span& span : list) {
            std::string text;
            for (const char c : escapeHtml(span.text))
                text += c == '\n' ? std::string("<br>") : std::string(1, c);
            if (span.code)
                text = "<code>" + text + "</code>";
            if (span.italic)
                text = "<em>" + text + "</em>";
            if (span.bold)
                text = "<strong>" + text + "</strong>";
            out += span.citations.empty() ? text : "<bdi>" + text + "</bdi>";
            for (const std::uint32_t number : span.citations)
                out += reference(number);
        }
        return out;
    }

    void addQuotation(const Block& block) {
        const bool good =
            block.citation == 0 || looksVerified(m_report.citations[block.citation - 1].verdict);
        m_out += std::string("<blockquote dir=\"auto\"") + (good ? ">" : " class=\"q\">") +
                 spans(block.spans);
        if (block.citation != 0) {
            const ReportCitation& citation = m_report.citations[block.citation - 1];
            m_out += reference(block.citation) + "<span class=\"w\">" +
                     isolated(elided(citation.document, 160));
            const std::string place = placeText(citation, m_report.printedLabels, true);
            m_out += (place.empty() ? "" : ", " + escapeHtml(place)) + "</span>";
        }
        m_out += "</blockquote>\n";
    }

    void addTable(const Block& block) {
        m_out += "<table>\n";
        for (std::size_t r = 0; r < block.rows.size(); ++r) {
            const char* tag = r == 0 ? "th" : "td";
            m_out += "<tr>";
            for (const Spans& cell : block.rows[r])
                m_out += std::string("<") + tag + " dir=\"auto\">" + spans(cell) + "</" + tag + ">";
            m_out += "</tr>\n";
        }
        m_out += "</table>\n";
    }

    void addBlock(const Block& block) {
        switch (block.kind) {
        case BlockKind::Paragraph:
            m_out += "<p dir=\"auto\">" + spans(block.spans) + "</p>\n";
            break;
        case BlockKind::Heading:
            m_out += "<h3 dir=\"auto\">" + spans(block.spans) + "</h3>\n";
            break;
        case BlockKind::ListItem:
            m_out += "<ul class=\"l\" style=\"margin-left:" + std::to_string(block.level * 2) +
                     "rem\"><li><span class=\"m\">" + escapeHtml(block.marker) +
                     "</span><span dir=\"auto\">" + spans(block.spans) + "</span></li></ul>\n";
            break;
        case BlockKind::Quotation:
            addQuotation(block);
            break;
        case BlockKind::Code: {
            m_out += "<pre>";
            for (const Span& span : block.spans)
                m_out += escapeHtml(span.text);
            m_out += "</pre>\n";
            break;
        }
        case BlockKind::Table:
            addTable(block);
            break;
        }
    }

    void addSection(const Section& section) {
        m_out += "<section>\n<h2><span class=\"n\">" + std::to_string(section.number) +
                 "</span><span dir=\"auto\">" + escapeHtml(oneLine(section.title)) +
                 "</span></h2>\n";
        if (section.notFound)
            addRemarks(section);
        for (const Block& block : section.blocks)
            addBlock(block);
        if (!section.notFound)
            addRemarks(section);
        if (!section.thinking.empty()) {
            m_out += "<details><summary>Thinking</summary>\n";
            for (const Block& block : section.thinking)
                addBlock(block);
            m_out += "</details>\n";
        }
        if (!section.how.empty())
            m_out += "<p class=\"how\">" + escapeHtml(section.how) + "</p>\n";
        m_out += "</section>\n";
    }

    void addRemarks(const Section& section) {
        for (const std::string& remark : section.remarks)
            m_out += "<p class=\"rem\">" + escapeHtml(oneLine(remark)) + "</p>\n";
    }

    void heading(const char* text) { m_out += "<h2>" + std::string(text) + "</h2>\n"; }

    void addNotes() {
        if (m_report.notes.empty())
            return;
        heading("Notes by source");
        std::size_t source = m_report.sources.size();
        for (const ReportNote& note : m_report.notes) {
            if (note.source != source) {
                source = note.source;
                m_out += "<h3>" + isolated(m_report.sources[source].name) + "</h3>\n";
            }
            m_out += "<p><b>N" + std::to_string(note.number) + "</b> <span class=\"fact\">" +
                     escapeHtml(placeText(note, m_report.printedLabels)) + " · " +
                     kindText(note.kind);
            if (!note.author.empty())
                m_out += " · " + isolated(note.author);
            m_out += "</span></p>\n";
            if (!note.quote.empty())
                m_out += "<blockquote dir=\"auto\">" + escapeHtml(elided(note.quote, 600)) +
                         "</blockquote>\n";
            if (!note.note.empty())
                m_out += "<p dir=\"auto\">" + escapeHtml(note.note) + "</p>\n";
        }
    }

    void addProduction() {
        heading("How this was made");
        const Production& production = m_report.production;
        m_out += "<div class=\"made\"><dl>\n";
        row("Model", production.model);
        row("Depth", production.levels);
        row("Engine", production.engine);
        row("Program", production.program);
        row("Computer", "one local computer, produced offline");
        row("Quotations", countsText(m_report.counts));
        row("Forced", forcedText(m_report.counts));
        row("Date", isoDate(m_report.dateMs));
        m_out += "</dl></div>\n";
    }

    void addCitations() {
        if (m_report.citations.empty())
            return;
        heading("Quotations");
        m_out += "<ol class=\"c\">\n";
        for (const ReportCitation& citation : m_report.citations) {
            const std::string n = std::to_string(citation.number);
            std::string where = isolated(elided(citation.document, 160));
            const std::string place = placeText(citation, m_report.printedLabels);
            where += place.empty() ? "" : ", " + escapeHtml(place);
            std::string copy;
            if (citation.source) {
                copy = m_report.sources[*citation.source].annotatedCopy;
                where =
                    "<a href=\"#s" + std::to_string(*citation.source + 1) + "\">" + where + "</a>";
            }
            m_out += "<li id=\"c" + n + "\"><a class=\"n\" href=\"#r" + n + "\">" + n + "</a> " +
                     "<span dir=\"auto\">“" + escapeHtml(oneLine(citation.quote)) + "”</span> " +
                     where + ". ";
            if (!copy.empty() && citation.page)
                m_out += "<a href=\"" + percentEncoded(copy) +
                         "#page=" + std::to_string(*citation.page + 1) + "\">Open the page</a>. ";
            if (citation.nearest)
                m_out += "Nearest place, not an answer. ";
            m_out += std::string("<span class=\"") +
                     (looksVerified(citation.verdict) ? "ok" : "bad") + "\">" +
                     escapeHtml(verdictText(citation)) + "</span></li>\n";
        }
        m_out += "</ol>\n";
    }

    void addSources() {
        heading("Sources");
        m_out += "<ol class=\"c\">\n";
        for (std::size_t i = 0; i < m_report.sources.size(); ++i) {
            const ReportSource& source = m_report.sources[i];
            m_out += "<li id=\"s" + std::to_string(i + 1) + "\"><b>" + isolated(source.name) +
                     "</b> <span class=\"fact\">" + escapeHtml(sourceFacts(source)) + "</span>";
            if (!source.annotatedCopy.empty())
                m_out +=
                    " <a href=\"" + percentEncoded(source.annotatedCopy) + "\">annotated copy</a>";
            if (const std::string why = copyFailedText(source); !why.empty())
                m_out += "<br><span class=\"bad\">" + escapeHtml(oneLine(why)) + "</span>";
            m_out += "<br><span class=\"sha\">SHA-256 " + escapeHtml(source.sha256) + "</span>";
            if (!source.citations.empty()) {
                m_out += "<br><span class=\"fact\">Quoted in";
                for (const std::uint32_t number : source.citations)
                    m_out += " <a href=\"#c" + std::to_string(number) + "\">" +
                             std::to_string(number) + "</a>";
                m_out += "</span>";
            }
            m_out += "</li>\n";
        }
        m_out += "</ol>\n";
    }

    const Report& m_report;
    std::vector<bool> m_referenced;
    std::string m_out;
};

} // namespace

std::string toHtml(const Report& report) {
    return HtmlWriter(report).run();
}

void writeHtml(const Report& report, const std::filesystem::path& file, Existing existing) {
    writeWholeFile(file, toHtml(report), existing);
}

} // namespace dossier::app::report
