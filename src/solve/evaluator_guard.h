#ifndef GOPT_SRC_SOLVE_EVALUATOR_GUARD_H_
#define GOPT_SRC_SOLVE_EVALUATOR_GUARD_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/cost/cost_backend.h"

namespace gopt {

// A backend may be anybody's code: whatever it does ends as a status or a report.

// Unknown when Bind throws or returns nothing.
absl::StatusOr<std::unique_ptr<Evaluator>> BindGuarded(const CostBackend& backend,
                                                       const Problem& problem);

// Prices one plan. The report is failed when the backend throws, fills in nothing or answers what
// makes no sense.
void EvaluateGuarded(const Plan& plan, const EvaluateOptions& options, Evaluator* evaluator,
                     CostReport* report);

// Makes the report of a plan that was not priced: failed, with this reason, or infeasible because
// it is illegal.
void Fail(std::string reason, CostReport* report);
void MarkIllegal(const absl::Status& why, CostReport* report);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EVALUATOR_GUARD_H_
