// SPDX-License-Identifier: GPL-3.0-or-later
// Reads profiles strictly: an unknown field or a wrong type is an error that names it, since a
// typing mistake in a prompt would otherwise only show as worse answers.
#include "app/asking/profile.h"
#include "engine/base/json_text.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace dossier::app {
namespace {

using Json = nlohmann::json;

Json readJson(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        throw Error(ErrorCode::NotFound, "Could not read " + file.string(),
                    "Install Dossier's resources again, or check the path");
    }
    std::stringstream text;
    text << in.rdbuf();
    try {
        return parseJson(text.str());
    } catch (const Json::exception& error) {
        throw Error(ErrorCode::Corrupt, file.string() + " is no valid JSON: " + error.what(),
                    "Correct the file");
    }
}

/// Takes fields out of an object and complains about what is left or has the wrong type.
class Fields {
  public:
    Fields(const Json& json, std::filesystem::path file, std::string where)
        : m_json(json), m_file(std::move(file)), m_where(std::move(where)) {
        if (!json.is_object()) {
            complain(m_where, "is not an object");
        }
    }

    template<class T>
    void take(const char* name, T& target) {
        m_known.emplace_back(name);
        const auto it = m_json.find(name);
        if (it == m_json.end()) {
            return;
        }
        try {
            it->get_to(target);
        } catch (const Json::exception&) {
            complain(m_where + name, "has the wrong type");
        }
    }
    template<class Read>
    void object(const char* name, Read read) {
        m_known.emplace_back(name);
        const auto it = m_json.find(name);
        if (it != m_json.end()) {
            Fields fields(*it, m_file, m_where + name + ".");
            read(fields);
            fields.done();
        }
    }
    const Json* raw(const char* name) {
        m_known.emplace_back(name);
        const auto it = m_json.find(name);
        return it == m_json.end() ? nullptr : &*it;
    }
    void done() const {
        for (const auto& [name, value] : m_json.items()) {
            if (std::find(m_known.begin(), m_known.end(), name) == m_known.end()) {
                complain(m_where + name, "is no field of a profile");
            }
        }
    }
    [[noreturn]] void complain(const std::string& field, const std::string& problem) const {
        throw Error(ErrorCode::InvalidArgument, m_file.string() + ": " + field + " " + problem,
                    "Correct the profile");
    }

  private:
    const Json& m_json;
    std::filesystem::path m_file;
    std::string m_where;
    std::vector<std::string> m_known;
};

void readWeights(Fields& fields, ProcedureWeights& weights) {
    fields.take("lpN", weights.lpN);
    fields.take("r", weights.r);
    fields.take("m", weights.m);
    fields.take("S", weights.s);
    fields.take("len", weights.len);
    fields.take("not_found_offset", weights.notFoundOffset);
    fields.take("lpN_floor", weights.lpNFloor);
    fields.take("m_floor", weights.mFloor);
    fields.take("K", weights.k);
    fields.take("passages", weights.passages);
    fields.take("openings", weights.openings);
    fields.take("by_model", weights.byModel);
    fields.take("by_search", weights.bySearch);
    fields.take("unit_words", weights.unitWords);
    fields.take("piece_words", weights.pieceWords);
    fields.take("close", weights.close);
}

