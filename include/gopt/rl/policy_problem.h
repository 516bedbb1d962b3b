#ifndef GOPT_RL_POLICY_PROBLEM_H_
#define GOPT_RL_POLICY_PROBLEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/cost/cost_report.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/features/feature_context.h"
#include "gopt/features/feature_spec.h"
#include "gopt/features/graph_features.h"
#include "gopt/nn/kernel_set.h"
#include "gopt/nn/policy_network.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// The plan that a policy begins at, its y(0), and what rewards are relative to.
struct ReferencePlan {
  Plan plan;
  CostReport report;   // OK; with start order, and with timeline and critical chain if the backend
                       // reports them.
  std::string solver;  // Who found it.
};

// One problem made ready for a policy: features, reference, kernels that do not depend on samples.
// Immutable; const calls are thread-safe.
class GOPT_API PolicyProblem {
 public:
  // Prices the plans of a solver by the backend and takes the best as reference.
  // The solver's errors; ResourceExhausted where nothing fits in memory; Cancelled where the budget
  // was cancelled before the end.
  static absl::StatusOr<ReferencePlan> FindReference(
      const Problem& problem, const CostBackend& backend,
      const std::string& solver = "portfolio(search=false)", const Budget& budget = {});

  // costs: what the solvers go by (Evaluator::op_costs); only read here. InvalidArgument for a
  // reference that is not of the problem.
  static absl::StatusOr<std::shared_ptr<const PolicyProblem>> Create(
      Problem problem, ReferencePlan reference, const OpCostModel& costs,
      const FeatureSpec& spec = FeatureSpec::Default());

  const Problem& problem() const { return problem_; }
  const ReferencePlan& reference() const { return reference_; }
  Nanoseconds reference_time() const { return reference_.report.step_time; }
  const GraphFeatures& features() const { return features_; }
  const DecisionState& initial_state() const { return initial_state_; }

  // The kernels where fusion is closed; where it is open those of the reference.
  std::shared_ptr<const TaskGraph> base_tasks() const { return base_tasks_; }
  std::shared_ptr<const KernelSet> base_kernels() const { return base_kernels_; }

  // Priorities that take up these kernels in the reference's order, in [-1, 0].
  std::vector<double> BasePriorities(const TaskGraph& tasks) const;
  // What the network needs of these kernels.
  KernelSet MakeKernelSet(const TaskGraph& tasks) const;
  // One sample's state after a round: where its plan has each op, and when.
  DecisionState StateOf(const Plan& plan, const std::vector<int32_t>& picks) const;

 private:
  PolicyProblem(Problem problem, ReferencePlan reference)
      : problem_(std::move(problem)), reference_(std::move(reference)) {}

  Problem problem_;
  ReferencePlan reference_;
  GraphFeatures features_;
  DecisionState initial_state_;
  std::vector<double> base_priorities_;
  std::shared_ptr<const TaskGraph> base_tasks_;
  std::shared_ptr<const KernelSet> base_kernels_;
};

// Times and plans for MakeGraphFeatures: what each op takes on each kind of device, the reference,
// and the placements of a few quick solvers.
GOPT_API absl::StatusOr<FeatureContext> MakeFeatureContext(const Problem& problem,
                                                           const ReferencePlan& reference,
                                                           const OpCostModel& costs);

}  // namespace gopt

#endif  // GOPT_RL_POLICY_PROBLEM_H_
