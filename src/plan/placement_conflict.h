#ifndef GOPT_SRC_PLAN_PLACEMENT_CONFLICT_H_
#define GOPT_SRC_PLAN_PLACEMENT_CONFLICT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "gopt/plan/placement_solver.h"

namespace gopt {

// FailedPrecondition that lists constraints of which none can be left out, given that the problem
// has no legal placement on these kernels: rules are dropped, halves first, as long as search
// proves the rest contradictory (Junker, "QuickXplain", AAAI 2004; Zeller and Hildebrandt, "ddmin",
// 2002). Says "not proven smallest" where a search reached its limit or there were too many.
absl::Status ExplainConflict(const Problem& problem, const Kernels& kernels,
                             const PlacementSolverOptions& options);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_CONFLICT_H_
