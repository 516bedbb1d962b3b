#ifndef GOPT_SOLVE_PEFT_H_
#define GOPT_SOLVE_PEFT_H_

#include <vector>

#include "gopt/base/export.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"

namespace gopt {

// The optimistic cost table of Arabnejad and Barbosa, [task, device]: the longest path from the end
// of the task on the device to an exit, where every task after it takes the device that is best for
// it and mean transfers are paid where the device changes (equation 3).
GOPT_API std::vector<double> OptimisticCosts(const TaskGraph& tasks);

// Predict Earliest Finish Time (Arabnejad, Barbosa: IEEE TPDS 25(3), 2014): always the ready task
// of highest mean optimistic cost, to the device where finish time + optimistic cost is least, in
// gaps too. The solver "peft" turns this into a plan with dispatch SEQUENCE.
GOPT_API TaskSchedule SchedulePeft(const TaskGraph& tasks, const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_PEFT_H_
