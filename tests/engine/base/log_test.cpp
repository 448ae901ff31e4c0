// SPDX-License-Identifier: Apache-2.0
#include "engine/base/log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace dossier {

TEST(Log, SinkGetsLinesFromItsLevelUpwards) {
    std::vector<std::string> lines;
    setLogSink(
        [&](LogLevel level, std::string_view component, std::string_view message) {
            lines.push_back(std::string(logLevelName(level)) + " " + std::string(component) + " " +
                            std::string(message));
        },
        LogLevel::Info);
    EXPECT_FALSE(logEnabled(LogLevel::Debug));
    log(LogLevel::Debug, "model", "dropped");
    log(LogLevel::Warning, "model", "shard 3 is slow");
    setLogSink({});
    log(LogLevel::Error, "model", "nobody listens");
    EXPECT_EQ(lines, std::vector<std::string>{"warning model shard 3 is slow"});
    EXPECT_FALSE(logEnabled(LogLevel::Error));
}

} // namespace dossier
