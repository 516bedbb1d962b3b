// The simulator against the plain one of tests/testing, in every field of the report.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gopt/cost/simulator.h"
#include "gopt/plan/problem.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/reference_simulator.h"
#include "tests/testing/report_compare.h"
#include "tests/testing/scale.h"

namespace gopt::testing {
namespace {

constexpr EvaluateOptions kEverything = {
    .start_order = true, .timeline = true, .critical_chain = true};

// What the cases were about, so that a generator that loses its variety is noticed.
struct Coverage {
  int clones = 0, recompute = 0, fused = 0, out_of_memory = 0, parameter_transfers = 0;
  int zero_time_kernels = 0, waiting_transfers = 0, dispatch[4] = {};

  void Add(const RandomCase& random_case, const CostReport& report) {
    const Plan& plan = random_case.plan;
    clones += plan.kernels->has_clones();
    recompute += !plan.kernels->columns().recomputed_ops.empty();
    fused += plan.kernels->size() < static_cast<int>(plan.kernels->columns().ops.size());
    out_of_memory += report.outcome == Outcome::kInfeasible;
    ++dispatch[static_cast<int>(plan.dispatch)];
    bool parameters = false, waiting = false, zero = false;
    for (const TransferSpan& span : report.transfer_spans) {
      parameters = parameters || span.producer == kNone;
      waiting = waiting || span.start > span.request;
    }
    for (const KernelSpan& span : report.kernel_spans) zero = zero || span.start == span.end;
    parameter_transfers += parameters;
    waiting_transfers += waiting;
    zero_time_kernels += zero;
  }
};

TEST(SimulatorEqualityTest, EqualsThePlainSimulatorOnTenThousandRandomPlans) {
  Coverage coverage;
  for (int i = 0; i < Scaled(10'000); ++i) {
    Random random(static_cast<uint64_t>(i));
    const RandomCase random_case = MakeRandomCase(random);
    const SimulatorOptions options = {.contention = i % 5 != 0, .memory = i % 7 != 0};
    const auto simulator = *Simulator::Create(options);
    const auto actual = Price(*simulator, random_case.problem, random_case.plan, kEverything);
    ASSERT_TRUE(actual.ok());
    const CostReport expected =
        ReferencePrice(random_case.problem, random_case.plan, options, kEverything);
    ASSERT_EQ(FirstDifference(expected, *actual), "") << "case " << i;
    ASSERT_EQ(static_cast<int>(actual->start_order.size()), random_case.plan.kernels->size());
    coverage.Add(random_case, *actual);
  }
  EXPECT_GT(coverage.clones, Scaled(1'000));
  EXPECT_GT(coverage.recompute, Scaled(500));
  EXPECT_GT(coverage.fused, Scaled(3'000));
  EXPECT_GT(coverage.out_of_memory, Scaled(1'000));
  EXPECT_GT(coverage.parameter_transfers, Scaled(2'000));
  EXPECT_GT(coverage.waiting_transfers, Scaled(3'000));
  EXPECT_GT(coverage.zero_time_kernels, Scaled(2'500));
  for (int rule : {1, 2, 3}) EXPECT_GT(coverage.dispatch[rule], Scaled(3'000));
}

// One evaluator prices many plans, as searches do: nothing is left over from the plan before.
TEST(SimulatorEqualityTest, EvaluatorsCarryNothingFromOnePlanToTheNext) {
  for (int i = 0; i < 100; ++i) {
    Random random(static_cast<uint64_t>(1'000'000 + i));
    const RandomCase random_case = MakeRandomCase(random);
    const auto simulator = *Simulator::Create();
    const auto evaluator = *simulator->Bind(random_case.problem);
    CostReport actual;
    for (int j = 0; j < 10; ++j) {
      Plan plan = RandomPlan(random, random_case.problem);
      if (j % 2 == 1) {  // Same kernels, other devices.
        plan = random_case.plan;
        if (plan.kernels->has_clones() || plan.dispatch == Dispatch::kSequence) continue;
        plan.parameter_home.clear();
        for (DeviceId& device : plan.device) {
          device = static_cast<DeviceId>(random.Below(random_case.problem.machine().num_devices()));
        }
      }
      evaluator->Evaluate({&plan, 1}, kEverything, {&actual, 1});
      const CostReport expected = ReferencePrice(random_case.problem, plan, {}, kEverything);
      ASSERT_EQ(FirstDifference(expected, actual), "") << "case " << i << ", plan " << j;
    }
  }
}

// What is recorded or not must not change the numbers.
TEST(SimulatorEqualityTest, ReportPartsDoNotChangeTheTimes) {
  for (int i = 0; i < 300; ++i) {
    Random random(static_cast<uint64_t>(2'000'000 + i));
    const RandomCase random_case = MakeRandomCase(random);
    const auto simulator = *Simulator::Create({.memory = false});
    const auto bare = *Price(*simulator, random_case.problem, random_case.plan);
    const auto full = *Price(*simulator, random_case.problem, random_case.plan, kEverything);
    ASSERT_EQ(bare.step_time, full.step_time);
    ASSERT_EQ(bare.busy, full.busy);
    ASSERT_TRUE(bare.start_order.empty());
    ASSERT_TRUE(bare.transfer_spans.empty());
    ASSERT_TRUE(bare.critical_chain.empty());
  }
}

TEST(SimulatorEqualityTest, EqualsThePlainSimulatorOnAMillionOps) {
  constexpr int kOps = Scaled(1'000'000);
  const auto graph = LargeGraph({.ops = kOps});
  const Problem problem = *Problem::Create(graph, *UniformMachine({.count = 8, .latency = 500}));
  const Plan plan = LargePlan(Kernels::Singletons(graph), 8, /*seed=*/1);
  const auto simulator = *Simulator::Create();
  const EvaluateOptions options = {.start_order = true};
  const auto actual = Price(*simulator, problem, plan, options);
  ASSERT_TRUE(actual.ok());
  EXPECT_EQ(static_cast<int>(actual->start_order.size()), kOps);
  EXPECT_EQ(FirstDifference(ReferencePrice(problem, plan, {}, options), *actual), "");
}

}  // namespace
}  // namespace gopt::testing
