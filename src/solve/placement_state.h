#ifndef GOPT_SRC_SOLVE_PLACEMENT_STATE_H_
#define GOPT_SRC_SOLVE_PLACEMENT_STATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// Which devices are still open to each task while a schedule is built task by task. A colocation
// group goes where its first task goes. A parameter's first reader fixes its home: the task that
// decides the home (its optimizer op) follows, if it may and fits, so that forward ops read it
// locally. Devices without room for a task's parameters are avoided while others have room.
class PlacementState {
 public:
  // Rows have `width` entries, at least one per device; those past the devices are closed.
  PlacementState(const TaskGraph& tasks, int width);

  // Forgets all that was placed. Keeps buffers.
  void Reset(const PlacementOptions& options);

  // What to add to the finish time of the task on each device when devices are compared: infinite
  // where it may not go, a finite bias where its group has work to bring. Null: all devices are
  // open alike. At least one entry is finite. Valid until the next call.
  const double* Bias(KernelId task) { return is_free_[task] != 0 ? nullptr : FillBias(task); }

  // Tells that the task goes to the device.
  void Place(KernelId task, DeviceId device) {
    if (is_free_[task] == 0) Fix(task, device);
  }

  // kNone while it is open.
  DeviceId home(int parameter) const {
    const KernelId task = tasks_.home_task(parameter);
    return task == kNone ? 0 : fixed_[Unit(task)];
  }

 private:
  // Tasks that share a device: a colocation group, or one task.
  int32_t Unit(KernelId task) const {
    const int32_t group = tasks_.group(task);
    return group != kNone ? group : tasks_.num_groups() + task;
  }
  std::span<const int> ParametersOf(KernelId task) const {
    return {parameters_.data() + parameter_begin_[task],
            parameters_.data() + parameter_begin_[task + 1]};
  }
  std::span<const KernelId> Members(int32_t unit) const;
  int64_t ComputeUnitBytes(int32_t unit) const;
  bool CanFollow(int32_t unit, DeviceId device) const;
  bool FitsWithParameters(KernelId task, DeviceId device) const;
  void AddGroupWork(KernelId task);
  const double* FillBias(KernelId task);
  void Fix(KernelId task, DeviceId device);
  void FixUnit(int32_t unit, DeviceId device);

  const TaskGraph& tasks_;
  std::vector<int32_t> parameter_begin_;
  std::vector<int> parameters_;  // Read by each task.
  std::vector<KernelId> self_;   // 0 .. n-1: a lone task as a span.
  std::vector<uint8_t> is_special_;

  PlacementOptions options_;
  std::vector<uint8_t> is_free_;     // Nothing restricts the task, nothing follows from it.
  std::vector<DeviceId> fixed_;      // Per unit.
  std::vector<int64_t> unit_bytes_;  // Per unit: what it takes from a device's room.
  std::vector<int64_t> room_;        // Bytes left per device.
  std::vector<double> reserved_;     // Per device: time of tasks that must go there, yet unplaced.
  std::vector<double> bias_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PLACEMENT_STATE_H_
