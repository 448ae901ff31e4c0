// SPDX-License-Identifier: GPL-3.0-or-later
// The sample dossier that comes with the program: what belongs into it, and what to ask of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dossier::ui {

struct Sample {
    std::string name;                           ///< of the dossier
    std::vector<std::filesystem::path> sources; ///< files and folders
    std::vector<std::string> questions;         ///< prepared ones, for the empty page
};

/// Reads `folder`/sample.json. Empty when it is not there or cannot be read: the window then offers
/// no sample.
Sample loadSample(const std::filesystem::path& folder);

/// Where the person's copy of the sample stands: the same folder as installer/run.sh uses.
std::filesystem::path sampleDossierFolder(const Sample& sample);

} // namespace dossier::ui
