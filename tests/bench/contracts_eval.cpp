// SPDX-License-Identifier: GPL-3.0-or-later
// Asks clause questions about whole contracts with annotated clauses (CUAD v1) and prints, by
// category, how often the quotation contains or lies in the annotated text, how "not found" does,
// how long it takes, and the search alone (its best sentence) beside it.
// Each contract is a dossier of its own; with --together all are one dossier, and each question
// names the contract that it is about.
//
//   contracts_eval --contracts DIR [--model DIR] [--profiles DIR] [--seen] [--together] [--limit N]
//                  [--unanswerable N] [--retrieval-only] [--json FILE [--scores]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "app/asking/passage_answerer.h"
#include "engine/base/json_text.h"
#include "engine/engine.h"
#include "ingest/ingest.h"

namespace dossier::app {
namespace {

using nlohmann::json;

struct Options {
    std::filesystem::path contracts, model = DOSSIER_SOURCE_DIR "/resources/model", jsonFile,
                                     profiles;
    bool seen = false, together = false, retrievalOnly = false, scores = false;
    std::size_t limit = SIZE_MAX, unanswerable = 100;
};

struct Item {
    std::string file, category, question;
    std::vector<std::string> spans; ///< empty: the contract has no such clause
};

/// Letters and digits in lower case: what a comparison of quotation and annotation looks at.
std::string folded(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c))) {
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    return out;
}

/// The text without headers, footers and page numbers: sentences go on across pages.
std::string withoutRunning(const ingest::Document& document) {
    std::string text;
    for (const ingest::Block& block : document.blocks) {
        if (block.kind != ingest::BlockKind::Running) {
            text += document.text.substr(block.range.begin, block.range.size());
        }
    }
    return text;
}

/// A Python list literal of strings, as the annotations have it.
std::vector<std::string> pythonList(const std::string& text) {
    std::vector<std::string> items;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char mark = text[i];
        if (mark != '\'' && mark != '"') {
            continue;
        }
        std::string item;
        for (++i; i < text.size() && text[i] != mark; ++i) {
            if (text[i] == '\\' && i + 1 < text.size()) {
                const char next = text[++i];
                item += next == 'n' || next == 't' ? ' ' : next;
            } else {
                item += text[i];
            }
        }
        items.push_back(item);
    }
    return items;
}

/// The parts of an annotation between "<omitted>".
std::vector<std::string> parts(const std::string& span) {
    static const std::string kOmitted = "<omitted>";
    std::vector<std::string> result;
    for (std::size_t at = 0;;) {
        const std::size_t end = span.find(kOmitted, at);
        result.push_back(folded(span.substr(at, end == std::string::npos ? end : end - at)));
        if (end == std::string::npos) {
            return result;
        }
        at = end + kOmitted.size();
    }
}

/// The quotation contains or lies in the annotated text. Fragments of a few letters do not count.
bool hits(const std::string& quotation, const std::vector<std::string>& spans) {
    const std::string quote = folded(quotation);
    for (const std::string& span : spans) {
        for (const std::string& part : parts(span)) {
            if (part.size() >= 3 && quote.size() >= 3 &&
                (quote.find(part) != std::string::npos ||
                 (quote.size() >= 12 && part.find(quote) != std::string::npos))) {
                return true;
            }
        }
    }
    return false;
}

json jsonIn(const std::filesystem::path& path) {
    std::ifstream file(path);
    return parseJson(file);
}

