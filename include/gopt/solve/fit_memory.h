#ifndef GOPT_SOLVE_FIT_MEMORY_H_
#define GOPT_SOLVE_FIT_MEMORY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/cost_report.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/peak_order.h"

namespace gopt {

struct FitMemoryOptions {
  int64_t byte_limit = kSaturated;  // Lowers every device's memory limit.
  PeakOrderOptions order;           // Of each device that is over; `enough_bytes` is its limit.
};

// The plan with another order on each device whose peak is over its limit: the same kernels,
// devices and homes, dispatched as SEQUENCE with ranks to match. List orders first, then the
// search, and no further than to fit. The plan unchanged if no device is over or scheduling is
// closed. It may still not fit: price it.
//
// report: of the plan, with its start order. Errors as of OrderForPeak; InvalidArgument for a
// report without a start order.
GOPT_API absl::StatusOr<Plan> FitMemory(const Problem& problem, const Plan& plan,
                                        const CostReport& report,
                                        const FitMemoryOptions& options = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_FIT_MEMORY_H_
