#include "gopt/solve/fusion_heuristics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/fusion_groups.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/solver.h"
#include "tests/testing/find_op.h"
#include "tests/testing/fusible_graph.h"
#include "tests/testing/scale.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::FindOp;

constexpr FusionHeuristic kAll[] = {FusionHeuristic::kNone, FusionHeuristic::kDefault,
                                    FusionHeuristic::kBytes, FusionHeuristic::kQueue,
                                    FusionHeuristic::kIntoConsumers};

// Two devices of 1 byte and 1 flop per nanosecond and a launch of 5 ns.
Problem FusionProblem(std::shared_ptr<const Graph> graph, ProblemOptions options = {}) {
  options.tasks.fusion = true;
  std::vector<Device> devices(2, {.kind = "plain",
                                  .memory_bytes = 1 << 30,
                                  .peak_flops = 1e9,
                                  .memory_bandwidth = 1e9,
                                  .launch = 5});
  devices[0].name = "a";
  devices[1].name = "b";
  const auto machine = Machine::Create("two", devices, {{"there", 1e9, 0}, {"back", 1e9, 0}},
                                       {{0, 1, {0}}, {1, 0, {1}}});
  EXPECT_OK(machine);
  auto problem = Problem::Create(std::move(graph), *machine, std::move(options));
  EXPECT_OK(problem);
  return *std::move(problem);
}

// The kernels' names: "ab c".
std::string Names(const Kernels& kernels) {
  std::string names;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    if (k > 0) names += " ";
    for (const OpId op : kernels.ops(k)) names += kernels.graph().op_name(op);
  }
  return names;
}

std::string Fused(std::string_view text, FusionHeuristic heuristic,
                  const ProblemOptions& options = {}, std::span<const DeviceId> device = {}) {
  const Problem problem = FusionProblem(*ParseGraph(text), options);
  const auto kernels = MakeFusion(problem, RooflineCostModel(problem), heuristic, device);
  EXPECT_OK(kernels);
  return kernels.ok() ? Names(**kernels) : "";
}

const ProblemOptions kPairs = {.fusion_limits = {.max_ops = 2}};

TEST(FusionHeuristicsTest, AreKnownByName) {
  ASSERT_OK_AND_ASSIGN(const FusionHeuristic queue, FusionHeuristicFromName("queue"));
  EXPECT_EQ(queue, FusionHeuristic::kQueue);
  EXPECT_THAT(FusionHeuristicFromName("all"), IsInvalid("known are none, default, bytes"));
}

TEST(FusionHeuristicsTest, NoneLeavesEachOpAlone) {
  EXPECT_EQ(Fused("a:add -> b:relu", FusionHeuristic::kNone), "a b");
}

TEST(FusionHeuristicsTest, BytesFusesFirstWhatSavesMost) {
  const std::string_view chain = "a:add[bytes=4] -> b:add[bytes=8] -> c:add[bytes=1] -> y:output";
  EXPECT_EQ(Fused(chain, FusionHeuristic::kDefault, kPairs), "ab c");
  EXPECT_EQ(Fused(chain, FusionHeuristic::kBytes, kPairs), "a bc");
  EXPECT_EQ(Fused(chain, FusionHeuristic::kBytes), "abc");
}

TEST(FusionHeuristicsTest, QueueFusesFirstWhatSavesMostTime) {
  // b and c are bound by compute, so that their tensor, though larger, is not what they wait for.
  const std::string_view chain =
      "a:add[bytes=40] -> b:add[bytes=50,flops=1000] -> c:add[bytes=1,flops=1000] -> y:output";
  EXPECT_EQ(Fused(chain, FusionHeuristic::kBytes, kPairs), "a bc");
  EXPECT_EQ(Fused(chain, FusionHeuristic::kQueue, kPairs), "ab c");
}

TEST(FusionHeuristicsTest, DevicesGivenArePricedAndKept) {
  const std::vector<DeviceId> device = {0, 1, 1};
  for (const auto by : {FusionHeuristic::kDefault, FusionHeuristic::kBytes, FusionHeuristic::kQueue,
                        FusionHeuristic::kIntoConsumers}) {
    EXPECT_EQ(Fused("a:add[bytes=9] -> b:add[bytes=9] -> c:add[bytes=9]", by, {}, device), "a bc");
  }
  const Problem problem = FusionProblem(*ParseGraph("a:add -> b:add"));
  EXPECT_THAT(MakeFusion(problem, RooflineCostModel(problem), FusionHeuristic::kQueue, device),
              IsInvalid("3 devices for 2 ops"));
}

// Sum of the kernels' times on device 0, each tensor between kernels written and read.
Nanoseconds TotalTime(const Problem& problem, const Kernels& kernels) {
  const RooflineCostModel costs(problem);
  const auto dag = KernelGraph::Create(kernels, std::vector<DeviceId>(kernels.size(), 0));
  EXPECT_OK(dag);
  Nanoseconds total = 0;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    total +=
        costs.KernelTime(kernels.ops(k), KernelGraph::Row(dag->outputs, dag->output_begin, k), 0);
  }
  return total;
}

