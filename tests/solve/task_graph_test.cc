#include "gopt/solve/task_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/graph/graph_text.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using testing::TaskProblem;

TEST(TaskGraphTest, SeesTimesOfEachTaskAndBytesOfEachEdge) {
  TaskProblem p("a[time=5,bytes=100] -> b[time=7]", 2);
  EXPECT_EQ(p.tasks.num_tasks(), 2);
  EXPECT_THAT(p.tasks.times(p.Task("a")), ElementsAre(5, 5));
  EXPECT_EQ(p.tasks.best_time(p.Task("b")), 7);
  EXPECT_THAT(p.tasks.mean_time(p.Task("b")), DoubleEq(7));
  EXPECT_EQ(p.tasks.edge_bytes(0), 100);
  EXPECT_EQ(p.tasks.activation_bytes(p.Task("a")), 100);
  EXPECT_THAT(p.tasks.MeanTransfer(100), DoubleEq(100));
}

TEST(TaskGraphTest, HasNoTransferOnOneDevice) {
  TaskProblem p("a[bytes=100] -> b", 1);
  EXPECT_EQ(p.tasks.MeanTransfer(100), 0.0);
}

TEST(TaskGraphTest, ClosesColocationOverKernels) {
  // a and b are one group, c and d another; b and c in one kernel make them one.
  auto graph =
      ParseGraph("a[colocate=1] -> b:add[colocate=1] -> c:add[colocate=2] -> d[colocate=2]; e");
  Problem problem = Problem::Create(*graph, testing::EqualDevices(2)).value();
  auto kernels =
      Kernels::Create(*graph, {.begin = {0, 1, 3, 4, 5}, .ops = {0, 1, 2, 3, 4}}).value();
  RooflineCostModel costs(problem);
  TaskGraph tasks = TaskGraph::Create(problem, kernels, costs).value();
  EXPECT_EQ(tasks.num_groups(), 1);
  EXPECT_THAT(tasks.group_tasks(0), ElementsAre(0, 1, 2));
  EXPECT_EQ(tasks.group(3), kNone);
}

TEST(TaskGraphTest, GivesAGroupTheDevicesThatAllMembersAllow) {
  ProblemOptions options;
  options.constraints.allowed = {{{0}, {0, 1}, "memory"}, {{1}, {1, 2}, "licence"}};
  TaskProblem p("a[colocate=1] -> b[colocate=1] -> c", 3, options);
  EXPECT_THAT(p.tasks.allowed(p.Task("a")), ElementsAre(1));
  EXPECT_THAT(p.tasks.allowed(p.Task("b")), ElementsAre(1));
  EXPECT_THAT(p.tasks.allowed(p.Task("c")), ElementsAre(0, 1, 2));
  EXPECT_TRUE(p.tasks.is_allowed(p.Task("a"), 1));
  EXPECT_FALSE(p.tasks.is_allowed(p.Task("a"), 0));
}

TEST(TaskGraphTest, RejectsFusionOfOpsThatShareNoDevice) {
  auto graph = ParseGraph("a:add -> b:add").value();
  ProblemOptions options;
  options.constraints.pins = {{0, 0, "here"}, {1, 1, "there"}};
  Problem problem = Problem::Create(graph, testing::EqualDevices(2), options).value();
  auto kernels = Kernels::Create(graph, {.begin = {0, 2}, .ops = {0, 1}}).value();
  const auto tasks = TaskGraph::Create(problem, kernels, RooflineCostModel(problem));
  EXPECT_EQ(tasks.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(tasks.status().message(), ::testing::HasSubstr("op 0 'a'"));
}

TEST(TaskGraphTest, LetsTheOptimizerOpDecideAParametersHome) {
  TaskProblem p(
      "w:parameter[bytes=10,copies=2] -> f -> g; w, g -> u:optimizer; v:parameter[bytes=3] -> g",
      2);
  ASSERT_EQ(p.tasks.num_parameters(), 2);
  EXPECT_EQ(p.tasks.home_task(0), p.Task("u"));
  EXPECT_EQ(p.tasks.parameter_bytes(0), 30);
  EXPECT_EQ(p.tasks.persistent_bytes(p.Task("u")), 30);
  EXPECT_EQ(p.tasks.home_task(1), p.Task("g"));
  EXPECT_EQ(p.tasks.persistent_bytes(p.Task("g")), 3);
}

TEST(TaskGraphTest, SharesOneTensorAmongItsReaders) {
  TaskProblem p("a[bytes=4] -> b, c; w:parameter[bytes=2] -> b, c", 2);
  const KernelGraph& graph = p.tasks.kernel_graph();
  std::vector<std::vector<int32_t>> tensors;
  for (KernelId task : {p.Task("b"), p.Task("c")}) {
    auto& list = tensors.emplace_back();
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      list.push_back(p.tasks.edge_tensor(e));
    }
    std::sort(list.begin(), list.end());
  }
  EXPECT_THAT(tensors[0], ElementsAre(0, 1));
  EXPECT_EQ(tensors[0], tensors[1]);
  EXPECT_EQ(p.tasks.num_tensors(), 2);
}

