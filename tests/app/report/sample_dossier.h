// SPDX-License-Identifier: GPL-3.0-or-later
// A small dossier in memory, as the store would hand it over: three sources, answers of each kind,
// marks. The texts are those of the design's report page.
#pragma once

#include <string>

#include "app/model_types.h"

namespace dossier::test {

struct QuoteSpec {
    std::string quote;
    app::Verdict verdict = app::Verdict::Verified;
    long long source = 1; ///< 0 = none
    std::uint32_t page = 13;
    std::string label = "14", section = "5.2";
    std::uint64_t begin = 0;
};

/// Finds the quotation with its marks (“...”, "..." or «...») in the answer and cites it.
inline void cite(app::Answer& answer, const QuoteSpec& spec) {
    app::Citation citation;
    citation.number = static_cast<std::uint32_t>(answer.citations.size() + 1);
    citation.quote = spec.quote;
    citation.verdict = spec.verdict;
    citation.percent = spec.verdict == app::Verdict::Partial ? 89 : 100;
    const std::string marked = "“" + spec.quote + "”";
    if (const auto at = answer.text.find(marked); at != std::string::npos)
        citation.inAnswer = {at, at + marked.size()};
    if (spec.source != 0) {
        app::Place place;
        place.source = app::SourceId{spec.source};
        place.range = {spec.begin, spec.begin + spec.quote.size()};
        place.section = spec.section;
        if (spec.source == 1) {
            place.page = spec.page;
            place.pageLabel = spec.label;
        }
        place.line = spec.source == 1 ? 0 : 33;
        citation.place = place;
        citation.document = spec.source == 1 ? "Lease Unit 4.pdf" : "Deed of variation.docx";
    }
    answer.citations.push_back(std::move(citation));
}

inline app::Source source(long long id, const std::string& name, ingest::Format format) {
    app::Source made;
    made.id = app::SourceId{id};
    made.name = name;
    made.format = format;
    made.state = app::SourceState::Ready;
    made.sha256 = std::string(63, 'a') + std::to_string(id % 10);
    made.fileBytes = 96'500;
    made.tokens = 61'204;
    made.pages = format == ingest::Format::Pdf ? 12 : 0;
    made.lines = format == ingest::Format::Pdf ? 0 : 96;
    return made;
}

inline app::Answer& addQuestion(app::DossierSnapshot& dossier, const std::string& text,
                                const std::string& answerText) {
    const auto id = static_cast<long long>(dossier.questions.size() + 1);
    app::Question question;
    question.id = app::QuestionId{id};
    question.number = static_cast<std::uint32_t>(id);
    question.text = text;
    question.level = "high";
    question.askedMs = 1'795'000'000'000 + id * 60'000;
    question.answers = {app::AnswerId{id}};
    dossier.questions.push_back(question);
    app::Answer answer;
    answer.id = app::AnswerId{id};
    answer.question = question.id;
    answer.state = app::AnswerState::Done;
    answer.text = answerText;
    answer.model = "DeepSeek-V4-Flash, April preview (5f1c20aa)";
    answer.level = "high";
    answer.seconds = 18.2;
    dossier.answers.push_back(answer);
    return dossier.answers.back();
}

inline void addHarbourAnswers(app::DossierSnapshot& dossier) {
    using app::Verdict;
    {
        app::Answer& answer = addQuestion(
            dossier, "Who pays for structural repairs to Unit 4?",
            "The landlord pays for structural repairs to Unit 4. It “shall bear the cost of doing "
            "so” and “no part of that cost shall be recoverable through the Service Charge”, "
            "unless the disrepair results from the tenant’s own act or default.\n\n"
            "A tenant who reports a defect late does not lose the right to repair. It bears only "
            "the share of the cost that the delay caused, at most one quarter of the Principal "
            "Rent of that year.\n");
        cite(answer, {"shall bear the cost of doing so"});
        cite(answer, {"no part of that cost shall be recoverable through the Service Charge"});
    }
    {
        app::Answer& answer = addQuestion(
            dossier, "What exactly is the duty to repair?",
            "The duty and its cost are placed on the landlord in one sentence of the lease:\n\n"
            "[3] “The Landlord shall keep the Structure in good and substantial repair and shall "
            "bear the cost of doing so, and no part of that cost shall be recoverable through the "
            "Service Charge”\n\n"
            "“Structure” is defined widely. It takes in “the roof, foundations, external and "
            "load-bearing walls” of the building in which the unit stands.\n\n"
            "The exception is narrow. It needs an act or default of the tenant, or of a person who "
            "is at the unit with the tenant’s authority, and it covers only the damage that "
            "results from it. The landlord has to show both.\n\n"
            "The tenant need not wait. If works do not begin “within twenty-eight (28) days of "
            "notice, or immediately in an emergency” the tenant may carry them out and recover the "
            "proper cost “as a debt”. The tenant “may also withhold the rent in full until then”.");
        cite(answer, {"The Landlord shall keep the Structure in good and substantial repair and "
                      "shall bear the cost of doing so, and no part of that cost shall be "
                      "recoverable through the Service Charge"});
        cite(answer, {"the roof, foundations, external and load-bearing walls",
                      Verdict::VerifiedNormalised, 1, 5, "6", "1.1", 900});
        cite(answer, {"within twenty-eight (28) days of notice, or immediately in an emergency",
                      Verdict::Verified, 1, 13, "14", "5.8", 1800});
        cite(answer, {"as a debt", Verdict::Verified, 1, 13, "14", "5.8", 1900});
        cite(answer, {"may also withhold the rent in full until then", Verdict::NotFound, 0});
    }
    {
        app::Answer& answer = addQuestion(
            dossier, "What does late notice cost?",
            "The lease asks for written notice “within thirty (30) days after the Tenant becomes "
            "aware” of a defect. The deed of 2021 replaced that period with “sixty (60) days”.\n\n"
            "| Lease | Structural repair | Days for notice | Result |\n|---|---|---|---|\n"
            "| Unit 1 | Landlord | 60 | Pass |\n| Unit 2 | Landlord | **10** | **Fail:** period "
            "too short |\n| Units 5–6 | Landlord | 60 | Pass |\n\n"
            "1. Keep a dated copy of every notice of disrepair; the days run from awareness.\n"
            "2. Ask for the register kept by the Building Manager under clause 5.7.\n");
        cite(answer, {"within thirty (30) days after the Tenant becomes aware", Verdict::Verified,
                      1, 13, "14", "5.3", 2000});
        cite(answer, {"sixty (60) days", Verdict::VerifiedNormalised, 2, 0, "", "3.1", 40});
        answer.citations.back().forced = true;
    }
}

inline app::DossierSnapshot harbourWharf() {
    app::DossierSnapshot dossier;
    dossier.name = "Harbour Wharf";
    dossier.takenMs = 1'795'430'000'000; // 23 November 2026
    dossier.sources = {source(1, "Lease Unit 4.pdf", ingest::Format::Pdf),
                       source(2, "Deed of variation.docx", ingest::Format::Docx),
                       source(3, "recovery.cpp", ingest::Format::Code)};
    dossier.sources[2].folder = "quillstore/src";
    addHarbourAnswers(dossier);
    {
        app::Answer& answer =
            addQuestion(dossier, "Must the tenant insure the structure?", "Not found.");
        answer.state = app::AnswerState::NotFound;
        answer.text = "Not found in the documents";
        answer.searched = "3 documents, 183,612 tokens";
        app::Answer nearest;
        nearest.text = "";
        cite(nearest, {"The Tenant shall maintain during the Term, at its own expense, public "
                       "liability insurance",
                       app::Verdict::Verified, 1, 5, "4", "4.4", 700});
        answer.nearest = nearest.citations.front();
    }
    app::Mark mark;
    mark.id = app::MarkId{1};
    mark.source = app::SourceId{1};
    mark.range = {1000, 1060};
    mark.quote = "The Landlord has no right to terminate this Lease for convenience.";
    mark.note = "Ask for the same in the leases of Units 2 and 3.";
    mark.author = "M. K.";
    dossier.marks = {mark};
    return dossier;
}

} // namespace dossier::test
