#include "tests/solve/search_runs.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "gopt/cost/simulator.h"
#include "gopt/plan/validate.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt::testing {

Problem ProblemForSearches(ProblemOptions options) {
  return *Problem::Create(LargeGraph({.ops = 300, .window = 20}),
                          *UniformMachine({.count = 4, .bandwidth = 1e9}), std::move(options));
}

Solution RunSearch(const Problem& problem, const std::string& spec, int64_t evaluations) {
  const auto simulator = *Simulator::Create();
  SolveRequest request = {.problem = &problem, .backend = simulator.get()};
  request.budget = Budget::Evaluations(evaluations);
  const auto solution = (*Solvers().Create(spec))->Solve(request);
  EXPECT_OK(solution);
  EXPECT_OK(ValidatePlan(problem, solution->plan));
  return *solution;
}

std::string SpecError(const std::string& spec) {
  return std::string(Solvers().Create(spec).status().message());
}

}  // namespace gopt::testing
