#include "src/solve/task_scheduler.h"

#include <algorithm>
#include <numeric>

#include "src/solve/priorities.h"

namespace gopt {
namespace {

constexpr Nanoseconds kNotSent = -1;

}  // namespace

TaskScheduler::TaskScheduler(const TaskGraph& tasks, const TaskSchedulerOptions& options,
                             const PlacementOptions& placement)
    : tasks_(tasks),
      graph_(tasks.kernel_graph()),
      machine_(tasks.problem().machine()),
      options_(options),
      num_devices_(tasks.num_devices()),
      placement_(tasks, num_devices_),
      busy_(num_devices_),
      ready_(num_devices_),
      extra_(num_devices_) {
  placement_.Reset(placement);
  for (GapList& gaps : busy_) gaps.Clear();
  FindBandwidths();
  if (options.contention) {
    links_ = std::make_unique<LinkCalendar>(machine_);
    arrival_.assign(static_cast<size_t>(tasks.num_tensors()) * num_devices_, kNotSent);
  }
  schedule_.device.resize(tasks.num_tasks());
  schedule_.start.resize(tasks.num_tasks());
  schedule_.finish.resize(tasks.num_tasks());
}

// Pairs of devices with equal bandwidth share a transfer's duration.
void TaskScheduler::FindBandwidths() {
  bandwidth_class_.assign(static_cast<size_t>(num_devices_) * num_devices_, 0);
  std::vector<double> known;
  for (DeviceId from = 0; from < num_devices_; ++from) {
    for (DeviceId to = 0; to < num_devices_; ++to) {
      if (from == to) continue;
      const double bandwidth = machine_.route_bandwidth(from, to);
      const auto it = std::find(known.begin(), known.end(), bandwidth);
      bandwidth_class_[Pair(from, to)] = static_cast<int32_t>(it - known.begin());
      if (it != known.end()) continue;
      known.push_back(bandwidth);
      class_pair_.push_back({from, to});
    }
  }
  duration_.resize(known.size());
}

// Tensors, with contention by the time they are made; then parameters.
void TaskScheduler::ListInputs(KernelId task) {
  inputs_.clear();
  for (int32_t e = graph_.input_begin[task]; e < graph_.input_begin[task + 1]; ++e) {
    const KernelId source = graph_.inputs[e].source;
    if (source == kNone) continue;
    inputs_.push_back({schedule_.device[source], schedule_.finish[source], tasks_.edge_bytes(e),
                       tasks_.edge_tensor(e)});
  }
  if (options_.contention && inputs_.size() > 1) {
    std::stable_sort(inputs_.begin(), inputs_.end(),
                     [](const Input& a, const Input& b) { return a.time < b.time; });
  }
  num_tensors_ = inputs_.size();
  for (int32_t e = graph_.input_begin[task]; e < graph_.input_begin[task + 1]; ++e) {
    if (graph_.inputs[e].source != kNone) continue;
    const int32_t tensor = tasks_.edge_tensor(e);
    const DeviceId home = placement_.home(tensor - static_cast<int>(graph_.outputs.size()));
    if (home != kNone) inputs_.push_back({home, 0, tasks_.edge_bytes(e), tensor});
  }
}

Nanoseconds TaskScheduler::LastControl(KernelId task) const {
  Nanoseconds last = 0;
  for (KernelId source : KernelGraph::Row(graph_.controls, graph_.control_begin, task)) {
    last = std::max(last, schedule_.finish[source]);
  }
  return last;
}

void TaskScheduler::Visit(KernelId task) {
  task_ = task;
  const double* bias = placement_.Bias(task);
  for (DeviceId d = 0; d < num_devices_; ++d) {
    extra_[d] = bias == nullptr ? 0 : SaturatingCeil(bias[d]);
  }
  ListInputs(task);
  control_ = LastControl(task);
  std::fill(ready_.begin(), ready_.end(), control_);
  if (!options_.contention) {
    for (const Input& input : inputs_) AddFreely(input);
    return;
  }
  for (DeviceId d = 0; d < num_devices_; ++d) {
    if (is_open(d)) ready_[d] = ReadyOverLinks(d, false);
  }
}

// Raises ready_ by the arrival of the tensor, which waits for no other.
void TaskScheduler::AddFreely(const Input& input) {
  for (size_t c = 0; c < duration_.size(); ++c) {
    duration_[c] =
        machine_.TransferDuration(input.bytes, class_pair_[c].first, class_pair_[c].second);
  }
  const int32_t* classes = &bandwidth_class_[Pair(input.from, 0)];
  for (DeviceId d = 0; d < num_devices_; ++d) {
    const Nanoseconds arrival =
        d == input.from ? input.time
                        : SaturatingAdd(SaturatingAdd(input.time, duration_[classes[d]]),
                                        machine_.route_latency(input.from, d));
    ready_[d] = std::max(ready_[d], arrival);
  }
}

// Parameters are requested when everything else is there, as in the simulator.
Nanoseconds TaskScheduler::ReadyOverLinks(DeviceId device, bool book) {
  links_->BeginVisit();
  const std::span<const Input> all = inputs_;
  Nanoseconds ready = control_;
  for (const Input& input : all.first(num_tensors_)) {
    ready = std::max(ready, ArrivalOverLinks(input, device, input.time, book));
  }
  const Nanoseconds request = ready;
  for (const Input& input : all.subspan(num_tensors_)) {
    ready = std::max(ready, ArrivalOverLinks(input, device, request, book));
  }
  return ready;
}

Nanoseconds TaskScheduler::ArrivalOverLinks(const Input& input, DeviceId to, Nanoseconds request,
                                            bool book) {
  if (input.from == to) return input.time;
  Nanoseconds& booked = arrival_[static_cast<size_t>(input.tensor) * num_devices_ + to];
  if (booked != kNotSent) return booked;
  if (!book) return links_->Find(input.from, to, request, input.bytes);
  return booked = links_->Book(input.from, to, request, input.bytes);
}

Nanoseconds TaskScheduler::EarliestStart(DeviceId device) const {
  const GapList& gaps = busy_[device];
  return options_.insertion ? gaps.Find(ready_[device], tasks_.time(task_, device))
                            : std::max(ready_[device], gaps.tail());
}

TaskScheduler::Slot TaskScheduler::EarliestFinish(std::span<const Nanoseconds> penalty) const {
  Slot best;
  Nanoseconds least = 0;
  for (DeviceId d = 0; d < num_devices_; ++d) {
    if (!is_open(d)) continue;
    Nanoseconds rest = SaturatingAdd(tasks_.time(task_, d), extra_[d]);
    if (!penalty.empty()) rest = SaturatingAdd(rest, penalty[d]);
    if (best.device != kNone && SaturatingAdd(ready_[d], rest) >= least) continue;
    const Nanoseconds start = EarliestStart(d);
    const Nanoseconds cost = SaturatingAdd(start, rest);
    if (best.device != kNone && cost >= least) continue;
    best = {d, start};
    least = cost;
  }
  return best;
}

void TaskScheduler::Place(const Slot& slot) {
  if (options_.contention) ReadyOverLinks(slot.device, true);
  const Nanoseconds time = tasks_.time(task_, slot.device);
  placement_.Place(task_, slot.device);
  schedule_.device[task_] = slot.device;
  schedule_.start[task_] = slot.start;
  schedule_.finish[task_] = SaturatingAdd(slot.start, time);
  if (options_.insertion) {
    busy_[slot.device].Take(slot.start, time);
  } else {
    busy_[slot.device].Append(schedule_.finish[task_]);
  }
}

TaskSchedule TaskScheduler::Finish() && {
  SortByStart();
  return std::move(schedule_);
}

// By start; tasks of no time before others that start then, in topological order. Every dependency
// and every device's order agrees with this order, so the sequence is legal.
void TaskScheduler::SortByStart() {
  const std::vector<int32_t> position = TopologicalRanks(tasks_);
  const TaskSchedule& s = schedule_;
  schedule_.sequence.resize(tasks_.num_tasks());
  std::iota(schedule_.sequence.begin(), schedule_.sequence.end(), 0);
  std::sort(schedule_.sequence.begin(), schedule_.sequence.end(), [&](KernelId a, KernelId b) {
    if (s.start[a] != s.start[b]) return s.start[a] < s.start[b];
    if (s.finish[a] != s.finish[b]) return s.finish[a] < s.finish[b];
    return position[a] < position[b];
  });
}

}  // namespace gopt
