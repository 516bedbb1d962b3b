#include "gopt/cost/bounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "src/cost/relaxed_schedule.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/thread_clock.h"

namespace gopt {
namespace {

LowerBounds BoundsOf(const Problem& problem) {
  return ComputeLowerBounds(problem, RooflineCostModel(problem));
}

LowerBounds BoundsOf(const std::string& graph, int devices, ProblemOptions options = {}) {
  return BoundsOf(*Problem::Create(*ParseGraph(graph), *UniformMachine({.count = devices}),
                                   std::move(options)));
}

TEST(BoundsTest, TheCriticalPathIsTheLongestChainWithoutCommunication) {
  const LowerBounds bounds =
      BoundsOf("a[time=2,bytes=1000] -> b[time=3] -> d[time=4]; c[time=8]", 4);
  EXPECT_EQ(bounds.critical_path, 9);
}

TEST(BoundsTest, WorkIsSharedByAllDevicesAndRoundedUp) {
  EXPECT_EQ(BoundsOf("a[time=5]; b[time=5]; c[time=5]", 2).work, 8);
}

TEST(BoundsTest, OneDeviceTakesTheSum) {
  EXPECT_EQ(BoundsOf("a[time=2] -> b[time=3], c[time=4]", 1).step_time(), 9);
}

TEST(BoundsTest, PinnedOpsLoadTheirDevice) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "test"}, {1, 1, "test"}, {2, 1, "test"}};
  const LowerBounds bounds = BoundsOf("a[time=5000]; b[time=5000]; c[time=5000]", 4, options);
  EXPECT_GT(bounds.work, 12'000);
  EXPECT_LE(bounds.work, 15'000);
}

// a and d are in series with three ops of time 4 on two devices: two of those must follow each
// other.
TEST(BoundsTest, FernandezBussellSeesACrowdedInterval) {
  const LowerBounds bounds =
      BoundsOf("a[time=10] -> b[time=4], c[time=4], d[time=4] -> e[time=10]", 2);
  EXPECT_EQ(bounds.critical_path, 24);
  EXPECT_EQ(bounds.work, 16);
  EXPECT_EQ(bounds.fernandez_bussell, 26);
}

TEST(BoundsTest, MemoryCountsParametersWithOptimizerState) {
  const LowerBounds bounds = BoundsOf("w:parameter[bytes=100,copies=2] -> a", 2);
  EXPECT_EQ(bounds.persistent_bytes, 300);
  EXPECT_FALSE(bounds.memory_infeasible());
}

TEST(BoundsTest, AGraphWithoutKernelsTakesNoTime) {
  EXPECT_EQ(BoundsOf("w:parameter[bytes=10]", 2).step_time(), 0);
}

TEST(BoundsTest, FasterDevicesCountForMore) {
  Device fast = {.name = "fast",
                 .kind = "fast",
                 .memory_bytes = 1,
                 .peak_flops = 3e9,
                 .memory_bandwidth = 1e15};
  Device slow = fast;
  slow.name = slow.kind = "slow";
  slow.peak_flops = 1e9;
  const Machine machine = *Machine::Create("mixed", {fast, slow}, {{"x", 1e9, 0}, {"y", 1e9, 0}},
                                           {{0, 1, {0}}, {1, 0, {1}}});
  std::string text;
  for (int i = 0; i < 8; ++i) text += "op" + std::to_string(i) + "[flops=3e6];";
  text.pop_back();
  const LowerBounds bounds = BoundsOf(*Problem::Create(*ParseGraph(text), machine));
  // 8 ms on the fast device alone, 24 ms on the slow one: 6 ms at their joint rate.
  EXPECT_GT(bounds.work, 5'999'000);
  EXPECT_LE(bounds.work, 6'000'000);
}

// --- Against all intervals

Nanoseconds BruteForceFernandezBussell(const RelaxedSchedule& s, int devices) {
  const int n = s.num_items;
  std::vector<int64_t> es(n, 0), ef(n, 0), lf(n), points = {0};
  int64_t length = 0;
  for (int32_t i : s.order) {
    for (int32_t k = s.predecessor_begin[i]; k < s.predecessor_begin[i + 1]; ++k) {
      es[i] = std::max(es[i], ef[s.predecessors[k]]);
    }
    ef[i] = es[i] + s.best_time[i];
    length = std::max(length, ef[i]);
  }
  std::fill(lf.begin(), lf.end(), length);
  for (auto it = s.order.rbegin(); it != s.order.rend(); ++it) {
    for (int32_t k = s.predecessor_begin[*it]; k < s.predecessor_begin[*it + 1]; ++k) {
      lf[s.predecessors[k]] = std::min(lf[s.predecessors[k]], lf[*it] - s.best_time[*it]);
    }
  }
  for (int i = 0; i < n; ++i) {
    points.insert(points.end(), {es[i], ef[i], lf[i], lf[i] - s.best_time[i]});
  }
  int64_t extra = 0;
  for (int64_t a : points) {
    for (int64_t b : points) {
      if (b <= a) continue;
      int64_t work = 0;
      for (int i = 0; i < n; ++i) {
        const int64_t ls = lf[i] - s.best_time[i];
        work += std::max<int64_t>(0, std::min({s.best_time[i], ef[i] - a, b - ls, b - a}));
      }
      extra = std::max(extra, (work + devices - 1) / devices - (b - a));
    }
  }
  return length + extra;
}

TEST(BoundsTest, FernandezBussellEqualsAllIntervalsOnSmallProblems) {
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    const testing::RandomCase c =
        testing::MakeRandomCase(random, {.fusion = false, .clones = false});
    const RooflineCostModel costs(c.problem);
    const int devices = 1 + static_cast<int>(random.Below(4));
    for (const RelaxedSchedule& schedule : RelaxedSchedules(c.problem, costs)) {
      EXPECT_EQ(FernandezBussellBound(schedule, devices),
                BruteForceFernandezBussell(schedule, devices));
    }
  }
}