/// Stop words, constants and topics of the search, and the procedure's weights, from a file of
/// their own: the form in which the embedded model's card gives them.
void readSearch(const std::filesystem::path& file, Profile& profile) {
    // Topics keep the order of the file: it is the order of sums.
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        throw Error(ErrorCode::NotFound, "Could not read " + file.string(),
                    "Install Dossier's resources again, or correct search_data in the profile");
    }
    try {
        const auto json = parseOrderedJson(in);
        std::vector<std::string> stop;
        json.at("stop_words").get_to(stop);
        profile.search = {};
        profile.search.stopWords = StopWords(stop.begin(), stop.end());
        for (const auto& word : json.value("document_words", std::vector<std::string>())) {
            profile.search.documentWords.insert(stemOf(word));
        }
        json.at("bm25").at("k1").get_to(profile.search.k1);
        json.at("bm25").at("b").get_to(profile.search.b);
        const auto& model = json.at("topic_model");
        model.at("alpha").get_to(profile.search.alpha);
        model.at("null").get_to(profile.search.null);
        model.at("name_weight").get_to(profile.search.nameWeight);
        model.at("topic_word_weight").get_to(profile.search.topicWordWeight);
        model.at("keep_above").get_to(profile.search.keepAbove);
        model.at("lambda").get_to(profile.search.lambda);
        for (const auto& [name, topic] : json.at("topics").items()) {
            SearchData::Topic one;
            one.name = name;
            topic.at("words").get_to(one.words);
            topic.at("name").get_to(one.nameStems);
            for (const auto& [word, count] : topic.at("question_words").items()) {
                one.questionWords[word] = count.template get<double>();
            }
            profile.search.topics.push_back(std::move(one));
        }
        if (json.contains("weights")) {
            const Json weights = json.at("weights");
            Fields fields(weights, file, "weights.");
            readWeights(fields, profile.weights);
            fields.done();
        }
    } catch (const Json::exception& error) {
        throw Error(ErrorCode::Corrupt, file.string() + ": " + error.what(), "Correct the file");
    }
}

void readLevels(const Json& json, const std::filesystem::path& file, Profile& profile) {
    profile.levels.clear();
    std::size_t number = 0;
    for (const Json& one : json) {
        Fields fields(one, file, "levels[" + std::to_string(number++) + "].");
        ProfileLevel level;
        fields.take("name", level.name);
        fields.take("title", level.title);
        fields.take("description", level.description);
        fields.take("think", level.think);
        fields.take("effort", level.effort);
        fields.take("min_context", level.minContext);
        fields.done();
        profile.levels.push_back(std::move(level));
    }
}

void readPrompt(Fields& fields, Profile& profile) {
    fields.take("system", profile.system);
    fields.take("document_header", profile.documentHeader);
    fields.take("document_footer", profile.documentFooter);
    fields.take("passage", profile.passageForm);
    fields.take("passage_join", profile.passageJoin);
    fields.take("question", profile.questionForm);
    fields.take("evidence_question", profile.evidenceForm);
    fields.take("follow_up", profile.followUpForm);
    fields.take("not_found", profile.notFound);
}

void readProfile(const std::filesystem::path& file, Profile& profile) {
    const Json json = readJson(file);
    Fields fields(json, file, "");
    std::string about, mode = profile.whole ? "whole" : "passages", searchData;
    std::string ask = profile.procedure ? "procedure" : "free";
    fields.take("about", about);
    fields.take("name", profile.name);
    fields.take("releases", profile.releases);
    fields.take("mode", mode);
    fields.take("ask", ask);
    fields.take("note", profile.note);
    fields.object("prompt", [&](Fields& prompt) { readPrompt(prompt, profile); });
    fields.object("quotation", [&](Fields& form) {
        form.take("label_open", profile.quotation.labelOpen);
        form.take("label_close", profile.quotation.labelClose);
        form.take("open", profile.quotation.open);
        form.take("close", profile.quotation.close);
        form.take("constrained", profile.quotation.constrained);
        form.take("max_tokens", profile.quotation.maxTokens);
    });
    if (const Json* levels = fields.raw("levels")) {
        readLevels(*levels, file, profile);
    }
    fields.take("default_level", profile.defaultLevel);
    fields.object("sampling", [&](Fields& sampling) {
        sampling.take("temperature", profile.temperature);
        sampling.take("top_p", profile.topP);
        sampling.take("min_p", profile.minP);
        sampling.take("top_k", profile.topK);
    });
    fields.object("limits", [&](Fields& limits) {
        limits.take("answer_tokens", profile.answerTokens);
        limits.take("thinking_tokens", profile.thinkingTokens);
        limits.take("reserve_tokens", profile.reserveTokens);
        limits.take("short_answer_tokens", profile.shortAnswerTokens);
    });
    fields.object("passages", [&](Fields& passages) {
        passages.take("min_words", profile.passages.minWords);
        passages.take("max_words", profile.passages.maxWords);
        passages.take("clause_words", profile.passages.clauseWords);
    });
    fields.take("search_data", searchData);
    if (!searchData.empty()) {
        readSearch(file.parent_path() / searchData, profile);
    }
    fields.object("weights", [&](Fields& weights) { readWeights(weights, profile.weights); });
    fields.done();
    if (mode != "whole" && mode != "passages") {
        fields.complain("mode", "must be whole or passages");
    }
    if (ask != "free" && ask != "procedure") {
        fields.complain("ask", "must be free or procedure");
    }
    profile.whole = mode == "whole";
    profile.procedure = ask == "procedure";
    if (profile.levels.empty() || profile.level(profile.defaultLevel) == nullptr) {
        fields.complain("default_level", "is not one of the levels");
    }
}

