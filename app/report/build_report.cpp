// SPDX-License-Identifier: GPL-3.0-or-later
// From the values of the store to the values of a report.
#include "app/report/build_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "app/asking/sections.h"
#include "app/report/answer_blocks.h"
#include "app/report/words.h"

namespace dossier::app::report {
namespace {

void addOnce(std::vector<std::string>& list, const std::string& item) {
    if (!item.empty() && std::find(list.begin(), list.end(), item) == list.end())
        list.push_back(item);
}

std::string joined(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& item : list)
        text += (text.empty() ? "" : ", ") + item;
    return text;
}

class Builder {
  public:
    Builder(const DossierSnapshot& dossier, const ReportOptions& options,
            const DocumentFn& document)
        : m_dossier(dossier), m_options(options), m_document(document) {
        for (const Answer& answer : dossier.answers)
            m_answers[static_cast<long long>(answer.id)] = &answer;
    }

    Report run() {
        m_report.title = m_options.title.empty() ? m_dossier.name : m_options.title;
        m_report.subject = m_dossier.name;
        m_report.author = m_options.author;
        m_report.recipient = m_options.recipient;
        m_report.confidentiality = m_options.confidentiality;
        m_report.printedLabels = m_options.printedLabels;
        m_report.dateMs = m_dossier.takenMs;
        m_report.date = dateText(m_dossier.takenMs);
        addSources();
        for (const Question* question : chosenQuestions())
            addSection(*question);
        if (m_options.withNotes)
            addNotes();
        for (const ReportCitation& citation : m_report.citations) {
            if (citation.source)
                m_report.sources[*citation.source].citations.push_back(citation.number);
        }
        m_report.production.model = joined(m_models);
        m_report.production.levels = joined(m_levels);
        m_report.production.engine = m_options.engine;
        m_report.production.program = m_options.program;
        return std::move(m_report);
    }

  private:
    /// Sources that took part, and those that an answer or mark stands in all the same.
    void addSources() {
        std::set<long long> needed;
        for (const Answer& answer : m_dossier.answers) {
            for (const Citation& citation : answer.citations) {
                if (citation.place)
                    needed.insert(static_cast<long long>(citation.place->source));
            }
        }
        for (const Mark& mark : m_dossier.marks)
            needed.insert(static_cast<long long>(mark.source));
        for (const Source& source : m_dossier.sources) {
            const auto id = static_cast<long long>(source.id);
            const bool takesPart = source.included && source.state == SourceState::Ready;
            if (!takesPart && needed.count(id) == 0)
                continue;
            m_sources[id] = m_report.sources.size();
            ReportSource entry;
            entry.id = source.id;
            entry.name = source.path();
            entry.sha256 = source.sha256;
            entry.bytes = source.fileBytes;
            entry.pages = source.pages;
            entry.lines = source.lines;
            entry.tokens = source.tokens;
            entry.pdf = source.format == ingest::Format::Pdf;
            m_report.production.tokens += source.tokens.value_or(0);
            m_report.production.tokensExact &= source.tokens.has_value();
            m_report.sources.push_back(std::move(entry));
        }
    }

    std::vector<const Question*> chosenQuestions() const {
        std::vector<const Question*> chosen;
        if (m_options.questions.empty()) {
            for (const Question& question : m_dossier.questions)
                chosen.push_back(&question);
            std::stable_sort(chosen.begin(), chosen.end(),
                             [](const auto* a, const auto* b) { return a->askedMs < b->askedMs; });
            return chosen;
        }
        for (const QuestionId id : m_options.questions) {
            const auto found =
                std::find_if(m_dossier.questions.begin(), m_dossier.questions.end(),
                             [&](const Question& question) { return question.id == id; });
            if (found == m_dossier.questions.end())
                throw Error(ErrorCode::InvalidArgument,
                            "question " + std::to_string(static_cast<long long>(id)) +
                                " is not in this dossier",
                            "Choose among the questions that the dossier holds");
            chosen.push_back(&*found);
        }
        return chosen;
    }

