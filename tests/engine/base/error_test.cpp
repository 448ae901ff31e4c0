// SPDX-License-Identifier: Apache-2.0
#include "engine/base/error.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace dossier {

TEST(Error, SaysWhatFailedAndWhatToDo) {
    const Error error(ErrorCode::Corrupt, "a.safetensors is truncated", "Copy the file again");
    EXPECT_STREQ(error.what(), "a.safetensors is truncated. Copy the file again.");
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
}

TEST(Error, CodeNamesSurviveARoundTrip) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::Internal); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        EXPECT_EQ(errorCodeFromName(errorCodeName(code)), code);
    }
    EXPECT_EQ(errorCodeFromName("from a newer version"), ErrorCode::Internal);
}

TEST(Error, FullDiskIsToldApartFromOtherFailures) {
    EXPECT_EQ(systemError("write x", ENOSPC).code(), ErrorCode::DiskFull);
    EXPECT_EQ(systemError("write x", EACCES).code(), ErrorCode::Permission);
    EXPECT_EQ(systemError("write x", EIO).code(), ErrorCode::Io);
}

} // namespace dossier
