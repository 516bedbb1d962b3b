#ifndef GOPT_SRC_SOLVE_TASK_SCHEDULER_H_
#define GOPT_SRC_SOLVE_TASK_SCHEDULER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"
#include "gopt/solve/task_schedule.h"
#include "src/solve/gap_list.h"
#include "src/solve/link_calendar.h"
#include "src/solve/placement_state.h"

namespace gopt {

struct TaskSchedulerOptions {
  // A task may start in a gap between tasks already placed. false: only after the last.
  bool insertion = true;
  // Transfers book their channels, in gaps too, a tensor is sent once per destination, and
  // parameters are requested when a reader's other inputs are there, as in the simulator. false:
  // transfers never wait for each other, and those of parameters begin at 0.
  bool contention = false;
};

// The schedule that list schedulers build task by task: who is busy when, and where a task may go.
// Each task is visited, then placed, after its predecessors; which comes next and where it goes is
// what list schedulers differ in.
class TaskScheduler {
 public:
  struct Slot {
    DeviceId device = kNone;
    Nanoseconds start = 0;
  };

  TaskScheduler(const TaskGraph& tasks, const TaskSchedulerOptions& options,
                const PlacementOptions& placement);

  // Looks at a task whose predecessors are placed; what follows is about it, until the next visit.
  void Visit(KernelId task);

  // Whether constraints, groups and memory leave the device to the task. At least one is.
  bool is_open(DeviceId device) const { return extra_[device] != kSaturated; }
  // When its inputs can be on the device, if that is open.
  Nanoseconds ready(DeviceId device) const { return ready_[device]; }
  // Earliest start there, if that is open.
  Nanoseconds EarliestStart(DeviceId device) const;
  // End of the last task on a device.
  Nanoseconds tail(DeviceId device) const { return busy_[device].tail(); }
  // Where the task ends first, counting the work that its group brings and `penalty`, nanoseconds
  // per device (empty: none). Ties: the first device.
  Slot EarliestFinish(std::span<const Nanoseconds> penalty = {}) const;

  // Places the visited task; not before its earliest start, which it must be with insertion.
  void Place(const Slot& slot);

  DeviceId device(KernelId task) const { return schedule_.device[task]; }

  // When all tasks are placed.
  TaskSchedule Finish() &&;

 private:
  // A tensor that the visited task reads.
  struct Input {
    DeviceId from;     // Where it is,
    Nanoseconds time;  // since when;
    int64_t bytes;
    int32_t tensor;
  };

  size_t Pair(DeviceId from, DeviceId to) const {
    return static_cast<size_t>(from) * num_devices_ + to;
  }
  void FindBandwidths();
  void ListInputs(KernelId task);
  Nanoseconds LastControl(KernelId task) const;
  void AddFreely(const Input& input);
  Nanoseconds ReadyOverLinks(DeviceId device, bool book);
  Nanoseconds ArrivalOverLinks(const Input& input, DeviceId to, Nanoseconds request, bool book);
  void SortByStart();

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  const Machine& machine_;
  const TaskSchedulerOptions options_;
  const int num_devices_;
  PlacementState placement_;
  std::vector<GapList> busy_;

  std::vector<int32_t> bandwidth_class_;                   // [from, to]
  std::vector<std::pair<DeviceId, DeviceId>> class_pair_;  // One pair of each class.
  std::vector<Nanoseconds> duration_;                      // Of the current tensor, per class.

  // With contention: the channels, and when each tensor arrives on each device; kNotSent.
  std::unique_ptr<LinkCalendar> links_;
  std::vector<Nanoseconds> arrival_;  // [tensor, device]

  KernelId task_ = kNone;      // The one visited.
  std::vector<Input> inputs_;  // Tensors, then parameters.
  size_t num_tensors_ = 0;
  Nanoseconds control_ = 0;         // When the last control producer ends.
  std::vector<Nanoseconds> ready_;  // Per device.
  std::vector<Nanoseconds> extra_;  // Per device: work of the group; saturated: closed.
  TaskSchedule schedule_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_TASK_SCHEDULER_H_
