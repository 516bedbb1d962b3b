#ifndef GOPT_SRC_SOLVE_PLACEMENT_MAKERS_H_
#define GOPT_SRC_SOLVE_PLACEMENT_MAKERS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// A placement, and the order in which its maker meant to start the tasks (empty: it had none).
struct ClassicalPlacement {
  std::vector<DeviceId> device;
  std::vector<KernelId> order;
};

// One way to place all tasks at once.
struct PlacementMaker {
  std::string solver;   // The registered solver that this is a variant of, or "chunks".
  std::string variant;  // Its spec.
  std::function<absl::StatusOr<ClassicalPlacement>(const TaskGraph&, const PlacementOptions&)> make;
};

// Makers by specs separated by commas: single_device (the fastest one), chunks (consecutive tasks,
// equal work), heft, peft, cpop, etf, m_etf, m_sct, list, expert, expert_paper and metis, with the
// options of the solvers; metis(seed=k) is the k-th of the seeds derived from `seed`, others ignore
// it. InvalidArgument names what is unknown.
GOPT_API absl::StatusOr<std::vector<PlacementMaker>> PlacementMakers(std::string_view specs,
                                                                     uint64_t seed);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PLACEMENT_MAKERS_H_
