#ifndef GOPT_SRC_SOLVE_PLAN_COMPLETER_H_
#define GOPT_SRC_SOLVE_PLAN_COMPLETER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Fills in what solvers do not decide themselves, so that each of them handles closed tasks,
// constrained parameters and kept-apart ops alike.
class PlanCompleter {
 public:
  // Null when the problem asks for none of this: its plans are complete as solvers make them.
  static std::unique_ptr<const PlanCompleter> CreateIfNeeded(const Problem& problem);

  // Closed tasks from the base plan; ops that must be kept apart moved apart where that is possible
  // one by one; a home for each parameter that is not free to live where its readers are.
  void Complete(Plan* plan) const;

  // The rules that a placement within allowed devices and colocation groups can still break. OK
  // without a look at the plan where the problem has no such rule.
  absl::Status CheckLegal(const Plan& plan) const;

 private:
  explicit PlanCompleter(const Problem& problem);

  void UseBasePlan(Plan* plan) const;
  void CarryBasePlan(Plan* plan) const;
  void CarrySequenceOfBasePlan(Plan* plan) const;
  void KeepApart(Plan* plan) const;
  void MoveUnit(const Kernels& kernels, OpId op, DeviceId device,
                std::vector<DeviceId>* devices) const;
  void FillHomes(Plan* plan) const;

  Problem problem_;
  std::vector<std::vector<OpId>> apart_;      // Kept-apart ops in kernels, least free first.
  std::vector<std::vector<OpId>> group_ops_;  // By colocation group; only if something is apart.
  std::vector<int> constrained_parameters_;   // Positions in Graph::parameters().
  std::vector<OpId> parameter_companion_;     // Per constrained one: an op it must live with.
  bool rules_on_pairs_ = false;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PLAN_COMPLETER_H_
