#ifndef GOPT_SRC_SOLVE_PART_MAPPING_H_
#define GOPT_SRC_SOLVE_PART_MAPPING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// How fast each device runs the tasks, relative to the mean over devices. Positive.
std::vector<double> DeviceRates(const TaskGraph& tasks);

// A device of its own for each part, where part i was sized for device i: heaviest part first, to
// the device where its tasks take least time, plus the time to move tensors to and from the parts
// placed before it and the time of tasks that may not run there.
std::vector<DeviceId> MapPartsToDevices(const TaskGraph& tasks, std::span<const int32_t> part);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PART_MAPPING_H_
