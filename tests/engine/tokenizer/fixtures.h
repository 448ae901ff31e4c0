// SPDX-License-Identifier: Apache-2.0
// Tokenizers and vectors that the tests here share. Absent ones are null or empty: the test skips.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace dossier::engine::testing {

struct Vector {
    std::string text;
    std::vector<Token> ids;
};

/// Beside the repository; may not exist.
std::filesystem::path sharedFolder();
/// Our own committed test data.
std::filesystem::path dataFolder();

std::string readAll(const std::filesystem::path& path);

/// Folder with the embedded model's tokenizer files; empty if there is none.
std::filesystem::path embeddedFolder();
std::shared_ptr<const Tokenizer> embeddedTokenizer();

/// Text of the full-size model's tokenizer.json; empty if there is none or no xz to unpack it.
const std::string& v4Json();
std::shared_ptr<const Tokenizer> v4Tokenizer();

/// Reads [{"text": ..., KEY: [...]}, ...].
std::vector<Vector> readVectors(const std::filesystem::path& path, const std::string& key);

} // namespace dossier::engine::testing

// NOLINTNEXTLINE: a macro, because GTEST_SKIP returns from the test
#define DOSSIER_NEED(pointer, what)                                                                \
    if (!(pointer)) {                                                                              \
        GTEST_SKIP() << what;                                                                      \
    }
