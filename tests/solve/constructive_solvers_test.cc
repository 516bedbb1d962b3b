#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/solver.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Solvers that place, and try each order of the tasks.
bool HasOrder(const std::string& name) {
  for (const char* placer : {"expert", "expert_paper", "round_robin", "metis", "m_etf", "m_sct"}) {
    if (name == placer || name.rfind(std::string(placer) + "(", 0) == 0) return true;
  }
  return false;
}

class ConstructiveSolversTest : public ::testing::Test {
 protected:
  static Problem MakeProblem(std::string_view text, int devices, ProblemOptions options = {}) {
    return Problem::Create(ParseGraph(text).value(), testing::EqualDevices(devices),
                           std::move(options))
        .value();
  }

  absl::StatusOr<Solution> Solve(std::string_view solver, const Problem& problem) const {
    return Solvers().Create(solver).value()->Solve(
        {.problem = &problem, .backend = simulator_.get()});
  }

  static std::vector<std::string> Names() {
    std::vector<std::string> names = {"heft",        "heft(contention=true)",
                                      "peft",        "cpop",
                                      "etf",         "m_etf",
                                      "m_sct",       "list",
                                      "expert",      "expert_paper",
                                      "round_robin", "critical_path"};
#ifdef GOPT_WITH_METIS
    names.push_back("metis");
#endif
    return names;
  }

  std::shared_ptr<const Simulator> simulator_ = Simulator::Create().value();
};

TEST_F(ConstructiveSolversTest, HeftGives80OnTheGraphOfTheTopcuogluPaper) {
  const Problem problem =
      Problem::Create(testing::TopcuogluGraph(), testing::TopcuogluMachine()).value();
  const auto simulator = Simulator::Create({.contention = false}).value();
  const Solution solution = Solvers()
                                .Create("heft")
                                .value()
                                ->Solve({.problem = &problem, .backend = simulator.get()})
                                .value();
  EXPECT_EQ(solution.report.step_time, 80);
  EXPECT_EQ(solution.plan.dispatch, Dispatch::kSequence);
  EXPECT_EQ(solution.solver, "heft");
}

TEST_F(ConstructiveSolversTest, SpendOneEvaluationOrOnePerOrderWhenThePlanFits) {
  const Problem problem = MakeProblem("a[time=5,bytes=1] -> b[time=5], c[time=5]", 2);
  for (const std::string& name : Names()) {
    const Solution solution = Solve(name, problem).value();
    EXPECT_EQ(solution.evaluations, HasOrder(name) ? 4 : 1) << name;
    EXPECT_EQ(solution.plan.producer, name.substr(0, name.find('(')));
    EXPECT_TRUE(ValidatePlan(problem, solution.plan).ok()) << name;
  }
}

// Two batches through two stages, both equally far from the end: critical-path order alternates
// between them on the first device and starts the second stage late; program order is a pipeline.
TEST_F(ConstructiveSolversTest, PlacersKeepTheBestOrder) {
  const Problem problem = MakeProblem(
      "a1[time=10,scope=m.first] -> a2[time=10,scope=m.first] -> a3[time=20,scope=m.second];"
      "b1[time=10,scope=m.first] -> b2[time=10,scope=m.first] -> b3[time=20,scope=m.second]",
      2);
  const auto time = [&](const std::string& spec) {
    return Solve(spec, problem).value().report.step_time;
  };
  EXPECT_LT(time("expert(order=program)"), time("expert(order=critical_path)"));
  EXPECT_EQ(time("expert"), time("expert(order=program)"));
  EXPECT_EQ(Solve("expert(order=fifo)", problem).value().plan.dispatch, Dispatch::kFifo);
  EXPECT_THAT(Solvers().Create("expert(order=sideways)").status().message(),
              HasSubstr("order is 'sideways'; it must be one of critical_path, program"));
}

