#ifndef GOPT_SRC_SOLVE_START_TASKS_H_
#define GOPT_SRC_SOLVE_START_TASKS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// TaskGraph::Create, to be shared.
GOPT_API absl::StatusOr<std::shared_ptr<const TaskGraph>> ShareTasks(
    const Problem& problem, std::shared_ptr<const Kernels> kernels, const OpCostModel& costs,
    const TaskGraph* similar = nullptr);

// What every solver begins with: the base kernels, or, where fusion is open, those of the default
// heuristic.
GOPT_API absl::StatusOr<std::shared_ptr<const TaskGraph>> StartTasks(const Problem& problem,
                                                                     const OpCostModel& costs);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_START_TASKS_H_