std::vector<Item> items(const Options& options) {
    const std::filesystem::path data = DOSSIER_SOURCE_DIR "/tests/bench/data";
    const json questions = jsonIn(data / "clause_questions.json")["questions"];
    const json names = jsonIn(data / "contract_names.json")["names"];
    const json contracts = jsonIn(options.contracts / "labels.json");
    std::vector<Item> answerable, absent;
    std::size_t asked = 0;
    for (const json& contract : contracts) {
        if (contract["seen_in_training"].get<bool>() != options.seen) {
            continue;
        }
        for (const auto& [category, question] : questions.items()) {
            Item item{contract["file"], category, question, {}};
            if (options.together) {
                const json& named = names[item.file];
                item.question = "In the " + named[asked++ % named.size()].get<std::string>() +
                                ": " + item.question;
            }
            if (contract["labels"].contains(category)) {
                item.spans = pythonList(contract["labels"][category]);
            }
            (item.spans.empty() ? absent : answerable).push_back(item);
        }
    }
    // A fixed sample of the unanswerable ones, spread over contracts and categories.
    std::vector<Item> chosen = answerable;
    if (chosen.size() > options.limit) {
        chosen.resize(options.limit);
    }
    const std::size_t wanted = std::min(options.unanswerable, absent.size());
    for (std::size_t i = 0; i < wanted; ++i) {
        chosen.push_back(absent[i * absent.size() / wanted]);
    }
    std::stable_sort(chosen.begin(), chosen.end(),
                     [](const Item& a, const Item& b) { return a.file < b.file; });
    return chosen;
}

/// The sentence with the largest sum of query word values, and its document: the search
/// without the model.
std::pair<std::string, std::string> bestSentence(const Retrieval& retrieval,
                                                 const std::vector<PassageIndexPtr>& indexes,
                                                 const StopWords& stopWords) {
    const FoundPassage* top = nullptr;
    for (const FoundPassage& found : retrieval.passages) {
        top = !top || found.score > top->score ? &found : top;
    }
    if (!top) {
        return {};
    }
    std::string best;
    double value = -1;
    for (const Sentence& sentence : indexes[top->document]->passages()[top->passage].sentences) {
        double sum = 0;
        const auto stems = stemsOf(sentence.text, stopWords);
        for (const std::string& stem : std::set<std::string>(stems.begin(), stems.end())) {
            const auto found = retrieval.wordValue.find(stem);
            sum += found == retrieval.wordValue.end() ? 0 : found->second;
        }
        if (sum > value) {
            value = sum;
            best = sentence.text;
        }
    }
    return {best, indexes[top->document]->path()};
}

struct Row {
    int asked = 0, offered = 0, right = 0, rightAlways = 0, searchRight = 0, falseNotFound = 0,
        otherContract = 0;
};

void print(const char* name, const Row& row) {
    const auto share = [&](int n) { return row.asked ? 100.0 * n / row.asked : 0; };
    std::printf("| %s | %d | %.0f | %.0f | %.0f | %.0f | %.0f |\n", name, row.asked,
                share(row.offered), share(row.right), share(row.rightAlways),
                share(row.falseNotFound), share(row.searchRight));
}

/// Sums over the questions, and their table.
struct Totals {
    std::map<std::string, Row> byCategory;
    Row all;
    int absentAsked = 0, absentNotFound = 0, saidNotFound = 0;
    int shown = 0, verified = 0, verifiedButAbsent = 0;
    std::vector<double> seconds;

    void printTable() {
        std::printf("| category | asked | gold passage offered %% | right %% | right, always "
                    "answering %% | false \"not found\" %% | search alone %% |\n"
                    "|---|---|---|---|---|---|---|\n");
        for (const auto& [category, row] : byCategory) {
            print(category.c_str(), row);
        }
        print("**all**", all);
        std::printf("\nPlaces shown in another contract than the one asked about: %d of %d.\n",
                    all.otherContract, all.asked);
        std::sort(seconds.begin(), seconds.end());
        std::printf("\nNot found: said to %d of %d questions without a clause (recall %.0f %%), "
                    "precision %.0f %%. Seconds a question: median %.2f, worst %.2f. Quotations "
                    "shown: %d, verified: %d, verified but absent from the source: %d.\n",
                    absentNotFound, absentAsked,
                    absentAsked ? 100.0 * absentNotFound / absentAsked : 0.0,
                    saidNotFound ? 100.0 * absentNotFound / saidNotFound : 0.0,
                    seconds.empty() ? 0 : seconds[seconds.size() / 2],
                    seconds.empty() ? 0 : seconds.back(), shown, verified, verifiedButAbsent);
    }
};

