// SPDX-License-Identifier: GPL-3.0-or-later
// The report as a PDF: which blocks follow each other and how they look. Sizes and colours are
// those of the design ("report" row of the tokens, picture 12).
#include <algorithm>
#include <cctype>
#include <optional>
#include <unordered_map>

#include "app/report/pdf_canvas.h"
#include "app/report/pdf_file_links.h"
#include "app/report/report_writers.h"
#include "app/report/words.h"
#include "engine/base/error.h"

namespace dossier::app::report {
namespace {

using G = PageGeometry;

constexpr std::uint32_t kInk = 0x1A1A1C, kGrey = 0x555555, kBlue = 0x1F4A8C, kGreen = 0x17693A,
                        kNeutral = 0x4A4C51, kRule = 0x9A9A9A, kRowRule = 0xC9C9C9,
                        kCodeGround = 0xF5F4F1, kQuietGround = 0xF1EFEC;
constexpr double kBody = 10.6, kLeading = 15, kParagraph = 6, kNumberColumn = 20;

TextStyle serif(double size, int weight = 400, std::uint32_t rgb = kInk) {
    TextStyle style;
    style.size = size;
    style.weight = weight;
    style.rgb = rgb;
    return style;
}

TextStyle sansNumber(double size) {
    TextStyle style;
    style.family = Family::Sans;
    style.size = size;
    style.weight = 600;
    style.rgb = kBlue;
    return style;
}

std::string n(std::uint32_t number) {
    return std::to_string(number);
}

class PdfReport {
  public:
    PdfReport(const Report& report, const ReportProgressFn& progress, std::stop_token stop)
        : m_report(report),
          m_progress(progress),
          m_stop(std::move(stop)),
          m_flow([this](std::uint32_t number) { return note(number); }) {}

    std::uint32_t write(const std::filesystem::path& file, Existing existing) {
        OutputFile output(file, existing); // refuses before the work, not after it
        m_total = 4 + m_report.sections.size() + m_report.citations.size() + m_report.notes.size() +
                  m_report.sources.size();
        addTitle();
        for (const Section& section : m_report.sections)
            addSection(section);
        addNotes();
        addProduction();
        addQuotations();
        addSources();
        m_flow.finish();
        m_total = m_done + m_flow.pages().size();
        std::string bytes = drawPdf(
            m_flow, metadata(),
            [this](std::size_t page, std::size_t pages) { return foot(page, pages); },
            [this](std::size_t) { step(); });
        m_fileLinks.apply(bytes);
        output.write(bytes);
        output.commit();
        return static_cast<std::uint32_t>(m_flow.pages().size());
    }

  private:
    void step() {
        if (m_stop.stop_requested())
            throw Error(ErrorCode::Cancelled, "the export was stopped");
        ++m_done;
        if (m_progress)
            m_progress(m_done, std::max(m_done, m_total));
    }

    PdfMetadata metadata() const {
        PdfMetadata data;
        data.title = oneLine(m_report.title);
        data.author = oneLine(m_report.author);
        data.subject = "Report of the dossier " + oneLine(m_report.subject);
        data.keywords = countsText(m_report.counts);
        data.creator = m_report.production.program;
        data.created = isoDate(m_report.dateMs);
        return data;
    }

    ShapedPtr one(const std::string& text, const TextStyle& style, double width, double leading,
                  Align align = Align::Left) {
        return m_shaper.shape({{text, style, {}, {}, 0}}, width, leading, align);
    }

    // ------------------------------------------------------------ foot and notes

    std::vector<ShapedPtr> foot(std::size_t page, std::size_t pages) {
        const TextStyle style = serif(8, 400, kGrey);
        const double third = G::kColumn / 3;
        std::vector<ShapedPtr> parts;
        if (!m_report.confidentiality.empty())
            parts.push_back(one(elided(m_report.confidentiality, 40), style, third, 10));
        parts.push_back(one(elided(m_report.subject, 48), style, G::kColumn, 10, Align::Centre));
        parts.push_back(one(std::to_string(page + 1) + " / " + std::to_string(pages), style,
                            G::kColumn, 10, Align::Right));
        return parts;
    }

    std::string linkToFile(const std::string& path, std::uint32_t page) {
        return linkToUri(m_fileLinks.uri(path, page));
    }

    std::string placeLink(const ReportCitation& citation) {
        if (citation.source && citation.page) {
            const std::string& copy = m_report.sources[*citation.source].annotatedCopy;
            if (!copy.empty())
                return linkToFile(copy, *citation.page);
        }
        return citation.source ? linkTo("source-" + std::to_string(*citation.source))
                               : linkTo("quotation-" + n(citation.number));
    }