// Of all pairs that may merge the one that saves most, again and again, all priced each time.
std::shared_ptr<const Kernels> SlowGreedy(const Problem& problem, bool by_time) {
  FusionGroups groups(problem);
  while (true) {
    int64_t most = 0;
    OpId best_a = kNone, best_b = kNone;
    std::vector<OpId> neighbours;
    for (const OpId op : problem.graph().kernel_ops()) {
      if (groups.group(op) != op) continue;
      groups.Neighbours(op, &neighbours);
      for (const OpId other : neighbours) {
        if (other < op || !groups.CanMerge(op, other)) continue;
        int64_t gain = groups.SavedBytes(op, other);
        if (by_time) {
          const Nanoseconds before = TotalTime(problem, *groups.MakeKernels());
          groups.Merge(op, other);
          gain = before - TotalTime(problem, *groups.MakeKernels());
          groups.Undo();
        }
        if (gain <= most) continue;
        most = gain;
        best_a = op;
        best_b = other;
      }
    }
    if (best_a == kNone) return groups.MakeKernels();
    groups.Merge(best_a, best_b);
    groups.Keep();
  }
}

TEST(FusionHeuristicsTest, QueuesAgreeWithPricingAllPairsEachTime) {
  for (uint64_t seed = 0; seed < testing::Scaled(150); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Problem problem = FusionProblem(testing::RandomFusibleGraph(random));
    const RooflineCostModel costs(problem);
    for (const bool by_time : {false, true}) {
      const auto by = by_time ? FusionHeuristic::kQueue : FusionHeuristic::kBytes;
      ASSERT_OK_AND_ASSIGN(const auto kernels, MakeFusion(problem, costs, by));
      ASSERT_EQ(Names(*kernels), Names(*SlowGreedy(problem, by_time)));
    }
  }
}

TEST(FusionHeuristicsTest, AllMakeLegalKernels) {
  for (uint64_t seed = 0; seed < testing::Scaled(300); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Problem problem =
        FusionProblem(testing::RandomFusibleGraph(random, {.max_ops = 60, .window = 20}));
    for (const FusionHeuristic heuristic : kAll) {
      ASSERT_OK_AND_ASSIGN(const auto kernels,
                           MakeFusion(problem, RooflineCostModel(problem), heuristic));
      Plan plan{.kernels = kernels,
                .device = std::vector<DeviceId>(kernels->size(), 0),
                .rank = std::vector<int32_t>(kernels->size(), 0)};
      EXPECT_OK(ValidatePlan(problem, plan));
    }
  }
}

absl::StatusOr<Solution> SolveBy(const std::string& spec, const Problem& problem) {
  const auto simulator = Simulator::Create();
  SolveRequest request;
  request.problem = &problem;
  request.backend = simulator->get();
  const auto solver = Solvers().Create(spec);
  if (!solver.ok()) return solver.status();
  return (*solver)->Solve(request);
}

constexpr std::string_view kChain =
    "a:add[bytes=9] -> b:add[bytes=9] -> c:add[bytes=9] -> d:add[bytes=9]";

Plan BasePlan(std::shared_ptr<const Graph> graph) {
  return {.kernels = Kernels::Singletons(std::move(graph)),
          .device = {0, 0, 1, 1},
          .rank = {3, 2, 1, 0},
          .dispatch = Dispatch::kFifo};
}

TEST(FuseSolverTest, KeepsPlacementAndOrderOfTheBasePlan) {
  const auto graph = *ParseGraph(kChain);
  const Problem problem =
      FusionProblem(graph, {.base_plan = std::make_shared<const Plan>(BasePlan(graph))});
  for (const char* by : {"default", "bytes", "queue", "into_consumers"}) {
    ASSERT_OK_AND_ASSIGN(const Solution solution,
                         SolveBy(std::string("fuse(by=") + by + ")", problem));
    EXPECT_EQ(Names(*solution.plan.kernels), "ab cd");
    EXPECT_THAT(solution.plan.device, ElementsAre(0, 1));
    EXPECT_THAT(solution.plan.rank, ElementsAre(2, 0));
    EXPECT_EQ(solution.plan.dispatch, Dispatch::kFifo);
    EXPECT_EQ(solution.plan.metadata.at("fusion"), by);
    EXPECT_EQ(solution.evaluations, 1);
  }
}

TEST(FuseSolverTest, PutsAllOnTheFastestDeviceWithoutOne) {
  const Problem problem = FusionProblem(*ParseGraph(kChain));
  ASSERT_OK_AND_ASSIGN(const Solution none, SolveBy("fuse(by=none)", problem));
  ASSERT_OK_AND_ASSIGN(const Solution fused, SolveBy("fuse", problem));
  EXPECT_EQ(Names(*fused.plan.kernels), "abcd");
  EXPECT_LT(fused.report.step_time, none.report.step_time);
}

TEST(FuseSolverTest, SaysWhereFusionIsClosed) {
  const auto graph = *ParseGraph(kChain);
  const Problem open = FusionProblem(graph);
  const Problem closed = *Problem::Create(graph, open.machine());
  ASSERT_OK_AND_ASSIGN(const Solution solution, SolveBy("fuse", closed));
  EXPECT_EQ(solution.plan.kernels->size(), 4);
  EXPECT_THAT(solution.plan.metadata.at("fusion"), ::testing::HasSubstr("closed"));
}

TEST(FuseSolverTest, RefusesUnknownHeuristics) {
  EXPECT_THAT(Solvers().Create("fuse(by=all)"), IsInvalid("unknown fusion heuristic 'all'"));
}

}  // namespace
}  // namespace gopt
