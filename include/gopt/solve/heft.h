#ifndef GOPT_SOLVE_HEFT_H_
#define GOPT_SOLVE_HEFT_H_

#include "gopt/base/export.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"

namespace gopt {

struct HeftOptions {
  // A task may start in a gap between tasks already placed. false: only after the last.
  bool insertion = true;
  // Transfers book the channels of their routes, in gaps too, and a tensor is sent once per
  // destination (Sinnen, Sousa: IEEE TPDS 16(6), 2005). false: transfers never wait for each other,
  // as published, and parameters can be sent from time 0 on.
  bool contention = false;
};

// Heterogeneous Earliest Finish Time (Topcuoglu, Hariri, Wu: IEEE TPDS 13(3), 2002): tasks by
// descending upward rank, each on the device where it finishes first. The solver "heft" turns this
// into a plan with dispatch SEQUENCE, ranks in the same order.
GOPT_API TaskSchedule ScheduleHeft(const TaskGraph& tasks, const HeftOptions& options = {},
                                   const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_HEFT_H_
