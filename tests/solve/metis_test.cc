#include "gopt/solve/metis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gopt/graph/graph_builder.h"
#include "src/solve/metis_graph.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::TaskProblem;

TEST(ScaleTo32BitsTest, KeepsProportionsOfHugeWeights) {
  const std::vector<double> huge(1'000'000, 4e18);
  const std::vector<int32_t> scaled = ScaleTo32Bits(huge, 1);
  EXPECT_LE(std::accumulate(scaled.begin(), scaled.end(), int64_t{0}), (1 << 30) + 1'000'000);
  EXPECT_THAT(ScaleTo32Bits(std::vector<double>{4e18, 1e18, 0.0}, 0),
              ElementsAre(858993459, 214748364, 0));
}

TEST(ScaleTo32BitsTest, KeepsProportionsOfTinyWeights) {
  EXPECT_THAT(ScaleTo32Bits(std::vector<double>{0.5, 0.25, 0.25}, 1),
              ElementsAre(524288, 262144, 262144));
  EXPECT_THAT(ScaleTo32Bits(std::vector<double>{0, 0}, 1), ElementsAre(1, 1));
}

TEST(PartitionGraphTest, MergesParallelEdgesAndColocatedTasks) {
  TaskProblem p("a[time=2,bytes=10,colocate=1] -> c[time=5]; b[time=3,bytes=20,colocate=1] -> c",
                2);
  const PartitionGraph graph = PartitionGraph::Create(p.tasks);
  EXPECT_EQ(graph.num_vertices(), 2);
  EXPECT_THAT(graph.time, ElementsAre(5, 5));
  EXPECT_THAT(graph.begin, ElementsAre(0, 1, 2));
  EXPECT_THAT(graph.bytes, ElementsAre(30, 30));
}

#ifdef GOPT_WITH_METIS

std::vector<double> Work(const TaskGraph& tasks, const std::vector<int32_t>& part, int parts) {
  std::vector<double> work(parts, 0.0);
  for (KernelId task = 0; task < tasks.num_tasks(); ++task)
    work[part[task]] += tasks.mean_time(task);
  return work;
}

TEST(MetisTest, SeparatesTwoClusters) {
  TaskProblem p(
      "a[time=5,bytes=100] -> b[time=5,bytes=100] -> c[time=5,bytes=100] -> d[time=5,bytes=1];"
      "e[time=5,bytes=100] -> f[time=5,bytes=100] -> g[time=5,bytes=100] -> h[time=5];"
      "d -> h",
      2);
  const std::vector<int32_t> part = MetisParts(p.tasks, 2, 0).value();
  EXPECT_EQ(
      (std::set<int32_t>{part[p.Task("a")], part[p.Task("b")], part[p.Task("c")], part[p.Task("d")]}
           .size()),
      1u);
  EXPECT_NE(part[p.Task("a")], part[p.Task("h")]);
}

TEST(MetisTest, BalancesWork) {
  TaskProblem p(testing::LayeredGraph(2000, 20, 3), testing::EqualDevices(8));
  for (int parts : {2, 8, 32}) {
    const std::vector<double> work = Work(p.tasks, MetisParts(p.tasks, parts, 1).value(), parts);
    const double mean = std::accumulate(work.begin(), work.end(), 0.0) / parts;
    EXPECT_LE(*std::max_element(work.begin(), work.end()), 1.15 * mean) << parts;
  }
}

TEST(MetisTest, IsTheSameForTheSameSeedWhateverOthersDrawFromRand) {
  TaskProblem p(testing::LayeredGraph(500, 10, 3), testing::EqualDevices(4));
  std::srand(1);
  const std::vector<int32_t> first = MetisParts(p.tasks, 4, 7).value();
  std::srand(2);
  EXPECT_EQ(MetisParts(p.tasks, 4, 7).value(), first);
}

