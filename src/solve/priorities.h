#ifndef GOPT_SRC_SOLVE_PRIORITIES_H_
#define GOPT_SRC_SOLVE_PRIORITIES_H_

#include <cstdint>
#include <vector>

#include "gopt/solve/task_graph.h"

namespace gopt {

// Longest path to an exit in mean times, transfers left out.
std::vector<double> BottomLevels(const TaskGraph& tasks);

// Program order: the task graph's topological order, first highest.
std::vector<double> TopologicalPriorities(const TaskGraph& tasks);
// The same as ranks: 0 first.
std::vector<int32_t> TopologicalRanks(const TaskGraph& tasks);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PRIORITIES_H_