    std::uint32_t verdictColour(const ReportCitation& citation) const {
        return looksVerified(citation.verdict) ? kGreen : kNeutral;
    }

    /// "14  Lease of Unit 4, p. 14, cl. 5.2. Verified." at the foot of the page.
    ShapedPtr note(std::uint32_t number) {
        const auto found = m_notes.find(number);
        if (found != m_notes.end())
            return found->second;
        const ReportCitation& citation = m_report.citations[number - 1];
        const TextStyle style = serif(8.4);
        std::string where = elided(citation.document, 90);
        const std::string place = placeText(citation, m_report.printedLabels);
        if (!place.empty())
            where += (where.empty() ? "" : ", ") + place;
        std::vector<TextRun> runs;
        runs.push_back({"", style, {}, {}, 0}); // the style of the text sets the baseline
        runs.push_back({n(number), sansNumber(6.6), linkTo("quotation-" + n(number)), {}, 0});
        runs.push_back({"\t", style, {}, {}, 0});
        if (!where.empty())
            runs.push_back({where, style, placeLink(citation), {}, 0});
        runs.push_back({where.empty() ? "" : ". ", style, {}, {}, 0});
        if (citation.nearest)
            runs.push_back({"Nearest place, not an answer. ", style, {}, {}, 0});
        runs.push_back(
            {verdictText(citation), serif(8.4, 400, verdictColour(citation)), {}, {}, 0});
        const ShapedPtr shaped =
            m_shaper.shape(runs, G::kColumn, 11.6, Align::Left, number > 999 ? 22 : 14);
        m_notes.emplace(number, shaped);
        return shaped;
    }

    // ------------------------------------------------------------ title and headings

    void addTitle() {
        std::string kicker;
        for (const char c : oneLine(m_report.kicker))
            kicker += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        TextStyle small = serif(8.6, 400, kGrey);
        small.letterSpacing = 0.08 * small.size;
        m_flow.text(one(kicker, small, G::kColumn, 11), "P");
        m_flow.space(7);
        const std::string title = elided(m_report.title, 300);
        m_flow.outline(title, 0);
        m_flow.text(one(title, serif(21, 700), G::kColumn, 26), "H1");
        m_flow.space(11);
        m_flow.rule(1.2, kInk);
        m_flow.space(6);
        particular("To", m_report.recipient);
        particular("From", m_report.author);
        particular("Date", m_report.date);
        particular("Dossier", m_report.subject);
        particular("Sources", sourcesText(m_report));
        particular("Quotations", countsText(m_report.counts));
        m_flow.space(6);
        m_flow.rule(0.75, kRule);
        if (const std::string text = leftOutText(m_report.counts); !text.empty()) {
            m_flow.space(9);
            m_flow.text(one(text, serif(9.6, 400, kGrey), G::kColumn, 13), "P");
        }
        step();
    }

    void particular(const char* name, const std::string& value) {
        if (value.empty())
            return;
        m_flow.row({one(name, serif(9.6, 400, kGrey), 64, 13),
                    one(elided(value, 300), serif(9.6), G::kColumn - 64, 13)},
                   {0, 64}, 2.2);
    }

    void heading(const std::string& number, const std::string& title) {
        m_flow.space(15);
        m_flow.keep(15 + 5 + 13 + 4 * kLeading); // with the beginning of what follows
        m_flow.outline((number.empty() ? "" : number + "  ") + elided(title, 160), 0);
        const TextStyle style = serif(12.4, 700);
        const double indent = number.empty() ? 0 : kNumberColumn + (number.size() > 2 ? 7 : 0);
        const ShapedPtr text = one(oneLine(title), style, G::kColumn - indent, 15.5);
        if (number.empty())
            m_flow.text(text, "H1");
        else
            m_flow.labelled(one(number, style, indent, 15.5), text, "H1", 0, indent);
        m_flow.space(5);
    }

    void subheading(const std::string& text, const std::string& anchor = {}) {
        m_flow.space(8);
        m_flow.keep(15 + 2 * kLeading);
        m_flow.text(
            m_shaper.shape({{text, serif(kBody, 700), {}, anchor, 0}}, G::kColumn, kLeading), "H2");
        m_flow.space(3);
    }

    // ------------------------------------------------------------ answers

    void addReference(std::vector<TextRun>& runs, std::uint32_t number, double size) {
        TextStyle style = sansNumber(0.62 * size);
        style.rise = 0.35 * size;
        // A number stays with the quotation before it.
        TextStyle joiner = style;
        runs.push_back({"\u2060", joiner, {}, "reference-" + n(number), 0});
        std::string text = n(number);
        const std::string word = stateWord(m_report.citations[number - 1]);
        if (!word.empty()) {
            text += "\u00A0" + word;
            style.rgb = kNeutral;
        }
        runs.push_back({text, style, linkTo("quotation-" + n(number)), {}, number});
    }

