#ifndef GOPT_SRC_SOLVE_LOCAL_SEARCH_H_
#define GOPT_SRC_SOLVE_LOCAL_SEARCH_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/solve/search_context.h"
#include "src/solve/classical_plans.h"
#include "src/solve/search_setup.h"  // IWYU pragma: export

namespace gopt {

// What hill climbing and annealing differ in.
struct LocalSearchRule {
  std::string name;          // Finder of the plans.
  double temperature = 0.0;  // Over the start's makespan. 0: nothing worse is kept.
  bool guided = false;       // Picks on the critical chain, moves whole groups.
};

// Improves the start until the budget is spent or nothing can be changed.
GOPT_API void RunLocalSearch(const StartPoint& start, const LocalSearchRule& rule,
                             SearchContext* context);

// The solver: starts from the classical plans, then RunLocalSearch. evaluations as in
// AnnealOptions.
absl::StatusOr<Solution> SolveByLocalSearch(const SolveRequest& request, int64_t evaluations,
                                            const LocalSearchRule& rule);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_LOCAL_SEARCH_H_