class Evaluation {
  public:
    explicit Evaluation(const Options& options)
        : m_options(options), m_reader(ingest::makeReader(DOSSIER_BIN_DIR "/dossier-reader")) {
        m_loaded.engine = engine::makeInProcessEngine();
        engine::LoadOptions load;
        load.model = options.model;
        m_loaded.model = m_loaded.engine->load(load);
        m_loaded.encoder = loadEncoder(options.model);
        m_loaded.contextTokens = m_loaded.model.maxContext;
        m_profile = loadProfile(m_loaded.model, options.profiles);
    }

    int run() {
        json records = json::array();
        const std::vector<Item> all = items(m_options);
        std::vector<std::string> files; // in the order of the items, which is by file
        for (const Item& item : all) {
            if (files.empty() || files.back() != item.file) {
                files.push_back(item.file);
            }
        }
        if (m_options.together) {
            open(files);
        }
        for (const Item& item : all) {
            if (!m_options.together && (m_sources.empty() || m_sources[0].name != item.file)) {
                open({item.file});
            }
            records.push_back(ask(item));
            std::fprintf(stderr, "\r%zu", records.size());
        }
        std::fputc('\n', stderr);
        m_totals.printTable();
        if (!m_options.jsonFile.empty()) {
            std::ofstream(m_options.jsonFile) << jsonText(records, 1);
        }
        return 0;
    }

  private:
    /// Makes these contracts the dossier.
    void open(const std::vector<std::string>& files) {
        std::map<SourceId, DocumentPtr> documents;
        m_sources.clear();
        m_folded.clear();
        for (const std::string& file : files) {
            const SourceId id{static_cast<std::int64_t>(m_sources.size() + 1)};
            documents[id] = std::make_shared<const ingest::Document>(
                m_reader->read(m_options.contracts / file, {}));
            m_folded[file] =
                folded(documents[id]->text) + "\n" + folded(withoutRunning(*documents[id]));
            m_sources.push_back({id, file});
        }
        m_corpus = std::make_unique<Corpus>([documents](SourceId id) { return documents.at(id); });
    }

