#ifndef GOPT_SOLVE_ROUND_ROBIN_H_
#define GOPT_SOLVE_ROUND_ROBIN_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// What is dealt out: single ops, modules (whole scopes), or layers (scopes up to their first
// number: "encoder.layers.3"). Of modules and layers backward ops go with their forward op,
// optimizer ops with their parameter, ops without a scope with their neighbours; a graph without
// scopes is dealt out by ops of the forward pass.
enum class RoundRobinUnit : uint8_t { kOps = 0, kScopes = 1, kLayers = 2 };

// The first to device 0, the next to device 1, and round again, in topological order; then moved
// where devices, groups or memory forbid. The solver "round_robin", by ops unless told otherwise.
GOPT_API std::vector<DeviceId> RoundRobinPlacement(const TaskGraph& tasks,
                                                   RoundRobinUnit unit = RoundRobinUnit::kOps,
                                                   const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_ROUND_ROBIN_H_
