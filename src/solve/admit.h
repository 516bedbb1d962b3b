#ifndef GOPT_SRC_SOLVE_ADMIT_H_
#define GOPT_SRC_SOLVE_ADMIT_H_

#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// The wished-for placement, changed where fixed or allowed devices, colocation groups or memory
// forbid it: such tasks go to the open device with the least work so far.
std::vector<DeviceId> Admit(const TaskGraph& tasks, std::span<const DeviceId> wish,
                            const PlacementOptions& options);

// The same for everything on one device: the one that would be done first with it.
std::vector<DeviceId> AdmitOnFastestDevice(const TaskGraph& tasks, const PlacementOptions& options);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_ADMIT_H_
