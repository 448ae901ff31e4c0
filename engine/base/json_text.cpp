// SPDX-License-Identifier: Apache-2.0
#include "engine/base/json_text.h"

#include <istream>

#include <nlohmann/json.hpp>

namespace dossier {
namespace {

template<class Json>
std::string textOf(const Json& json, int indent, BadUtf8 bad) {
    return json.dump(indent, ' ', false,
                     bad == BadUtf8::Replace ? Json::error_handler_t::replace
                                             : Json::error_handler_t::strict);
}

} // namespace

nlohmann::json parseJson(std::string_view text) {
    return nlohmann::json::parse(text);
}

nlohmann::json parseJson(std::istream& text) {
    return nlohmann::json::parse(text);
}

nlohmann::ordered_json parseOrderedJson(std::string_view text) {
    return nlohmann::ordered_json::parse(text);
}

nlohmann::ordered_json parseOrderedJson(std::istream& text) {
    return nlohmann::ordered_json::parse(text);
}

nlohmann::json parseJsonOrDiscard(std::string_view text) {
    return nlohmann::json::parse(text, nullptr, false);
}

nlohmann::json parseJsonOrDiscard(std::istream& text) {
    return nlohmann::json::parse(text, nullptr, false);
}

std::string jsonText(const nlohmann::json& json, int indent, BadUtf8 bad) {
    return textOf(json, indent, bad);
}

std::string jsonText(const nlohmann::ordered_json& json, int indent, BadUtf8 bad) {
    return textOf(json, indent, bad);
}

} // namespace dossier
