#ifndef GOPT_SRC_SOLVE_PLAN_COMPLETER_H_
#define GOPT_SRC_SOLVE_PLAN_COMPLETER_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/plan/placement_solver.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Replaces the closed tasks of the plan by the base plan's, where there is one: op by op, for other
// kernels than its own. Only the plan's kernels need be filled in.
void UseBasePlan(const Problem& problem, Plan* plan);

// Fills in what solvers do not decide themselves, so that each of them handles closed tasks,
// constrained parameters and the rules on pairs of devices alike. One thread uses it.
class PlanCompleter {
 public:
  // Null when the problem asks for none of this: its plans are complete as solvers make them.
  // FailedPrecondition with the conflicting rules when no placement obeys the constraints.
  static absl::StatusOr<std::unique_ptr<PlanCompleter>> CreateIfNeeded(const Problem& problem);

  // Closed tasks from the base plan; a home for each parameter that is not free to live where its
  // readers are; and, where the plan breaks a rule on pairs of devices (keep apart, forward only,
  // no skipped devices, triangles, missing routes), the placement that PlacementSolver::Fix finds
  // near it.
  void Complete(Plan* plan);
  // The same for a plan that UseBasePlan has seen.
  void CompleteOpenTasks(Plan* plan);

  // The rules that a completed plan can still break: of a closed placement, of kernels that cannot
  // be placed, or of clones and sequences that do not bear the repair. Looks at such plans only.
  absl::Status CheckLegal(const Plan& plan) const;

 private:
  explicit PlanCompleter(const Problem& problem);

  absl::Status MakeSolver();
  const PlacementSolver* SolverFor(const std::shared_ptr<const Kernels>& kernels);
  void Repair(Plan* plan);
  void FillHomes(Plan* plan) const;

  Problem problem_;
  std::vector<int> constrained_parameters_;  // Positions in Graph::parameters().
  std::vector<OpId> parameter_companion_;    // Per constrained one: an op it must live with.
  bool rules_on_pairs_ = false;

  // For the kernels of the last plan; without a solver if these have no legal placement or none was
  // found.
  std::shared_ptr<const Kernels> solver_kernels_;
  std::optional<PlacementSolver> solver_;
  bool surely_legal_ = false;  // The last completed plan.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PLAN_COMPLETER_H_
