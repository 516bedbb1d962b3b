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
  // What a task makes is counted as kept beside the parameters, as in training: an
  // activation_weight of at least 1.
  bool keeps_outputs = false;
};

// What Baechi's memory-aware placers do (Jeon et al.: SoCC 2020): m-ETF, with favourite children
// m-SCT.
constexpr EtfOptions BaechiOptions(bool favourite_children) {
  return {.favourite_children = favourite_children,
          .backward_with_forward = true,
          .keeps_outputs = true};
}

// Earliest Task First (Hwang, Chow, Anger, Lee: SIAM J. Comput. 18(2), 1989): of all ready tasks
// and devices the pair that can start first, ties by longest path to an exit. As published, devices
// are taken to be alike and transfers wait for nobody. A device's ready tasks are kept in two
// heaps, those whose inputs are there and those that still wait, so that a step costs logarithmic
// time per device instead of a look at all pairs.
//
// The solver "etf" turns this into a plan with dispatch SEQUENCE; "m_etf" and "m_sct" take the
// placement that BaechiOptions() give, with critical-path priorities.
GOPT_API TaskSchedule ScheduleEtf(const TaskGraph& tasks, const EtfOptions& options = {},
                                  const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_ETF_H_
