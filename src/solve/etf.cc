#include "gopt/solve/etf.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "src/solve/arrival_queue.h"
#include "src/solve/favourite_children.h"
#include "src/solve/priorities.h"
#include "src/solve/segments.h"
#include "src/solve/task_scheduler.h"

namespace gopt {
namespace {

class EtfScheduler {
 public:
  EtfScheduler(const TaskGraph& tasks, const EtfOptions& options, const PlacementOptions& placement)
      : tasks_(tasks),
        graph_(tasks.kernel_graph()),
        options_(options),
        scheduler_(tasks, {.insertion = false, .contention = options.contention}, placement),
        rank_(RanksByPriority(BottomLevels(tasks))),
        is_placed_(tasks.num_tasks(), 0),
        choices_(tasks.num_tasks(), 0),
        devices_(tasks.num_devices()) {
    if (!options.favourite_children) return;
    favourite_ = FavouriteChildren(tasks);
    favoured_by_.assign(tasks.num_tasks(), kNone);
    for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
      if (favourite_[task] != kNone) favoured_by_[favourite_[task]] = task;
    }
  }

  TaskSchedule Run() {
    const int n = tasks_.num_tasks();
    waiting_.resize(n);
    for (KernelId task = 0; task < n; ++task) {
      waiting_[task] = graph_.predecessor_begin[task + 1] - graph_.predecessor_begin[task];
      if (waiting_[task] == 0) BecomeReady(task);
    }
    for (int placed = 0; placed < n;) placed += Step() ? 1 : 0;
    return std::move(scheduler_).Finish();
  }

 private:
  // Who may be next on a device.
  struct Line {
    ArrivalQueue ready;       // By arrival there.
    ArrivalQueue everywhere;  // By arrival on the last of the devices open to the task.
    KernelId last = kNone;    // The last task that ran on the device.
    // Its favourite child, once the device is kept for that, and when its inputs arrive.
    KernelId favourite = kNone;
    Nanoseconds favourite_arrival = 0;
  };
  struct Candidate {
    ArrivalQueue::Entry entry;
    DeviceId device = kNone;
    ArrivalQueue* queue = nullptr;  // That holds the entry; null: the favourite child.
  };

  bool IsKept(const Line& line) const {
    return line.favourite != kNone && is_placed_[line.favourite] == 0;
  }

  Candidate BestOn(DeviceId d) {
    Line& line = devices_[d];
    const Nanoseconds free = scheduler_.tail(d);
    const bool kept = IsKept(line);
    ArrivalQueue* queue = kept ? &line.everywhere : &line.ready;
    const auto gone = [this, d](KernelId task) { return IsGone(task, d); };
    const Candidate best = {queue->Best(free, gone), d, queue};
    if (!kept) return best;
    const Nanoseconds start = std::max(free, line.favourite_arrival);
    if (best.entry.task != kNone && best.entry.start < start) return best;
    return {{start, rank_[line.favourite], line.favourite}, d, nullptr};
  }

  // The pair that starts first; ties by rank, then the first device.
  Candidate Best() {
    Candidate best;
    for (DeviceId d = 0; d < tasks_.num_devices(); ++d) {
      const Candidate here = BestOn(d);
      if (here.entry.task == kNone) continue;
      const bool better =
          best.device == kNone || here.entry.start < best.entry.start ||
          (here.entry.start == best.entry.start && here.entry.rank < best.entry.rank);
      if (better) best = here;
    }
    return best;
  }

  // Places the best pair. False if nothing was placed, since the device has closed to the task
  // since that was queued, or homes of parameters, fixed since, make it start later there.
  bool Step() {
    const Candidate best = Best();
    const KernelId task = best.entry.task;
    scheduler_.Visit(task);
    if (!scheduler_.is_open(best.device)) return CloseTo(task, best.device);
    Line& line = devices_[best.device];
    const bool everywhere = best.queue == &line.everywhere;
    const Nanoseconds arrival = everywhere ? LastArrival() : scheduler_.ready(best.device);
    if (arrival <= best.entry.start) {
      Place(task, {best.device, best.entry.start});
      return true;
    }
    if (best.queue == nullptr) {
      line.favourite_arrival = arrival;
    } else {
      best.queue->PopBest();
      best.queue->Push(task, rank_[task], arrival);
    }
    return false;
  }

