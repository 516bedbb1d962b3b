#ifndef GOPT_SRC_SOLVE_EXACT_INSTANCE_H_
#define GOPT_SRC_SOLVE_EXACT_INSTANCE_H_

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// Sets of tasks, and of devices, as bits; the exact search takes at most this many of either.
using Bits = uint64_t;
inline constexpr int kMostBits = 64;

constexpr Bits Bit(int i) { return Bits{1} << i; }
constexpr bool Has(Bits set, int i) { return (set >> i & 1) != 0; }
constexpr int Lowest(Bits set) { return std::countr_zero(set); }
constexpr int Count(Bits set) { return std::popcount(set); }

// for (int i : Each(set)): the members, ascending.
class Each {
 public:
  explicit Each(Bits set) : set_(set) {}
  class Iterator {
   public:
    explicit Iterator(Bits left) : left_(left) {}
    int operator*() const { return Lowest(left_); }
    Iterator& operator++() {
      left_ &= left_ - 1;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return left_ != other.left_; }

   private:
    Bits left_;
  };
  Iterator begin() const { return Iterator(set_); }
  Iterator end() const { return Iterator(0); }

 private:
  Bits set_;
};

// A problem as the exact search sees it: small, and looked up by index. Immutable.
struct GOPT_API ExactInstance {
  // A tensor that a task makes and others read.
  struct Output {
    KernelId producer;
    Bits readers;
    std::vector<Nanoseconds> duration;  // [from, to], of the booking.
  };
  struct Parameter {
    Bits readers;        // Tasks.
    KernelId home_task;  // Its home is where this task runs; kNone: free.
    int32_t leader;      // The lowest parameter whose home it must share; often itself.
    Bits homes;          // Devices it may live on.
    std::vector<Nanoseconds> duration;  // [from, to]
  };
  // An input of a task that another task makes: an entry of `outputs`.
  struct Edge {
    KernelId source;
    int32_t output;
  };

  // Whether the search can take the problem at all: few enough tasks and devices.
  static bool Fits(const TaskGraph& tasks);
  // contention: what the simulator is told. The task graph must outlive the instance and fit.
  ExactInstance(const TaskGraph& tasks, bool contention);

  Nanoseconds time(KernelId k, DeviceId d) const { return time_table[k * num_devices + d]; }
  Nanoseconds tail(KernelId k, DeviceId d) const { return tail_table[k * num_devices + d]; }
  int pair(DeviceId from, DeviceId to) const { return from * num_devices + to; }
  std::span<const ChannelId> route(DeviceId from, DeviceId to) const {
    return tasks->problem().machine().route(from, to);
  }
  bool RoutesMeet(DeviceId from1, DeviceId to1, DeviceId from2, DeviceId to2) const;
  // When a tensor that is sent at 0 over free channels is there.
  Nanoseconds Delay(const Output& output, DeviceId from, DeviceId to) const {
    return from == to ? 0 : SaturatingAdd(output.duration[pair(from, to)], latency[pair(from, to)]);
  }
  // Whether tasks of this set run only where they are placed before they are ready; the others,
  // "roaming", are placed when they start: nobody can tell earlier where they will be.
  bool roams(KernelId k) const { return Has(roaming, k); }

  const TaskGraph* tasks;
  int num_tasks, num_devices, num_channels, num_parameters;
  bool contention;
  bool open_order;     // Scheduling is open: the search makes the sequence and the ranks.
  const Plan* base;    // What is closed comes from here; null: nothing is.
  bool places_matter;  // Rules that look at pairs of devices: the whole placement is part of a
                       // state.
  // Every channel carries tensors of one source device only. Then each device's sequence fixes the
  // order of bookings, and whatever happens earlier makes nothing later.
  bool channels_have_one_source;
  bool destinations_meet;  // Two routes from one device share a channel.

  std::vector<Nanoseconds> time_table;  // [task, device]
  // Least time from a task's end, on that device, to the end of the step. [task, device]
  std::vector<Nanoseconds> tail_table;
  std::vector<Nanoseconds> least_tail, least_time;  // Over devices, per task.
  std::vector<Nanoseconds> latency;                 // [from, to]
  std::vector<Output> outputs;
  std::vector<int32_t> output_begin;  // Per task and one more: its entries of `outputs`.
  std::vector<Parameter> parameters;
  std::vector<std::vector<int32_t>> parameters_of;  // Per task, by position: what it reads.
  std::vector<std::vector<Edge>> edges;             // Per task.
  std::vector<Bits> before;             // Per task: tasks whose end it awaits, by data or control.
  std::vector<Bits> control_readers;    // Per task.
  std::vector<Bits> readers;            // Per task: of its outputs.
  std::vector<Bits> group;              // Per task: it and those that share its device.
  std::vector<Bits> apart;              // Per task: tasks that must be elsewhere.
  std::vector<Bits> open;               // Per task: devices.
  std::vector<KernelId> order;          // Topological.
  std::vector<KernelId> by_tail;        // By least_tail, longest first.
  Bits all_tasks, roaming, asking;      // `asking`: tasks that read parameters.
  std::vector<DeviceId> fixed_home;     // Placement closed: per parameter; else empty.
  std::vector<int32_t> fixed_rank;      // Scheduling closed: per task; else empty.
  std::vector<int32_t> fixed_position;  // Closed SEQUENCE: per task.

 private:
  void FillTasks();
  void FillOutputs();
  void FillParameters();
  void FillApart();
  void FillClosed();
  void FillChannels();
  void FillTails();
  void RaiseTail(KernelId source, KernelId k, const Output* output);
  std::vector<Nanoseconds> Durations(int64_t bytes) const;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_EXACT_INSTANCE_H_
