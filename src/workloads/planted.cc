#include "gopt/workloads/planted.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/workloads/draw.h"
#include "src/workloads/graph_writer.h"

namespace gopt {
namespace {

constexpr int kWindow = 4;         // A reader is one of so many ops that could be it first.
constexpr double kMaxQueue = 4.0;  // Mean transfers that may wait for a channel.

absl::Status Check(const PlantedOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "devices", options.devices, 1, 1024));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "ops", options.ops, options.devices, kMaxOps));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "mean_time", static_cast<double>(options.mean_time),
                                  options.devices, kMaxMeanTime));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "spread", options.spread, 0.0, kMaxSpread));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "fan_out", options.fan_out, 0, 64));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "remote", options.remote, 0.0, 1.0));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "ccr", options.ccr, 0.0, kMaxCcr));
  GOPT_RETURN_IF_ERROR(CheckRange("planted", "bandwidth", options.bandwidth, 1.0, kMaxBandwidth));
  return CheckRange("planted", "latency", static_cast<double>(options.latency), 0.0, kMaxMeanTime);
}

// An op as drawn; its place in the list of all ops by start is its id.
struct Interval {
  Nanoseconds begin, end;
  DeviceId device;
};

// Cuts [0, length) at random into `count` parts of at least 1 ns.
void CutDevice(DeviceId device, int count, Nanoseconds length, double spread, Random& random,
               std::vector<Interval>* intervals) {
  std::vector<double> until(count);
  double sum = 0.0;
  for (double& u : until) u = sum += RandomFactor(random, spread);
  const double scale = static_cast<double>(length - count) / sum;
  Nanoseconds begin = 0;
  for (int i = 0; i < count; ++i) {
    const bool is_last = i == count - 1;
    const Nanoseconds end =
        is_last ? length
                : std::min(length - (count - 1 - i), SaturatingFloor(until[i] * scale) + i + 1);
    intervals->push_back({begin, end, device});
    begin = end;
  }
}

std::vector<Interval> DrawSchedule(const PlantedOptions& options, Nanoseconds length,
                                   Random& random) {
  std::vector<Interval> intervals;
  intervals.reserve(options.ops);
  for (DeviceId device = 0; device < options.devices; ++device) {
    const int count = options.ops / options.devices + (device < options.ops % options.devices);
    CutDevice(device, count, length, options.spread, random, &intervals);
  }
  std::sort(intervals.begin(), intervals.end(), [](const Interval& a, const Interval& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.device < b.device;
  });
  return intervals;
}

// Draws, op by op in order of their ends, who reads what: a reader elsewhere starts no earlier than
// the tensor arrives, by the simulator's channels.
class EdgeDrawer {
 public:
  EdgeDrawer(const PlantedOptions& options, const Machine& machine,
             const std::vector<Interval>& schedule, Random& random)
      : options_(options),
        machine_(machine),
        schedule_(schedule),
        random_(random),
        ops_of_(options.devices),
        channel_free_(static_cast<size_t>(machine.num_channels()), 0),
        bytes_(schedule.size()),
        operands_(schedule.size()) {
    for (OpId op = 0; op < static_cast<OpId>(schedule_.size()); ++op) {
      ops_of_[schedule_[op].device].push_back(op);
    }
  }

  void Draw() {
    std::vector<OpId> by_end(schedule_.size());
    std::iota(by_end.begin(), by_end.end(), 0);
    std::stable_sort(by_end.begin(), by_end.end(),
                     [this](OpId a, OpId b) { return schedule_[a].end < schedule_[b].end; });
    for (const OpId op : by_end) DrawReaders(op);
    for (std::vector<OpId>& operands : operands_) std::sort(operands.begin(), operands.end());
  }

  int64_t bytes(OpId op) const { return bytes_[op]; }
  const std::vector<OpId>& operands(OpId op) const { return operands_[op]; }

 private:
  void DrawReaders(OpId op) {
    const double mean_bytes =
        options_.ccr * static_cast<double>(options_.mean_time) * 1e-9 * options_.bandwidth;
    // At least 1, so that a transfer takes time: what is drawn needs no pass within an instant.
    bytes_[op] =
        std::max<int64_t>(1, SaturatingFloor(mean_bytes * RandomFactor(random_, options_.spread)));
    readers_.clear();
    for (int64_t i = random_.Below(options_.fan_out + 1); i > 0; --i) {
      if (options_.devices > 1 && random_.Uniform() < options_.remote) {
        DrawRemoteReader(op);
      } else {
        AddReader(op, DrawFrom(schedule_[op].device, schedule_[op].end));
      }
    }
  }