    std::vector<TextRun> runsOf(const Spans& spans, const TextStyle& base) {
        std::vector<TextRun> runs;
        for (const Span& span : spans) {
            TextStyle style = base;
            if (span.bold)
                style.weight = 700;
            style.italic = base.italic || span.italic;
            if (span.code) {
                style.family = Family::Mono;
                style.size = base.size * 0.82;
            }
            runs.push_back({printable(span.text), style, {}, {}, 0});
            for (std::size_t i = 0; i < span.citations.size(); ++i) {
                if (i > 0)
                    runs.push_back({" ", style, {}, {}, 0});
                addReference(runs, span.citations[i], base.size);
            }
        }
        if (runs.empty())
            runs.push_back({"", base, {}, {}, 0});
        return runs;
    }

    void addBlock(const Block& block, const TextStyle& base) {
        switch (block.kind) {
        case BlockKind::Paragraph:
            m_flow.text(m_shaper.shape(runsOf(block.spans, base), G::kColumn, kLeading), "P");
            m_flow.space(kParagraph);
            break;
        case BlockKind::Heading: {
            TextStyle style = base;
            style.weight = 700;
            m_flow.space(4);
            m_flow.keep(3 * kLeading);
            m_flow.text(m_shaper.shape(runsOf(block.spans, style), G::kColumn, kLeading), "H2");
            m_flow.space(3);
            break;
        }
        case BlockKind::ListItem: {
            const double indent = kNumberColumn * std::min<double>(block.level, 6);
            m_flow.labelled(one(block.marker, base, 60, kLeading),
                            m_shaper.shape(runsOf(block.spans, base),
                                           G::kColumn - indent - kNumberColumn, kLeading),
                            "LI", indent, indent + kNumberColumn);
            m_flow.space(2);
            break;
        }
        case BlockKind::Quotation:
            addQuotation(block, base);
            break;
        case BlockKind::Code:
            addCode(block);
            break;
        case BlockKind::Table:
            addTable(block);
            break;
        }
    }

    void addQuotation(const Block& block, const TextStyle& base) {
        const double width = G::kColumn - 2 * 11 - 1.6;
        std::vector<TextRun> runs = runsOf(block.spans, base);
        std::string where;
        if (block.citation != 0) {
            addReference(runs, block.citation, base.size);
            const ReportCitation& citation = m_report.citations[block.citation - 1];
            where = elided(citation.document, 120);
            const std::string place = placeText(citation, m_report.printedLabels, true);
            where += (where.empty() || place.empty() ? "" : ", ") + place;
        }
        m_flow.space(1);
        m_flow.keep(12 + 3 * kLeading);
        Panel panel;
        if (block.citation != 0 && !looksVerified(m_report.citations[block.citation - 1].verdict)) {
            panel.ground = kQuietGround; // marker yellow is for words that stand in a source
            panel.bar = kRule;
        }
        m_flow.beginPanel(panel);
        m_flow.text(m_shaper.shape(runs, width, kLeading), "BlockQuote");
        if (!where.empty()) {
            m_flow.space(3);
            m_flow.text(m_shaper.shape({{where,
                                         serif(8.4, 400, kGrey),
                                         placeLink(m_report.citations[block.citation - 1]),
                                         {},
                                         0}},
                                       width, 11),
                        "P");
        }
        m_flow.endPanel();
        m_flow.space(7);
    }

    void addCode(const Block& block) {
        TextStyle style = serif(8.5);
        style.family = Family::Mono;
        std::vector<TextRun> runs;
        for (const Span& span : block.spans)
            runs.push_back({printable(span.text), style, {}, {}, 0});
        Panel panel;
        panel.ground = kCodeGround;
        panel.barWidth = 0;
        panel.inset = 8;
        m_flow.space(1);
        m_flow.keep(12 + 3 * 12.0);
        m_flow.beginPanel(panel);
        m_flow.text(m_shaper.shape(runs, G::kColumn - 16, 12), "Code");
        m_flow.endPanel();
        m_flow.space(7);
    }

