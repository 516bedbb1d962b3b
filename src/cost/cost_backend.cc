#include "gopt/cost/cost_backend.h"

#include <utility>

#include "gopt/base/status_macros.h"

namespace gopt {

absl::StatusOr<CostReport> Price(const CostBackend& backend, const Problem& problem,
                                 const Plan& plan, const EvaluateOptions& options) {
  GOPT_ASSIGN_OR_RETURN(std::unique_ptr<Evaluator> evaluator, backend.Bind(problem));
  CostReport report;
  evaluator->Evaluate({&plan, 1}, options, {&report, 1});
  return report;
}

}  // namespace gopt
