// Illegal plans, odd shapes and sizes beyond the usual.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/problem.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/reference_simulator.h"
#include "tests/testing/report_compare.h"

namespace gopt::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr EvaluateOptions kEverything = {
    .start_order = true, .timeline = true, .critical_chain = true};

Problem MakeProblem(std::shared_ptr<const Graph> graph, int devices = 2) {
  return *Problem::Create(std::move(graph), *UniformMachine({.count = devices}));
}

CostReport PriceAll(const Problem& problem, const Plan& plan, SimulatorOptions options = {}) {
  return *Price(**Simulator::Create(options), problem, plan, kEverything);
}

CostReport PriceByBoth(const Problem& problem, const Plan& plan) {
  CostReport report = PriceAll(problem, plan);
  EXPECT_EQ(FirstDifference(ReferencePrice(problem, plan, {}, kEverything), report), "");
  return report;
}

Plan TwoKernelPlan(std::shared_ptr<const Graph> graph) {
  Plan plan;
  plan.kernels = Kernels::Singletons(std::move(graph));
  plan.device = {0, 1};
  plan.rank = {0, 1};
  return plan;
}

TEST(IllegalPlanTest, ReasonsNameTheFault) {
  const auto graph = *ParseGraph("w:parameter -> a[time=1] -> b[time=1]");
  const Problem problem = MakeProblem(graph);
  const Plan legal = TwoKernelPlan(graph);
  ASSERT_TRUE(PriceAll(problem, legal).ok());
  const auto reason = [&](auto change) {
    Plan plan = legal;
    change(plan);
    const CostReport report = PriceAll(problem, plan);
    EXPECT_EQ(report.outcome, Outcome::kInfeasible);
    EXPECT_EQ(report.step_time, 0);
    return report.reason;
  };
  EXPECT_EQ(reason([](Plan& plan) {
              plan.device = {0, 7};
            }),
            "illegal plan: kernel 1 is on device 7; the machine has 2");
  EXPECT_EQ(reason([](Plan& plan) {
              plan.device = {-1, 0};
            }),
            "illegal plan: kernel 0 is on device -1; the machine has 2");
  EXPECT_EQ(reason([](Plan& plan) { plan.rank = {1}; }),
            "illegal plan: rank has 1 entries for 2 kernels");
  EXPECT_EQ(reason([](Plan& plan) {
              plan.parameter_home = {0, 0};
            }),
            "illegal plan: parameter_home has 2 entries for 1 parameters");
  EXPECT_EQ(reason([](Plan& plan) { plan.parameter_home = {2}; }),
            "illegal plan: parameter 0 has its home on device 2; the machine has 2");
  const auto sequence = [&](std::vector<KernelId> order) {
    return reason([&](Plan& plan) {
      plan.dispatch = Dispatch::kSequence;
      plan.sequence = order;
    });
  };
  EXPECT_EQ(sequence({0}), "illegal plan: sequence has 1 entries for 2 kernels");
  EXPECT_EQ(sequence({0, 2}), "illegal plan: sequence names kernel 2; there are 2");
  EXPECT_EQ(sequence({0, 0}), "illegal plan: sequence names kernel 0 twice");
  EXPECT_EQ(reason([](Plan& plan) { plan.dispatch = static_cast<Dispatch>(9); }),
            "illegal plan: dispatch rule 9 does not exist");
  EXPECT_EQ(reason([](Plan& plan) {
              plan.kernels = Kernels::Singletons(*ParseGraph("a[time=1] -> b[time=2]"));
            }),
            "illegal plan: its kernels are of another graph");
}

TEST(IllegalPlanTest, MissingRouteMattersOnlyToPlansThatNeedIt) {
  const auto graph = *ParseGraph("a[time=1] -> b[time=1]");
  const Machine uniform = *UniformMachine({.count = 2});
  const Machine machine =
      *Machine::Create("islands", {uniform.device(0), uniform.device(1)}, {}, {});
  const Problem problem = *Problem::Create(graph, machine);
  Plan plan = TwoKernelPlan(graph);
  const auto evaluator = *(*Simulator::Create())->Bind(problem);
  CostReport report;
  evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
  EXPECT_EQ(report.outcome, Outcome::kInfeasible);
  EXPECT_EQ(report.reason,
            "illegal plan: no route leads from device 0 'device:0' to device 1 'device:1'");
  plan.device = {1, 1};  // The evaluator is as good as new.
  evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.step_time, 2);
}

TEST(IllegalPlanTest, CyclesAmongKernelsAreNamed) {
  const auto graph = *ParseGraph("a[time=1] -> b[time=1] -> c[time=1]");
  Plan plan;
  plan.kernels = *Kernels::Create(
      graph, {.begin = {0, 2, 3}, .ops = {0, 2, 1}, .recompute = {}, .recomputed_ops = {}});
  plan.device = {0, 0};
  plan.rank = {0, 1};
  EXPECT_THAT(PriceAll(MakeProblem(graph), plan).reason, StartsWith("illegal plan: cycle"));
}

