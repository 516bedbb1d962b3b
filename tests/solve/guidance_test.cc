#include "gopt/solve/guidance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/fuse.h"
#include "src/solve/start_tasks.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = GuidanceDecoder::Kind;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::shared_ptr<const TaskGraph> Tasks(const Problem& problem) {
  const RooflineCostModel costs(problem);
  return *ShareTasks(problem, problem.base_kernels(), costs);
}

std::shared_ptr<const TaskGraph> Tasks(const std::string& text, int devices,
                                       ProblemOptions options = {}) {
  return Tasks(
      *Problem::Create(*ParseGraph(text), testing::EqualDevices(devices), std::move(options)));
}

Plan Decode(std::shared_ptr<const TaskGraph> tasks, Kind kind, const Guidance& guidance) {
  Plan plan;
  GuidanceDecoder decoder(std::move(tasks), kind);
  EXPECT_TRUE(decoder.Decode(guidance, &plan).ok());
  return plan;
}

CostReport Simulate(const Problem& problem, const Plan& plan, const EvaluateOptions& options) {
  return *Price(**Simulator::Create({}), problem, plan, options);
}

// A plan of a real scheduler and what it is worth.
struct Reference {
  explicit Reference(uint64_t seed = 3)
      : problem(*Problem::Create(testing::LayeredGraph(300, 8, seed), testing::EqualDevices(3))),
        tasks(Tasks(problem)),
        plan(Decode(tasks, Kind::kList, {.priority = UpwardRanks(*tasks)})),
        report(Simulate(problem, plan, {.start_order = true, .timeline = true})) {}

  Problem problem;
  std::shared_ptr<const TaskGraph> tasks;
  Plan plan;
  CostReport report;
};

std::vector<KernelId> OrderOfRanks(const Plan& plan) {
  std::vector<KernelId> order(plan.rank.size());
  for (size_t k = 0; k < order.size(); ++k) order[plan.rank[k]] = static_cast<KernelId>(k);
  return order;
}

TEST(GuidanceTest, NamesTheFieldOfAnotherSize) {
  const auto tasks = Tasks("a -> b -> c", 2);
  EXPECT_TRUE(CheckGuidance(*tasks, {}).ok());
  EXPECT_THAT(CheckGuidance(*tasks, {.priority = {1, 2}}).message(),
              HasSubstr("2 entries of priority for 3 kernels"));
  EXPECT_THAT(CheckGuidance(*tasks, {.device = {0}}).message(), HasSubstr("device for 3 kernels"));
  Plan plan;
  GuidanceDecoder decoder(tasks, Kind::kList);
  const absl::Status status = decoder.Decode({.stickiness = {1.0f}}, &plan);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("1 entries of stickiness for 2 tensors"));
}

TEST(GuidanceTest, DirectHonoursDevicesAndPriorities) {
  const auto tasks = Tasks("a -> b -> c; d", 3);
  const Plan plan =
      Decode(tasks, Kind::kDirect, {.priority = {0, 2, kNan, 2}, .device = {2, 0, 1, 2}});
  EXPECT_EQ(plan.kernels, tasks->kernels());
  EXPECT_THAT(plan.device, ElementsAre(2, 0, 1, 2));
  EXPECT_THAT(plan.rank, ElementsAre(2, 0, 3, 1));
  EXPECT_EQ(plan.dispatch, Dispatch::kPriority);
}

TEST(GuidanceTest, DirectTakesTheNearestAllowedDevice) {
  ProblemOptions options;
  options.constraints.allowed = {{{0, 1, 2, 3}, {1, 3, 7}, "test"}};
  options.constraints.pins = {{4, 2, "test"}};
  const auto tasks = Tasks("a; b; c; d; e", 8, options);
  EXPECT_THAT(Decode(tasks, Kind::kDirect, {.device = {2, 5, -7, 99, 0}}).device,
              ElementsAre(1, 3, 1, 7, 2));
  EXPECT_THAT(Decode(tasks, Kind::kDirect, {}).device, ElementsAre(1, 1, 1, 1, 2));
}

