#include "gopt/solve/exact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/cost/bounds.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/solver.h"
#include "tests/solve/brute_force.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/reference_simulator.h"
#include "tests/testing/scale.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::TaskProblem;

std::shared_ptr<const Simulator> MakeSimulator(bool contention = true) {
  return *Simulator::Create({.contention = contention});
}

absl::StatusOr<Solution> Try(const Problem& problem, const CostBackend& backend,
                             const std::string& spec = "exact", Budget budget = {}) {
  SolveRequest request;
  request.problem = &problem;
  request.backend = &backend;
  request.budget = budget;
  return (*Solvers().Create(spec))->Solve(request);
}

Solution Solve(const Problem& problem, const CostBackend& backend,
               const std::string& spec = "exact", Budget budget = {}) {
  absl::StatusOr<Solution> solution = Try(problem, backend, spec, budget);
  EXPECT_OK(solution);
  return *std::move(solution);
}

void ExpectProven(const Solution& solution) {
  EXPECT_EQ(solution.bounds.step_time(), solution.report.step_time);
  EXPECT_EQ(solution.stop, StopReason::kCompleted);
}

void ExpectHonest(const Solution& solution) {
  EXPECT_LE(solution.bounds.step_time(), solution.report.step_time);
}

TEST(ExactTest, Proves73WhereHeftGives80OnTheGraphOfTheTopcuogluPaper) {
  const TaskProblem p(testing::TopcuogluGraph(), testing::TopcuogluMachine());
  const auto simulator = MakeSimulator(/*contention=*/false);
  EXPECT_EQ(Solve(p.problem, *simulator, "heft").report.step_time, 80);
  const Solution solution = Solve(p.problem, *simulator);
  EXPECT_EQ(solution.report.step_time, 73);
  ExpectProven(solution);
}

TEST(ExactTest, LetsADeviceWaitWhereThatIsBest) {
  // Device 0 must not start l before the urgent u.
  const char* text = "p[time=1] => u[time=2] => v[time=20]; l[time=10]";
  const TaskProblem open(text, 2);
  ProblemOptions options;
  for (const char* name : {"u", "l"}) {
    options.constraints.pins.push_back({open.Op(name), 0, "test"});
  }
  for (const char* name : {"p", "v"}) {
    options.constraints.pins.push_back({open.Op(name), 1, "test"});
  }
  const TaskProblem q(text, 2, options);
  const Solution solution = Solve(q.problem, *MakeSimulator());
  EXPECT_EQ(solution.report.step_time, 23);
  ExpectProven(solution);
}

TEST(ExactTest, DecidesByRanksWhoIsSentFirst) {
  // Both end at 1 and share the bus to device 2; the long reader's tensor must go first.
  const Machine equal = testing::EqualDevices(3);
  std::vector<Machine::Route> routes;
  for (DeviceId from = 0; from < 3; ++from) {
    for (DeviceId to = 0; to < 3; ++to) {
      if (from != to) routes.push_back({from, to, {0}});
    }
  }
  const Machine bus = *Machine::Create("bus", {equal.devices().begin(), equal.devices().end()},
                                       {{"bus", 1e9, 0}}, routes);
  ProblemOptions options;
  options.constraints.pins = {{0, 0, "test"}, {2, 1, "test"}, {1, 2, "test"}, {3, 2, "test"}};
  const auto graph = *ParseGraph("a[time=1,bytes=4] -> c[time=1]; b[time=1,bytes=4] -> d[time=9]");
  const TaskProblem p(graph, bus, options);
  const Solution solution = Solve(p.problem, *MakeSimulator());
  EXPECT_EQ(solution.report.step_time, 1 + 4 + 9 + 1);
  EXPECT_LT(solution.plan.rank[p.Task("b")], solution.plan.rank[p.Task("a")]);
  ExpectProven(solution);
}

// Of the kinds that `exact` has to know: contention or not, routes over several channels,
// parameters, control edges, unequal devices, memory limits.
struct Drawn {
  testing::RandomCase c;
  bool contention;
};

Drawn Draw(int seed, int ops, int devices) {
  Random random(seed);
  return {testing::MakeRandomCase(random, {.max_compute_ops = ops,
                                           .max_devices = devices,
                                           .fusion = false,
                                           .clones = false,
                                           .tight_memory = seed % 2 == 0}),
          seed % 4 != 1};
}