TEST(MetisTest, IsTheSameOnManyThreads) {
  TaskProblem p(testing::LayeredGraph(500, 10, 3), testing::EqualDevices(4));
  const std::vector<int32_t> expected = MetisParts(p.tasks, 4, 7).value();
  std::vector<std::vector<int32_t>> found(4);
  std::vector<std::thread> threads;
  for (auto& result : found) {
    threads.emplace_back([&] { result = MetisParts(p.tasks, 4, 7).value(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(found, Each(expected));
}

TEST(MetisTest, SurvivesWeightsBeyond32Bits) {
  TaskProblem p(
      "a[time=4000000000000000,bytes=4000000000000000] -> b[time=4000000000000000,bytes=1] ->"
      "c[time=4000000000000000,bytes=4000000000000000] -> d[time=4000000000000000]",
      2);
  const std::vector<int32_t> part = MetisParts(p.tasks, 2, 0).value();
  EXPECT_EQ(part[p.Task("a")], part[p.Task("b")]);
  EXPECT_EQ(part[p.Task("c")], part[p.Task("d")]);
  EXPECT_NE(part[p.Task("a")], part[p.Task("c")]);
}

TEST(MetisTest, GivesATaskAsLongAsAPartItsOwn) {
  TaskProblem p(
      "x[time=1000]; a[time=1,bytes=5] -> b[time=1,bytes=5] -> c[time=1,bytes=5] -> "
      "d[time=1,bytes=5];"
      "a -> x; d -> e[time=1,bytes=5] -> f[time=1,bytes=5] -> g[time=1]",
      4);
  const std::vector<int32_t> part = MetisParts(p.tasks, 4, 0).value();
  EXPECT_EQ(std::count(part.begin(), part.end(), part[p.Task("x")]), 1);
}

TEST(MetisTest, TakesDegenerateSizes) {
  TaskProblem empty("x:input", 2);
  EXPECT_TRUE(MetisParts(empty.tasks, 4, 0).value().empty());
  TaskProblem one("a[time=1]", 2);
  EXPECT_EQ(MetisParts(one.tasks, 4, 0).value().size(), 1u);
  TaskProblem zero("a[time=0]; b[time=0]; c[time=0]; d[time=0]; e[time=0]; f[time=0]", 2);
  EXPECT_EQ(MetisParts(zero.tasks, 2, 0).value().size(), 6u);
  EXPECT_THAT(MetisParts(zero.tasks, 1, 0).value(), Each(0));
  const std::vector<int32_t> own = MetisParts(zero.tasks, 100, 0).value();
  EXPECT_EQ(std::set<int32_t>(own.begin(), own.end()).size(), 6u);
  EXPECT_EQ(MetisParts(zero.tasks, 0, 0).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(MetisTest, ObeysPinsGroupsAndMemory) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "camera"}};
  options.constraints.memory_limits = {{0, 150, "small"}, {1, 150, "small"}};
  TaskProblem p(
      "a[time=10,bytes=1] -> b[time=10,bytes=1,colocate=1] -> c[time=10,colocate=1];"
      "w:parameter[bytes=100] -> d[time=10,bytes=1] -> e[time=10]; v:parameter[bytes=100] -> e",
      2, options);
  const std::vector<DeviceId> device = MetisPlacement(p.tasks, 0).value();
  EXPECT_EQ(device[p.Task("a")], 1);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("c")]);
  EXPECT_NE(device[p.Task("d")], device[p.Task("e")]);
}

TEST(MetisTest, SizesPartsByTheDevicesRates) {
  GraphBuilder builder;
  const int n = 400;
  for (int i = 0; i < n; ++i) {
    builder.AddOp({.name = std::to_string(i), .type = "op"});
    builder.AddPort(i, {.bytes = 1});
    if (i > 0) builder.AddOperands(i, {{i - 1}});
  }
  builder.AddCostTable("test", "p1", std::vector<Nanoseconds>(n, 10));
  builder.AddCostTable("test", "p2", std::vector<Nanoseconds>(n, 30));
  builder.AddCostTable("test", "p3", std::vector<Nanoseconds>(n, 30));
  TaskProblem p(builder.Build().value(), testing::TopcuogluMachine());
  const std::vector<DeviceId> device = MetisPlacement(p.tasks, 0).value();
  EXPECT_NEAR(static_cast<double>(std::count(device.begin(), device.end(), 0)), 240.0, 12.0);
}

#else

TEST(MetisTest, SaysThatItIsNotThere) {
  TaskProblem p("a -> b", 2);
  EXPECT_EQ(MetisParts(p.tasks, 2, 0).status().code(), absl::StatusCode::kUnimplemented);
}

#endif  // GOPT_WITH_METIS

}  // namespace
}  // namespace gopt
