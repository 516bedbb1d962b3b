#ifndef GOPT_SRC_SOLVE_SEARCH_SETUP_H_
#define GOPT_SRC_SOLVE_SEARCH_SETUP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/classical_plans.h"
#include "src/solve/groups.h"

namespace gopt {

// How every search begins.

// Lowers the context's budget to `evaluations` if positive; to the default of searches if 0 and the
// request is unbounded.
GOPT_API void ApplyEvaluationsOption(int64_t evaluations, SearchContext* context);
// InvalidArgument if negative.
absl::Status CheckEvaluationsOption(const std::string& solver, int64_t evaluations);
// InvalidArgument if outside of [0, 1]. option: "solver: name", for the message.
absl::Status CheckShareOption(const std::string& option, double share);

// The starts that all searches share, so that they can be compared: the request's and the
// portfolio's, for at most a tenth of the evaluations. The best; `all` as PriceClassicalPlans.
absl::StatusOr<StartPoint> PriceStarts(SearchContext* context,
                                       std::vector<StartPoint>* all = nullptr);

// A search that goes on from all starts, on a context whose budget is not spent.
using PopulationSearch =
    std::function<void(std::vector<StartPoint> starts, SearchContext* context)>;

// The solver around it: evaluations as in EvolveOptions. There is at least one task and one start.
absl::StatusOr<Solution> SolveByPopulation(const SolveRequest& request, const std::string& solver,
                                           int64_t evaluations, const PopulationSearch& search);

// NeighbourhoodGroups, without METIS where a deadline leaves no time for it.
std::vector<Grouping> SearchGroups(const TaskGraph& tasks, const SearchContext& context);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_SEARCH_SETUP_H_
