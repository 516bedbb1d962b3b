#ifndef GOPT_SRC_SOLVE_CARRY_H_
#define GOPT_SRC_SOLVE_CARRY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/kernels.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// What was decided for some kernels of a graph, carried over to others of the same graph, op by op.

// The kernel of `from` that holds the first op of a kernel of `to`.
inline KernelId CarriedFrom(const Kernels& from, const Kernels& to, KernelId kernel) {
  return &from == &to ? kernel : from.kernel_of(to.ops(kernel).front());
}

// Each kernel has the lowest rank of its ops' kernels.
GOPT_API std::vector<int32_t> CarryRanks(const Kernels& from, std::span<const int32_t> rank,
                                         const Kernels& to);

// Each task is where the kernel of its first op was; where that is not allowed, or parts what must
// stay together, a colocation group follows its first task and takes the first device allowed.
GOPT_API std::vector<DeviceId> CarryDevices(const Kernels& from, std::span<const DeviceId> device,
                                            const TaskGraph& to);

// The kernels by the earliest position of their ops' kernels, first to last; topological where that
// leaves a choice. position: one per kernel of `from`, 0 .. size - 1. graph: of `to`.
GOPT_API std::vector<KernelId> CarryOrder(const Kernels& from, std::span<const int32_t> position,
                                          const Kernels& to, const KernelGraph& graph);
// The same with no kernel before what it needs, as a sequence must have it: of what may be next
// always the earliest.
GOPT_API std::vector<KernelId> CarrySequence(const Kernels& from, std::span<const int32_t> position,
                                             const Kernels& to, const KernelGraph& graph);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_CARRY_H_