  // True if the visited task had no other device left: then it goes where it ends first.
  bool CloseTo(KernelId task, DeviceId device) {
    if (closed_.empty()) closed_.resize(is_placed_.size() * devices_.size(), false);
    closed_[Cell(task, device)] = true;
    if (devices_[device].favourite == task) devices_[device].favourite = kNone;
    if (--choices_[task] > 0) return false;
    Place(task, scheduler_.EarliestFinish());
    return true;
  }

  size_t Cell(KernelId task, DeviceId device) const {
    return static_cast<size_t>(task) * devices_.size() + static_cast<size_t>(device);
  }
  bool IsGone(KernelId task, DeviceId device) const {
    return is_placed_[task] != 0 || (!closed_.empty() && closed_[Cell(task, device)]);
  }

  void Place(KernelId task, const TaskScheduler::Slot& slot) {
    scheduler_.Place(slot);
    is_placed_[task] = 1;
    Line& line = devices_[slot.device];
    line.last = task;
    line.favourite = kNone;
    for (KernelId next : KernelGraph::Row(graph_.successors, graph_.successor_begin, task)) {
      if (--waiting_[next] == 0) BecomeReady(next);
    }
  }

  // The latest, over open devices, that the inputs of the visited task arrive.
  Nanoseconds LastArrival() const {
    Nanoseconds last = 0;
    for (DeviceId d = 0; d < tasks_.num_devices(); ++d) {
      if (scheduler_.is_open(d)) last = std::max(last, scheduler_.ready(d));
    }
    return last;
  }

  void BecomeReady(KernelId task) {
    scheduler_.Visit(task);
    const DeviceId twin = TwinDevice(task);
    const Nanoseconds last = favourite_.empty() ? 0 : LastArrival();
    for (DeviceId d = 0; d < tasks_.num_devices(); ++d) {
      if (!scheduler_.is_open(d) || (twin != kNone && d != twin)) continue;
      devices_[d].ready.Push(task, rank_[task], scheduler_.ready(d));
      if (!favourite_.empty()) devices_[d].everywhere.Push(task, rank_[task], last);
      ++choices_[task];
    }
    if (!favourite_.empty()) KeepForFavourite(task, twin);
  }

  // The device of the task that favours this one is kept for it, if nothing ran there since and no
  // other could start it sooner.
  void KeepForFavourite(KernelId task, DeviceId twin) {
    const KernelId parent = favoured_by_[task];
    if (parent == kNone) return;
    const DeviceId d = scheduler_.device(parent);
    if (devices_[d].last != parent || !scheduler_.is_open(d)) return;
    if ((twin != kNone && d != twin) || CouldStartBefore(scheduler_.EarliestStart(d))) return;
    devices_[d].favourite = task;
    devices_[d].favourite_arrival = scheduler_.ready(d);
  }

  // Whether the visited task could start before the time on some device.
  bool CouldStartBefore(Nanoseconds time) const {
    for (DeviceId d = 0; d < tasks_.num_devices(); ++d) {
      if (scheduler_.is_open(d) && scheduler_.EarliestStart(d) < time) return true;
    }
    return false;
  }

  // Where the forward op of a backward task is, if the task is to follow it and may.
  DeviceId TwinDevice(KernelId task) const {
    if (!options_.backward_with_forward) return kNone;
    const OpId twin = TrustedTwin(tasks_.problem().graph(), tasks_.kernels()->ops(task).front());
    if (twin == kNone) return kNone;
    const KernelId twin_task = tasks_.kernels()->kernel_of(twin);
    if (twin_task == kNone || is_placed_[twin_task] == 0) return kNone;
    const DeviceId device = scheduler_.device(twin_task);
    return scheduler_.is_open(device) ? device : kNone;
  }

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  const EtfOptions options_;
  TaskScheduler scheduler_;
  const std::vector<int32_t> rank_;  // By longest path to an exit.
  std::vector<uint8_t> is_placed_;
  std::vector<int32_t> choices_;  // Devices in whose queues each ready task is,
  std::vector<bool> closed_;      // but for those that closed to it; empty: none. [task, device]
  std::vector<int32_t> waiting_;  // Predecessors not yet placed.
  std::vector<Line> devices_;
  std::vector<KernelId> favourite_, favoured_by_;  // Empty without favourite_children.
};

}  // namespace

TaskSchedule ScheduleEtf(const TaskGraph& tasks, const EtfOptions& options,
                         const PlacementOptions& placement) {
  return EtfScheduler(tasks, options, placement).Run();
}

}  // namespace gopt
