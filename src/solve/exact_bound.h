#ifndef GOPT_SRC_SOLVE_EXACT_BOUND_H_
#define GOPT_SRC_SOLVE_EXACT_BOUND_H_

#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "src/solve/exact_instance.h"
#include "src/solve/exact_state.h"

namespace gopt {

// Lower bounds on the makespan of whatever a state can become.
class GOPT_API ExactBound {
 public:
  explicit ExactBound(const ExactInstance& instance);

  // The largest of: the longest path through the tasks left, over the best devices that are open to
  // each, from when devices, channels and tensors are there; per device, the tasks placed on it by
  // heads and tails (Carlier, European J. Operational Research 11(1), 1982: the sum over those with
  // the latest heads); over all devices, the tasks with the longest tails and their least times
  // (after Fernandez and Bussell). Stops early above `enough`.
  Nanoseconds Of(const ExactState& state, Nanoseconds enough);

 private:
  void FindDevicesFree(const ExactState& state);
  Nanoseconds LongestPath(const ExactState& state);
  bool RaiseFloors(const ExactState& state);
  Nanoseconds InputsReady(const ExactState& state, KernelId k, DeviceId d) const;
  Nanoseconds EdgeArrival(const ExactState& state, const ExactInstance::Edge& edge, KernelId reader,
                          DeviceId d) const;
  Nanoseconds DeviceLoads(const ExactState& state);
  Nanoseconds TotalLoad(const ExactState& state);
  Nanoseconds& finish(KernelId k, DeviceId d) { return finish_[k * instance_.num_devices + d]; }

  struct Job {
    Nanoseconds head, time, tail;
  };

  const ExactInstance& instance_;
  std::vector<Nanoseconds> finish_;        // [task, device]: earliest end of a task left.
  std::vector<Nanoseconds> least_finish_;  // Per task.
  std::vector<Nanoseconds> free_;          // Per device: earliest next start.
  std::vector<Nanoseconds> floor_;         // Per device: the same for tasks that it refuses.
  std::vector<Nanoseconds> sorted_free_;
  std::vector<std::vector<Job>> jobs_;  // Per device.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_BOUND_H_
