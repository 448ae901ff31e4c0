// SPDX-License-Identifier: Apache-2.0
#include "engine/base/mapped_file.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/error.h"

namespace dossier {
namespace {

std::string writeFile(const std::string& name, std::size_t bytes) {
    std::string path = testing::TempDir() + "/" + name;
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << std::string(bytes, 'x');
    return path;
}

ErrorCode codeOf(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Internal;
}

} // namespace

TEST(MappedFile, MapsMovesAndAdvises) {
    MappedFile a = MappedFile::open(writeFile("mapped", 10'000));
    ASSERT_EQ(a.size(), 10'000U);
    EXPECT_EQ(a.bytes()[9'999], std::byte{'x'});
    a.advise(MappedFile::Pattern::WillNeed);
    a.advise(MappedFile::Pattern::Random, 5000);
    a.advise(MappedFile::Pattern::Sequential, 1U << 30, 5);
    EXPECT_EQ(a.residentBytes(), 10'000U);
    MappedFile b = std::move(a);
    EXPECT_EQ(b.bytes().size(), 10'000U);
    EXPECT_TRUE(a.bytes().empty()); // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_NO_THROW(b.checkIntact());
}

TEST(MappedFile, EmptyFileIsAnEmptySpan) {
    const MappedFile file = MappedFile::open(writeFile("empty", 0));
    EXPECT_TRUE(file.bytes().empty());
    EXPECT_NO_THROW(file.checkIntact());
    EXPECT_EQ(file.residentBytes(), 0U);
}

TEST(MappedFile, FailuresSayWhatIsWrong) {
    EXPECT_EQ(codeOf([] { MappedFile::open("/no/such/file"); }), ErrorCode::NotFound);
    EXPECT_EQ(codeOf([] { MappedFile::open(testing::TempDir()); }), ErrorCode::InvalidArgument);
    if (geteuid() != 0) {
        const std::string path = writeFile("locked", 5);
        std::filesystem::permissions(path, std::filesystem::perms::none);
        EXPECT_EQ(codeOf([&] { MappedFile::open(path); }), ErrorCode::Permission);
    }
}

TEST(MappedFile, FileCutShortWhileMappedGivesAnErrorNotASignal) {
    const std::string path = writeFile("cut", 1U << 20);
    const MappedFile file = MappedFile::open(path);
    const MappedFile other = MappedFile::open(writeFile("whole", 1U << 20));
    std::filesystem::resize_file(path, 5000);
    const auto bytes = file.bytes();
    EXPECT_EQ(bytes[4999], std::byte{'x'});
    EXPECT_EQ(bytes[900'000], std::byte{0}); // would be SIGBUS without the guard
    EXPECT_EQ(bytes[500'000], std::byte{0});
    EXPECT_EQ(codeOf([&] { file.checkIntact(); }), ErrorCode::Corrupt);
    EXPECT_NO_THROW(other.checkIntact());
    // Growing it again does not bring back what was read as zeros.
    std::filesystem::resize_file(path, 1U << 20);
    EXPECT_EQ(codeOf([&] { file.checkIntact(); }), ErrorCode::Corrupt);
}

TEST(MappedFile, ShorterFileIsNoticedWithoutReadingIt) {
    const std::string path = writeFile("shorter", 10'000);
    const MappedFile file = MappedFile::open(path);
    std::filesystem::resize_file(path, 9'999);
    EXPECT_EQ(codeOf([&] { file.checkIntact(); }), ErrorCode::Corrupt);
}

TEST(MappedFileDeathTest, SignalsFromElsewhereStillEndTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            const MappedFile ours = MappedFile::open(writeFile("ours", 5000));
            const std::string path = writeFile("foreign", 1U << 20);
            FILE* file = fopen(path.c_str(), "r+");
            const auto* data = static_cast<const volatile char*>(
                mmap(nullptr, 1U << 20, PROT_READ, MAP_SHARED, fileno(file), 0));
            std::filesystem::resize_file(path, 0);
            (void)data[100'000];
        },
        "");
}

} // namespace dossier
