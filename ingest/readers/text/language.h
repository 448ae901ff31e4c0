// SPDX-License-Identifier: GPL-3.0-or-later
// What kind of text a file is, from its name and first line.
#pragma once

#include <string_view>

#include "ingest/document/document.h"

namespace dossier::ingest::readers {

/// The language of a source file ("cpp", "python", "cmake", "json", ...), by file name, suffix, or
/// the interpreter of a "#!" line; empty for prose and for what is not known. Case of suffixes does
/// not matter, except that ".C" is C++ and ".h" is C.
std::string_view languageOf(std::string_view fileName, std::string_view text);

/// Format of a file that is known to be text.
Format textFormatOf(std::string_view fileName, std::string_view text);

/// The part after the last dot, lower case, without the dot; empty if there is none.
std::string suffixOf(std::string_view fileName);

} // namespace dossier::ingest::readers
