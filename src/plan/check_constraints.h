#ifndef GOPT_SRC_PLAN_CHECK_CONSTRAINTS_H_
#define GOPT_SRC_PLAN_CHECK_CONSTRAINTS_H_

#include "absl/status/status.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/constraints.h"

namespace gopt {

// Whether each constraint by itself makes sense: its ops exist and live on a device, its devices
// exist, its numbers are in range. InvalidArgument names the rule.
absl::Status CheckConstraints(const Graph& graph, const Machine& machine,
                              const Constraints& constraints);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_CHECK_CONSTRAINTS_H_
