#ifndef GOPT_SOLVE_HEFT_H_
#define GOPT_SOLVE_HEFT_H_

#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

struct HeftOptions {
  // A task may start in a gap between tasks already placed. false: only after the last.
  bool insertion = true;
};

// When and where each task runs, by HEFT's own estimate (transfers never wait for each other).
struct HeftSchedule {
  std::vector<DeviceId> device;
  std::vector<Nanoseconds> start;
  std::vector<Nanoseconds> finish;
  std::vector<KernelId> sequence;  // By start; a legal Plan::sequence.
};

// Heterogeneous Earliest Finish Time (Topcuoglu, Hariri, Wu: IEEE TPDS 13(3), 2002): tasks by
// descending upward rank, each on the device where it finishes first. The solver "heft" turns this
// into a plan with dispatch SEQUENCE, ranks in the same order.
GOPT_API HeftSchedule ScheduleHeft(const TaskGraph& tasks, const HeftOptions& options = {},
                                   const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_HEFT_H_
