#ifndef GOPT_SRC_SOLVE_GROUPS_H_
#define GOPT_SRC_SOLVE_GROUPS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// One way to cut the ops into groups that a search moves as a whole, whatever kernels they are in.
// Ops outside every group have group -1.
struct GOPT_API Grouping {
  std::vector<int32_t> group_of;  // Per op.
  std::vector<int32_t> begin;     // Group g holds ops[begin[g] .. begin[g + 1]).
  std::vector<OpId> ops;  // Those of one of the kernels it was made from follow one another.

  int num_groups() const { return static_cast<int>(begin.size()) - 1; }
  std::span<const OpId> members(int32_t group) const {
    return {ops.data() + begin[group], ops.data() + begin[group + 1]};
  }
  // The group of a kernel is its first op's.
  int32_t GroupOf(const Kernels& kernels, KernelId kernel) const {
    return group_of[kernels.ops(kernel).front()];
  }
  // Labels of kernels; -1: in no group. Groups of one kernel or of nearly all are dropped: moving
  // them is another move, or none.
  static Grouping FromLabels(const std::vector<int32_t>& label, const Kernels& kernels);
};

// About `count` clusters: the heaviest edges (by bytes, as each consumer would pay) are contracted
// first, as long as a cluster stays below a few times the average size.
GOPT_API Grouping HeavyEdgeClusters(const TaskGraph& tasks, int count);

// One grouping per depth of the module tree: "encoder", "encoder.layers", "encoder.layers.3", ...
// Empty without scopes.
GOPT_API std::vector<Grouping> ScopeGroups(const TaskGraph& tasks);

// All neighbourhoods of the annealing: heavy-edge clusters of n/6, n/24, 8P and 3P, METIS parts of
// 4P and 16P (in builds with METIS, and if `metis`: they take most of the time), module scopes.
// Groupings without a group are left out.
GOPT_API std::vector<Grouping> NeighbourhoodGroups(const TaskGraph& tasks, uint64_t seed,
                                                   bool metis = true);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_GROUPS_H_
