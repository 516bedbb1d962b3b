#ifndef GOPT_SOLVE_ETF_H_
#define GOPT_SOLVE_ETF_H_

#include "gopt/base/export.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"

namespace gopt {

struct EtfOptions {
  // A device is kept for the favourite child of its last task: until that starts, only tasks that
  // could start as early on every device come in between (small communication times, Hanen, Munier
  // 1995). See src/solve/favourite_children.h.
  bool favourite_children = false;
  // A backward op goes where its forward twin is, if that is open to it.
  bool backward_with_forward = false;
};

// Earliest Task First (Hwang, Chow, Anger, Lee: SIAM J. Comput. 18(2), 1989): of all ready tasks
// and devices the pair that can start first, ties by longest path to an exit. As published, devices
// are taken to be alike and transfers wait for nobody. A device's ready tasks are kept in two
// heaps, those whose inputs are there and those that still wait, so that a step costs logarithmic
// time per device instead of a look at all pairs.
//
// The solver "etf" turns this into a plan; "m_etf" and "m_sct" are the memory-aware placers of
// Baechi (Jeon et al.: SoCC 2020): backward ops with their forward ops, what a task makes is
// counted as kept (PlacementOptions::activation_weight of at least 1), for m_sct with favourite
// children.
GOPT_API TaskSchedule ScheduleEtf(const TaskGraph& tasks, const EtfOptions& options = {},
                                  const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_ETF_H_
