// SPDX-License-Identifier: GPL-3.0-or-later
// What stays read when documents come, change and go.
#include "app/lanes/lane_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dossier::app {
namespace {

using ::testing::ElementsAre;

const std::vector<WantedPiece> kWanted{{"p", 10}, {"a", 100}, {"b", 200}, {"c", 50}};

LanePlan plan(const std::vector<engine::LaneMark>& marks, const std::vector<WantedPiece>& wanted,
              const std::vector<engine::Token>& tail = {}, std::size_t beginsWithTail = 99) {
    return planLane(marks, tail, wanted,
                    [&](std::size_t piece, auto) { return piece == beginsWithTail; });
}

TEST(LanePlan, NothingReadYet) {
    const LanePlan p = plan({}, kWanted);
    EXPECT_THAT(p.order, ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(p.keep, 0u);
    EXPECT_EQ(p.toRead(), 360u);
}

TEST(LanePlan, NewDocumentsGoToTheEnd) {
    const LanePlan p = plan({{10, "p"}, {210, "b"}}, kWanted);
    EXPECT_THAT(p.order, ElementsAre(0, 2, 1, 3));
    EXPECT_EQ(p.keep, 210u);
    EXPECT_EQ(p.keptPieces, 2u);
    EXPECT_EQ(p.toRead(), 150u);
}

TEST(LanePlan, AChangedDocumentGoesBehindTheOnesThatDidNotChange) {
    // b became b2; c stood behind it and is known not to change.
    const std::vector<WantedPiece> wanted{{"p", 10}, {"a", 100}, {"b2", 210}, {"c", 50}};
    const LanePlan p = plan({{10, "p"}, {110, "a"}, {310, "b"}, {360, "c"}}, wanted);
    EXPECT_THAT(p.order, ElementsAre(0, 1, 3, 2));
    EXPECT_EQ(p.keep, 110u);
    EXPECT_EQ(p.toRead(), 260u);
}

TEST(LanePlan, WhatAQuestionMayDoToTheLane) {
    const std::vector<engine::LaneMark> lane{{10, "p"}, {110, "a"}};
    const LanePlan more = plan(lane, kWanted);
    EXPECT_EQ(more.drop, 0u);
    EXPECT_TRUE(more.allowedBy(LaneChange::Any));
    EXPECT_TRUE(more.allowedBy(LaneChange::Extend));
    EXPECT_FALSE(more.allowedBy(LaneChange::None));
    const LanePlan other = plan(lane, {{"p", 10}, {"b", 200}});
    EXPECT_EQ(other.drop, 100u);
    EXPECT_TRUE(other.allowedBy(LaneChange::Any));
    EXPECT_FALSE(other.allowedBy(LaneChange::Extend));
    const LanePlan first = plan(lane, {{"p", 10}}); // nothing needs to be read for it
    EXPECT_EQ(first.drop, 100u);
    EXPECT_TRUE(first.allowedBy(LaneChange::Extend));
    EXPECT_TRUE(first.allowedBy(LaneChange::None));
}

TEST(LanePlan, RemovingTheLastDocumentReadsNothing) {
    const std::vector<WantedPiece> wanted{{"p", 10}, {"a", 100}};
    const LanePlan p = plan({{10, "p"}, {110, "a"}, {310, "b"}}, wanted);
    EXPECT_EQ(p.toRead(), 0u);
    EXPECT_EQ(p.total(), 110u);
}

TEST(LanePlan, AHalfReadDocumentGoesOnWhereItStopped) {
    const std::vector<engine::Token> tail(60);
    const LanePlan p = plan({{10, "p"}, {110, "a"}}, kWanted, tail, 3);
    EXPECT_THAT(p.order, ElementsAre(0, 1, 3, 2));
    EXPECT_EQ(p.keep, 170u);
    EXPECT_EQ(p.keptPieces, 2u);
    EXPECT_EQ(p.drop, 0u);
    const LanePlan gone = plan({{10, "p"}, {110, "a"}}, kWanted, tail); // of such a document
    EXPECT_EQ(gone.keep, 110u);
    EXPECT_EQ(gone.drop, 60u);
    EXPECT_FALSE(gone.allowedBy(LaneChange::Extend));
}

TEST(LanePlan, KeptTokensAreCountedByPiece) {
    const LanePlan p = plan({{10, "p"}, {110, "a"}}, kWanted, std::vector<engine::Token>(40), 3);
    const auto all = [](std::size_t) { return true; };
    EXPECT_EQ(keptTokens(p, all), 150u);
    EXPECT_EQ(keptTokens(p, [](std::size_t piece) { return piece != 1; }), 50u);
    EXPECT_EQ(keptTokens(p, [](std::size_t piece) { return piece == 3; }), 40u); // half read
    EXPECT_EQ(keptTokens(p, [](std::size_t piece) { return piece == 2; }), 0u);  // not read yet
    EXPECT_EQ(keptTokens(LanePlan(), all), 0u);
}

TEST(LanePlan, AnotherPreludeKeepsNothing) {
    EXPECT_EQ(plan({{10, "other"}, {110, "a"}}, kWanted).keep, 0u);
    EXPECT_EQ(plan({{11, "p"}, {111, "a"}}, kWanted).keep, 0u); // the id, but not the length
}

TEST(LanePlan, AHalfReadPreludeIsGoneOnWith) {
    EXPECT_EQ(plan({}, kWanted, std::vector<engine::Token>(4), 0).keep, 4u);
}

} // namespace
} // namespace dossier::app