TEST_F(ConstructiveSolversTest, KeepAClosedPlacement) {
  const Problem open = MakeProblem("a[time=5,bytes=1] -> b[time=5] -> c[time=5]", 3);
  auto base = std::make_shared<Plan>();
  base->kernels = open.base_kernels();
  base->device = {2, 0, 1};
  base->rank = {0, 1, 2};
  ProblemOptions options;
  options.tasks.placement = false;
  options.base_plan = base;
  const Problem problem =
      Problem::Create(open.shared_graph(), testing::EqualDevices(3), options).value();
  for (const std::string& name : Names()) {
    EXPECT_THAT(Solve(name, problem).value().plan.device, ElementsAre(2, 0, 1)) << name;
  }
}

TEST_F(ConstructiveSolversTest, SpreadActivationsThatDoNotFitOnOneDevice) {
  // Each chain keeps its tensors alive until the end; all three together fill any device.
  ProblemOptions options;
  for (DeviceId d = 0; d < 3; ++d) options.constraints.memory_limits.push_back({d, 500, "small"});
  const Problem problem = MakeProblem(
      "a0[time=1,bytes=200] -> a1[time=1,bytes=200] -> a2[time=1,bytes=9] -> o:output; a0, a1 -> o;"
      "b0[time=1,bytes=200] -> b1[time=1,bytes=200] -> b2[time=1,bytes=9] -> o; b0, b1 -> o",
      3, options);
  for (const char* name : {"heft", "peft", "cpop", "etf", "m_etf", "m_sct", "list"}) {
    const auto solution = Solve(name, problem);
    ASSERT_TRUE(solution.ok()) << name << ": " << solution.status();
    EXPECT_TRUE(solution->report.ok()) << name;
  }
}

TEST_F(ConstructiveSolversTest, SayThatNothingFits) {
  ProblemOptions options;
  for (DeviceId d = 0; d < 2; ++d) options.constraints.memory_limits.push_back({d, 10, "tiny"});
  const Problem problem = MakeProblem("w:parameter[bytes=100] -> a[time=1]", 2, options);
  for (const std::string& name : Names()) {
    EXPECT_EQ(Solve(name, problem).status().code(), absl::StatusCode::kResourceExhausted) << name;
  }
}

TEST_F(ConstructiveSolversTest, RejectUnknownChoices) {
  EXPECT_THAT(Solvers().Create("list(priority=random)").status().message(),
              HasSubstr("upward_rank, bottom_level, topological"));
  EXPECT_THAT(Solvers().Create("critical_path(placement=magic)").status().message(),
              HasSubstr("given, heft, metis, expert, single"));
  EXPECT_EQ(Solvers().Create("heft(insert=true)").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ConstructiveSolversTest, CriticalPathPrioritiesForEachPlacement) {
  const Problem problem = MakeProblem(
      "a[time=5,bytes=100,scope=m1] -> b[time=5,bytes=100,scope=m2]; c[time=2,scope=m1]", 2);
  EXPECT_THAT(Solve("critical_path(placement=single)", problem).value().plan.device,
              ElementsAre(0, 0, 0));
  EXPECT_THAT(Solve("critical_path(placement=expert)", problem).value().plan.rank,
              ElementsAre(0, 1, 2));
}

TEST_F(ConstructiveSolversTest, CriticalPathTakesTheFirstStartPlan) {
  const Problem problem = MakeProblem("a[time=5] -> b[time=5] -> c[time=5]", 3);
  Plan start;
  start.kernels = problem.base_kernels();
  start.device = {2, 1, 0};
  start.rank = {0, 1, 2};
  SolveRequest request = {.problem = &problem, .backend = simulator_.get()};
  request.start_plans.push_back(start);
  const Solution solution = Solvers().Create("critical_path").value()->Solve(request).value();
  EXPECT_THAT(solution.plan.device, ElementsAre(2, 1, 0));
}

TEST_F(ConstructiveSolversTest, ListOptionsChangeThePlan) {
  const Problem problem = MakeProblem("a[time=10,bytes=1] -> b[time=50,bytes=1], c[time=50]", 2);
  EXPECT_THAT(Solve("list", problem).value().plan.device, ElementsAre(0, 0, 1));
  EXPECT_THAT(Solve("list(stickiness=5)", problem).value().plan.device, ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace gopt