TEST(GuidanceTest, DirectKeepsGroupsWithTheirFirstKernel) {
  ProblemOptions options;
  options.constraints.colocate = {{{1, 3, 4}, "test"}};
  const auto tasks = Tasks("a; b; c; d; e", 4, options);
  EXPECT_THAT(Decode(tasks, Kind::kDirect, {.device = {0, 3, 1, 2, 0}}).device,
              ElementsAre(0, 3, 1, 3, 3));
}

TEST(GuidanceTest, ListFollowsPrioritiesAndStickiness) {
  const auto tasks = Tasks("a[time=10,bytes=1] -> b[time=50,bytes=1], c[time=50]", 2);
  const Plan apart = Decode(tasks, Kind::kList, {.priority = {0, 1, 2}});
  EXPECT_THAT(apart.rank, ElementsAre(2, 1, 0));
  EXPECT_NE(apart.device[1], apart.device[2]);
  const Plan together = Decode(tasks, Kind::kList, {.stickiness = {5.0f, 5.0f}});
  EXPECT_EQ(together.device[1], together.device[2]);
  EXPECT_THAT(together.rank, ElementsAre(0, 1, 2));
}

TEST(GuidanceTest, StickinessThatIsNoNumberIsNone) {
  const auto tasks = Tasks("a[time=10,bytes=1] -> b[time=50,bytes=1], c[time=50]", 2);
  const float nan = static_cast<float>(kNan);
  EXPECT_EQ(Decode(tasks, Kind::kList, {.stickiness = {nan, nan}}).device,
            Decode(tasks, Kind::kList, {}).device);
  const Plan drawn = Decode(tasks, Kind::kList, {.stickiness = {kInfinity, kInfinity}});
  EXPECT_EQ(drawn.device[1], drawn.device[2]);
  const Plan driven = Decode(tasks, Kind::kList, {.stickiness = {-kInfinity, -kInfinity}});
  EXPECT_NE(driven.device[0], driven.device[1]);
  EXPECT_NE(driven.device[0], driven.device[2]);
}

// A device that is closed stays so, however hard the guidance pulls.
TEST(GuidanceTest, BoundlessStickinessOpensNoDevice) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "test"}, {1, 1, "test"}};
  options.constraints.allowed = {{{2}, {1, 2}, "test"}};
  const auto tasks = Tasks("a[bytes=9] -> b[bytes=9] -> c", 3, options);
  for (const float pull : {kInfinity, -kInfinity, static_cast<float>(kNan)}) {
    const Plan plan = Decode(tasks, Kind::kList, {.stickiness = {pull, pull}});
    EXPECT_EQ(plan.device[0], 1);
    EXPECT_EQ(plan.device[1], 1);
    EXPECT_NE(plan.device[2], 0);
  }
}

TEST(GuidanceTest, RandomGuidanceObeysDevicesAndGroups) {
  ProblemOptions options;
  options.constraints.colocate = {{{3, 50, 120}, "test"}, {{7, 8, 9, 10, 11}, "test"}};
  options.constraints.allowed = {{{20, 21, 22, 8}, {1, 2}, "test"}};
  const auto tasks =
      Tasks(*Problem::Create(testing::LayeredGraph(200, 6, 4), testing::EqualDevices(4), options));
  Random random(11);
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    GuidanceDecoder decoder(tasks, kind);
    Plan plan;
    for (int round = 0; round < 20; ++round) {
      Guidance guidance;
      for (KernelId k = 0; k < tasks->num_tasks(); ++k) {
        guidance.priority.push_back(random.Below(9) == 0 ? kNan : random.Uniform() - 0.5);
        guidance.device.push_back(static_cast<DeviceId>(random.Below(9)) - 2);
      }
      for (size_t e = 0; e < tasks->kernel_graph().inputs.size(); ++e) {
        guidance.stickiness.push_back(static_cast<float>(1.0 / (random.Uniform() - 0.5)));
      }
      ASSERT_TRUE(decoder.Decode(guidance, &plan).ok());
      for (KernelId k = 0; k < tasks->num_tasks(); ++k) {
        ASSERT_TRUE(tasks->is_allowed(k, plan.device[k]));
        const int32_t group = tasks->group(k);
        if (group == kNone) continue;
        ASSERT_EQ(plan.device[k], plan.device[tasks->group_tasks(group)[0]]);
      }
    }
  }
}

