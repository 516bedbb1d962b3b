#ifndef GOPT_COST_COST_BACKEND_H_
#define GOPT_COST_COST_BACKEND_H_

#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/registry.h"
#include "gopt/cost/cost_report.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Prices plans for one problem. One per thread.
class GOPT_API Evaluator {
 public:
  virtual ~Evaluator() = default;

  // Fills reports[i] for plans[i]. Infeasible and failed are reports, not errors. Deterministic for
  // modelling backends. Plans that share their kernels with the plan before are priced fastest.
  virtual void Evaluate(std::span<const Plan> plans, const EvaluateOptions& options,
                        std::span<CostReport> reports) = 0;

  // What kernels and transfers cost one by one; null: solvers use RooflineCostModel. Lives as long
  // as this.
  virtual const OpCostModel* op_costs() const { return nullptr; }
};

// Makes evaluators. Thread-safe.
class GOPT_API CostBackend {
 public:
  virtual ~CostBackend() = default;

  virtual std::string name() const = 0;
  // Compile once, price many. The problem is copied (cheaply).
  virtual absl::StatusOr<std::unique_ptr<Evaluator>> Bind(const Problem& problem) const = 0;
};

// Prices one plan.
GOPT_API absl::StatusOr<CostReport> Price(const CostBackend& backend, const Problem& problem,
                                          const Plan& plan, const EvaluateOptions& options = {});

// Registered backends: "simulator". Libraries add theirs by Register().
GOPT_API Registry<CostBackend>& CostBackends();

}  // namespace gopt

#endif  // GOPT_COST_COST_BACKEND_H_