    json ask(const Item& item) {
        AskInput input;
        input.question = item.question;
        input.sources = m_sources;
        AnswerWriter writer{Answer{}};
        const AskContext context{input,    m_profile, m_profile.requireLevel(""),
                                 m_loaded, *m_corpus, writer};
        const auto start = std::chrono::steady_clock::now();
        ProcedureRun run;
        if (m_options.retrievalOnly) {
            run.documents = searchedPassages(context);
            run.retrieval = retrieve(m_profile.search, run.documents, item.question,
                                     m_profile.weights.passages, m_profile.weights.openings);
        } else {
            run = answerByProcedure(context);
        }
        m_totals.seconds.push_back(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        const Answer answer = writer.copy();
        const bool found = answer.state == AnswerState::Done;
        Citation citation; // what was shown, as the answer or as the nearest place
        if (found) {
            citation = answer.citations.at(0);
            countShown(citation);
        } else if (answer.nearest) {
            citation = *answer.nearest;
        }
        m_totals.saidNotFound += !found;
        json record{{"file", item.file},           {"category", item.category},
                    {"question", item.question},   {"found", found},
                    {"quotation", citation.quote}, {"document", citation.document},
                    {"short", run.shortAnswer},    {"margin", run.result.margin},
                    {"spans", item.spans}};
        if (item.spans.empty()) {
            ++m_totals.absentAsked;
            m_totals.absentNotFound += !found;
        } else {
            count(item, run, citation, found, record);
        }
        if (m_options.scores) {
            addScores(item, run, record);
        }
        return record;
    }

    void countShown(const Citation& citation) {
        ++m_totals.shown;
        if (citation.verdict == Verdict::Verified ||
            citation.verdict == Verdict::VerifiedNormalised) {
            ++m_totals.verified;
            m_totals.verifiedButAbsent +=
                m_folded[citation.document].find(folded(citation.quote)) == std::string::npos;
        }
    }

    void count(const Item& item, const ProcedureRun& run, const Citation& citation, bool found,
               json& record) {
        bool offered = false;
        for (const FoundPassage& passage : run.retrieval.passages) {
            offered |=
                run.documents[passage.document]->path() == item.file &&
                hits(run.documents[passage.document]->passages()[passage.passage].text, item.spans);
        }
        const bool inside = citation.document == item.file;
        const bool right = inside && hits(citation.quote, item.spans);
        const auto [sentence, searched] =
            bestSentence(run.retrieval, run.documents, m_profile.search.stopWords);
        const bool search = searched == item.file && hits(sentence, item.spans);
        for (Row* row : {&m_totals.all, &m_totals.byCategory[item.category]}) {
            ++row->asked;
            row->offered += offered;
            row->right += right && found;
            row->rightAlways += right;
            row->searchRight += search;
            row->falseNotFound += !found;
            row->otherContract += !inside;
        }
        record["offered"] = offered;
        record["right"] = right;
    }

    /// What the weights of the procedure are fitted on.
    static void addScores(const Item& item, const ProcedureRun& run, json& record) {
        record["lpNot"] = run.input.lpNot;
        record["lpBracket"] = run.input.lpBracket;
        record["lpNumber"] = run.input.lpNumber;
        record["score"] = run.input.score;
        record["wordValue"] = run.input.wordValue;
        for (const Candidate& candidate : run.input.candidates) {
            const std::string& file =
                run.documents[run.retrieval.passages[candidate.passage].document]->path();
            record["candidates"].push_back(
                {{"passage", candidate.passage},
                 {"document", file},
                 {"text", candidate.text},
                 {"lpTokens", candidate.lpTokens},
                 {"right", file == item.file && hits(candidate.text, item.spans)}});
        }
    }

    const Options& m_options;
    std::unique_ptr<ingest::Reader> m_reader;
    EngineHost::Core::Loaded m_loaded;
    Profile m_profile;
    Totals m_totals;
    std::vector<AskedSource> m_sources; ///< the contracts of the dossier
    /// Letters and digits of each one's text, and again without what stands between pages.
    std::map<std::string, std::string> m_folded;
    std::unique_ptr<Corpus> m_corpus;
};

} // namespace
} // namespace dossier::app

int main(int argc, char** argv) {
    dossier::app::Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool more = i + 1 < argc;
        if (word == "--contracts" && more) {
            options.contracts = argv[++i];
        } else if (word == "--model" && more) {
            options.model = argv[++i];
        } else if (word == "--profiles" && more) {
            options.profiles = argv[++i];
        } else if (word == "--json" && more) {
            options.jsonFile = argv[++i];
        } else if (word == "--limit" && more) {
            options.limit = std::stoul(argv[++i]);
        } else if (word == "--unanswerable" && more) {
            options.unanswerable = std::stoul(argv[++i]);
        } else if (word == "--seen") {
            options.seen = true;
        } else if (word == "--together") {
            options.together = true;
        } else if (word == "--scores") {
            options.scores = true;
        } else if (word == "--retrieval-only") {
            options.retrievalOnly = true;
        } else {
            std::fprintf(stderr, "contracts_eval: \"%s\" is not understood\n", word.c_str());
            return 2;
        }
    }
    if (options.contracts.empty()) {
        std::fputs("contracts_eval: --contracts DIR is missing\n", stderr);
        return 2;
    }
    try {
        return dossier::app::Evaluation(options).run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "contracts_eval: %s\n", error.what());
        return 2;
    }
}