// --- Against the simulator

TEST(BoundsTest, NoPlanOfFixedKernelsIsFaster) {
  Random random(1);
  const auto simulator = *Simulator::Create({.memory = false});
  for (int i = 0; i < 500; ++i) {
    const testing::RandomCase c =
        testing::MakeRandomCase(random, {.fusion = false, .clones = false});
    const CostReport report = *Price(*simulator, c.problem, c.plan);
    if (!report.ok()) continue;
    EXPECT_LE(BoundsOf(c.problem).step_time(), report.step_time) << "case " << i;
  }
}

bool HasFusedKernel(const Kernels& kernels) {
  for (KernelId k = 0; k < kernels.size(); ++k) {
    if (kernels.ops(k).size() > 1) return true;
  }
  return false;
}

TEST(BoundsTest, NoFusedOrClonedPlanIsFasterWhereFusionIsOpen) {
  Random random(2);
  const auto simulator = *Simulator::Create({.memory = false});
  int fused = 0, positive = 0;
  for (int i = 0; i < 5000; ++i) {
    const testing::RandomCase c = testing::MakeRandomCase(random);
    const Problem open = *Problem::Create(c.problem.shared_graph(), c.problem.machine(),
                                          {.tasks = {.fusion = true}});
    if (!ValidatePlan(open, c.plan).ok()) continue;
    const CostReport report = *Price(*simulator, open, c.plan);
    ASSERT_TRUE(report.ok());
    const Nanoseconds bound = BoundsOf(open).step_time();
    EXPECT_LE(bound, report.step_time) << "case " << i;
    fused += HasFusedKernel(*c.plan.kernels);
    positive += bound > 0;
  }
  EXPECT_GT(fused, 5);
  EXPECT_GT(positive, 100);
}

TEST(BoundsTest, FusedChainsStayAboveTheBound) {
  const auto graph = testing::LargeGraph({.ops = 400, .window = 20, .elementwise = true});
  const auto simulator = *Simulator::Create({.memory = false});
  const Problem open =
      *Problem::Create(graph, *UniformMachine({.count = 2}), {.tasks = {.fusion = true}});
  for (int size : {1, 2, 4, 8}) {
    const Plan plan = testing::LargePlan(testing::ConsecutiveKernels(graph, size), 2, 1);
    const CostReport report = *Price(*simulator, open, plan);
    ASSERT_TRUE(report.ok()) << report.reason;
    EXPECT_LE(BoundsOf(open).step_time(), report.step_time);
  }
}

TEST(BoundsTest, EightyThousandOpsTakeAFractionOfASecond) {
  const auto graph = testing::LargeGraph({});
  const Problem problem = *Problem::Create(graph, *UniformMachine({.count = 8}));
  const RooflineCostModel costs(problem);
  const testing::ThreadClock clock;
  EXPECT_GT(ComputeLowerBounds(problem, costs).step_time(), 0);
  EXPECT_LT(clock.seconds(), 3.0);  // 0.05 s on an idle machine, optimised.
}

}  // namespace
}  // namespace gopt
