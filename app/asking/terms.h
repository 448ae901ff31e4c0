// SPDX-License-Identifier: GPL-3.0-or-later
// Words and stems for the search: the same reduction for documents and questions.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace dossier::app {

using StopWords = std::unordered_set<std::string>;

/// Runs of ASCII letters and digits, in lower case. Other scripts count by characters: every run of
/// letters beyond ASCII is one word of its own bytes.
std::vector<std::string> wordsOf(std::string_view text);

/// Cuts the first matching ending of ingly, edly, ing, ed, es, ly, s from words of more than four
/// letters if at least three letters remain.
std::string stemOf(std::string_view word);

/// Stems of all words but stop words, in order, with repetitions.
std::vector<std::string> stemsOf(std::string_view text, const StopWords& stop);

} // namespace dossier::app
