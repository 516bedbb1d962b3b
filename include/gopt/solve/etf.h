#ifndef GOPT_SOLVE_ETF_H_
#define GOPT_SOLVE_ETF_H_

#include "gopt/base/export.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"

namespace gopt {

struct EtfOptions {
  // A device is kept for the favourite child of its last task once that child is ready, unless it
  // could start sooner elsewhere: until it starts, only tasks that could start as early on every
  // device come in between (small communication times, Hanen, Munier 1995; as in Baechi). See
  // src/solve/favourite_children.h.
  bool favourite_children = false;
  // Transfers book the channels of their routes, and a tensor is sent once per destination. false:
  // transfers never wait for each other, as Hwang et al. have it.
  bool contention = false;
  // A backward op goes where its forward twin is, if that is open to it.
  bool backward_with_forward = false;
};

// What Baechi's placers do (Jeon et al.: SoCC 2020), one transfer after the other and each tensor
// once: m-ETF, with favourite children m-SCT. They are memory-aware by PlacementOptions: what a
// device cannot hold does not go there.
constexpr EtfOptions BaechiOptions(bool favourite_children) {
  return {
      .favourite_children = favourite_children, .contention = true, .backward_with_forward = true};
}

// Earliest Task First (Hwang, Chow, Anger, Lee: SIAM J. Comput. 18(2), 1989): of all ready tasks
// and devices the pair that can start first, ties by longest path to an exit. As published, devices
// are taken to be alike. A device's ready tasks are kept in two
// heaps, those whose inputs are there and those that still wait, so that a step costs logarithmic
// time per device instead of a look at all pairs.
//
// The solver "etf" turns this into a plan with dispatch SEQUENCE; "m_etf" and "m_sct" take the
// placement that BaechiOptions() give, with critical-path priorities.
GOPT_API TaskSchedule ScheduleEtf(const TaskGraph& tasks, const EtfOptions& options = {},
                                  const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_ETF_H_
