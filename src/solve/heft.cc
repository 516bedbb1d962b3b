#include "gopt/solve/heft.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "src/solve/gap_list.h"
#include "src/solve/placement_state.h"

namespace gopt {
namespace {

// Position of each task in the task graph's topological order.
std::vector<int32_t> TopologicalPositions(const TaskGraph& tasks) {
  std::vector<int32_t> position(tasks.num_tasks());
  const std::vector<KernelId>& order = tasks.kernel_graph().topological_order;
  for (size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<int32_t>(i);
  return position;
}

// Tasks by descending upward rank. A predecessor's rank is never smaller, so with ties in
// topological order the whole order is topological.
std::vector<KernelId> UpwardRankOrder(const TaskGraph& tasks) {
  const std::vector<double> upward = UpwardRanks(tasks);
  const std::vector<KernelId>& topological = tasks.kernel_graph().topological_order;
  std::vector<double> priority(upward.size());
  for (size_t i = 0; i < topological.size(); ++i) priority[i] = upward[topological[i]];
  const std::vector<int32_t> rank = RanksByPriority(priority);
  std::vector<KernelId> order(rank.size());
  for (size_t i = 0; i < rank.size(); ++i) order[rank[i]] = topological[i];
  return order;
}

class HeftScheduler {
 public:
  HeftScheduler(const TaskGraph& tasks, const HeftOptions& options,
                const PlacementOptions& placement)
      : tasks_(tasks),
        graph_(tasks.kernel_graph()),
        machine_(tasks.problem().machine()),
        options_(options),
        num_devices_(tasks.num_devices()),
        placement_(tasks, num_devices_),
        busy_(num_devices_),
        ready_(num_devices_) {
    placement_.Reset(placement);
    for (GapList& gaps : busy_) gaps.Clear();
    FindBandwidths();
    schedule_.device.resize(tasks.num_tasks());
    schedule_.start.resize(tasks.num_tasks());
    schedule_.finish.resize(tasks.num_tasks());
  }

  HeftSchedule Run() {
    for (KernelId task : UpwardRankOrder(tasks_)) PlaceTask(task);
    SortByStart();
    return std::move(schedule_);
  }

 private:
  struct Choice {
    DeviceId device = kNone;
    Nanoseconds start = 0;
    Nanoseconds cost = 0;  // Finish time, plus the group's bias.
  };

  // Pairs of devices with equal bandwidth share a transfer's duration.
  void FindBandwidths() {
    const size_t pairs = static_cast<size_t>(num_devices_) * num_devices_;
    bandwidth_class_.assign(pairs, 0);
    std::vector<double> known;
    for (DeviceId from = 0; from < num_devices_; ++from) {
      for (DeviceId to = 0; to < num_devices_; ++to) {
        if (from == to) continue;
        const double bandwidth = machine_.route_bandwidth(from, to);
        const auto it = std::find(known.begin(), known.end(), bandwidth);
        if (it == known.end()) {
          known.push_back(bandwidth);
          class_pair_.push_back({from, to});
          bandwidth_class_[Pair(from, to)] = static_cast<int32_t>(known.size()) - 1;
        } else {
          bandwidth_class_[Pair(from, to)] = static_cast<int32_t>(it - known.begin());
        }
      }
    }
    duration_.resize(known.size());
  }

  size_t Pair(DeviceId from, DeviceId to) const {
    return static_cast<size_t>(from) * num_devices_ + to;
  }

  // Raises ready_ by the arrival of a tensor that is on `from` at `time`.
  void AddInput(DeviceId from, Nanoseconds time, int64_t bytes) {
    for (size_t c = 0; c < duration_.size(); ++c) {
      duration_[c] = machine_.TransferDuration(bytes, class_pair_[c].first, class_pair_[c].second);
    }
    const int32_t* classes = &bandwidth_class_[Pair(from, 0)];
    for (DeviceId d = 0; d < num_devices_; ++d) {
      const Nanoseconds arrival = d == from
                                      ? time
                                      : SaturatingAdd(SaturatingAdd(time, duration_[classes[d]]),
                                                      machine_.route_latency(from, d));
      ready_[d] = std::max(ready_[d], arrival);
    }
  }

  void FillReady(KernelId task) {
    std::fill(ready_.begin(), ready_.end(), 0);
    for (int32_t e = graph_.input_begin[task]; e < graph_.input_begin[task + 1]; ++e) {
      const KernelId source = graph_.inputs[e].source;
      if (source != kNone) {
        AddInput(schedule_.device[source], schedule_.finish[source], tasks_.edge_bytes(e));
        continue;
      }
      const DeviceId home =
          placement_.home(tasks_.edge_tensor(e) - static_cast<int>(graph_.outputs.size()));
      if (home != kNone) AddInput(home, 0, tasks_.edge_bytes(e));
    }
    for (KernelId source : KernelGraph::Row(graph_.controls, graph_.control_begin, task)) {
      for (Nanoseconds& ready : ready_) ready = std::max(ready, schedule_.finish[source]);
    }
  }

  Nanoseconds EarliestStart(DeviceId device, Nanoseconds length) const {
    const GapList& gaps = busy_[device];
    return options_.insertion ? gaps.Find(ready_[device], length)
                              : std::max(ready_[device], gaps.tail());
  }

  Choice Choose(KernelId task) {
    const double* bias = placement_.Bias(task);
    Choice best;
    for (DeviceId d = 0; d < num_devices_; ++d) {
      const Nanoseconds extra = bias == nullptr ? 0 : SaturatingCeil(bias[d]);
      if (extra == kSaturated) continue;
      const Nanoseconds rest = SaturatingAdd(tasks_.time(task, d), extra);
      if (best.device != kNone && SaturatingAdd(ready_[d], rest) >= best.cost) continue;
      const Nanoseconds start = EarliestStart(d, tasks_.time(task, d));
      const Nanoseconds cost = SaturatingAdd(start, rest);
      if (best.device == kNone || cost < best.cost) best = {d, start, cost};
    }
    return best;
  }

  void PlaceTask(KernelId task) {
    FillReady(task);
    const Choice choice = Choose(task);
    const Nanoseconds time = tasks_.time(task, choice.device);
    placement_.Place(task, choice.device);
    schedule_.device[task] = choice.device;
    schedule_.start[task] = choice.start;
    schedule_.finish[task] = SaturatingAdd(choice.start, time);
    if (options_.insertion) {
      busy_[choice.device].Take(choice.start, time);
    } else {
      busy_[choice.device].Append(schedule_.finish[task]);
    }
  }

  // By start; tasks of no time before others that start then, in topological order. Every
  // dependency and every device's order agrees with this order, so the sequence is legal.
  void SortByStart() {
    const std::vector<int32_t> position = TopologicalPositions(tasks_);
    const HeftSchedule& s = schedule_;
    schedule_.sequence.resize(tasks_.num_tasks());
    std::iota(schedule_.sequence.begin(), schedule_.sequence.end(), 0);
    std::sort(schedule_.sequence.begin(), schedule_.sequence.end(), [&](KernelId a, KernelId b) {
      if (s.start[a] != s.start[b]) return s.start[a] < s.start[b];
      if (s.finish[a] != s.finish[b]) return s.finish[a] < s.finish[b];
      return position[a] < position[b];
    });
  }

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  const Machine& machine_;
  const HeftOptions options_;
  const int num_devices_;
  PlacementState placement_;
  std::vector<GapList> busy_;
  std::vector<Nanoseconds> ready_;        // When the current task's inputs are there, per device.
  std::vector<int32_t> bandwidth_class_;  // [from, to]
  std::vector<std::pair<DeviceId, DeviceId>> class_pair_;  // One pair of each class.
  std::vector<Nanoseconds> duration_;                      // Of the current tensor, per class.
  HeftSchedule schedule_;
};

}  // namespace

HeftSchedule ScheduleHeft(const TaskGraph& tasks, const HeftOptions& options,
                          const PlacementOptions& placement) {
  return HeftScheduler(tasks, options, placement).Run();
}

}  // namespace gopt
