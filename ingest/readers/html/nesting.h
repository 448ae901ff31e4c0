// SPDX-License-Identifier: GPL-3.0-or-later
// How deep the elements of an HTML file are nested, from its tags alone.
#pragma once

#include <cstddef>
#include <string_view>

namespace dossier::ingest::readers {

/// Roughly the most elements that are open at a time, counted up to just above `limit`. Gumbo takes
/// quadratic time and memory on deep trees, so the question comes before the parse.
std::size_t nestingOf(std::string_view html, std::size_t limit);

} // namespace dossier::ingest::readers
