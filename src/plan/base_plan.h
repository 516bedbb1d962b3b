#ifndef GOPT_SRC_PLAN_BASE_PLAN_H_
#define GOPT_SRC_PLAN_BASE_PLAN_H_

#include "absl/status/status.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Whether the problem's base plan can stand for the closed tasks: its kernels are legal and can be
// placed within the constraints; its ranks and sequence fit them where scheduling is closed; it is
// legal as a whole where placement is closed. The problem is complete but for this check.
absl::Status CheckBasePlan(const Problem& problem);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_BASE_PLAN_H_
