// SPDX-License-Identifier: Apache-2.0
#include "engine/model/safetensors.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "tests/engine/support/golden.h"

namespace dossier::engine {
namespace {

using testing::HasSubstr;

Error errorOf(const std::string& header, std::uint64_t dataBytes) {
    try {
        parseSafetensorsHeader(header, dataBytes, "a.safetensors");
    } catch (const Error& error) {
        EXPECT_FALSE(error.remedy().empty());
        EXPECT_THAT(error.failed(), HasSubstr("a.safetensors"));
        return error;
    }
    ADD_FAILURE() << "no error for " << header.substr(0, 200);
    return {ErrorCode::Internal, ""};
}

void expectCorrupt(const std::string& header, std::uint64_t dataBytes, const std::string& says) {
    const Error error = errorOf(header, dataBytes);
    EXPECT_EQ(error.code(), ErrorCode::Corrupt) << header;
    EXPECT_THAT(error.failed(), HasSubstr(says)) << header;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
}

std::filesystem::path fileWith(const std::string& bytes) {
    const auto path = test::temporaryFolder("st") / "a.safetensors";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

std::string lengthField(std::uint64_t n) {
    return {reinterpret_cast<const char*>(&n), 8};
}

ErrorCode openCode(const std::string& bytes) {
    try {
        SafetensorsFile::open(fileWith(bytes));
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Internal;
}

} // namespace

TEST(Safetensors, ReadsShapesInTheOrderOfTheData) {
    const auto entries = parseSafetensorsHeader(
        "{\"__metadata__\":{\"format\":\"pt\"}," + entry("b", "F32", "[2,3]", "[4,28]") + "," +
            entry("a", "BF16", "[2]", "[0,4]") + "," + entry("s", "I64", "[]", "[28,36]") + "," +
            entry("none", "U8", "[0,7]", "[28,28]") + "}   ",
        36, "a.safetensors");
    ASSERT_EQ(entries.size(), 4U);
    EXPECT_EQ(entries[0].name, "a");
    EXPECT_EQ(entries[1].name, "b");
    EXPECT_EQ(entries[1].shape, (Shape{2, 3}));
    EXPECT_EQ(entries[2].name, "none");
    EXPECT_EQ(entries[3].shape, Shape{});
    EXPECT_TRUE(parseSafetensorsHeader("{}", 0, "a.safetensors").empty());
}

TEST(Safetensors, LyingHeadersAreRefusedWithTheTensorsName) {
    const auto one = [](const std::string& e) { return "{" + e + "}"; };
    expectCorrupt(one(entry("w", "F32", "[2]", "[0,4]")), 4, "\"w\"");
    expectCorrupt(one(entry("w", "F32", "[2]", "[8,0]")), 8, "\"w\"");
    expectCorrupt(one(entry("w", "F32", "[2]", "[0,8]")), 7, "truncated");
    expectCorrupt(one(entry("w", "F32", "[2]", "[0,8]")), 9, "does not describe");
    expectCorrupt(one(entry("w", "F32", "[2]", "[4,12]")), 12, "gap");
    expectCorrupt("{" + entry("v", "U8", "[8]", "[0,8]") + "," + entry("w", "U8", "[8]", "[4,12]") +
                      "}",
                  12, "overlaps");
    expectCorrupt("{" + entry("w", "U8", "[8]", "[0,8]") + "," + entry("w", "U8", "[8]", "[8,16]") +
                      "}",
                  16, "twice");
    // 2^32 * 2^32 elements overflow 64 bits, and so does the product with the element size.
    expectCorrupt(one(entry("w", "U8", "[4294967296,4294967296]", "[0,0]")), 0, "larger than any");
    expectCorrupt(one(entry("w", "F32", "[4611686018427387904]", "[0,0]")), 0, "larger than any");
    expectCorrupt(one(entry("w", "F32", "[-2]", "[0,8]")), 8, "negative");
    expectCorrupt(one(entry("w", "F32", "[1.5]", "[0,8]")), 8, "fraction");
    expectCorrupt(one(entry("w", "F32", "[99999999999999999999]", "[0,8]")), 8, "64 bits");
    expectCorrupt(one(entry("w", "F32", "[2]", "[0]")), 8, "pair");
    expectCorrupt(one(entry("w", "F32", "[2]", "[0,8,9]")), 8, "number");
    expectCorrupt(one(entry("w", "F32", "2", "[0,8]")), 8, "number");
    expectCorrupt(one(entry("w", "F32", "[[2]]", "[0,8]")), 8, "list");
    expectCorrupt(one(entry("w", "F32", "[{}]", "[0,8]")), 8, "object");
    expectCorrupt(one("\"w\":{\"dtype\":\"F32\",\"shape\":[2]}"), 8, "lacks");
    expectCorrupt(one("\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}"), 8, "repeated");
    expectCorrupt(one("\"w\":{\"kind\":\"F32\"}"), 8, "unknown");
    expectCorrupt(one("\"w\":[1,2]"), 8, "\"w\"");
    expectCorrupt(one("\"w\":null"), 8, "\"w\"");
    expectCorrupt(one("\"w\":{\"dtype\":[\"F32\"]}"), 8, "list");
    expectCorrupt(one("\"w\":{\"dtype\":{}}"), 8, "object");
    expectCorrupt(one("\"__metadata__\":[]"), 0, "list");
    expectCorrupt(one("\"__metadata__\":{\"a\":{}}"), 0, "object");
    expectCorrupt(one("\"__metadata__\":{\"a\":1}"), 0, "number");
    expectCorrupt(one("\"\":{}"), 0, "empty");
    expectCorrupt("[]", 0, "not a safetensors file");
    expectCorrupt("", 0, "not a safetensors file");
    expectCorrupt("{", 0, "not valid JSON");
    expectCorrupt("{}{}", 0, "not valid JSON");
    expectCorrupt("{\"\xc3\x28\":1}", 0, "not valid JSON");
    expectCorrupt(std::string(100'000, '{'), 0, "not valid JSON");
    EXPECT_EQ(errorOf(one(entry("w", "F8_E5M2", "[2]", "[0,2]")), 2).code(),
              ErrorCode::Unsupported);
    EXPECT_EQ(errorOf(one(entry("w", "U8", "[1,1,1,1,1]", "[0,1]")), 1).code(),
              ErrorCode::Unsupported);
}

TEST(Safetensors, FilesOfEveryLengthAreHandled) {
    const std::string header = "{" + entry("w", "F32", "[2]", "[0,8]") + "}";
    const std::string whole = lengthField(header.size()) + header + "12345678";
    const SafetensorsFile file = SafetensorsFile::open(fileWith(whole));
    ASSERT_NE(file.find("w"), nullptr);
    EXPECT_EQ(file.find("v"), nullptr);
    EXPECT_EQ(file.view(*file.find("w")).bytes, 8U);
    EXPECT_EQ(file.fileOffset(*file.find("w")), 8 + header.size());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        ASSERT_EQ(openCode(whole.substr(0, length)), ErrorCode::Corrupt) << length;
    }
    EXPECT_EQ(openCode(whole + "9"), ErrorCode::Corrupt);
    EXPECT_EQ(openCode(lengthField(UINT64_MAX) + header), ErrorCode::Corrupt);
    EXPECT_EQ(openCode(lengthField(SafetensorsFile::kMaxHeaderBytes + 1) + header),
              ErrorCode::Corrupt);
    EXPECT_EQ(openCode(lengthField(0)), ErrorCode::Corrupt);
}

TEST(Safetensors, ReadsTheGoldenFiles) {
    for (const char* name : {"unit/formats.safetensors", "tiny/golden-trace.safetensors"}) {
        const test::GoldenFile golden(*test::goldenPath(name));
        EXPECT_FALSE(golden.names().empty());
        for (const std::string& tensor : golden.names()) {
            EXPECT_TRUE(SafetensorsFile::isAligned(golden.view(tensor))) << tensor;
        }
        EXPECT_THROW((void)golden.view("no such tensor"), Error);
    }
}

TEST(TensorView, RefusesToBeReadAsAnotherType) {
    const test::GoldenFile golden(*test::goldenPath("unit/formats.safetensors"));
    const TensorView bf16 = golden.view("bf16_out");
    EXPECT_NO_THROW((void)bf16.bf16());
    EXPECT_THROW((void)bf16.f32(), Error);
    EXPECT_THROW((void)bf16.codes(), Error);
    EXPECT_THROW((void)bf16.i64(), Error);
}

} // namespace dossier::engine
