// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ingest/support/ingest_testing.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "ingest/readers/direct.h"

namespace dossier::ingest::testing_support {

TempFolder::TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dossier-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary folder");
    }
    m_path = pattern;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
}

std::filesystem::path TempFolder::write(const std::filesystem::path& name,
                                        std::string_view content) const {
    const auto path = m_path / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    return path;
}

std::string readFile(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    return content.str();
}

std::filesystem::path sample(const std::string& name) {
    return std::filesystem::path(DOSSIER_SOURCE_DIR) / "tests/data/ingest" / name;
}

std::vector<std::filesystem::path> contracts() {
    std::vector<std::filesystem::path> files;
    std::error_code absent;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(DOSSIER_SOURCE_DIR) / "../shared/contracts", absent)) {
        if (entry.path().extension() == ".pdf") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

Error errorOf(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    return Error(ErrorCode::Internal, "");
}

Document readNow(const std::filesystem::path& path, const ReadOptions& options) {
    return readers::readSource(readers::loadFile(path, {}), readers::Job(options, {}, {}));
}

Document readBytes(const std::string& name, std::string bytes, const ReadOptions& options) {
    return readers::readSource({name, std::move(bytes)}, readers::Job(options, {}, {}));
}

std::string textOf(const Document& document, TextRange range) {
    return document.text.substr(range.begin, range.size());
}

std::vector<std::string> blocksOf(const Document& document, BlockKind kind) {
    std::vector<std::string> texts;
    for (const Block& block : document.blocks) {
        if (block.kind == kind) {
            texts.push_back(textOf(document, block.range));
        }
    }
    return texts;
}

std::size_t checkDocument(const Document& document, const std::string& what) {
    EXPECT_NO_THROW(validate(document)) << what;
    EXPECT_EQ(document.sha256.size(), 64U) << what;
    EXPECT_FALSE(document.title.empty()) << what;
    std::uint64_t end = 0;
    const auto isBlank = [&](std::uint64_t from, std::uint64_t to) {
        return document.text.substr(from, to - from).find_first_not_of(" \t\n\f\v") ==
               std::string::npos;
    };
    for (const Block& block : document.blocks) {
        EXPECT_FALSE(block.range.empty()) << what;
        EXPECT_TRUE(isBlank(end, block.range.begin)) << what << ": text between blocks";
        end = block.range.end;
    }
    EXPECT_TRUE(isBlank(end, document.text.size())) << what << ": text behind the blocks";
    std::size_t overlaid = 0;
    for (const Word& word : document.words) {
        const auto boxes = boxesOf(document, word.range);
        EXPECT_EQ(boxes, (std::vector<PageBox>{{word.page, word.box}}))
            << what << textOf(document, word.range);
        const auto range = rangeIn(document, word.page, word.box);
        EXPECT_TRUE(range.has_value() && range->begin <= word.range.begin &&
                    range->end >= word.range.end)
            << what << textOf(document, word.range);
        if (range != word.range) {
            ++overlaid;
        }
    }
    EXPECT_EQ(deserialize(serialize(document)), document) << what;
    return overlaid;
}

} // namespace dossier::ingest::testing_support
