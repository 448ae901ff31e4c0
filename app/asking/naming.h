// SPDX-License-Identifier: GPL-3.0-or-later
// Which of several documents a question is about: "the law of the lease", "the Philips contract",
// "in recovery.cpp".
#pragma once

#include <string_view>
#include <vector>

#include "app/asking/retrieval.h"

namespace dossier::app {

/// How far the question names each document, 0 to 1; all 0 when it names none, and for a single
/// document.
///
/// A word may name a document when it is a document word ("lease"), stands before one ("insurance
/// certificate", while plain "insurance" is a subject), or has a capital. It does name those whose
/// path or title has it, or, with a capital, whose first passage has it: there the parties stand.
/// Each counts by its idf over documents, relative to that of a word that names one alone. Source
/// files have ordinary words as names and are named by file name and ending only.
std::vector<double> named(const SearchData&, const std::vector<PassageIndexPtr>& documents,
                          std::string_view question);

/// The documents to search: those that the question names clearly, or all when it names none.
std::vector<PassageIndexPtr> documentsToSearch(const SearchData&,
                                               const std::vector<PassageIndexPtr>& documents,
                                               std::string_view question);

} // namespace dossier::app
