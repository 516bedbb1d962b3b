#ifndef GOPT_PLAN_VALIDATE_H_
#define GOPT_PLAN_VALIDATE_H_

#include <vector>

#include "absl/status/status.h"
#include "gopt/base/export.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Whether the plan is legal for the problem: sizes and ranges, fusion limits, no cycle among
// kernels (with each device's order under SEQUENCE), no unread copy, parameters' homes where their
// optimizer ops run, constraints, a route for every transfer. InvalidArgument names the kernel, its
// first op and the rule. Memory is not legality: the cost backend reports it.
GOPT_API absl::Status ValidatePlan(const Problem& problem, const Plan& plan);

// Home of each parameter by the plan's field and the default rule.
GOPT_API std::vector<DeviceId> ParameterHomes(const Graph& graph, const Plan& plan);

}  // namespace gopt

#endif  // GOPT_PLAN_VALIDATE_H_
