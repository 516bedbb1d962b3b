#include "gopt/workloads/planted.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gopt/cost/bounds.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/cost/simulator.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/solver.h"
#include "gtest/gtest.h"
#include "tests/testing/scale.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

CostReport PriceOf(const Planted& planted) {
  const auto simulator = *Simulator::Create();
  const auto report = Price(*simulator, planted.problem, planted.plan);
  EXPECT_OK(report);
  return *report;
}

Nanoseconds BoundOf(const Problem& problem) {
  return ComputeLowerBounds(problem, RooflineCostModel(problem)).step_time();
}

void ExpectOptimal(const PlantedOptions& options) {
  const auto planted = MakePlanted(options);
  ASSERT_OK(planted);
  EXPECT_EQ(planted->problem.graph().num_ops(), options.ops);
  EXPECT_OK(ValidatePlan(planted->problem, planted->plan));
  const CostReport report = PriceOf(*planted);
  EXPECT_EQ(report.outcome, Outcome::kOk) << report.reason;
  EXPECT_EQ(report.step_time, planted->step_time);
  EXPECT_EQ(BoundOf(planted->problem), planted->step_time);
  for (const Nanoseconds busy : report.busy) EXPECT_EQ(busy, planted->step_time);
}

TEST(PlantedTest, TheSimulatorTakesExactlyTheDrawnTimeAndTheBoundIsEqual) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const int devices : {1, 2, 3, 8}) {
      ExpectOptimal({.ops = 100, .devices = devices, .seed = seed});
    }
  }
}

TEST(PlantedTest, HoldsForAllOptions) {
  ExpectOptimal({.ops = 1, .devices = 1});
  ExpectOptimal({.ops = 7, .devices = 7});
  ExpectOptimal({.ops = 300, .mean_time = 4});
  ExpectOptimal({.ops = 300, .spread = 4.0});
  ExpectOptimal({.ops = 300, .spread = 0.0});
  ExpectOptimal({.ops = 300, .fan_out = 0});
  ExpectOptimal({.ops = 300, .fan_out = 12, .remote = 1.0});
  ExpectOptimal({.ops = 300, .ccr = 0.0, .latency = 0});
  ExpectOptimal({.ops = 300, .ccr = 50.0});
  ExpectOptimal({.ops = 300, .bandwidth = 1.0});
  ExpectOptimal({.ops = 300, .latency = 1'000'000});
}

TEST(PlantedTest, SendsTensorsAndQueuesThem) {
  const auto planted =
      *MakePlanted({.ops = 1000, .fan_out = 4, .remote = 0.8, .ccr = 2.0, .seed = 3});
  const auto simulator = *Simulator::Create();
  const auto report = *Price(*simulator, planted.problem, planted.plan, {.timeline = true});
  EXPECT_GT(report.transfers, 500);
  int queued = 0;
  for (const TransferSpan& span : report.transfer_spans) queued += span.start > span.request;
  EXPECT_GT(queued, 50);
}

TEST(PlantedTest, NoSolverBeatsThePlantedPlan) {
  const auto simulator = *Simulator::Create();
  for (const uint64_t seed : {1, 2}) {
    const auto planted = *MakePlanted({.ops = 40, .devices = 3, .seed = seed});
    for (const auto& [name, summary] : Solvers().NamesAndSummaries()) {
      // Evaluations do not bound exact's nodes.
      const auto solver = Solvers().Create(name == "exact" ? "exact(nodes=20000)" : name);
      ASSERT_OK(solver);
      SolveRequest request = {.problem = &planted.problem, .backend = simulator.get()};
      request.budget = Budget::Evaluations(200);
      const auto solution = (*solver)->Solve(request);
      ASSERT_OK(solution);
      EXPECT_GE(solution->report.step_time, planted.step_time) << name;
      EXPECT_EQ(solution->bounds.step_time(), planted.step_time) << name;
    }
  }
}

TEST(PlantedTest, ASearchThatStartsAtThePlanKeepsIt) {
  const auto planted = *MakePlanted({.ops = 200});
  const auto simulator = *Simulator::Create();
  SolveRequest request = {.problem = &planted.problem, .backend = simulator.get()};
  request.budget = Budget::Evaluations(100);
  request.start_plans = {planted.plan};
  const auto solution = (*Solvers().Create("anneal"))->Solve(request);
  ASSERT_OK(solution);
  EXPECT_EQ(solution->report.step_time, planted.step_time);
}

TEST(PlantedTest, NamesTheOption) {
  EXPECT_THAT(MakePlanted({.ops = 2, .devices = 3}), IsInvalid("planted: ops is 2, expected 3"));
  EXPECT_THAT(MakePlanted({.devices = 0}), IsInvalid("planted: devices is 0, expected 1 to 1024"));
  EXPECT_THAT(MakePlanted({.devices = 4, .mean_time = 3}), IsInvalid("planted: mean_time is 3"));
  EXPECT_THAT(MakePlanted({.remote = 1.5}), IsInvalid("planted: remote is 1.5"));
  EXPECT_THAT(MakePlanted({.latency = -1}), IsInvalid("planted: latency is -1"));
}

TEST(PlantedTest, HoldsForAMillionOps) {
  ExpectOptimal({.ops = testing::Scaled(1'000'000), .devices = 16});
}

}  // namespace
}  // namespace gopt
