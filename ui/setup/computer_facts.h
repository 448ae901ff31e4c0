// SPDX-License-Identifier: GPL-3.0-or-later
// What this computer is: processor, memory, disk with its measured read rate. Any thread; takes up
// to a few seconds because the disk is really read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace dossier::ui {

struct ComputerFacts {
    std::string processor; ///< "AMD EPYC 9B14"
    unsigned threads = 0;
    bool avx512 = false, bf16 = false, avx2 = false;
    std::uint64_t ramTotal = 0, ramAvailable = 0; ///< bytes
    std::vector<std::string> gpus;                ///< names as the driver lists them
    std::uint64_t diskFree = 0;                   ///< bytes, where dossiers go
    double readBytesPerSecond = 0; ///< of the model's files, past the cache; 0 = not measured
    std::uint64_t readBytes = 0;   ///< how much was read to measure it
    double seconds = 0;            ///< the check took
};

/// `dossiers`: where dossiers will be written. `sample`: files to read for the rate (a model
/// folder); may be empty. At most `mostBytes` are read.
ComputerFacts checkComputer(const std::filesystem::path& dossiers,
                            const std::filesystem::path& sample, std::uint64_t mostBytes,
                            const std::stop_token& stop);

struct ModelFile {
    std::string name;
    std::uint64_t bytes = 0;
};
/// Files of a model folder by name, config and tokenizer first.
std::vector<ModelFile> modelFiles(const std::filesystem::path& folder);

} // namespace dossier::ui
