// SPDX-License-Identifier: GPL-3.0-or-later
// Which files of a source folder nobody wants to read, and why: by name, then by the first bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/ingest.h"

namespace dossier::ingest {

struct Verdict {
    WalkReason kind = WalkReason::None;
    std::string reason;
};

/// Folders that hold other people's code or tools' leftovers ("node_modules").
std::optional<Verdict> classifyFolder(std::string_view name);

/// By name alone; nullopt: look inside.
std::optional<Verdict> classifyName(std::string_view name);

/// How much of a file classifyContent wants to see.
inline constexpr std::size_t kContentSample = 32 << 10;

/// By the beginning of the file.
std::optional<Verdict> classifyContent(std::string_view name, std::string_view beginning);

} // namespace dossier::ingest
