// SPDX-License-Identifier: GPL-3.0-or-later
// Shared by the tests of ingest: temporary folders, files, and the promises of document.h as
// checks.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "ingest/ingest.h"

namespace dossier::ingest::testing_support {

/// A folder that is removed at the end of the test.
class TempFolder {
  public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    const std::filesystem::path& path() const { return m_path; }
    /// Writes a file, with its folders.
    std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const;

  private:
    std::filesystem::path m_path;
};

std::string readFile(const std::filesystem::path&);
/// A committed sample (tests/data/ingest).
std::filesystem::path sample(const std::string& name);
/// Contracts beside the repository; empty where they are absent.
std::vector<std::filesystem::path> contracts();

/// The error that the action throws; code Internal with an empty text if it throws none.
Error errorOf(const std::function<void()>& action);

/// Reads in this process with the reader of the format.
Document readNow(const std::filesystem::path&, const ReadOptions& = {});
Document readBytes(const std::string& name, std::string bytes, const ReadOptions& = {});

std::string textOf(const Document&, TextRange);
/// Texts of all blocks of one kind.
std::vector<std::string> blocksOf(const Document&, BlockKind);

/// Every promise of document.h, blocks that cover all text, words and boxes that agree both ways.
/// Returns how many words lie over another word, so that their box holds both.
std::size_t checkDocument(const Document&, const std::string& what);

} // namespace dossier::ingest::testing_support
