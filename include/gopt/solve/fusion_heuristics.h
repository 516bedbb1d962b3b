#ifndef GOPT_SOLVE_FUSION_HEURISTICS_H_
#define GOPT_SOLVE_FUSION_HEURISTICS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Ways to fuse a whole graph without searching; see FusionGroups for what is legal.
enum class FusionHeuristic : uint8_t {
  kNone = 0,     // "none": each op alone.
  kDefault = 1,  // "default": topological order, Fuse() with equal picks.
  // "bytes": always the two neighbours that save most bytes as one kernel, until none save any.
  kBytes = 2,
  // "queue": always the two neighbours that save most time by the cost model, re-estimated for the
  // neighbours of each new kernel, until none save any (after the priority fusion of XLA).
  kQueue = 3,
  kIntoConsumers = 4,  // "into_consumers": Fuse() in that mode with every pick 1; clones.
};

// InvalidArgument for a name that is none of the above.
GOPT_API absl::StatusOr<FusionHeuristic> FusionHeuristicFromName(std::string_view name);

// device: empty, or one per op of the graph; then ops fuse with ops of their device only. Empty
// with placement closed: the base plan's devices. Where devices are open, times are those of the
// device that would run all ops in the least time. Ties go to the lowest ops. InvalidArgument for
// devices of another size. Does not ask whether fusion is open.
GOPT_API absl::StatusOr<std::shared_ptr<const Kernels>> MakeFusion(
    const Problem& problem, const OpCostModel& costs, FusionHeuristic heuristic,
    std::span<const DeviceId> device = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_FUSION_HEURISTICS_H_