TEST(SimulatorLimitsTest, GraphsWithoutKernelsTakeNoTime) {
  for (const char* text : {"", "w:parameter[bytes=5]"}) {
    const auto graph = ParseGraph(text);
    if (!graph.ok()) continue;  // The text form may refuse an empty graph.
    Plan plan;
    plan.kernels = Kernels::Singletons(*graph);
    const CostReport report = PriceByBoth(MakeProblem(*graph), plan);
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.step_time, 0);
  }
}

TEST(SimulatorLimitsTest, ManyDevicesAreFine) {
  for (int devices : {64, 65, 1024}) {
    const auto graph = LargeGraph({.ops = 1'500, .window = 100});
    const Problem problem = MakeProblem(graph, devices);
    Plan plan = LargePlan(Kernels::Singletons(graph), devices, 1);
    for (Dispatch dispatch : {Dispatch::kPriority, Dispatch::kFifo}) {
      plan.dispatch = dispatch;
      EXPECT_TRUE(PriceByBoth(problem, plan).ok());
    }
  }
}

// Durations, bytes and sums beyond 2^62 saturate; no sum overflows.
TEST(SimulatorLimitsTest, HugeNumbersSaturate) {
  GraphBuilder builder;
  for (OpId op = 0; op < 6; ++op) {
    builder.AddOp({.name = absl::StrCat("op", op),
                   .type = "op",
                   .flops = 1e300,
                   .bytes_read = kSaturated,
                   .scratch_bytes = kSaturated});
    builder.AddPort(op, {.bytes = kSaturated});
    if (op > 0) builder.AddOperands(op, std::vector<PortId>{op - 1, op / 2});
  }
  const auto graph = builder.Build();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Problem problem = MakeProblem(*graph, 3);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Plan plan = LargePlan(Kernels::Singletons(*graph), 3, seed);
    const CostReport report = PriceByBoth(problem, plan);
    EXPECT_EQ(report.step_time, kSaturated);
  }
}

double MillisecondsToPrice(std::shared_ptr<const Graph> graph) {
  const Problem problem = MakeProblem(graph, 8);
  const Plan plan = LargePlan(Kernels::Singletons(graph), 8, 1);
  const auto evaluator = *(*Simulator::Create())->Bind(problem);
  CostReport report;
  evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
  const auto begin = std::chrono::steady_clock::now();
  evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
  EXPECT_TRUE(report.ok());
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

std::shared_ptr<const Graph> Star(int leaves, bool fan_out) {
  GraphBuilder builder;
  std::vector<PortId> ports;
  const OpId hub = fan_out ? builder.AddOp({.name = "hub", .type = "op", .flops = 1e3}) : kNone;
  if (fan_out) ports.push_back(builder.AddPort(hub, {.bytes = 64}));
  for (int i = 0; i < leaves; ++i) {
    const OpId leaf = builder.AddOp({.name = absl::StrCat("leaf", i), .type = "op", .flops = 1e3});
    if (fan_out) {
      builder.AddOperands(leaf, ports);
    } else {
      ports.push_back(builder.AddPort(leaf, {.bytes = 64}));
    }
  }
  if (!fan_out) {
    builder.AddOperands(builder.AddOp({.name = "hub", .type = "op", .flops = 1e3}), ports);
  }
  return *builder.Build();
}

// Reliability, fault 15, on a tenth of the size; the bound leaves room for a busy machine.
TEST(SimulatorLimitsTest, StarsCostNoMoreThanOtherGraphs) {
  const double average = MillisecondsToPrice(LargeGraph({.ops = 50'000}));  // 100,000 edges.
  EXPECT_LT(MillisecondsToPrice(Star(100'000, /*fan_out=*/true)), 6 * average + 20);
  EXPECT_LT(MillisecondsToPrice(Star(100'000, /*fan_out=*/false)), 6 * average + 20);
}

TEST(SimulatorLimitsTest, MemoryIsLeftOutWhenNotAskedFor) {
  const auto graph = *ParseGraph("a[time=1,bytes=100] -> b[time=1]");
  const Problem problem = *Problem::Create(graph, UniformMachine({.count = 2})->WithMemoryLimit(1));
  const Plan plan = TwoKernelPlan(graph);
  EXPECT_EQ(PriceAll(problem, plan).outcome, Outcome::kInfeasible);
  const CostReport report = PriceAll(problem, plan, {.memory = false});
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.peak_bytes, std::vector<int64_t>(2, 0));
}

}  // namespace
}  // namespace gopt::testing
