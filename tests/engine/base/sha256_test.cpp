// SPDX-License-Identifier: Apache-2.0
#include "engine/base/sha256.h"

#include <fstream>

#include <gtest/gtest.h>

#include "engine/base/error.h"

namespace dossier {

TEST(Sha256, PublishedVectors) {
    EXPECT_EQ(Sha256::hexOf(std::string_view("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(Sha256::hexOf(std::string_view("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(
        Sha256::hexOf(std::string_view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(Sha256::hexOf(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheSameDigestAsTheWhole) {
    std::string text;
    for (int i = 0; i < 300; ++i) {
        text += static_cast<char>(i * 7);
    }
    for (std::size_t piece = 1; piece < 130; ++piece) {
        Sha256 hash;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            hash.update(std::string_view(text).substr(at, piece));
        }
        ASSERT_EQ(Sha256::hex(hash.finish()), Sha256::hexOf(text)) << piece;
    }
}

TEST(Sha256, HashesFilesAndSaysWhenOneIsMissing) {
    const std::string path = testing::TempDir() + "/sha256_test.bin";
    std::ofstream(path) << "abc";
    EXPECT_EQ(Sha256::hexOfFile(path), Sha256::hexOf(std::string_view("abc")));
    try {
        Sha256::hexOfFile(path + ".gone");
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
    }
}

} // namespace dossier
