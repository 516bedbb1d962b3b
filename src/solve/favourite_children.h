#ifndef GOPT_SRC_SOLVE_FAVOURITE_CHILDREN_H_
#define GOPT_SRC_SOLVE_FAVOURITE_CHILDREN_H_

#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// For each task the reader that should follow it on its device, kNone: none. A task is the
// favourite of at most one other.
//
// Hanen and Munier (ETFA 1995) find them by a linear program with a variable x in [0, 1] per edge,
// 0 for a favourite: a task finishes x * transfer after its source at the earliest, at most one
// edge out of a task and one into it may be 0, and the makespan is least. Only edges on longest
// paths bound that makespan, so they are where a solution spends its zeros. This does the same
// without the program, which is out of reach for 100,000 edges: edges by the mean length of the
// longest path through them, longest first, each taken if both of its ends are still without a
// partner. A maximal matching in n log n.
GOPT_API std::vector<KernelId> FavouriteChildren(const TaskGraph& tasks);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_FAVOURITE_CHILDREN_H_
