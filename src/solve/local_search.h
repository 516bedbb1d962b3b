#ifndef GOPT_SRC_SOLVE_LOCAL_SEARCH_H_
#define GOPT_SRC_SOLVE_LOCAL_SEARCH_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/classical_plans.h"

namespace gopt {

// What hill climbing and annealing differ in.
struct LocalSearchRule {
  std::string name;          // Finder of the plans.
  double temperature = 0.0;  // Over the start's makespan. 0: nothing worse is kept.
  bool guided = false;       // Picks on the critical chain, moves whole groups.
};

// Improves the start until the budget is spent or nothing can be changed.
void RunLocalSearch(const TaskGraph& tasks, StartPoint start, const LocalSearchRule& rule,
                    SearchContext* context);

// The solver: starts from the classical plans, then RunLocalSearch. evaluations as in
// AnnealOptions.
absl::StatusOr<Solution> SolveByLocalSearch(const SolveRequest& request, int64_t evaluations,
                                            const LocalSearchRule& rule);

// Lowers the context's budget to `evaluations` if positive; to the default of searches if 0 and the
// request is unbounded.
void ApplyEvaluationsOption(int64_t evaluations, SearchContext* context);
// InvalidArgument if negative.
absl::Status CheckEvaluationsOption(const std::string& solver, int64_t evaluations);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_LOCAL_SEARCH_H_
