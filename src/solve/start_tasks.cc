#include "src/solve/start_tasks.h"

#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/plan/fuse.h"

namespace gopt {

absl::StatusOr<std::shared_ptr<const TaskGraph>> ShareTasks(const Problem& problem,
                                                            std::shared_ptr<const Kernels> kernels,
                                                            const OpCostModel& costs,
                                                            const TaskGraph* similar) {
  GOPT_ASSIGN_OR_RETURN(TaskGraph tasks,
                        TaskGraph::Create(problem, std::move(kernels), costs, similar));
  return std::make_shared<const TaskGraph>(std::move(tasks));
}

absl::StatusOr<std::shared_ptr<const TaskGraph>> StartTasks(const Problem& problem,
                                                            const OpCostModel& costs) {
  if (!problem.tasks().fusion) return ShareTasks(problem, problem.base_kernels(), costs);
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernels> kernels, Fuse(problem, {}));
  return ShareTasks(problem, std::move(kernels), costs);
}

}  // namespace gopt
