#ifndef GOPT_SRC_SOLVE_CONSTRUCTIVE_H_
#define GOPT_SRC_SOLVE_CONSTRUCTIVE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/plan.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/solver.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// What the request asks of every placement: a closed placement is kept, op by op; a byte limit
// holds. *fixed: the devices that the options refer to.
PlacementOptions InitialOptions(const SolveRequest& request, const TaskGraph& tasks,
                                std::vector<DeviceId>* fixed);

// A solver that makes its plan in one go. Begins with StartTasks or kernels of its own, keeps a
// closed placement, and prices the plan, or the few forms of it that there are. While none fits in
// memory, makes others that spread activations more strictly, a few times.
class ConstructiveSolver final : public Solver {
 public:
  // Makes the plans under the given options: at least one; the best is kept.
  using Construct = std::function<absl::StatusOr<std::vector<Plan>>(
      const SolveRequest& request, const TaskGraph& tasks, const PlacementOptions& options)>;

  // Makes the kernels.
  using MakeTasks = std::function<absl::StatusOr<std::shared_ptr<const TaskGraph>>(
      const SolveRequest& request, const OpCostModel& costs)>;

  ConstructiveSolver(std::string name, Construct construct, MakeTasks make_tasks = nullptr)
      : name_(std::move(name)),
        construct_(std::move(construct)),
        make_tasks_(std::move(make_tasks)) {}

  std::string name() const override { return name_; }
  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override;

 private:
  const std::string name_;
  const Construct construct_;
  const MakeTasks make_tasks_;  // Null: StartTasks.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_CONSTRUCTIVE_H_
