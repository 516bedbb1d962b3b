#include "src/solve/peak_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "gopt/base/random.h"
#include "src/solve/peak_state.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;

PeakInstance Instance(const testing::TaskProblem& t) {
  Plan plan = testing::LargePlan(t.tasks.kernels(), 1, 0);
  return MakePeakInstance(t.problem, plan, t.tasks.kernel_graph().topological_order, 0).value();
}

PeakInstance Instance(std::string_view text) { return Instance(testing::TaskProblem(text, 1)); }

PeakInstance Layered(int ops, int width, uint64_t seed) {
  return Instance(
      testing::TaskProblem(testing::LayeredGraph(ops, width, seed), testing::EqualDevices(1)));
}

// Any legal order.
std::vector<int32_t> RandomOrder(const PeakInstance& instance, Random* random) {
  PeakState state(instance);
  while (!state.complete()) {
    state.Do(state.ready()[random->Below(static_cast<int64_t>(state.ready().size()))]);
  }
  return {state.order().begin(), state.order().end()};
}

TEST(PeakInstanceTest, AnOrderReadBackwardsHasTheSamePeak) {
  const PeakInstance instance = Layered(60, 6, 1);
  const PeakInstance reversed = instance.Reversed();
  Random random(1);
  for (int i = 0; i < 50; ++i) {
    std::vector<int32_t> order = RandomOrder(instance, &random);
    const int64_t peak = instance.Peak(order);
    std::reverse(order.begin(), order.end());
    EXPECT_EQ(reversed.Peak(order), peak);
  }
}

TEST(PeakInstanceTest, AWindowHasThePeakOfItsPartOfTheOrder) {
  const PeakInstance instance = Layered(60, 6, 2);
  Random random(2);
  for (int i = 0; i < 50; ++i) {
    const std::vector<int32_t> order = RandomOrder(instance, &random);
    const std::vector<int64_t> bytes = RunBytesAlong(instance, order);
    const int first = static_cast<int>(random.Below(50));
    const PeakInstance window = instance.Window(order, first, first + 10);
    EXPECT_EQ(window.Peak(window.program),
              *std::max_element(bytes.begin() + first, bytes.begin() + first + 10));
  }
}

TEST(PeakInstanceTest, NoOrderIsBelowTheBoundOfAnItem) {
  const PeakInstance instance = Layered(40, 5, 3);
  Random random(3);
  for (int i = 0; i < 50; ++i) {
    const int64_t peak = instance.Peak(RandomOrder(instance, &random));
    for (int32_t item = 0; item < instance.num_items(); ++item) {
      ASSERT_LE(instance.PeakBound(item), peak);
    }
  }
}

TEST(PeakStateTest, UndoGivesBackTheStateOfBefore) {
  const PeakInstance instance = Layered(80, 8, 4);
  Random random(4);
  PeakState state(instance);
  for (int i = 0; i < 200; ++i) {
    const size_t length = static_cast<size_t>(random.Below(static_cast<int64_t>(80)));
    while (state.order().size() < length) {
      state.Do(state.ready()[random.Below(static_cast<int64_t>(state.ready().size()))]);
    }
    state.UndoTo(length / 2);
    PeakState fresh(instance);
    for (int32_t item : state.order()) fresh.Do(item);
    ASSERT_EQ(state.live(), fresh.live());
    ASSERT_EQ(state.hash(), fresh.hash());
    ASSERT_EQ(state.ready().size(), fresh.ready().size());
    for (int32_t item : state.ready()) {
      ASSERT_EQ(state.RunBytes(item), fresh.RunBytes(item));
      ASSERT_EQ(state.NetBytes(item), fresh.NetBytes(item));
    }
  }
}

TEST(PeakStateTest, ForcesWhatGivesBackAndChainsThatEndNoHigher) {
  // b gives back a's ten bytes; c takes 50 and d ends at two, beside one of b's five.
  const PeakInstance instance = Instance(
      "a[time=1,bytes=10] -> b[time=1,bytes=5] -> c[time=1,bytes=50] -> d[time=1,bytes=2]; "
      "b -> e[time=1,bytes=9]; d, e -> f[time=1,bytes=20] -> g:output");
  PeakState state(instance);
  state.Do(0);
  state.ForceWithin(40);  // c does not fit.
  EXPECT_THAT(state.order(), ElementsAre(0, 1));
  state.UndoTo(1);
  state.ForceWithin(100);
  EXPECT_THAT(state.order(), ElementsAre(0, 1));  // After c and d there are seven bytes, not five.
}

TEST(PeakSearchTest, CutsWhereEveryOrderPasses) {
  const PeakInstance instance = Instance(
      "a[time=1,bytes=1] -> b[time=1,bytes=1], c[time=1,bytes=1]; b, c -> d[time=1,bytes=1] -> "
      "e[time=1,bytes=1], f[time=1,bytes=1]; e, f -> g[time=1,bytes=1] -> h:output");
  std::vector<int32_t> order = instance.program;
  EXPECT_THAT(CutPositions(instance, &order), ElementsAre(0, 3, 6, 7));
}

TEST(PeakSearchTest, WhatCannotFitTellsTheNextBudgetWorthTrying) {
  const PeakInstance instance = Layered(24, 4, 6);
  PeakMeter meter(100'000'000, {});
  OrderAndPeak best = {.order = instance.program, .peak = instance.Peak(instance.program)};
  const int64_t least = NarrowPeak(instance, instance.base_bytes, 0, 10'000'000, &meter, &best);
  ASSERT_EQ(least, best.peak);
  int64_t budget = instance.base_bytes;
  while (true) {
    const FitAnswer answer = FitWithin(instance, budget, 10'000'000, &meter);
    if (answer.kind == FitAnswer::Kind::kFits) break;
    ASSERT_EQ(answer.kind, FitAnswer::Kind::kCannot);
    ASSERT_GT(answer.least_over, budget);
    ASSERT_LE(answer.least_over, least);
    budget = answer.least_over;
  }
  EXPECT_EQ(budget, least);
}

TEST(PeakSearchTest, TheBeamIsNoBetterThanTheBest) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const PeakInstance instance = Layered(30, 5, seed);
    PeakMeter meter(100'000'000, {});
    OrderAndPeak best = BestListOrder(instance, 0, &meter);
    const int64_t least = NarrowPeak(instance, instance.base_bytes, 0, 50'000'000, &meter, &best);
    const OrderAndPeak beam = BeamOrder(instance, 16, 0, &meter);
    EXPECT_EQ(instance.Peak(beam.order), beam.peak);
    EXPECT_GE(beam.peak, least);
    EXPECT_LE(beam.peak, least * 3 / 2);
  }
}

}  // namespace
}  // namespace gopt
