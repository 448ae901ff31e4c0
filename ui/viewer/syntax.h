// SPDX-License-Identifier: GPL-3.0-or-later
// Simple syntax colouring, line by line with a small state, so that any line of a million can be
// coloured alone once the states are known. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dossier::ui {

enum class SyntaxKind : std::uint8_t {
    Plain,
    Keyword,
    Type,
    Constant,
    String,
    Comment,
    Preprocessor,
};

struct SyntaxSpan {
    std::uint32_t begin = 0, end = 0; ///< bytes of the line
    SyntaxKind kind = SyntaxKind::Plain;
    bool operator==(const SyntaxSpan&) const = default;
};

/// What a line begins inside of: 0 = nothing, else comment or a string form of the language.
using SyntaxState = std::uint8_t;

struct Language; ///< tables of one language

/// By the document's language name ("cpp", "python", "rust", ...); null for unknown ones.
const Language* languageOf(std::string_view name);
/// For the foot bar: "C++"; the name itself when unknown.
std::string languageTitle(std::string_view name);

/// Colours one line and returns the state behind it. `spans` are ascending; gaps are plain.
SyntaxState colorLine(const Language& language, std::string_view line, SyntaxState state,
                      std::vector<SyntaxSpan>* spans);

/// The state at the start of each line; `starts` as in LineIndex.
std::vector<SyntaxState> lineStates(const Language& language, const std::string& text,
                                    const std::vector<std::uint64_t>& starts,
                                    const std::stop_token& stop);

} // namespace dossier::ui
