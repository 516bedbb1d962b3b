#include "gopt/solve/expert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/graph/graph_builder.h"
#include "src/solve/contiguous_cut.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::TaskProblem;

Cut CutEvenly(const std::vector<double>& work, int bins) {
  const std::vector<int64_t> bytes(work.size(), 0), room(bins, 1);
  const std::vector<double> rate(bins, 1.0);
  return CutContiguously({.work = work, .bytes = bytes, .rate = rate, .room = room});
}

TEST(ContiguousCutTest, MinimisesTheBusiestBin) {
  EXPECT_EQ(CutEvenly({9, 1, 1, 1, 9}, 3).bottleneck, 9);
  EXPECT_EQ(CutEvenly({1, 2, 3, 4, 5, 6, 7, 8, 9}, 3).bottleneck, 17);
  EXPECT_EQ(CutEvenly({0, 0, 0}, 2).bottleneck, 0);
  EXPECT_EQ(CutEvenly({5}, 4).bottleneck, 5);
}

// Best bottleneck of items [0, n) in `bins` bins by dynamic programming.
double Optimum(const std::vector<double>& work, int bins) {
  std::vector<double> best(work.size() + 1, 1e18);
  best[0] = 0.0;
  for (int b = 0; b < bins; ++b) {
    std::vector<double> next = best;
    for (size_t end = 1; end <= work.size(); ++end) {
      double sum = 0.0;
      for (size_t begin = end; begin-- > 0;) {
        sum += work[begin];
        next[end] = std::min(next[end], std::max(best[begin], sum));
      }
    }
    best = next;
  }
  return best.back();
}

TEST(ContiguousCutTest, AgreesWithDynamicProgramming) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    std::vector<double> work(1 + random.Below(30));
    for (double& w : work) w = static_cast<double>(random.Below(100));
    const int bins = 1 + static_cast<int>(random.Below(6));
    ASSERT_EQ(CutEvenly(work, bins).bottleneck, Optimum(work, bins)) << seed;
  }
}

TEST(ContiguousCutTest, EndsARunWhereTheBinIsFull) {
  const std::vector<double> work = {1, 1, 1, 9}, rate = {1, 1};
  const std::vector<int64_t> bytes = {5, 5, 5, 5}, tight = {10, 10}, small = {1, 1};
  EXPECT_THAT(CutContiguously({work, bytes, rate, tight}).bin, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(CutContiguously({work, bytes, rate, small}).bin, ElementsAre(0, 0, 0, 1));
}

TEST(ContiguousCutTest, GivesFastBinsMore) {
  const std::vector<double> work(8, 1.0), rate = {3, 1};
  const std::vector<int64_t> bytes(8, 0), room = {0, 0};
  EXPECT_THAT(CutContiguously({work, bytes, rate, room}).bin, ElementsAre(0, 0, 0, 0, 0, 0, 1, 1));
}

TEST(ExpertTest, CutsModulesInTheOrderOfTheForwardPass) {
  TaskProblem p(
      "a[time=10,scope=embed] -> b[time=10,scope=layer1] -> c[time=10,scope=layer2] ->"
      "d[time=10,scope=head]",
      2);
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 0, 1, 1));
}

TEST(ExpertTest, KeepsAModuleTogether) {
  TaskProblem p(
      "a[time=10,scope=m1] -> b[time=30,scope=m2] -> c[time=20,scope=m2] ->"
      "d[time=10,scope=m3]; b -> d",
      2);
  const std::vector<DeviceId> device = ExpertPlacement(p.tasks);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("c")]);
}

TEST(ExpertTest, GoesDeepEnoughToBalance) {
  TaskProblem p(
      "a[time=10,scope=net.l0.x] -> b[time=10,scope=net.l0.y] ->"
      "c[time=10,scope=net.l1.x] -> d[time=10,scope=net.l1.y]",
      2);
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 0, 1, 1));
}