TEST(GuidanceTest, DecodesIntoTheSameBuffers) {
  const Reference b;
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    GuidanceDecoder decoder(b.tasks, kind);
    Plan plan;
    plan.producer = "policy";
    Guidance guidance = {.priority = UpwardRanks(*b.tasks)};
    ASSERT_TRUE(decoder.Decode(guidance, &plan).ok());
    const void* device = plan.device.data();
    const void* rank = plan.rank.data();
    for (double& x : guidance.priority) x = -x;
    ASSERT_TRUE(decoder.Decode(guidance, &plan).ok());
    EXPECT_EQ(plan.device.data(), device);
    EXPECT_EQ(plan.rank.data(), rank);
    EXPECT_EQ(plan.producer, "policy");
  }
}

TEST(GuidanceTest, TheReferenceIsTakenUpInItsOwnOrder) {
  const Reference b;
  const std::vector<double> priority = PrioritiesOf(*b.tasks, b.plan, b.report);
  EXPECT_THAT(priority, Each(::testing::AllOf(::testing::Ge(-1.0), ::testing::Le(0.0))));
  for (KernelId k = 0; k < b.tasks->num_tasks(); ++k) {
    EXPECT_NEAR(priority[k],
                -static_cast<double>(b.report.kernel_spans[k].start) / b.report.step_time, 1e-12);
  }
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    EXPECT_EQ(OrderOfRanks(Decode(b.tasks, kind, {.priority = priority})), b.report.start_order);
  }
}

TEST(GuidanceTest, TheReferenceIsDecodedAgain) {
  const Reference b;
  const Guidance guidance = {.priority = PrioritiesOf(*b.tasks, b.plan, b.report),
                             .device = DevicesOf(*b.tasks, b.plan)};
  const Plan plan = Decode(b.tasks, Kind::kDirect, guidance);
  EXPECT_EQ(plan.device, b.plan.device);
  EXPECT_LE(Simulate(b.problem, plan, {}).step_time, b.report.step_time * 1.05);
}

TEST(GuidanceTest, AnOrderIsEnoughForPriorities) {
  const Reference b;
  CostReport report = b.report;
  report.kernel_spans.clear();
  const auto order = [&] {
    return OrderOfRanks(
        Decode(b.tasks, Kind::kDirect, {.priority = PrioritiesOf(*b.tasks, b.plan, report)}));
  };
  EXPECT_EQ(order(), b.report.start_order);
  report.start_order.clear();
  EXPECT_EQ(order(), OrderOfRanks(b.plan));
}

TEST(GuidanceTest, NonsenseInReportsIsNotUsed) {
  const Reference b;
  const auto order = [&](const CostReport& report) {
    const std::vector<double> priority = PrioritiesOf(*b.tasks, b.plan, report);
    EXPECT_THAT(priority, Each(::testing::AllOf(::testing::Ge(-1.0), ::testing::Le(0.0))));
    return OrderOfRanks(Decode(b.tasks, Kind::kDirect, {.priority = priority}));
  };
  CostReport wrong_order = b.report;
  wrong_order.start_order.assign(b.report.start_order.rbegin(), b.report.start_order.rend());
  EXPECT_EQ(order(wrong_order), b.report.start_order);
  CostReport wrong_spans = b.report;
  wrong_spans.kernel_spans[5].start = -1;
  EXPECT_EQ(order(wrong_spans), b.report.start_order);
  wrong_spans.kernel_spans[5].start = b.report.step_time + 1;
  EXPECT_EQ(order(wrong_spans), b.report.start_order);
  wrong_spans.start_order = {7, 7};
  EXPECT_EQ(order(wrong_spans), OrderOfRanks(b.plan));
}