TEST(TaskGraphTest, TellsTheTensorsOfTwoCopiesApart) {
  auto graph = ParseGraph("f[bytes=10] -> h; f -> g[phase=b]").value();
  Problem problem = Problem::Create(graph, testing::EqualDevices(2)).value();
  Kernels::Columns columns = {.begin = {0, 1, 2, 3, 4},
                              .ops = {0, 1, 2, 0},
                              .recompute = {0, 0, 0, 1},
                              .recomputed_ops = {0}};
  const TaskGraph tasks = TaskGraph::Create(problem, Kernels::Create(graph, columns).value(),
                                            RooflineCostModel(problem))
                              .value();
  const KernelGraph& dag = tasks.kernel_graph();
  ASSERT_EQ(dag.inputs.size(), 2u);
  for (int32_t edge : {0, 1}) {
    const int32_t tensor = tasks.edge_tensor(edge);
    EXPECT_LE(dag.output_begin[dag.inputs[edge].source], tensor);
    EXPECT_GT(dag.output_begin[dag.inputs[edge].source + 1], tensor);
  }
  EXPECT_NE(tasks.edge_tensor(0), tasks.edge_tensor(1));
}

TEST(TaskGraphTest, RefusesClonesThatReadersChooseByDevicesUnlessThereIsOneDevice) {
  auto graph = ParseGraph("a -> b, c").value();
  const auto kernels = Kernels::Create(graph, {.begin = {0, 1, 2, 4}, .ops = {0, 1, 0, 2}}).value();
  const auto create = [&](int devices) {
    Problem problem = Problem::Create(graph, testing::EqualDevices(devices)).value();
    return TaskGraph::Create(problem, kernels, RooflineCostModel(problem)).status();
  };
  EXPECT_TRUE(create(1).ok());
  EXPECT_EQ(create(2).code(), absl::StatusCode::kInvalidArgument);
}

TEST(UpwardRanksTest, AddMeanTransfersAlongTheLongestPath) {
  TaskProblem p("a[time=5,bytes=10] -> b[time=7,bytes=1] -> c[time=1]; a => d[time=30]", 2);
  const std::vector<double> rank = UpwardRanks(p.tasks);
  EXPECT_THAT(rank[p.Task("c")], DoubleEq(1));
  EXPECT_THAT(rank[p.Task("b")], DoubleEq(9));
  EXPECT_THAT(rank[p.Task("a")], DoubleEq(35));  // By the control edge: it moves nothing.
}

TEST(CriticalPathPrioritiesTest, CountTransfersBetweenDifferentDevicesOnly) {
  TaskProblem p("a[time=5,bytes=10] -> b[time=7,bytes=20] -> c[time=1]", 2);
  const std::vector<DeviceId> device = {0, 0, 1};
  EXPECT_THAT(CriticalPathPriorities(p.tasks, device), ElementsAre(33, 28, 1));
}

TEST(RanksByPriorityTest, PutsHighestFirstTiesByIdAndNaNLast) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(RanksByPriority(std::vector<double>{1, nan, -2, 1, inf, -inf, 0.0, -0.0}),
              ElementsAre(1, 7, 5, 2, 0, 6, 3, 4));
  EXPECT_TRUE(RanksByPriority({}).empty());
}

TEST(RanksByPriorityTest, AgreesWithAStableSort) {
  Random random(1);
  std::vector<double> priority(5000);
  for (double& x : priority) x = static_cast<double>(random.Below(2000)) * 1e-3 - 1.0;
  std::vector<int32_t> order(priority.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return priority[a] > priority[b]; });
  const std::vector<int32_t> rank = RanksByPriority(priority);
  for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(rank[order[i]], static_cast<int32_t>(i));
}

}  // namespace
}  // namespace gopt