TEST(ExpertTest, PutsBackwardOpsWithTheirScopeAndOptimizerOpsWithTheirParameter) {
  TaskProblem p(
      "w1:parameter[bytes=1,copies=2]; w2:parameter[bytes=1,copies=2];"
      "w1 -> f1[time=10,scope=m1] -> f2[time=10,scope=m2]; w2 -> f2;"
      "f2 -> b2[time=20,phase=b,scope=m2] -> b1[time=20,phase=b,scope=m1];"
      "b2, w2 -> u2:optimizer[time=1]; b1, w1 -> u1:optimizer[time=1]",
      2);
  const std::vector<DeviceId> device = ExpertPlacement(p.tasks);
  EXPECT_EQ(device[p.Task("f1")], 0);
  EXPECT_EQ(device[p.Task("b1")], 0);
  EXPECT_EQ(device[p.Task("u1")], 0);
  EXPECT_EQ(device[p.Task("f2")], 1);
  EXPECT_EQ(device[p.Task("b2")], 1);
  EXPECT_EQ(device[p.Task("u2")], 1);
}

TEST(ExpertTest, PutsBackwardOpsWithTheirForwardTwin) {
  GraphBuilder builder;
  std::vector<Nanoseconds> time;
  for (int i = 0; i < 4; ++i) {
    builder.AddOp({.name = absl::StrCat("f", i), .type = "op"});
    builder.AddPort(i, {.bytes = 1});
    if (i > 0) builder.AddOperands(i, {{i - 1}});
  }
  for (int i = 3; i >= 0; --i) {
    const OpId op = builder.AddOp(
        {.name = absl::StrCat("b", i), .type = "op", .phase = Phase::kBackward, .forward_twin = i});
    builder.AddPort(op, {.bytes = 1});
    builder.AddOperands(op, {{op - 1}});
  }
  builder.AddCostTable("test", "device", std::vector<Nanoseconds>(8, 10));
  TaskProblem p(builder.Build().value(), testing::EqualDevices(2));
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 0, 1, 1, 1, 1, 0, 0));
}

TEST(ExpertTest, IgnoresATwinOfAnotherModule) {
  // Tracers give the sum of a gradient the twin of whatever ran last, here the loss.
  GraphBuilder builder;
  const char* scopes[] = {"m1", "m2", "loss"};
  for (int i = 0; i < 3; ++i) {
    builder.AddOp({.name = scopes[i], .type = "op", .scope = scopes[i]});
    builder.AddPort(i, {.bytes = 1});
    if (i > 0) builder.AddOperands(i, {{i - 1}});
  }
  const OpId sum = builder.AddOp(
      {.name = "sum", .type = "add", .scope = "m1", .phase = Phase::kBackward, .forward_twin = 2});
  builder.AddOperands(sum, {{2}});
  builder.AddCostTable("test", "device", {10, 5, 5, 1});
  TaskProblem p(builder.Build().value(), testing::EqualDevices(2));
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(ExpertPlacement(p.tasks, {}, {.trust_twins = true}), ElementsAre(0, 1, 1, 1));
}

TEST(ExpertTest, LetsOpsWithoutAScopeFollowTheirNeighbours) {
  TaskProblem p("x[time=1] -> a[time=10,scope=m1] -> y[time=1] -> b[time=10,scope=m2] -> z[time=1]",
                2);
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 0, 0, 1, 1));
}

TEST(ExpertTest, CutsAGraphWithoutScopesInTopologicalOrder) {
  TaskProblem p("a[time=10] -> b[time=10] -> c[time=10] -> d[time=10]", 4);
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 1, 2, 3));
}

TEST(ExpertTest, EndsARunWhereParametersFillTheDevice) {
  ProblemOptions options;
  options.constraints.memory_limits = {{0, 100, "small"}};
  TaskProblem p(
      "w:parameter[bytes=60] -> a[time=1,scope=m1] -> b[time=1,scope=m2] -> c[time=9,scope=m3];"
      "v:parameter[bytes=60] -> b",
      2, options);
  EXPECT_THAT(ExpertPlacement(p.tasks), ElementsAre(0, 1, 1));
}

TEST(ExpertTest, ObeysPinsAndGroups) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "camera"}};
  TaskProblem p(
      "a[time=10,scope=m1] -> b[time=10,scope=m2,colocate=1] -> c[time=10,scope=m3,colocate=1]", 2,
      options);
  const std::vector<DeviceId> device = ExpertPlacement(p.tasks);
  EXPECT_EQ(device[p.Task("a")], 1);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("c")]);
}

TEST(ExpertTest, PlacesAnEmptyGraph) {
  TaskProblem p("x:input", 2);
  EXPECT_TRUE(ExpertPlacement(p.tasks).empty());
}

}  // namespace
}  // namespace gopt