    const Answer* answerOf(const Question& question) const {
        const Answer* best = nullptr;
        for (const AnswerId id : question.answers) {
            const auto found = m_answers.find(static_cast<long long>(id));
            if (found == m_answers.end())
                continue;
            const Answer* answer = found->second;
            const bool whole =
                answer->state == AnswerState::Done || answer->state == AnswerState::NotFound;
            const bool bestWhole = best != nullptr && (best->state == AnswerState::Done ||
                                                       best->state == AnswerState::NotFound);
            if (best == nullptr || whole || !bestWhole)
                best = answer;
        }
        return best;
    }

    std::string sourceName(SourceId id, const std::string& fallback) const {
        const auto found = m_sources.find(static_cast<long long>(id));
        return found == m_sources.end() ? fallback : m_report.sources[found->second].name;
    }

    std::uint32_t addCitation(const Citation& citation, bool nearest) {
        ReportCitation entry;
        entry.number = static_cast<std::uint32_t>(m_report.citations.size() + 1);
        entry.quote = citation.quote;
        entry.verdict = citation.verdict;
        entry.percent = citation.percent;
        entry.forced = citation.forced;
        entry.nearest = nearest;
        entry.named = citation.named;
        entry.document = citation.document;
        entry.question = m_report.sections.size();
        if (citation.place) {
            const Place& place = *citation.place;
            const auto found = m_sources.find(static_cast<long long>(place.source));
            if (found != m_sources.end())
                entry.source = found->second;
            entry.document = sourceName(place.source, citation.document);
            entry.page = place.page;
            entry.pageLabel = place.pageLabel;
            entry.line = place.line;
            entry.section = place.section;
            entry.range = place.range;
        } else if (entry.document.empty()) {
            entry.document = citation.named;
        }
        m_report.citations.push_back(entry);
        return entry.number;
    }

    void count(const Citation& citation) {
        Counts& counts = m_report.counts;
        switch (citation.verdict) {
        case Verdict::Verified:
            ++counts.verified;
            break;
        case Verdict::VerifiedNormalised:
            ++counts.normalised;
            break;
        case Verdict::Partial:
            ++counts.partial;
            break;
        case Verdict::OtherDocument:
            ++counts.elsewhere;
            break;
        case Verdict::NotFound:
            ++counts.notFound;
            break;
        }
        counts.forced += citation.forced ? 1 : 0;
    }

    void addSection(const Question& question) {
        Section section;
        section.number = static_cast<std::uint32_t>(m_report.sections.size() + 1);
        section.title = question.text;
        if (const Answer* answer = answerOf(question))
            fill(section, *answer);
        else
            section.remarks.push_back("Not answered yet.");
        m_report.sections.push_back(std::move(section));
    }

    void fill(Section& section, const Answer& answer) {
        addOnce(m_models, answer.model);
        section.how = levelTitle(answer, m_dossier.levels);
        addOnce(m_levels, section.how);
        if (answer.seconds > 0)
            section.how += " · " + std::to_string(std::max(1L, std::lround(answer.seconds))) + " s";
        if (answer.state == AnswerState::NotFound) {
            fillNotFound(section, answer);
        } else {
            fillAnswer(section, answer);
            if (answer.state == AnswerState::Stopped)
                section.remarks.push_back("Stopped before its end.");
            else if (answer.state == AnswerState::Failed)
                section.remarks.push_back(
                    "The answer failed: " +
                    (answer.failure ? answer.failure->failed : std::string("no reason recorded")) +
                    ".");
            else if (answer.state != AnswerState::Done)
                section.remarks.push_back("Not finished when this report was made.");
        }
        if (m_options.withThinking && !answer.thinking.empty())
            section.thinking = parseAnswer(answer.thinking, {}).blocks;
    }

