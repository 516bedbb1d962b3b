#include "gopt/solve/exact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/solve/solver.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::TaskProblem;

std::shared_ptr<const Simulator> MakeSimulator(bool contention = true) {
  return *Simulator::Create({.contention = contention});
}

Solution Solve(const Problem& problem, const CostBackend& backend, const std::string& spec = "exact",
               Budget budget = {}) {
  SolveRequest request;
  request.problem = &problem;
  request.backend = &backend;
  request.budget = budget;
  absl::StatusOr<Solution> solution = (*Solvers().Create(spec))->Solve(request);
  EXPECT_OK(solution);
  return *std::move(solution);
}

void ExpectProven(const Solution& solution) {
  EXPECT_EQ(solution.bounds.step_time(), solution.report.step_time);
  EXPECT_EQ(solution.stop, StopReason::kCompleted);
}

TEST(ExactTest, Proves73WhereHeftGives80OnTheGraphOfTheTopcuogluPaper) {
  const TaskProblem p(testing::TopcuogluGraph(), testing::TopcuogluMachine());
  const auto simulator = MakeSimulator(/*contention=*/false);
  EXPECT_EQ(Solve(p.problem, *simulator, "heft").report.step_time, 80);
  const Solution solution = Solve(p.problem, *simulator);
  EXPECT_EQ(solution.report.step_time, 73);
  ExpectProven(solution);
}

}  // namespace
}  // namespace gopt
