// SPDX-License-Identifier: GPL-3.0-or-later
// What the invented dossiers hold.
#include <fstream>

#include "tests/ingest/support/direct_reader.h"
#include "tests/ui/support/demo_state.h"

namespace dossier::app {
namespace {

/// A document of plain text, as the text reader would make it.
DocumentPtr textDocument(std::string text, ingest::Format format, const std::string& language) {
    auto document = std::make_shared<ingest::Document>();
    document->format = format;
    document->language = language;
    document->encoding = "UTF-8";
    document->text = std::move(text);
    std::uint64_t begin = 0;
    const std::string& all = document->text;
    while (begin < all.size()) {
        const std::size_t newline = all.find('\n', begin);
        const std::uint64_t end = newline == std::string::npos ? all.size() : newline;
        if (end > begin) {
            ingest::Block block{{begin, end}, ingest::BlockKind::Paragraph, 0};
            if (format != ingest::Format::Code && all[begin] == '#') {
                block.kind = ingest::BlockKind::Heading;
                block.level = 1;
            }
            document->blocks.push_back(block);
        }
        begin = end + 1;
    }
    return document;
}

std::string fileText(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

void Session::Impl::build() {
    threads.push_back({static_cast<ThreadId>(1), "main", std::nullopt, 0});
    levels = {{"none", "Non-think", "Facts and look-ups. Shares what is already read.",
               "about 12 s", LevelState::Ready, "Ready", 1},
              {"high", "Think High", "Analysis, the default. Shares what is already read.",
               "about 40 s", LevelState::Ready, "Ready", 1},
              {"max", "Think Max", "Deepest. Reads the sources once for itself.", "about 6 min",
               LevelState::NeedsReading, "Needs about 44 min and 3.7 GB", 0}};
    if (test::demoSettings().lowDepths) {
        levels = {{"none", "Non-think", "Facts and look-ups. Shares what is already read.",
                   "about 12 s", LevelState::Ready, "Ready", 1},
                  {"low", "Think Low", "Analysis, the default. Shares what is already read.",
                   "about 40 s", LevelState::Ready, "Ready", 1},
                  {"high", "Think High", "Hard questions. Reads the sources once for itself.",
                   "about 2 min", LevelState::Preparing, "Preparing 42 %", 0.42},
                  {"max", "Think Max", "Deepest. Reads the sources once for itself.", "about 6 min",
                   LevelState::NeedsReading, "Needs about 44 min and 3.7 GB", 0}};
        reading.state = ReadingStatus::State::Reading;
        reading.level = "high";
        reading.done = 341'185;
        reading.total = 812'344;
        reading.perSecond = 314;
    }
    if (name == "lease") {
        buildLease();
    } else if (name == "code") {
        buildCode();
    } else if (name == "many") {
        buildMany();
    } else {
        buildBare();
    }
}

SourceId Session::Impl::lease(const std::string& sourceName, const std::string& folder,
                              std::uint64_t tokens) {
    static const DocumentPtr document = [] {
        return std::make_shared<const ingest::Document>(
            test::DirectReader().read(test::demoLeasePdf(), {}, {}, {}));
    }();
    const SourceId id = add(sourceName, folder, ingest::Format::Pdf, tokens, 12);
    back(id, test::demoLeasePdf(), document);
    return id;
}

void Session::Impl::buildBare() {
    name = "bare";
    lease("Lease Unit 4.pdf", "", 5'204);
    const SourceId text = add("durability.md", "", ingest::Format::Markdown, 312);
    back(text, test::demoData("durability.md"),
         textDocument(fileText(test::demoData("durability.md")), ingest::Format::Markdown, ""));
    use = {5'516, 4'096, 65'536, true, true, {}};
}

void Session::Impl::buildMany() {
    for (int i = 0; i < 20'000; ++i) {
        const SourceId id =
            add("file" + std::to_string(i) + ".cpp", "big/dir" + std::to_string(i / 200),
                ingest::Format::Code, static_cast<std::uint64_t>(100 + i % 900));
        back(id, {}, nullptr);
    }
    use = {11'000'000, 65'536, 1'048'576, true, true, {}};
}

void Session::Impl::buildLanes() {
    LaneEntry shared;
    shared.name = "5bfa0d04a2c98e11";
    shared.usedMs = 1'795'530'000'000;
    shared.info.tokens = 812'344;
    shared.info.fileBytes = 2'980'000'000;
    shared.info.modelName = "DeepSeek-V4-Flash";
    shared.info.contents.frontiers.resize(64);
    shared.levels = {"Non-think", "Think High"};
    LaneEntry deep = shared;
    deep.levels = {"Think Max"};
    deep.name = "c04aa2e17b30cd5f";
    deep.usedMs = 1'795'100'000'000;
    deep.info.tokens = 341'100;
    deep.info.fileBytes = 1'240'000'000;
    deep.info.prefix = "Reasoning Effort: Absolute maximum.\nMore.";
    deep.info.contents.frontiers.resize(27);
    deep.elsewhere = "/media/archive/lanes/c04aa2e17b30cd5f.lane";
    shared.checked = {1'795'500'000'000, "good"};
    lanes = {shared, deep};
    outlooks["none"] = {"none", 812'344, 0, 812'344, 0, 0, 0, {}};
    outlooks["high"] = {"high", 812'344, 0, 812'344, 0, 0, 0, {}};
    outlooks["max"] = {"max", 341'100, 471'244, 812'344, 1'700'000'000, 2640, 178, {}};
}

void Session::Impl::buildLease() {
    name = "Harbour Wharf";
    buildLanes();
    const char* leases = "Leases";
    lease("Lease Unit 1.pdf", leases, 58'930);
    lease("Lease Unit 2.pdf", leases, 60'417);
    lease("Lease Unit 3.pdf", leases, 57'288);
    const SourceId unit4 = lease("Lease Unit 4.pdf", leases, 61'204);
    lease("Lease Units 5–6.pdf", leases, 72'655);
    lease("Lease Unit 7.pdf", leases, 59'871);
    lease("Lease Unit 8.pdf", leases, 61'441);
    const char* deeds = "Deeds and licences";
    const SourceId deed = add("Deed of variation.docx", deeds, ingest::Format::Docx, 22'940);
    back(deed, {},
         textDocument("DEED OF VARIATION\n\nThis deed is made on 3 May 2021.\n\n3. Notice of "
                      "disrepair. In clause 5.3 of the Lease the words “thirty (30) days” are "
                      "deleted and replaced by “sixty (60) days”.\n",
                      ingest::Format::Docx, ""));
    lease("Licence to alter.pdf", deeds, 31'506);
    lease("Rent deposits.pdf", deeds, 63'916);
    const char* surveys = "Surveys";
    lease("Condition.pdf", surveys, 48'115);
    lease("Roof survey.pdf", surveys, 27'604);
    Source& photos = at(lease("Photographs.pdf", surveys, 0));
    photos.tokens.reset();
    photos.pages = photos.pagesWithoutText = 40;
    photos.included = false;
    for (int i = 0; i < 3; ++i) {
        const SourceId mail = add("2024-0" + std::to_string(i + 1) + ".txt", "Correspondence",
                                  ingest::Format::Text, 62'152);
        back(mail, {}, textDocument("Dear Sirs,\n", ingest::Format::Text, ""));
    }
    use = {812'344, 65'536, 1'048'576, true, true, {}};
    threads.push_back({static_cast<ThreadId>(2), "late notice", std::nullopt, 0});
    threads.push_back({static_cast<ThreadId>(3), "without the deed", std::nullopt, 0});
    const std::string older[] = {"When does the lease of Unit 4 end?",
                                 "Is there a break right, and when?",
                                 "How is the rent reviewed?",
                                 "Who insures the building?",
                                 "What may the tenant alter?",
                                 "Is the rent deposit held on trust, and who gets the interest?"};
    for (const std::string& text : older) {
        Answer& answer = answerTo(ask(threads[0].id, text, "high"));
        answer.text = "See the clause.";
        for (std::uint32_t i = 1; i <= 3; ++i) {
            answer.citations.push_back(cite(i, Verdict::Verified, "The Tenant shall",
                                            find(unit4, "The Tenant shall", "5.1")));
        }
    }
    Answer& answer =
        answerTo(ask(threads[0].id,
                     "Who pays for structural repairs to Unit 4, and what does the tenant lose by "
                     "reporting a defect late?",
                     test::demoSettings().lowDepths ? "low" : "high"));
    answer.thinking = "The question has two parts. Clause 5.2 puts the duty on the landlord…";
    answer.thinkingTokens = 1204;
    answer.thinkingSeconds = 18;
    answer.answerTokens = 214;
    answer.tokensPerSecond = 12.1;
    answer.text =
        "**The landlord pays.** It must keep the Structure in repair and “shall bear the cost "
        "of "
        "doing so”, and “no part of that cost shall be recoverable through the Service Charge” "
        "unless the disrepair results from the tenant’s own act or default.\n\n**Reporting "
        "late "
        "moves only part of the cost.** Clause 5.3 asks for written notice “within thirty (30) "
        "days after the Tenant becomes aware”. The 2021 deed replaced that period with “sixty "
        "(60) days”. A tenant who misses it bears “such part of the cost of repair as is "
        "attributable to the delay”, at most one quarter of that year’s Principal Rent";
    answer.text += test::demoSettings().answering ? " " : ".";
    const auto quote = [&](std::uint32_t number, const char* words, const char* section) {
        answer.citations.push_back(
            cite(number, Verdict::Verified, words, find(unit4, words, section)));
    };
    quote(1, "shall bear the cost of doing so", "5.2");
    quote(2, "no part of that cost shall be recoverable through the Service Charge", "5.2");
    quote(3, "within thirty (30) days after the Tenant becomes aware", "5.3");
    Place inDeed = find(deed, "sixty (60) days", "3");
    inDeed.pageLabel = "2";
    answer.citations.push_back(cite(4, Verdict::VerifiedNormalised, "sixty (60) days", inDeed));
    quote(5, "such part of the cost of repair as is attributable to the delay", "5.4");
    placeInAnswer(answer);
    if (test::demoSettings().answering) {
        answer.state = AnswerState::Writing;
    }
    for (int i = 0; i < 3; ++i) {
        Mark mark;
        mark.id = static_cast<MarkId>(++nextId);
        mark.source = unit4;
        mark.range = find(unit4, "fair wear and tear", "5.1").range;
        mark.author = "M K";
        mark.quote = "fair wear and tear";
        mark.range.end = mark.range.begin + 4 + static_cast<std::uint64_t>(i);
        mark.kind = ingest::MarkKind::Underline;
        if (i == 0) {
            mark.kind = ingest::MarkKind::Note;
            mark.note = "Ask the surveyor.";
        }
        marks.push_back(mark);
    }
}

void Session::Impl::buildCode() {
    name = "Quillstore";
    const auto code = [&](const char* file, const char* folder, std::uint64_t tokens) {
        const SourceId id = add(file, folder, ingest::Format::Code, tokens);
        back(id, {}, textDocument("int main() { return 0; }\n", ingest::Format::Code, "cpp"));
        return id;
    };
    const SourceId manual =
        add("durability.md", "quillstore/docs", ingest::Format::Markdown, 6'204);
    back(manual, test::demoData("durability.md"),
         textDocument(fileText(test::demoData("durability.md")), ingest::Format::Markdown, ""));
    const SourceId format = add("format.md", "quillstore/docs", ingest::Format::Markdown, 15'414);
    back(format, {}, textDocument("# Format\n", ingest::Format::Markdown, ""));
    code("store.h", "quillstore/include", 38'912);
    code("compact.cpp", "quillstore/src/compaction", 41'320);
    code("recovery.cpp", "quillstore/src/journal", 13'055);
    code("segment.cpp", "quillstore/src/journal", 9'127);
    const SourceId writer = code("segment_writer.cpp", "quillstore/src/journal", 7'368);
    back(writer, test::demoData("segment_writer.cpp.txt"),
         textDocument(fileText(test::demoData("segment_writer.cpp.txt")), ingest::Format::Code,
                      "cpp"));
    const SourceId policy = code("sync_policy.cpp", "quillstore/src/journal", 7'192);
    at(policy).state = SourceState::Reading;
    code("plan.cpp", "quillstore/src/query", 85'486);
    code("journal_test.cpp", "quillstore/tests", 88'322);
    const SourceId vendor = code("zlib.c", "quillstore/third_party", 0);
    at(vendor).included = false;
    const SourceId secret = code("deploy.env", "quillstore", 0);
    at(secret).included = false;
    at(secret).format = ingest::Format::Text;
    use = {305'208, 65'536, 1'048'576, true, true, {}};
    ask(threads[0].id, "Which file holds the record header?", "high");
    answerTo(questions.back().id).text = "See segment.cpp.";
    ask(threads[0].id, "How are segments named?", "high");
    answerTo(questions.back().id).text = "By number.";
    Answer& answer = answerTo(ask(threads[0].id,
                                  "After append() returns without error, can a record still be "
                                  "lost when the machine loses power?",
                                  "high"));
    answer.thinking = "Two durability modes.";
    answer.thinkingTokens = 1870;
    answer.thinkingSeconds = 26;
    answer.text =
        "**Yes, in the buffered mode.** `append()` returns the record’s id right after “if "
        "(durability == Durability::Buffered)”, before anything is written. Until "
        "`sync_if_dirty()` runs, up to one second of records lives only in memory; the "
        "documentation says “a buffered record may be lost for up to one second”.\n\n**In the "
        "synced mode, no.** The writer loops over “::write(fd_, buffer_.data(), "
        "buffer_.size())” and returns only after “::fdatasync(fd_)” has succeeded. The manual "
        "is also said to promise “every batch is followed by a barrier”, but these words are "
        "in "
        "none of the 213 files read so far.";
    const auto quote = [&](std::uint32_t number, SourceId id, const char* words) {
        answer.citations.push_back(cite(number, Verdict::Verified, words, find(id, words, "")));
    };
    quote(1, writer, "if (durability == Durability::Buffered)");
    answer.citations.back().place->range.end += 50; // the line after it belongs to the passage
    quote(2, writer, "::write(fd_, buffer_.data(), buffer_.size())");
    quote(3, writer, "::fdatasync(fd_)");
    quote(4, manual, "a buffered record may be lost for up to one second");
    answer.citations.push_back(
        cite(5, Verdict::NotFound, "every batch is followed by a barrier", std::nullopt));
    placeInAnswer(answer);
    Mark mark;
    mark.id = static_cast<MarkId>(++nextId);
    mark.source = writer;
    mark.range = find(writer, ".sequence = next_sequence_++", "").range;
    mark.author = "M K";
    mark.quote = ".sequence = next_sequence_++";
    mark.note = "sequence is taken before the flush: see issue 41";
    mark.kind = ingest::MarkKind::Note;
    marks.push_back(mark);
    Job job;
    job.id = static_cast<JobId>(++nextId);
    job.kind = JobKind::AddSources;
    job.title = "Reading sync_policy.cpp";
    job.progress = {"Reading", 7'000, 10'600, 298};
    job.startedMs = QDateTime::currentMSecsSinceEpoch();
    jobs.push_back(job);
}

} // namespace dossier::app