void ExpectEqualToBruteForce(const Problem& problem, bool contention, int64_t most_plans,
                             int* compared) {
  const testing::ReferenceSimulator reference({.contention = contention});
  const testing::BruteForceResult brute = testing::BruteForce(problem, reference, most_plans);
  if (!brute.complete) return;
  ++*compared;
  const absl::StatusOr<Solution> solution = Try(problem, *MakeSimulator(contention));
  ASSERT_EQ(solution.ok(), brute.best.has_value()) << solution.status();
  if (!solution.ok()) {
    EXPECT_EQ(solution.status().code(), absl::StatusCode::kResourceExhausted);
    return;
  }
  EXPECT_EQ(solution->report.step_time, *brute.best);
  ExpectProven(*solution);
}

TEST(ExactTest, IsWhatTryingAllPlansGives) {
  int compared = 0;
  for (int seed = 0; seed < testing::Scaled(60); ++seed) {
    SCOPED_TRACE(seed);
    const Drawn drawn = Draw(seed, 4, 3);
    if (drawn.c.problem.graph().kernel_ops().size() > 5) continue;
    ExpectEqualToBruteForce(drawn.c.problem, drawn.contention, 10'000, &compared);
  }
  EXPECT_GE(compared, testing::Scaled(60) / 3);
}

TEST(ExactTest, IsWhatTryingAllPlansGivesWhereTasksAreClosed) {
  int compared = 0;
  for (int seed = 0; seed < testing::Scaled(60); ++seed) {
    SCOPED_TRACE(seed);
    const Drawn drawn = Draw(seed, 4, 3);
    const Problem& open = drawn.c.problem;
    if (open.graph().kernel_ops().size() > 5 || open.machine().num_devices() > 3) continue;
    auto base = std::make_shared<Plan>(drawn.c.plan);
    const bool placement = seed % 3 == 0;
    const absl::StatusOr<Problem> closed = Problem::Create(
        open.shared_graph(), open.machine(),
        {.tasks = {.placement = placement, .scheduling = !placement}, .base_plan = base});
    if (!closed.ok()) continue;  // The optimizer op is not at home.
    ExpectEqualToBruteForce(*closed, drawn.contention, 10'000, &compared);
  }
  EXPECT_GE(compared, testing::Scaled(60) / 3);
}

std::vector<std::string> OtherSolvers() {
  std::vector<std::string> names;
  for (const auto& [name, summary] : Solvers().NamesAndSummaries()) {
    if (name != "exact") names.push_back(name);
  }
  return names;
}

// GOPT_EXACT_PROBLEMS=200 for all.
int NumProblems() {
  const char* text = std::getenv("GOPT_EXACT_PROBLEMS");
  return text != nullptr ? std::atoi(text) : testing::Scaled(40);
}

TEST(ExactTest, IsBeatenByNoSolverOnRandomProblems) {
  int problems = 0, proven = 0, solved = 0;
  for (int seed = 0; problems < NumProblems(); ++seed) {
    SCOPED_TRACE(seed);
    const Drawn drawn = Draw(1'000 + seed, 12, 4);
    const Problem& problem = drawn.c.problem;
    if (problem.graph().kernel_ops().size() > 12 || problem.machine().num_devices() > 4) continue;
    ++problems;
    const auto simulator = MakeSimulator(drawn.contention);
    const absl::StatusOr<Solution> exact = Try(problem, *simulator, "exact(nodes=1000000)");
    if (exact.ok()) {
      ++solved;
      if (exact->bounds.step_time() == exact->report.step_time) ++proven;
      ExpectHonest(*exact);
    }
    for (const std::string& name : OtherSolvers()) {
      const absl::StatusOr<Solution> other =
          Try(problem, *simulator, name, Budget::Evaluations(500));
      if (!other.ok()) continue;
      ASSERT_TRUE(exact.ok()) << name << " solves it, but: " << exact.status();
      EXPECT_LE(exact->report.step_time, other->report.step_time) << name;
      EXPECT_LE(exact->bounds.step_time(), other->report.step_time) << name;
    }
  }
  RecordProperty("solved", solved);
  RecordProperty("proven", proven);
  EXPECT_GE(proven, solved * 9 / 10);
}

Problem Layered(int ops, int width, int devices, uint64_t seed) {
  return *Problem::Create(testing::LayeredGraph(ops, width, seed), testing::EqualDevices(devices));
}

TEST(ExactTest, ProvesTwelveOpsWithContention) {
  for (int devices : {2, 3}) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      ExpectProven(Solve(Layered(12, 3, devices, seed), *MakeSimulator()));
    }
  }
}

TEST(ExactTest, ProvesTwentyOpsWithoutContention) {
  for (uint64_t seed = 0; seed < 3; ++seed) {
    ExpectProven(Solve(Layered(20, 4, 2, seed), *MakeSimulator(/*contention=*/false)));
  }
}

TEST(ExactTest, ObeysRulesOnPairsOfDevices) {
  Constraints forward, gapless, triangle, apart;
  forward.forward_only_devices = true;
  gapless.no_skipped_devices = true;
  triangle.triangle_free_devices = true;
  apart.keep_apart = {{{0, 1, 2}, "test"}};
  for (const Constraints& constraints : {forward, gapless, triangle, apart}) {
    const Problem problem = *Problem::Create(
        testing::LayeredGraph(4, 2, 3), testing::EqualDevices(3), {.constraints = constraints});
    int compared = 0;
    ExpectEqualToBruteForce(problem, true, 50'000, &compared);
    EXPECT_EQ(compared, 1);
    const Solution solution = Solve(problem, *MakeSimulator());
    EXPECT_OK(ValidatePlan(problem, solution.plan));
    ExpectProven(solution);
  }
}

TEST(ExactTest, IsDeterministic) {
  const Problem problem = Layered(14, 4, 3, 5);
  const Solution first = Solve(problem, *MakeSimulator(), "exact(nodes=20000)");
  const Solution second = Solve(problem, *MakeSimulator(), "exact(nodes=20000)");
  EXPECT_EQ(first.plan.device, second.plan.device);
  EXPECT_EQ(first.plan.sequence, second.plan.sequence);
  EXPECT_EQ(first.plan.rank, second.plan.rank);
  EXPECT_EQ(first.bounds.search, second.bounds.search);
}

TEST(ExactTest, ReportsTheGapWhenItsNodesEnd) {
  const Problem problem = Layered(40, 8, 4, 1);
  const auto simulator = MakeSimulator();
  const Solution solution = Solve(problem, *simulator, "exact(nodes=2000)");
  EXPECT_EQ(solution.stop, StopReason::kEvaluations);
  EXPECT_GT(solution.bounds.search, 0);
  EXPECT_LT(solution.bounds.step_time(), solution.report.step_time);
}

TEST(ExactTest, StopsAtTheDeadline) {
  const Problem problem = Layered(60, 10, 4, 1);
  const Solution solution = Solve(problem, *MakeSimulator(), "exact", Budget::Seconds(0.3));
  EXPECT_EQ(solution.stop, StopReason::kDeadline);
  EXPECT_LT(solution.seconds, 0.4);
  ExpectHonest(solution);
}

TEST(ExactTest, KeepsToTheEvaluations) {
  const Problem problem = Layered(12, 3, 3, 1);
  for (int64_t evaluations : {1, 2, 10, 100}) {
    const Solution solution =
        Solve(problem, *MakeSimulator(), "exact", Budget::Evaluations(evaluations));
    EXPECT_LE(solution.evaluations, evaluations);
    ExpectHonest(solution);
  }
}

TEST(ExactTest, AnswersLargeGraphsWithWhatTheOthersFind) {
  const Problem problem = Layered(1'000, 30, 4, 1);
  const Solution solution = Solve(problem, *MakeSimulator(), "exact", Budget::Evaluations(300));
  EXPECT_EQ(solution.bounds.search, 0);
  EXPECT_NE(solution.stop, StopReason::kCompleted);
  ExpectHonest(solution);
}

TEST(ExactTest, ProvesNothingForOtherBackendsOrOtherKernels) {
  const Problem problem = Layered(6, 2, 2, 1);
  const testing::ReferenceSimulator another;
  EXPECT_EQ(Solve(problem, another, "exact", Budget::Evaluations(200)).bounds.search, 0);
  const Problem fusion =
      *Problem::Create(problem.shared_graph(), problem.machine(), {.tasks = {.fusion = true}});
  EXPECT_EQ(Solve(fusion, *MakeSimulator()).bounds.search, 0);
}

TEST(ExactTest, ProvesThatNothingFits) {
  const Problem problem =
      *Problem::Create(*ParseGraph("a[time=1,bytes=60] -> b[time=1,bytes=60] -> y:output"),
                       *UniformMachine({.count = 2, .memory_bytes = 50}));
  EXPECT_EQ(Try(problem, *MakeSimulator()).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ExactTest, RejectsNegativeNodes) {
  EXPECT_EQ(Solvers().Create("exact(nodes=-1)").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gopt
