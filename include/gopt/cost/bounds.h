#ifndef GOPT_COST_BOUNDS_H_
#define GOPT_COST_BOUNDS_H_

#include <algorithm>
#include <cstdint>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/problem.h"

namespace gopt {

// No legal plan is faster than these. With fusion open they use the smallest possible kernel times.
struct LowerBounds {
  Nanoseconds critical_path =
      0;                 // Longest path, each op on its best allowed device, no communication.
  Nanoseconds work = 0;  // Work over total rate.
  // Fernandez and Bussell, IEEE Trans. Computers 22(8), 1973: work that must overlap an interval.
  Nanoseconds fernandez_bussell = 0;
  // What an exact search proved of plans within the request's limits; 0: none was made.
  Nanoseconds search = 0;

  int64_t persistent_bytes = 0;  // Parameters and optimizer state: must be somewhere.
  int64_t capacity_bytes = 0;    // Sum of the devices' limits.

  Nanoseconds step_time() const {
    return std::max({critical_path, work, fernandez_bussell, search});
  }
  // Proves that nothing fits.
  bool memory_infeasible() const { return persistent_bytes > capacity_bytes; }
};

GOPT_API LowerBounds ComputeLowerBounds(const Problem& problem, const OpCostModel& costs);

}  // namespace gopt

#endif  // GOPT_COST_BOUNDS_H_