TEST(GuidanceTest, TheReferenceMayHaveOtherKernels) {
  const Problem problem =
      *Problem::Create(*ParseGraph("x:input -> a:relu[dims=8x8,bytes=256,flops=640] -> "
                                   "b:relu[dims=8x8,bytes=256,flops=640]; "
                                   "x -> c:matmul[dims=8x8,bytes=256,flops=640]"),
                       testing::EqualDevices(2), {.tasks = {.fusion = true}});
  const RooflineCostModel costs(problem);
  const auto fused = *ShareTasks(problem, *Fuse(problem, {}), costs);
  ASSERT_EQ(fused->num_tasks(), 2);
  Plan plan;
  plan.kernels = Kernels::Singletons(problem.shared_graph());
  plan.device = {1, 1, 0};
  plan.rank = {1, 2, 0};
  const CostReport report = Simulate(problem, plan, {.start_order = true});
  EXPECT_THAT(DevicesOf(*fused, plan), ElementsAre(1, 0));
  const std::vector<double> priority = PrioritiesOf(*fused, plan, report);
  const std::vector<double> single =
      PrioritiesOf(*ShareTasks(problem, plan.kernels, costs).value(), plan, report);
  EXPECT_THAT(priority, ElementsAre(single[0], single[2]));
}

TEST(GuidanceTest, AClosedPlacementIsTheBasePlans) {
  const Reference b;
  auto base = std::make_shared<Plan>(b.plan);
  base->parameter_home = {};
  const Problem problem = *Problem::Create(b.problem.shared_graph(), b.problem.machine(),
                                           {.tasks = {.placement = false}, .base_plan = base});
  std::vector<double> priority(b.tasks->num_tasks());
  for (size_t k = 0; k < priority.size(); ++k) priority[k] = static_cast<double>(k);
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    const Plan plan = Decode(Tasks(problem), kind, {.priority = priority});
    EXPECT_EQ(plan.device, base->device);
    EXPECT_EQ(plan.rank, RanksByPriority(priority));
  }
}

TEST(GuidanceTest, AClosedScheduleIsTheBasePlans) {
  const Reference b;
  auto base = std::make_shared<Plan>(b.plan);
  base->rank.assign(base->rank.size(), 0);
  base->dispatch = Dispatch::kSequence;
  base->sequence = b.report.start_order;
  const Problem problem = *Problem::Create(b.problem.shared_graph(), b.problem.machine(),
                                           {.tasks = {.scheduling = false}, .base_plan = base});
  const Plan in_order =
      Decode(b.tasks, Kind::kList, {.priority = PrioritiesOf(*b.tasks, b.plan, b.report)});
  const std::vector<DeviceId> wish(b.tasks->num_tasks(), 2);
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    const Plan plan =
        Decode(Tasks(problem), kind, {.priority = UpwardRanks(*b.tasks), .device = wish});
    EXPECT_EQ(plan.rank, base->rank);
    EXPECT_EQ(plan.dispatch, Dispatch::kSequence);
    EXPECT_EQ(plan.sequence, base->sequence);
    EXPECT_EQ(plan.device, kind == Kind::kList ? in_order.device : wish);
  }
}

TEST(GuidanceTest, ClosedTasksAreCarriedToOtherKernels) {
  const auto graph = *ParseGraph(
      "x:input -> a:relu[dims=8x8,bytes=256,flops=640] -> b:relu[dims=8x8,bytes=256,flops=640]; "
      "x -> c:matmul[dims=8x8,bytes=256,flops=640]");
  auto base = std::make_shared<Plan>();
  base->kernels = Kernels::Singletons(graph);
  base->device = {1, 1, 0};
  base->rank = {1, 2, 0};
  const Problem problem = *Problem::Create(
      graph, testing::EqualDevices(2),
      {.tasks = {.fusion = true, .placement = false, .scheduling = false}, .base_plan = base});
  const RooflineCostModel costs(problem);
  const auto fused = *ShareTasks(problem, *Fuse(problem, {}), costs);
  ASSERT_EQ(fused->num_tasks(), 2);
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    const Plan plan = Decode(fused, kind, {.priority = {0, 1}, .device = {0, 1}});
    EXPECT_THAT(plan.device, ElementsAre(1, 0));
    EXPECT_THAT(plan.rank, ElementsAre(1, 0));
  }
}

TEST(GuidanceTest, DecodesAnEmptyGraph) {
  const auto tasks = Tasks("x:input", 2);
  for (const Kind kind : {Kind::kList, Kind::kDirect}) {
    EXPECT_TRUE(Decode(tasks, kind, {}).device.empty());
  }
  Plan plan;
  plan.kernels = tasks->kernels();
  EXPECT_TRUE(PrioritiesOf(*tasks, plan, {}).empty());
}

}  // namespace
}  // namespace gopt