    void addTable(const Block& block) {
        const std::size_t columns = std::max<std::size_t>(1, block.rows.front().size());
        const double width = G::kColumn / static_cast<double>(columns);
        std::vector<double> indents;
        for (std::size_t c = 0; c < columns; ++c)
            indents.push_back(width * static_cast<double>(c));
        m_flow.space(1);
        m_flow.keep(60);
        m_flow.rule(1.2, kInk);
        for (std::size_t r = 0; r < block.rows.size(); ++r) {
            std::vector<ShapedPtr> cells;
            for (std::size_t c = 0; c < std::min(columns, block.rows[r].size()); ++c)
                cells.push_back(
                    m_shaper.shape(runsOf(block.rows[r][c], serif(9, r == 0 ? 700 : 400)),
                                   std::max(12.0, width - 5), 12));
            m_flow.row(cells, indents, 3.6);
            m_flow.rule(0.75, r == 0 ? kInk : kRowRule);
        }
        m_flow.space(7);
    }

    void addRemarks(const Section& section) {
        for (const std::string& remark : section.remarks) {
            m_flow.text(one(oneLine(remark), serif(9.6, 400, kGrey), G::kColumn, 13), "P");
            m_flow.space(4);
        }
    }

    void addSection(const Section& section) {
        heading(n(section.number), section.title);
        if (section.notFound)
            addRemarks(section);
        for (const Block& block : section.blocks) {
            addBlock(block, serif(kBody));
            if (m_stop.stop_requested())
                step();
        }
        if (!section.notFound)
            addRemarks(section);
        if (!section.thinking.empty()) {
            subheading("Thinking");
            for (const Block& block : section.thinking)
                addBlock(block, serif(9.4, 400, kGrey));
        }
        if (!section.how.empty())
            m_flow.text(one(section.how, serif(8.4, 400, kGrey), G::kColumn, 11.6), "P");
        step();
    }

    // ------------------------------------------------------------ notes and appendix

    void addNotes() {
        if (m_report.notes.empty())
            return;
        heading(n(nextNumber()), "Notes by source");
        std::size_t source = m_report.sources.size();
        for (const ReportNote& note : m_report.notes) {
            if (note.source != source) {
                source = note.source;
                subheading(elided(m_report.sources[source].name, 120));
            }
            addNote(note);
            step();
        }
    }

    void addNote(const ReportNote& note) {
        const std::string& copy = m_report.sources[note.source].annotatedCopy;
        const std::string link = !copy.empty() && note.page
                                     ? linkToFile(copy, *note.page)
                                     : linkTo("source-" + std::to_string(note.source));
        std::string where = placeText(note, m_report.printedLabels);
        where += (where.empty() ? "" : " · ") + kindText(note.kind);
        if (!note.author.empty())
            where += " · " + elided(note.author, 60);
        const double indent = 26, width = G::kColumn - indent;
        m_flow.keep(40);
        m_flow.labelled(one("N" + n(note.number), sansNumber(7.4), indent, 12.4),
                        m_shaper.shape({{where, serif(8.4, 400, kGrey), link, {}, 0}}, width, 12.4),
                        "P", 0, indent);
        if (!note.quote.empty())
            m_flow.text(one("“" + elided(note.quote, 600) + "”", italic(9.6), width, 13), "P",
                        indent);
        if (!note.note.empty())
            m_flow.text(one(printable(note.note), serif(9.6), width, 13), "P", indent);
        m_flow.space(6);
    }

    static TextStyle italic(double size) {
        TextStyle style = serif(size);
        style.italic = true;
        return style;
    }

    std::uint32_t nextNumber() {
        if (m_number == 0)
            m_number = static_cast<std::uint32_t>(m_report.sections.size());
        return ++m_number;
    }

    void made(const char* name, const std::string& value) {
        if (!value.empty())
            m_flow.row({one(name, serif(9, 400, kGrey), 100, 12.4),
                        one(elided(value, 400), serif(9), G::kColumn - 104, 12.4)},
                       {0, 104}, 1.6);
    }

    void addProduction() {
        m_flow.keep(190); // it reads as one table
        heading(n(nextNumber()), "How this was made");
        const Production& production = m_report.production;
        made("Model", production.model);
        made("Depth", production.levels);
        made("Engine", production.engine);
        made("Program", production.program);
        made("Computer", "one local computer, produced offline");
        made("Quotations", countsText(m_report.counts));
        made("Forced", forcedText(m_report.counts));
        made("Left out",
             m_report.counts.statementsLeftOut == 0
                 ? "nothing"
                 : counted(m_report.counts.statementsLeftOut, "statement", "statements") +
                       " whose quotation could not be verified");
        made("Date", m_report.date);
        made("Sources", "listed with SHA-256 at the end");
        step();
    }

    void addQuotations() {
        if (m_report.citations.empty())
            return;
        m_flow.newPage();
        heading("", "Appendix A: quotations");
        for (const ReportCitation& citation : m_report.citations) {
            addQuotationEntry(citation);
            step();
        }
    }

