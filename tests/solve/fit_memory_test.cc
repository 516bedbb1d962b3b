#include "gopt/solve/fit_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/solve/solver.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

// Two branches that take 210 bytes side by side and 120 one after the other.
constexpr char kBranches[] =
    "x:input -> a1[time=1,bytes=100] -> a2[time=1,bytes=10]; x -> b1[time=1,bytes=100] -> "
    "b2[time=1,bytes=10]; a2, b2 -> y[time=1,bytes=1] -> z:output";

class FitMemoryTest : public ::testing::Test {
 protected:
  static Problem Limited(int64_t bytes, bool scheduling = true) {
    ProblemOptions options;
    const auto graph = ParseGraph(kBranches).value();
    auto plan = std::make_shared<Plan>();
    plan->kernels = Kernels::Singletons(graph);
    plan->device.assign(5, 0);
    plan->rank = {0, 2, 1, 3, 4};  // a1, b1, a2, b2, y
    options.base_plan = plan;
    options.constraints.memory_limits = {{.device = 0, .bytes = bytes}};
    options.tasks.placement = false;
    options.tasks.scheduling = scheduling;
    return Problem::Create(graph, testing::EqualDevices(1), std::move(options)).value();
  }

  CostReport PriceOf(const Problem& problem, const Plan& plan) const {
    return Price(*simulator_, problem, plan, {.start_order = true}).value();
  }

  std::shared_ptr<const Simulator> simulator_ = Simulator::Create().value();
};

TEST_F(FitMemoryTest, PutsTheKernelsInAnOrderThatFits) {
  const Problem problem = Limited(130);
  const CostReport before = PriceOf(problem, *problem.base_plan());
  EXPECT_EQ(before.outcome, Outcome::kInfeasible);
  const Plan plan = FitMemory(problem, *problem.base_plan(), before).value();
  EXPECT_EQ(plan.dispatch, Dispatch::kSequence);
  EXPECT_TRUE(PriceOf(problem, plan).ok());
}

TEST_F(FitMemoryTest, LeavesAloneWhatFits) {
  const Problem problem = Limited(210);
  const CostReport before = PriceOf(problem, *problem.base_plan());
  const Plan plan = FitMemory(problem, *problem.base_plan(), before).value();
  EXPECT_EQ(plan.dispatch, Dispatch::kPriority);
  EXPECT_EQ(plan.rank, problem.base_plan()->rank);
}

TEST_F(FitMemoryTest, AByteLimitLowersTheDevices) {
  const Problem problem = Limited(210);
  const CostReport before = PriceOf(problem, *problem.base_plan());
  const Plan plan = FitMemory(problem, *problem.base_plan(), before, {.byte_limit = 120}).value();
  EXPECT_EQ(PriceOf(problem, plan).peak_bytes[0], 120);
}

TEST_F(FitMemoryTest, AClosedOrderStays) {
  const Problem problem = Limited(130, /*scheduling=*/false);
  const CostReport before = PriceOf(problem, *problem.base_plan());
  const Plan plan = FitMemory(problem, *problem.base_plan(), before).value();
  EXPECT_EQ(plan.rank, problem.base_plan()->rank);
}

TEST_F(FitMemoryTest, AsksForAStartOrder) {
  const Problem problem = Limited(130);
  const CostReport before = Price(*simulator_, problem, *problem.base_plan()).value();
  EXPECT_EQ(FitMemory(problem, *problem.base_plan(), before).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FitMemoryTest, SolversEndWithAnOrderThatFits) {
  const Problem problem = Limited(120);
  for (const char* name : {"critical_path", "order(by=fifo)", "peak_order"}) {
    const absl::StatusOr<Solution> solution =
        Solvers().Create(name).value()->Solve({.problem = &problem, .backend = simulator_.get()});
    ASSERT_TRUE(solution.ok()) << name << ": " << solution.status();
    EXPECT_TRUE(solution->report.ok()) << name;
    EXPECT_EQ(solution->report.peak_bytes[0], 120) << name;
  }
}

TEST_F(FitMemoryTest, WhatFitsInNoOrderIsStillAnError) {
  const Problem problem = Limited(119);
  const absl::StatusOr<Solution> solution =
      Solvers()
          .Create("critical_path")
          .value()
          ->Solve({.problem = &problem, .backend = simulator_.get()});
  EXPECT_EQ(solution.status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace gopt
