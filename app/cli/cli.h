// SPDX-License-Identifier: GPL-3.0-or-later
// The command line: dossier new, add, ask, report, ... The same services as the window.
//
// Exit status: 0 done (or answered), 1 not found in the documents, 2 or more an error, told on the
// error output. Results go to the standard output, progress to the error output.
#pragma once

namespace dossier::app::cli {

/// Whether argv names a subcommand or asks for help or the version; else the window is meant.
bool isCommandLine(int argc, char** argv);

/// Whether argv begins with a word that is no subcommand, no option, and names no file or dossier:
/// there is nothing that a window could show.
bool isUnknownWord(int argc, char** argv);

/// Needs a QCoreApplication. Never throws.
int run(int argc, char** argv);

} // namespace dossier::app::cli
