#ifndef GOPT_SOLVE_CPOP_H_
#define GOPT_SOLVE_CPOP_H_

#include "gopt/base/export.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"

namespace gopt {

// Critical Path on a Processor (Topcuoglu, Hariri, Wu: IEEE TPDS 13(3), 2002): always the ready
// task of highest upward + downward rank; those on one critical path go to the device that runs
// them all in least time, the others to where they finish first, in gaps too. A task of the path
// that may not go there, or does not fit, is placed like the others. The solver "cpop" turns this
// into a plan with dispatch SEQUENCE.
GOPT_API TaskSchedule ScheduleCpop(const TaskGraph& tasks, const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_CPOP_H_