bool isFor(const std::filesystem::path& file, const std::string& release) {
    const Json json = readJson(file);
    const auto it = json.find("releases");
    return it != json.end() && it->is_array() &&
           std::find(it->begin(), it->end(), Json(release)) != it->end();
}

} // namespace

const ProfileLevel* Profile::level(const std::string& wanted) const {
    for (const ProfileLevel& one : levels) {
        if (one.name == wanted) {
            return &one;
        }
    }
    return nullptr;
}

const ProfileLevel& Profile::requireLevel(const std::string& wanted) const {
    if (const ProfileLevel* found = level(wanted.empty() ? defaultLevel : wanted)) {
        return *found;
    }
    std::string choices;
    for (const ProfileLevel& one : levels) {
        choices += (choices.empty() ? "" : ", ") + one.name;
    }
    throw Error(ErrorCode::InvalidArgument, "This model has no level \"" + wanted + "\"",
                "Choose one of: " + choices);
}

std::filesystem::path resourcesFolder() {
    if (const char* chosen = std::getenv("DOSSIER_RESOURCES")) {
        return chosen;
    }
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto installed = program.parent_path().parent_path() / "share" / "dossier";
    if (!error && std::filesystem::exists(installed, error)) {
        return installed;
    }
    return DOSSIER_RESOURCES_FOLDER;
}

Profile loadProfile(const engine::ModelInfo& model, const std::filesystem::path& folder) {
    const auto profiles = folder.empty() ? resourcesFolder() / "profiles" : folder;
    Profile profile;
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(profiles, error)) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    const auto file = std::find_if(files.begin(), files.end(),
                                   [&](const auto& path) { return isFor(path, model.release); });
    const auto beside = model.path / "dossier-profile.json";
    const bool overridden = !model.path.empty() && std::filesystem::exists(beside, error);
    if (file != files.end()) {
        readProfile(*file, profile);
    } else if (!overridden) {
        throw Error(ErrorCode::Unsupported,
                    "There is no prompt profile for models of release \"" + model.release +
                        "\" in " + profiles.string(),
                    "Put a dossier-profile.json beside the model");
    }
    if (overridden) {
        readProfile(beside, profile);
    }
    return profile;
}

std::string fillIn(std::string form,
                   const std::vector<std::pair<std::string, std::string>>& values) {
    // One pass, so that braces in a value (a question about "{name}") stay as they are.
    std::string out;
    for (std::size_t at = 0; at < form.size();) {
        bool filled = false;
        for (const auto& [name, value] : values) {
            const std::string mark = "{" + name + "}";
            if (form.compare(at, mark.size(), mark) == 0) {
                out += value;
                at += mark.size();
                filled = true;
                break;
            }
        }
        if (!filled) {
            out += form[at++];
        }
    }
    return out;
}

} // namespace dossier::app
