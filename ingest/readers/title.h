// SPDX-License-Identifier: GPL-3.0-or-later
// What to call a document.
#pragma once

#include <string>

#include "ingest/document/document.h"

namespace dossier::ingest::readers {

/// False for titles that programs leave behind and that no person would call the document
/// ("untitled", "Microsoft Word - draft3.doc").
bool isUsefulTitle(const std::string& title);

/// The heading at the beginning that names the document, rather than its place among exhibits or
/// its first section; empty if there is none.
std::string titleFromBlocks(const Document&);

/// Metadata if it is useful, else a heading, else the file name.
std::string chooseTitle(const Document&, const std::string& metadata, const std::string& fileName);

} // namespace dossier::ingest::readers