    void fillAnswer(Section& section, const Answer& answer) {
        ParsedAnswer parsed = parseAnswer(answer.text, answer.citations);
        for (const Citation& citation : answer.citations)
            count(citation);
        for (const std::uint32_t number : parsed.unplaced) {
            Block block;
            block.kind = BlockKind::Quotation;
            block.spans.push_back({answer.citations[number - 1].quote, false, false, false, {}});
            block.citation = number;
            parsed.blocks.push_back(std::move(block));
        }
        if (!m_options.withUnverified) {
            section.leftOut = leaveOut(parsed.blocks, [&](std::uint32_t number) {
                return looksVerified(answer.citations[number - 1].verdict);
            });
            m_report.counts.statementsLeftOut += section.leftOut;
        }
        movePunctuation(parsed.blocks);
        renumber(parsed.blocks, [&](std::uint32_t number) {
            return addCitation(answer.citations[number - 1], false);
        });
        for (Block& block : parsed.blocks) {
            // The quotation itself, without the marks of the answer.
            if (block.kind == BlockKind::Quotation && block.citation != 0)
                block.spans = {
                    {m_report.citations[block.citation - 1].quote, false, false, false, {}}};
        }
        section.blocks = std::move(parsed.blocks);
        if (section.leftOut > 0)
            section.remarks.push_back(
                (section.leftOut == 1 ? std::string("One statement")
                                      : grouped(section.leftOut) + " statements") +
                " left out: " + (section.leftOut == 1 ? "its quotation" : "their quotations") +
                " could not be verified.");
        // What became of the answer's sources since, or what it was asked without.
        if (!answer.searched.empty())
            section.remarks.push_back("Note: " + answer.searched + ".");
        if (section.blocks.empty() && section.leftOut == 0)
            section.remarks.push_back("The answer is empty.");
    }

    void fillNotFound(Section& section, const Answer& answer) {
        section.notFound = true;
        section.remarks.push_back(
            "Not found in the documents." +
            (answer.searched.empty() ? "" : " Searched: " + answer.searched + "."));
        if (!answer.nearest || !answer.nearest->place ||
            (!m_options.withUnverified && !looksVerified(answer.nearest->verdict)))
            return;
        section.remarks.push_back("The place that comes nearest, which is not an answer:");
        Block block;
        block.kind = BlockKind::Quotation;
        block.citation = addCitation(*answer.nearest, true);
        block.spans.push_back({answer.nearest->quote, false, false, false, {}});
        section.blocks.push_back(std::move(block));
    }

    void addNotes() {
        std::vector<const Mark*> marks;
        for (const Mark& mark : m_dossier.marks) {
            if (m_sources.count(static_cast<long long>(mark.source)) > 0)
                marks.push_back(&mark);
        }
        std::stable_sort(marks.begin(), marks.end(), [&](const Mark* a, const Mark* b) {
            const auto key = [&](const Mark* mark) {
                return std::pair(m_sources.at(static_cast<long long>(mark->source)),
                                 mark->range.begin);
            };
            return key(a) < key(b);
        });
        for (const Mark* mark : marks)
            addNote(*mark);
    }

    void addNote(const Mark& mark) {
        ReportNote note;
        note.number = static_cast<std::uint32_t>(m_report.notes.size() + 1);
        note.source = m_sources.at(static_cast<long long>(mark.source));
        note.quote = mark.quote;
        note.note = mark.note;
        note.author = mark.author;
        note.kind = mark.kind;
        note.rgb = mark.rgb;
        note.range = mark.range;
        const DocumentPtr document = m_document ? m_document(mark.source) : nullptr;
        if (document && mark.range.begin <= document->text.size()) {
            note.page = ingest::pageOf(*document, mark.range.begin);
            if (note.page)
                note.pageLabel = document->pages.at(*note.page).label;
            else
                note.line = ingest::lineOf(*document, mark.range.begin);
            note.section = sectionAt(*document, mark.range.begin);
        }
        m_report.notes.push_back(std::move(note));
    }

    const DossierSnapshot& m_dossier;
    const ReportOptions& m_options;
    const DocumentFn& m_document;
    std::unordered_map<long long, const Answer*> m_answers;
    std::unordered_map<long long, std::size_t> m_sources;
    std::vector<std::string> m_models, m_levels;
    Report m_report;
};

} // namespace

Report buildReport(const DossierSnapshot& dossier, const ReportOptions& options,
                   const DocumentFn& document) {
    return Builder(dossier, options, document).run();
}

} // namespace dossier::app::report
