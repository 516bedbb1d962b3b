#ifndef TESTS_SOLVE_SEARCH_RUNS_H_
#define TESTS_SOLVE_SEARCH_RUNS_H_

#include <cstdint>
#include <string>

#include "gopt/plan/problem.h"
#include "gopt/solve/solver.h"

namespace gopt::testing {

// 300 ops that read two of the 20 before them, on four devices.
Problem ProblemForSearches(ProblemOptions options = {});

// The solver's solution by simulation, seed 0. Expects that there is one and that it is legal.
Solution RunSearch(const Problem& problem, const std::string& spec, int64_t evaluations);

// What is wrong with the spec.
std::string SpecError(const std::string& spec);

}  // namespace gopt::testing

#endif  // TESTS_SOLVE_SEARCH_RUNS_H_
