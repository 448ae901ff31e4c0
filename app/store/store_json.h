// SPDX-License-Identifier: GPL-3.0-or-later
// JSON columns of the store: values that are only ever read as a whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/store/store.h"

namespace dossier::app {

std::string toJson(const std::vector<std::string>&);
std::string toJson(const std::vector<SearchHit>&);
std::string toJson(const QuestionOptions&);
std::string toJson(const Failure&);

// What these do not understand (written by hand, say) is left at its default.
std::vector<std::string> stringsFromJson(const std::string&);
std::vector<SearchHit> hitsFromJson(const std::string&);
QuestionOptions optionsFromJson(const std::string&);
std::optional<Failure> failureFromJson(const std::string&);

} // namespace dossier::app
