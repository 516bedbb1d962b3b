#ifndef TESTS_SOLVE_BRUTE_FORCE_H_
#define TESTS_SOLVE_BRUTE_FORCE_H_

#include <cstdint>
#include <optional>

#include "gopt/base/types.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/plan/problem.h"

namespace gopt::testing {

// The step time of the best plan that fits in memory, by pricing every plan that differs from the
// others: all placements within the rules, all homes of parameters, all orders of each device's
// kernels as a SEQUENCE, and all ranks, ties included; closed tasks from the base plan. Nothing
// where no plan fits, or where more than `most_plans` would have to be priced.
struct BruteForceResult {
  std::optional<Nanoseconds> best;
  int64_t plans = 0;
  bool complete = false;
};
BruteForceResult BruteForce(const Problem& problem, const CostBackend& backend, int64_t most_plans);

}  // namespace gopt::testing

#endif  // TESTS_SOLVE_BRUTE_FORCE_H_
