#include "gopt/solve/fusion_heuristics.h"

#include <algorithm>
#include <iterator>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/plan/fuse.h"
#include "gopt/plan/fusion_groups.h"
#include "src/plan/given_devices.h"

namespace gopt {
namespace {

constexpr std::pair<std::string_view, FusionHeuristic> kNames[] = {
    {"none", FusionHeuristic::kNone},
    {"default", FusionHeuristic::kDefault},
    {"bytes", FusionHeuristic::kBytes},
    {"queue", FusionHeuristic::kQueue},
    {"into_consumers", FusionHeuristic::kIntoConsumers},
};

// What two groups save as one, in bytes.
class ByteGain {
 public:
  explicit ByteGain(const FusionGroups& groups) : groups_(groups) {}
  int64_t operator()(OpId a, OpId b) { return groups_.SavedBytes(a, b); }
  void Forget(OpId) {}

 private:
  const FusionGroups& groups_;
};

// The device on which all ops, one by one, take the least time.
DeviceId FastestDevice(const Problem& problem, const OpCostModel& costs) {
  DeviceId fastest = 0;
  double least = 0.0;
  for (DeviceId device = 0; device < problem.machine().num_devices(); ++device) {
    double total = 0.0;
    for (const OpId op : problem.graph().kernel_ops()) {
      total += static_cast<double>(costs.KernelTime({&op, 1}, {}, device));
    }
    if (device == 0 || total < least) {
      fastest = device;
      least = total;
    }
  }
  return fastest;
}

// The same in nanoseconds.
class TimeGain {
 public:
  TimeGain(const Problem& problem, const OpCostModel& costs, const FusionGroups& groups,
           std::span<const DeviceId> device)
      : graph_(problem.graph()),
        costs_(costs),
        groups_(groups),
        device_(device),
        fastest_(device.empty() ? FastestDevice(problem, costs) : 0),
        time_(graph_.num_ops(), kNone) {}

  int64_t operator()(OpId a, OpId b) {
    const std::span<const OpId> left = groups_.ops(a), right = groups_.ops(b);
    union_.clear();
    std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(union_));
    return TimeOf(a) + TimeOf(b) - Time(union_, a, b);
  }

  // The group of this name is not what it was.
  void Forget(OpId group) { time_[group] = kNone; }

 private:
  Nanoseconds TimeOf(OpId group) {
    if (time_[group] == kNone) time_[group] = Time(groups_.ops(group), group, group);
    return time_[group];
  }

  // Of the ops of the groups a and b as one kernel.
  Nanoseconds Time(std::span<const OpId> ops, OpId a, OpId b) {
    outputs_.clear();
    for (const OpId op : ops) {
      const PortId first = graph_.first_port(op);
      for (PortId port = first; port < first + graph_.num_ports(op); ++port) {
        const std::span<const OpId> readers = graph_.readers(port);
        const bool leaves = std::any_of(readers.begin(), readers.end(), [&](OpId reader) {
          const OpId group = groups_.group(reader);
          return group != kNone && group != a && group != b;
        });
        if (leaves) outputs_.push_back(port);
      }
    }
    return costs_.KernelTime(ops, outputs_, device_.empty() ? fastest_ : device_[ops.front()]);
  }

  const Graph& graph_;
  const OpCostModel& costs_;
  const FusionGroups& groups_;
  const std::span<const DeviceId> device_;  // Empty, or per op.
  const DeviceId fastest_;
  std::vector<Nanoseconds> time_;  // Per group; kNone: not known.
  std::vector<OpId> union_;
  std::vector<PortId> outputs_;
};

// Merges the pair of neighbours of the largest gain, again and again. Only pairs with the new group
// change their gain: what others read and keep stays the same.
template <typename Gain>
class GreedyFuser {
 public:
  GreedyFuser(const Graph& graph, FusionGroups* groups, Gain gain)
      : graph_(graph), groups_(*groups), gain_(std::move(gain)), version_(graph.num_ops(), 0) {}

  std::shared_ptr<const Kernels> Fuse() {
    for (const OpId op : graph_.kernel_ops()) PushPairs(op, /*later_only=*/true);
    while (!queue_.empty()) {
      const Pair pair = queue_.top();
      queue_.pop();
      if (pair.version_a != version_[pair.a] || pair.version_b != version_[pair.b]) continue;
      if (!groups_.Merge(pair.a, pair.b)) continue;  // Nor later: it would be another pair.
      groups_.Keep();
      for (const OpId old : {pair.a, pair.b}) {
        ++version_[old];
        gain_.Forget(old);
      }
      PushPairs(pair.a, /*later_only=*/false);
    }
    return groups_.MakeKernels();
  }

 private:
  struct Pair {
    int64_t gain;
    OpId a, b;  // a < b.
    int32_t version_a, version_b;

    bool operator<(const Pair& other) const {  // The larger is tried first.
      if (gain != other.gain) return gain < other.gain;
      return a != other.a ? a > other.a : b > other.b;
    }
  };

  void PushPairs(OpId group, bool later_only) {
    if (!groups_.MayShare(group)) return;
    groups_.Neighbours(group, &neighbours_);
    for (const OpId other : neighbours_) {
      if ((later_only && other < group) || !groups_.MayShare(other)) continue;
      const OpId a = std::min(group, other), b = std::max(group, other);
      const int64_t gain = gain_(a, b);
      if (gain > 0) queue_.push({gain, a, b, version_[a], version_[b]});
    }
  }

  const Graph& graph_;
  FusionGroups& groups_;
  Gain gain_;
  std::vector<int32_t> version_;  // Per group: how often it has changed.
  std::priority_queue<Pair> queue_;
  std::vector<OpId> neighbours_;
};

}  // namespace

absl::StatusOr<FusionHeuristic> FusionHeuristicFromName(std::string_view name) {
  std::string known;
  for (const auto& [each, heuristic] : kNames) {
    if (name == each) return heuristic;
    absl::StrAppend(&known, known.empty() ? "" : ", ", std::string(each));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown fusion heuristic '", std::string(name), "'; known are ", known));
}

absl::StatusOr<std::shared_ptr<const Kernels>> MakeFusion(const Problem& problem,
                                                          const OpCostModel& costs,
                                                          FusionHeuristic heuristic,
                                                          std::span<const DeviceId> device) {
  const Graph& graph = problem.graph();
  if (!device.empty() && device.size() != static_cast<size_t>(graph.num_ops())) {
    return absl::InvalidArgumentError(
        absl::StrCat("fusion: ", device.size(), " devices for ", graph.num_ops(), " ops"));
  }
  if (heuristic == FusionHeuristic::kNone) return Kernels::Singletons(problem.shared_graph());
  if (heuristic == FusionHeuristic::kDefault) return Fuse(problem, {}, {.device = device});
  if (heuristic == FusionHeuristic::kIntoConsumers) {
    return Fuse(problem, {}, {.mode = FusionMode::kIntoConsumers, .device = device});
  }
  const std::vector<DeviceId> given = GivenDevices(problem, device);
  FusionGroups groups(problem, given);
  if (heuristic == FusionHeuristic::kBytes) {
    return GreedyFuser(graph, &groups, ByteGain(groups)).Fuse();
  }
  return GreedyFuser(graph, &groups, TimeGain(problem, costs, groups, given)).Fuse();
}

}  // namespace gopt
