// SPDX-License-Identifier: GPL-3.0-or-later
// Limits of the reader processes, for tests and unusual computers.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "ingest/ingest.h"

namespace dossier::ingest {

struct ClientOptions {
    unsigned workers = 2;
    std::chrono::milliseconds quietLimit{20'000}; ///< without a sign of life: a page, a step
    std::chrono::milliseconds fileLimit{600'000}; ///< for one request
    std::uint64_t memoryBytes = 1536ull << 20;
    std::size_t openPdfs = 3; ///< processes kept for rendering, each with its PDF
};

std::unique_ptr<Reader> makeReader(const std::filesystem::path& program, const ClientOptions&);

} // namespace dossier::ingest
