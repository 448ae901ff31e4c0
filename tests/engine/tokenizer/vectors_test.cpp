// SPDX-License-Identifier: Apache-2.0
// Ids and bytes against vectors made with the Hugging Face tokenizers library.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/json_text.h"
#include "tests/engine/tokenizer/fixtures.h"

namespace dossier::engine {
namespace {

using namespace testing;

void expectBothWays(const Tokenizer& tokenizer, const std::vector<Vector>& vectors,
                    std::size_t atLeast) {
    ASSERT_GE(vectors.size(), atLeast);
    for (const Vector& vector : vectors) {
        ASSERT_EQ(tokenizer.encode(vector.text, AddedTokens::On), vector.ids)
            << "text: " << vector.text;
        ASSERT_EQ(tokenizer.decode(vector.ids), vector.text);
        ASSERT_EQ(tokenizer.count(vector.text, AddedTokens::On), vector.ids.size());
    }
}

TEST(Vectors, OwnStringsWithTheEmbeddedTokenizer) {
    DOSSIER_NEED(embeddedTokenizer(), "no embedded model");
    expectBothWays(*embeddedTokenizer(), readVectors(dataFolder() / "vectors.json", "embedded"),
                   300);
}

TEST(Vectors, OwnStringsWithTheFullTokenizer) {
    DOSSIER_NEED(v4Tokenizer(), "no shared tokenizer data (or no xz)");
    expectBothWays(*v4Tokenizer(), readVectors(dataFolder() / "vectors.json", "v4"), 300);
}

TEST(Vectors, SharedStrings) {
    DOSSIER_NEED(v4Tokenizer(), "no shared tokenizer data (or no xz)");
    expectBothWays(*v4Tokenizer(), readVectors(sharedFolder() / "tokenizer/vectors.json", "ids"),
                   2114);
    expectBothWays(*v4Tokenizer(),
                   readVectors(sharedFolder() / "tokenizer/vectors-extra.json", "ids"), 610);
}

TEST(Vectors, SharedPrompts) {
    DOSSIER_NEED(v4Tokenizer(), "no shared tokenizer data (or no xz)");
    const std::filesystem::path folder = sharedFolder() / "tokenizer/encoding";
    const auto all = parseJson(readAll(folder / "test_output_ids.json"));
    std::vector<Vector> vectors;
    for (const auto& [name, ids] : all.items()) {
        vectors.push_back({readAll(folder / name), ids.get<std::vector<Token>>()});
    }
    expectBothWays(*v4Tokenizer(), vectors, 4);
}

} // namespace
} // namespace dossier::engine
