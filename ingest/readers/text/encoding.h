// SPDX-License-Identifier: GPL-3.0-or-later
// From the bytes of a text file to canonical UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace dossier::ingest::readers {

struct DecodedText {
    std::string text;      ///< UTF-8, lines end in '\n'
    std::string encoding;  ///< "UTF-8", "UTF-16LE", "WINDOWS-1252", ...
    bool replaced = false; ///< some bytes meant nothing in that encoding and are U+FFFD now
};

/// By byte order mark, else UTF-8 if it is valid (or nearly), else a guess from the bytes. Line
/// ends CR LF become LF, and CR alone in files without any LF; another lone CR becomes a space, so
/// that line numbers stay those that editors and compilers count.
DecodedText decodeText(std::string_view bytes);

/// Converts from a named encoding ("ISO-8859-1"); an empty text if the name is not known.
DecodedText decodeAs(std::string_view bytes, const std::string& encoding);

/// True if the bytes are no text: NULs (unless they look like UTF-16) or many control characters.
/// The first 64 KiB decide, so a file need not be read whole to know.
bool looksBinary(std::string_view bytes);

} // namespace dossier::ingest::readers
