#include "src/solve/exact_bound.h"

#include <algorithm>

namespace gopt {

ExactBound::ExactBound(const ExactInstance& instance)
    : instance_(instance),
      finish_(instance.time_table.size(), 0),
      least_finish_(instance.num_tasks, 0),
      free_(instance.num_devices, 0),
      floor_(instance.num_devices, 0),
      jobs_(instance.num_devices) {}

Nanoseconds ExactBound::Of(const ExactState& state, Nanoseconds enough) {
  Nanoseconds bound = state.makespan;
  if (state.started == instance_.all_tasks || bound > enough) return bound;
  FindDevicesFree(state);
  bound = std::max(bound, LongestPath(state));
  if (bound > enough) return bound;
  if (RaiseFloors(state)) bound = std::max(bound, LongestPath(state));
  if (bound > enough) return bound;
  bound = std::max(bound, TotalLoad(state));
  if (bound > enough) return bound;
  return std::max(bound, DeviceLoads(state));
}

void ExactBound::FindDevicesFree(const ExactState& state) {
  for (DeviceId d = 0; d < instance_.num_devices; ++d) {
    free_[d] = state.running[d] == kNone ? state.now : state.free[d];
    floor_[d] = free_[d];
  }
}

// A device that refused a task starts and ends another before it.
bool ExactBound::RaiseFloors(const ExactState& state) {
  bool raised = false;
  for (DeviceId d = 0; d < instance_.num_devices; ++d) {
    if (state.running[d] != kNone || (state.refused[d] & ~state.started) == 0) continue;
    floor_[d] = kSaturated;
    for (int k : Each(instance_.all_tasks & ~state.started & ~state.refused[d])) {
      if (Has(state.open[k], d)) floor_[d] = std::min(floor_[d], finish(k, d));
    }
    raised = true;
  }
  return raised;
}

Nanoseconds ExactBound::LongestPath(const ExactState& state) {
  Nanoseconds bound = 0;
  for (KernelId k : instance_.order) {
    if (Has(state.started, k)) continue;
    Nanoseconds least = kSaturated, least_end = kSaturated;
    for (int d : Each(state.open[k])) {
      const Nanoseconds free = Has(state.refused[d], k) ? floor_[d] : free_[d];
      const Nanoseconds start = std::max(free, InputsReady(state, k, d));
      finish(k, d) = SaturatingAdd(start, instance_.time(k, d));
      least = std::min(least, finish(k, d));
      least_end = std::min(least_end, SaturatingAdd(finish(k, d), instance_.tail(k, d)));
    }
    least_finish_[k] = least;
    bound = std::max(bound, least_end);
  }
  return bound;
}

Nanoseconds ExactBound::InputsReady(const ExactState& state, KernelId k, DeviceId d) const {
  Nanoseconds ready = std::max(state.now, state.ready[k * instance_.num_devices + d]);
  for (int source : Each(instance_.before[k] & ~state.done)) {
    const Nanoseconds end =
        Has(state.started, source) ? state.free[state.place(source)] : least_finish_[source];
    ready = std::max(ready, end);
  }
  for (const ExactInstance::Edge& edge : instance_.edges[k]) {
    ready = std::max(ready, EdgeArrival(state, edge, k, d));
  }
  if (!Has(instance_.asking & ~state.settled, k)) return ready;
  Nanoseconds last = ready;
  for (int32_t p : instance_.parameters_of[k]) {
    const DeviceId home = state.home[p];
    if (home == kNone || home == d) continue;
    const Nanoseconds booked = state.arrival[instance_.pair(p, d)];
    const int pair = instance_.pair(home, d);
    // Another reader may ask first, but none is known to be quicker than at once.
    const Nanoseconds asked = SaturatingAdd(
        state.now, SaturatingAdd(instance_.parameters[p].duration[pair], instance_.latency[pair]));
    last = std::max(last, booked == ExactState::kNotBooked ? asked : booked);
  }
  return last;
}

// At the earliest; 0 where the tensor's arrival is part of state.ready.
Nanoseconds ExactBound::EdgeArrival(const ExactState& state, const ExactInstance::Edge& edge,
                                    KernelId reader, DeviceId d) const {
  const ExactInstance::Output& output = instance_.outputs[edge.output];
  if (!Has(state.started, edge.source)) {
    Nanoseconds least = kSaturated;
    const bool together = Has(instance_.group[reader], edge.source);
    for (int from : Each(together ? Bit(d) : state.open[edge.source])) {
      const Nanoseconds finish = finish_[edge.source * instance_.num_devices + from];
      least = std::min(least, SaturatingAdd(finish, instance_.Delay(output, from, d)));
    }
    return least;
  }
  const bool sent = Has(state.done & ~state.finished, edge.source);
  if (sent || (instance_.roams(reader) && !instance_.contention)) return 0;
  const DeviceId from = state.place(edge.source);
  Nanoseconds start = Has(state.done, edge.source) ? state.now : state.free[from];
  if (instance_.contention && from != d && !Has(state.done, edge.source)) {
    for (ChannelId c : instance_.route(from, d)) start = std::max(start, state.channel_free[c]);
  }
  return SaturatingAdd(start, instance_.Delay(output, from, d));
}

// When all devices together have done the tasks with the longest tails, these tails are left.
Nanoseconds ExactBound::TotalLoad(const ExactState& state) {
  sorted_free_ = free_;
  std::sort(sorted_free_.begin(), sorted_free_.end());
  Nanoseconds bound = 0, work = 0;
  for (KernelId k : instance_.by_tail) {
    if (Has(state.started, k)) continue;
    work = SaturatingAdd(work, instance_.least_time[k]);
    // The earliest end of `work` spread over the devices as they become free.
    Nanoseconds end = kSaturated, sum = work;
    for (size_t used = 0; used < sorted_free_.size(); ++used) {
      if (sorted_free_[used] >= end) break;
      sum = SaturatingAdd(sum, sorted_free_[used]);
      const auto devices = static_cast<Nanoseconds>(used) + 1;
      end = sum / devices + (sum % devices != 0 ? 1 : 0);
    }
    bound = std::max(bound, SaturatingAdd(end, instance_.least_tail[k]));
  }
  return bound;
}

Nanoseconds ExactBound::DeviceLoads(const ExactState& state) {
  for (std::vector<Job>& jobs : jobs_) jobs.clear();
  for (int k : Each(instance_.all_tasks & ~state.started)) {
    if (!state.placed(k)) continue;
    const DeviceId d = state.place(k);
    const Nanoseconds time = instance_.time(k, d);
    jobs_[d].push_back({finish(k, d) - time, time, instance_.tail(k, d)});
  }
  Nanoseconds bound = 0;
  for (std::vector<Job>& jobs : jobs_) {
    if (jobs.size() < 2) continue;
    std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.head > b.head; });
    Nanoseconds sum = 0, tail = kSaturated;
    for (const Job& job : jobs) {
      sum = SaturatingAdd(sum, job.time);
      tail = std::min(tail, job.tail);
      bound = std::max(bound, SaturatingAdd(job.head, SaturatingAdd(sum, tail)));
    }
  }
  return bound;
}

}  // namespace gopt