    void addQuotationEntry(const ReportCitation& citation) {
        const double indent = 26, width = G::kColumn - indent;
        const std::string number = n(citation.number);
        m_flow.keep(2 * 12.4 + 11.6);
        const ShapedPtr label = m_shaper.shape(
            {{number, sansNumber(7.4), linkTo("reference-" + number), {}, 0}}, indent, 12.4);
        m_flow.labelled(
            label,
            m_shaper.shape(
                {{"“" + oneLine(citation.quote) + "”", serif(9), {}, "quotation-" + number, 0}},
                width, 12.4),
            "P", 0, indent);
        std::vector<TextRun> runs;
        const TextStyle grey = serif(8.4, 400, kGrey);
        std::string where = elided(citation.document, 120);
        const std::string place = placeText(citation, m_report.printedLabels);
        where += (where.empty() || place.empty() ? "" : ", ") + place;
        if (!where.empty()) {
            runs.push_back({where,
                            grey,
                            citation.source ? linkTo("source-" + std::to_string(*citation.source))
                                            : std::string(),
                            {},
                            0});
            runs.push_back({". ", grey, {}, {}, 0});
        }
        if (citation.nearest)
            runs.push_back({"Nearest place, not an answer. ", grey, {}, {}, 0});
        runs.push_back(
            {verdictText(citation), serif(8.4, 400, verdictColour(citation)), {}, {}, 0});
        if (citation.source && citation.page &&
            !m_report.sources[*citation.source].annotatedCopy.empty())
            runs.push_back({"  Open the page", serif(8.4, 400, kBlue), placeLink(citation), {}, 0});
        m_flow.text(m_shaper.shape(runs, width, 11.6), "P", indent);
        m_flow.space(5);
    }

    void addSources() {
        if (m_report.citations.empty())
            m_flow.newPage();
        heading("", m_report.citations.empty() ? "Appendix: sources" : "Appendix B: sources");
        for (std::size_t i = 0; i < m_report.sources.size(); ++i) {
            addSource(i);
            step();
        }
        if (m_report.sources.empty())
            m_flow.text(one("None.", serif(9), G::kColumn, 12.4), "P");
    }

    void addSource(std::size_t index) {
        const ReportSource& source = m_report.sources[index];
        const TextStyle grey = serif(8.4, 400, kGrey);
        m_flow.keep(12.4 + 2 * 11.6);
        std::vector<TextRun> runs = {
            {elided(source.name, 160), serif(9, 700), {}, "source-" + std::to_string(index), 0},
            {"   " + sourceFacts(source), grey, {}, {}, 0}};
        if (!source.annotatedCopy.empty()) {
            runs.push_back({"   ", grey, {}, {}, 0});
            runs.push_back({"annotated copy",
                            serif(8.4, 400, kBlue),
                            linkToFile(source.annotatedCopy, 0),
                            {},
                            0});
        }
        m_flow.text(m_shaper.shape(runs, G::kColumn, 12.4), "P");
        if (const std::string why = copyFailedText(source); !why.empty())
            m_flow.text(one(elided(why, 400), serif(8.4, 400, kNeutral), G::kColumn, 11.6), "P");
        TextStyle mono = serif(7.2, 400, kGrey);
        mono.family = Family::Mono;
        m_flow.text(one("SHA-256 " + oneLine(source.sha256), mono, G::kColumn, 11), "P");
        if (!source.citations.empty()) {
            std::vector<TextRun> back = {{"Quoted in ", grey, {}, {}, 0}};
            for (const std::uint32_t number : source.citations) {
                if (back.size() > 1)
                    back.push_back({", ", grey, {}, {}, 0});
                back.push_back(
                    {n(number), serif(8.4, 400, kBlue), linkTo("quotation-" + n(number)), {}, 0});
            }
            m_flow.text(m_shaper.shape(back, G::kColumn, 11.6), "P");
        }
        m_flow.space(6);
    }

    const Report& m_report;
    const ReportProgressFn& m_progress;
    std::stop_token m_stop;
    std::uint64_t m_done = 0, m_total = 0;
    TextShaper m_shaper;
    FileLinks m_fileLinks;
    Flow m_flow;
    std::unordered_map<std::uint32_t, ShapedPtr> m_notes;
    std::uint32_t m_number = 0;
};

} // namespace

std::uint32_t writePdf(const Report& report, const std::filesystem::path& file, Existing existing,
                       const ReportProgressFn& progress, std::stop_token stop) {
    return PdfReport(report, progress, std::move(stop)).write(file, existing);
}

} // namespace dossier::app::report
