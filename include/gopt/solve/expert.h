#ifndef GOPT_SOLVE_EXPERT_H_
#define GOPT_SOLVE_EXPERT_H_

#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

struct ExpertOptions {
  // A backward op goes with its forward twin even where their scopes differ, as up to version 1 of
  // the portfolio; else such an op goes with its scope.
  bool trust_twins = false;
};

// The placement that a person would write down: the model's modules, in the order in which the
// forward pass first enters them, cut into one contiguous run per device so that the busiest device
// has as little work as possible. Backward ops go where their forward op or scope is, optimizer ops
// to their parameter's readers, ops without a scope to their neighbours. Modules are taken at the
// smallest depth of the scope tree that balances well; without scopes the cut is through the ops in
// topological order. Devices that fill up with parameters end their run early. (The optimal
// contiguous partition for a fixed order of devices: Bokhari, IEEE Trans. Computers 37(1), 1988, by
// bisection on the bottleneck.)
GOPT_API std::vector<DeviceId> ExpertPlacement(const TaskGraph& tasks,
                                               const PlacementOptions& placement = {},
                                               const ExpertOptions& options = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_EXPERT_H_
