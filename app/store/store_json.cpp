// SPDX-License-Identifier: GPL-3.0-or-later
// Reading is tolerant: a missing or odd field never makes a dossier unreadable.
#include "app/store/store_json.h"
#include "engine/base/json_text.h"

#include <nlohmann/json.hpp>

namespace dossier::app {
namespace {

using Json = nlohmann::json;

/// Text of documents may hold bytes that are not UTF-8 only through a mistake of ours; a dump must
/// not throw for it.
std::string dump(const Json& json) {
    return jsonText(json, -1, BadUtf8::Replace);
}

Json parse(const std::string& text) {
    return parseJsonOrDiscard(text);
}

template<class T>
T field(const Json& json, const char* name, T otherwise) {
    const auto it = json.find(name);
    if (it == json.end()) {
        return otherwise;
    }
    try {
        return it->get<T>();
    } catch (const Json::exception&) {
        return otherwise;
    }
}

Json place(const Place& p) {
    Json json{{"source", static_cast<long long>(p.source)},
              {"begin", p.range.begin},
              {"end", p.range.end},
              {"label", p.pageLabel},
              {"line", p.line},
              {"section", p.section}};
    if (p.page) {
        json["page"] = *p.page;
    }
    return json;
}

Place placeFrom(const Json& json) {
    Place p;
    p.source = SourceId{field<long long>(json, "source", 0)};
    p.range = {field<std::uint64_t>(json, "begin", 0), field<std::uint64_t>(json, "end", 0)};
    p.pageLabel = field<std::string>(json, "label", {});
    p.line = field<std::uint64_t>(json, "line", 0);
    p.section = field<std::string>(json, "section", {});
    if (json.contains("page")) {
        p.page = field<std::uint32_t>(json, "page", 0);
    }
    return p;
}

} // namespace

std::string toJson(const std::vector<std::string>& strings) {
    return dump(Json(strings));
}

std::vector<std::string> stringsFromJson(const std::string& text) {
    std::vector<std::string> strings;
    for (const Json& one : parse(text)) {
        if (one.is_string()) {
            strings.push_back(one.get<std::string>());
        }
    }
    return strings;
}

std::string toJson(const std::vector<SearchHit>& hits) {
    Json json = Json::array();
    for (const SearchHit& hit : hits) {
        Json matches = Json::array();
        for (const ingest::TextRange& range : hit.matches) {
            matches.push_back({range.begin, range.end});
        }
        json.push_back({{"place", place(hit.place)},
                        {"snippet", hit.snippet},
                        {"matches", std::move(matches)},
                        {"score", hit.score}});
    }
    return dump(json);
}

std::vector<SearchHit> hitsFromJson(const std::string& text) {
    std::vector<SearchHit> hits;
    for (const Json& one : parse(text)) {
        if (!one.is_object()) {
            continue;
        }
        SearchHit hit;
        hit.place = placeFrom(one.value("place", Json::object()));
        hit.snippet = field<std::string>(one, "snippet", {});
        hit.score = field<double>(one, "score", 0);
        for (const auto& range :
             field<std::vector<std::vector<std::uint64_t>>>(one, "matches", {})) {
            if (range.size() == 2) {
                hit.matches.push_back({range[0], range[1]});
            }
        }
        hits.push_back(std::move(hit));
    }
    return hits;
}

std::string toJson(const QuestionOptions& options) {
    Json json = Json::object();
    if (!options.only.empty()) {
        json["only"] = Json::array();
        for (const SourceId id : options.only) {
            json["only"].push_back(static_cast<long long>(id));
        }
    }
    if (options.evidenceOnly) {
        json["evidence_only"] = true;
    }
    if (options.whole) {
        json["whole"] = *options.whole;
    }
    return dump(json);
}

QuestionOptions optionsFromJson(const std::string& text) {
    const Json json = parse(text);
    QuestionOptions options;
    if (!json.is_object()) {
        return options;
    }
    for (const long long id : field<std::vector<long long>>(json, "only", {})) {
        options.only.push_back(SourceId{id});
    }
    options.evidenceOnly = field<bool>(json, "evidence_only", false);
    if (json.contains("whole")) {
        options.whole = field<bool>(json, "whole", true);
    }
    return options;
}

std::string toJson(const Failure& failure) {
    return dump(Json{{"code", errorCodeName(failure.code)},
                     {"failed", failure.failed},
                     {"remedy", failure.remedy}});
}

std::optional<Failure> failureFromJson(const std::string& text) {
    const Json json = parse(text);
    if (!json.is_object()) {
        return std::nullopt;
    }
    return Failure{errorCodeFromName(field<std::string>(json, "code", {})),
                   field<std::string>(json, "failed", {}), field<std::string>(json, "remedy", {})};
}

} // namespace dossier::app
