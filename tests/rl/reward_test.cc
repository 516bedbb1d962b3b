#include "gopt/rl/reward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gopt {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Optional;

using Kind = RewardOptions::Kind;

CostReport Ok(Nanoseconds time) {
  CostReport report;
  report.outcome = Outcome::kOk;
  report.step_time = time;
  return report;
}
CostReport Over(int64_t bytes) {
  CostReport report;
  report.outcome = Outcome::kInfeasible;
  report.bytes_over_limit = bytes;
  return report;
}

TEST(RewardOfTimeTest, IsMinusTheRootOrTheLogOfTheRatio) {
  EXPECT_DOUBLE_EQ(RewardOfTime({.kind = Kind::kSqrt}, 400, 100), -2.0);
  EXPECT_DOUBLE_EQ(RewardOfTime({.kind = Kind::kSqrt}, 25, 100), -0.5);
  EXPECT_DOUBLE_EQ(RewardOfTime({.kind = Kind::kLog}, 200, 100), -std::log(2.0));
  EXPECT_DOUBLE_EQ(RewardOfTime({.kind = Kind::kLog}, 50, 100), std::log(2.0));
  EXPECT_EQ(RewardOfTime({.kind = Kind::kLog}, 100, 100), 0.0);
}

TEST(RewardOfTimeTest, IsFiniteForAnyTimes) {
  const Nanoseconds largest = std::numeric_limits<Nanoseconds>::max();
  for (const Kind kind : {Kind::kSqrt, Kind::kLog}) {
    for (const Nanoseconds time : {Nanoseconds{0}, largest}) {
      for (const Nanoseconds reference : {Nanoseconds{0}, largest}) {
        EXPECT_TRUE(std::isfinite(RewardOfTime({.kind = kind}, time, reference)));
      }
    }
  }
  EXPECT_EQ(RewardOfTime({}, 0, 1), 0.0);  // Counts as 1 ns.
}

TEST(RewardScaleTest, GradesPlansOverALimitBelowTheWorstFeasible) {
  RewardScale scale({.kind = Kind::kLog}, 100, /*memory=*/1'000);
  EXPECT_THAT(scale.Rewards(std::vector{Over(500), Ok(200), Over(0), Ok(50)}),
              ElementsAre(Optional(DoubleNear(-std::log(2.0) - 1.5, 1e-12)),
                          Optional(DoubleEq(-std::log(2.0))), Optional(DoubleEq(-10.0)),
                          Optional(DoubleEq(std::log(2.0)))));
  EXPECT_DOUBLE_EQ(scale.worst_feasible(), -std::log(2.0));
}

TEST(RewardScaleTest, RemembersTheWorstOfBatchesBefore) {
  RewardScale scale({.kind = Kind::kLog}, 100, 1'000);
  scale.Rewards(std::vector{Ok(400)});
  EXPECT_THAT(scale.Rewards(std::vector{Ok(200), Over(250)}),
              ElementsAre(Optional(DoubleEq(-std::log(2.0))),
                          Optional(DoubleNear(-std::log(4.0) - 1.25, 1e-12))));
  RewardScale resumed({.kind = Kind::kLog}, 100, 1'000);
  resumed.set_worst_feasible(scale.worst_feasible());
  EXPECT_EQ(resumed.Rewards(std::vector{Over(250)}), scale.Rewards(std::vector{Over(250)}));
}

TEST(RewardScaleTest, PlansOverALimitAreNeverAboveTheReference) {
  // The reference is feasible, so the worst feasible reward is no better than its own.
  for (const Kind kind : {Kind::kSqrt, Kind::kLog}) {
    RewardScale scale({.kind = kind}, 100, 1'000);
    EXPECT_THAT(
        scale.Rewards(std::vector{Over(100)}),
        ElementsAre(Optional(DoubleNear(RewardOfTime({.kind = kind}, 100, 100) - 1.1, 1e-12))));
  }
}

TEST(RewardScaleTest, NoGradedRewardIsBelowThatOfInfeasiblePlans) {
  RewardScale scale({.infeasible = -3.0}, 100, 1'000);
  EXPECT_THAT(scale.Rewards(std::vector{Over(1'500), Over(5'000)}),
              ElementsAre(Optional(DoubleNear(-2.5, 1e-12)), Optional(DoubleEq(-3.0))));
  RewardScale memoryless({}, 100, /*memory=*/0);
  EXPECT_THAT(memoryless.Rewards(std::vector{Over(1)}), ElementsAre(Optional(DoubleEq(-2.0))));
}

TEST(RewardScaleTest, AllInfeasiblePlansAreEqualWhenNotGraded) {
  RewardScale scale({.infeasible = -7.0, .graded = false}, 100, 1'000);
  EXPECT_THAT(
      scale.Rewards(std::vector{Over(1), Over(900), Over(0)}),
      ElementsAre(Optional(DoubleEq(-7.0)), Optional(DoubleEq(-7.0)), Optional(DoubleEq(-7.0))));
}

TEST(RewardScaleTest, FailedPlansHaveNone) {
  RewardScale scale({}, 100, 1'000);
  CostReport failed;
  failed.outcome = Outcome::kFailed;
  failed.bytes_over_limit = 5;
  EXPECT_THAT(scale.Rewards(std::vector{failed, Ok(100)}),
              ElementsAre(std::nullopt, Optional(DoubleEq(0.0))));
  EXPECT_TRUE(scale.Rewards({}).empty());
}

TEST(LeaveOneOutTest, SubtractsTheMeanOfTheOthers) {
  EXPECT_THAT(LeaveOneOut(std::vector{1.0, 2.0, 6.0}),
              ElementsAre(DoubleEq(-3.0), DoubleEq(-1.5), DoubleEq(4.5)));
  EXPECT_THAT(LeaveOneOut(std::vector{5.0}), ElementsAre(0.0));
  EXPECT_THAT(LeaveOneOut(std::vector<double>{}), ElementsAre());
}

TEST(NormalizeAdvantagesTest, DividesByTheRootMeanSquareAndClips) {
  std::vector<double> a = {3.0, -4.0, 0.0, 0.0};  // Root mean square 2.5.
  NormalizeAdvantages(0.0, &a);
  EXPECT_THAT(a, ElementsAre(DoubleEq(1.2), DoubleEq(-1.6), 0.0, 0.0));
  a = {3.0, -4.0, 0.0, 0.0};
  NormalizeAdvantages(1.4, &a);
  EXPECT_THAT(a, ElementsAre(DoubleEq(1.2), DoubleEq(-1.4), 0.0, 0.0));
  a = {0.0, 0.0};
  NormalizeAdvantages(3.0, &a);
  EXPECT_THAT(a, ElementsAre(0.0, 0.0));
  a = {};
  NormalizeAdvantages(3.0, &a);
  EXPECT_TRUE(a.empty());
}

}  // namespace
}  // namespace gopt
