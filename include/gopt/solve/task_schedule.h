#ifndef GOPT_SOLVE_TASK_SCHEDULE_H_
#define GOPT_SOLVE_TASK_SCHEDULE_H_

#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// When and where each task runs, by the estimate of the list scheduler that made it.
struct TaskSchedule {
  std::vector<DeviceId> device;
  std::vector<Nanoseconds> start;
  std::vector<Nanoseconds> finish;
  std::vector<KernelId> sequence;  // By start; a legal Plan::sequence.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_TASK_SCHEDULE_H_