  // At most one on a device: another transfer there would not be made.
  void DrawRemoteReader(OpId op) {
    const DeviceId from = schedule_[op].device;
    const auto other = static_cast<DeviceId>(random_.Below(options_.devices - 1));
    const DeviceId to = other + (other >= from ? 1 : 0);
    for (const OpId reader : readers_) {
      if (schedule_[reader].device == to) return;
    }
    const Nanoseconds duration = machine_.TransferDuration(bytes_[op], from, to);
    Nanoseconds& free = channel_free_[machine_.route(from, to)[0]];
    const Nanoseconds queue = std::max<Nanoseconds>(0, free - schedule_[op].end);
    const double mean = options_.ccr * static_cast<double>(options_.mean_time);
    if (static_cast<double>(queue) > kMaxQueue * mean) return;
    const Nanoseconds sent = SaturatingAdd(schedule_[op].end + queue, duration);
    const OpId reader = DrawFrom(to, SaturatingAdd(sent, machine_.route_latency(from, to)));
    if (reader == kNone) return;
    free = sent;
    AddReader(op, reader);
  }

  // One of the first ops of the device that start at `time` or later; kNone: there is none.
  OpId DrawFrom(DeviceId device, Nanoseconds time) {
    const std::vector<OpId>& ops = ops_of_[device];
    const auto first =
        std::lower_bound(ops.begin(), ops.end(), time,
                         [this](OpId op, Nanoseconds t) { return schedule_[op].begin < t; });
    const auto left = std::min<int64_t>(kWindow, ops.end() - first);
    return left == 0 ? kNone : first[random_.Below(left)];
  }

  void AddReader(OpId op, OpId reader) {
    if (reader == kNone || std::find(readers_.begin(), readers_.end(), reader) != readers_.end()) {
      return;
    }
    readers_.push_back(reader);
    operands_[reader].push_back(op);
  }

  const PlantedOptions& options_;
  const Machine& machine_;
  const std::vector<Interval>& schedule_;
  Random& random_;
  std::vector<std::vector<OpId>> ops_of_;  // Per device, by start.
  std::vector<Nanoseconds> channel_free_;
  std::vector<int64_t> bytes_;
  std::vector<std::vector<OpId>> operands_;
  std::vector<OpId> readers_;  // Of the op at hand.
};

absl::StatusOr<std::shared_ptr<const Graph>> WriteGraph(const std::vector<Interval>& schedule,
                                                        const EdgeDrawer& edges) {
  GraphWriter writer("planted");
  std::vector<Nanoseconds> time;
  time.reserve(schedule.size());
  for (OpId op = 0; op < static_cast<OpId>(schedule.size()); ++op) {
    writer.AddOp({.name = absl::StrCat("op", op), .type = "op"}, edges.operands(op));
    writer.AddPort(edges.bytes(op));
    time.push_back(schedule[op].end - schedule[op].begin);
  }
  return std::move(writer).Finish(std::move(time));
}

}  // namespace

absl::StatusOr<Planted> MakePlanted(const PlantedOptions& options) {
  GOPT_RETURN_IF_ERROR(Check(options));
  GOPT_ASSIGN_OR_RETURN(Machine machine, UniformMachine({.count = options.devices,
                                                         .memory_bytes = kSaturated,
                                                         .bandwidth = options.bandwidth,
                                                         .latency = options.latency}));
  // Rounded up, so that every op has its nanosecond.
  const Nanoseconds length =
      (options.mean_time * options.ops + options.devices - 1) / options.devices;
  Random random(options.seed);
  const std::vector<Interval> schedule = DrawSchedule(options, length, random);
  EdgeDrawer edges(options, machine, schedule, random);
  edges.Draw();
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Graph> graph, WriteGraph(schedule, edges));
  Plan plan = {.kernels = Kernels::Singletons(graph), .producer = "planted"};
  for (OpId op = 0; op < graph->num_ops(); ++op) {
    plan.device.push_back(schedule[op].device);
    plan.rank.push_back(op);
  }
  GOPT_ASSIGN_OR_RETURN(Problem problem, Problem::Create(graph, std::move(machine)));
  return Planted{.problem = std::move(problem), .plan = std::move(plan), .step_time = length};
}

}  // namespace gopt
