// SPDX-License-Identifier: Apache-2.0
// JSON from and to text. The library's parser and writer are templates that take a compiler one to
// four seconds a source; here they are compiled once.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace dossier {

/// Throws nlohmann::json::parse_error.
nlohmann::json parseJson(std::string_view text);
nlohmann::json parseJson(std::istream& text);
/// Members keep their order.
nlohmann::ordered_json parseOrderedJson(std::string_view text);
nlohmann::ordered_json parseOrderedJson(std::istream& text);

/// What is not JSON gives a value of which is_discarded() is true.
nlohmann::json parseJsonOrDiscard(std::string_view text);
nlohmann::json parseJsonOrDiscard(std::istream& text);

/// What becomes of strings that are not UTF-8: nlohmann::json::type_error, or U+FFFD in their
/// place.
enum class BadUtf8 { Throw, Replace };

/// On one line, or with that many spaces of indentation a level.
std::string jsonText(const nlohmann::json&, int indent = -1, BadUtf8 = BadUtf8::Throw);
std::string jsonText(const nlohmann::ordered_json&, int indent = -1, BadUtf8 = BadUtf8::Throw);

} // namespace dossier
