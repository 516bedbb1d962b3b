#ifndef GOPT_SRC_PLAN_PIPELINE_RULES_H_
#define GOPT_SRC_PLAN_PIPELINE_RULES_H_

#include "absl/status/status.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// The three rules of multi-chip modules: Xie et al., "A Transferable Approach for Partitioning
// Machine Learning Models on Multi-Chip-Modules", MLSys 2022, section 3. They concern the flow of
// data between FORWARD ops; docs/machines.md states them. The plan is legal otherwise.
absl::Status CheckPipelineRules(const Problem& problem, const Plan& plan);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PIPELINE_RULES_H_
