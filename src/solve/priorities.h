#ifndef GOPT_SRC_SOLVE_PRIORITIES_H_
#define GOPT_SRC_SOLVE_PRIORITIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// Longest path to an exit in mean times, transfers left out.
GOPT_API std::vector<double> BottomLevels(const TaskGraph& tasks);

// Program order: the task graph's topological order, first highest.
std::vector<double> TopologicalPriorities(const TaskGraph& tasks);
// The same as ranks: 0 first.
std::vector<int32_t> TopologicalRanks(const TaskGraph& tasks);

// Downward rank of Topcuoglu, Hariri, Wu (IEEE TPDS 13(3), 2002): the longest mean path from an
// entry to the task, its own time left out.
std::vector<double> DownwardRanks(const TaskGraph& tasks);

// A topological order: always the task of highest priority among those whose predecessors are done,
// ties by lower task id.
std::vector<KernelId> ReadyOrder(const TaskGraph& tasks, std::span<const double> priority);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PRIORITIES_H_
