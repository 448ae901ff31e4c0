// SPDX-License-Identifier: Apache-2.0
// JSON spelled as Python's json.dumps(value, ensure_ascii=False) does: the published encoding uses
// it, and the models were trained on its blanks, escapes and numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::engine {

/// Reads any JSON text and writes it in that spelling, keys in their order. Throws Error
/// (InvalidArgument); `what` names the text in it.
std::string pythonJson(std::string_view json, const std::string& what);

/// A string in that spelling, with its quotation marks.
std::string pythonJsonString(std::string_view text);

struct JsonMember {
    std::string key;
    bool isString = false;
    std::string value; ///< of strings the text itself, of everything else the spelling above
};

/// The members of a JSON object in order (of repeated keys the last value counts); absent when the
/// text is not a JSON object.
std::optional<std::vector<JsonMember>> pythonJsonMembers(std::string_view json);

} // namespace dossier::engine
