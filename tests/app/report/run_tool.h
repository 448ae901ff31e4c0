// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a command line tool (pdftotext, qpdf ...) and returns what it printed.
#pragma once

#include <stdio.h>

#include <array>
#include <filesystem>
#include <string>

namespace dossier::test {

struct ToolResult {
    int status = -1; ///< exit status
    std::string output;
};

inline std::string quoted(const std::filesystem::path& path) {
    std::string out = "'";
    for (const char c : path.string())
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// Standard output and error together.
inline ToolResult runTool(const std::string& command) {
    ToolResult result;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr)
        return result;
    std::array<char, 4096> block{};
    for (std::size_t got; (got = ::fread(block.data(), 1, block.size(), pipe)) > 0;)
        result.output.append(block.data(), got);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

inline bool haveTool(const std::string& name) {
    return runTool("command -v " + name).status == 0;
}

} // namespace dossier::test
