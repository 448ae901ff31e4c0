// SPDX-License-Identifier: GPL-3.0-or-later
// Text from files and their names, as a terminal may get it.
#pragma once

#include <string>
#include <string_view>

namespace dossier::app::cli {

enum class Lines {
    One,  ///< a name or a message: line ends are escaped, too
    Many, ///< a body of text: its line ends and tabs stay
};

/// The text with control characters as visible escapes ("\x1b"), so that what stands in a document
/// or a file's name can neither direct the terminal nor pass for a line of ours. Bytes that are no
/// UTF-8 are escaped as well; everything else stays.
std::string printable(std::string_view text, Lines lines = Lines::One);

} // namespace dossier::app::cli
