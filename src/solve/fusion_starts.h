#ifndef GOPT_SRC_SOLVE_FUSION_STARTS_H_
#define GOPT_SRC_SOLVE_FUSION_STARTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/solve/search_context.h"
#include "src/solve/classical_plans.h"

namespace gopt {

// Where searches begin with fusion open: the request's start plans and the portfolio's placements
// of the default heuristic's kernels, for half of the evaluations; its placements of single ops,
// for a quarter; then the best of all these placements with the ops of each device fused anew by
// the queue heuristic and by the default one. So what fusion first and what placement first would
// find are among the starts. The best; `all`, if given, as PriceClassicalPlans.
absl::StatusOr<StartPoint> PriceFusedStarts(int64_t most_evaluations, SearchContext* context,
                                            std::vector<StartPoint>* all);

// The device of each op that runs in a kernel; 0 for others.
std::vector<DeviceId> DevicesOfOps(const StartPoint& start);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_FUSION_STARTS_H_
