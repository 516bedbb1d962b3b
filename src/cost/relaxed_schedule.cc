#include "src/cost/relaxed_schedule.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "gopt/plan/kernel_graph.h"
#include "src/cost/price_alike.h"

namespace gopt {
namespace {

using DeviceClass = RelaxedSchedule::DeviceClass;

// Above this many [item, device] times, equal devices are merged even if constraints tell them
// apart.
constexpr int64_t kMaxTimes = int64_t{1} << 24;

// Constraints make equal devices unequal, and only the roofline is known to price them alike.
std::vector<DeviceClass> FindClasses(const Problem& problem, bool roofline, int num_items) {
  const Machine& machine = problem.machine();
  const bool restricted =
      !problem.constraints().pins.empty() || !problem.constraints().allowed.empty();
  const bool few = int64_t{num_items} * machine.num_devices() <= kMaxTimes;
  const bool merge = roofline && !(restricted && few);
  std::vector<DeviceClass> classes;
  for (DeviceId d = 0; d < machine.num_devices(); ++d) {
    const auto same = std::find_if(classes.begin(), classes.end(), [&](const DeviceClass& c) {
      return merge && PriceAlike(machine.device(c.first), machine.device(d));
    });
    if (same == classes.end()) {
      classes.push_back({d, 1});
    } else {
      ++same->count;
    }
  }
  return classes;
}

// Whether every one of the ops may run somewhere in the class.
bool Allowed(const Problem& problem, std::span<const OpId> ops, const DeviceClass& c) {
  const auto num_devices = static_cast<size_t>(problem.machine().num_devices());
  return std::all_of(ops.begin(), ops.end(), [&](OpId op) {
    const auto allowed = problem.allowed_devices(op);
    if (allowed.size() == num_devices) return true;
    return std::any_of(allowed.begin(), allowed.end(), [&](DeviceId d) {
      return d == c.first || (c.count > 1 && PriceAlike(problem.machine().device(d),
                                                        problem.machine().device(c.first)));
    });
  });
}

// Fills time and best_time from time_of(item, device class).
template <typename TimeOf>
void FillTimes(TimeOf time_of, RelaxedSchedule* schedule) {
  schedule->time.reserve(static_cast<size_t>(schedule->num_items) * schedule->classes.size());
  schedule->best_time.reserve(schedule->num_items);
  for (int32_t item = 0; item < schedule->num_items; ++item) {
    Nanoseconds best = kSaturated;
    for (const DeviceClass& c : schedule->classes) {
      const Nanoseconds time = time_of(item, c);
      schedule->time.push_back(time);
      if (time != RelaxedSchedule::kForbidden) best = std::min(best, time);
    }
    schedule->best_time.push_back(best);
  }
}

RelaxedSchedule OfKernels(const Problem& problem, const OpCostModel& costs, bool roofline,
                          KernelGraph graph) {
  RelaxedSchedule schedule;
  const Kernels& kernels = *problem.base_kernels();
  schedule.num_items = graph.num_kernels;
  schedule.classes = FindClasses(problem, roofline, schedule.num_items);
  FillTimes(
      [&](KernelId kernel, const DeviceClass& c) {
        if (!Allowed(problem, kernels.ops(kernel), c)) return RelaxedSchedule::kForbidden;
        return costs.KernelTime(kernels.ops(kernel),
                                KernelGraph::Row(graph.outputs, graph.output_begin, kernel),
                                c.first);
      },
      &schedule);
  schedule.order = std::move(graph.topological_order);
  schedule.predecessor_begin = std::move(graph.predecessor_begin);
  schedule.predecessors = std::move(graph.predecessors);
  return schedule;
}

// --- Fusion open: the least that an op adds to the time of whatever kernel holds it.

// Ops that no fused kernel may hold cost what they cost alone.
std::vector<uint8_t> AlwaysAlone(const Problem& problem) {
  const Graph& graph = problem.graph();
  std::vector<uint8_t> alone(graph.num_ops(), 0);
  for (OpId op : graph.kernel_ops()) {
    const FusionClass c = graph.fusion_class(op);
    alone[op] = problem.fusion_limits().max_ops <= 1 || graph.kind(op) == OpKind::kCollective ||
                graph.phase(op) == Phase::kOptimizer || graph.has_side_effect(op) ||
                c == FusionClass::kOpaque || c == FusionClass::kUnspecified;
  }
  for (const Constraints::Group& group : problem.constraints().never_fuse) {
    for (OpId op : group.ops) alone[op] = 1;
  }
  return alone;
}

double FlopsEfficiency(const Graph& graph, OpId op, const Device& device) {
  double of_class = 1.0;
  for (const Efficiency& e : device.efficiency) {
    if (!e.op_type.empty() && e.op_type == graph.op_type(op)) return e.flops;
    if (e.op_type.empty() && e.op_class == graph.fusion_class(op)) of_class = e.flops;
  }
  return of_class;
}

// Rounded down by more than the sums' rounding errors, so that sums of these stay below.
Nanoseconds RoundDown(double seconds) { return SaturatingFloor(seconds * 1e9 * (1.0 - 1e-12)); }

Nanoseconds ComputeShare(const Graph& graph, OpId op, const Device& device) {
  const double flops = std::max(0.0, graph.flops(op));
  return RoundDown(flops / (device.peak_flops * FlopsEfficiency(graph, op, device)));
}

std::vector<PortId> DistinctOperands(const Graph& graph, OpId op) {
  std::vector<PortId> ports(graph.operands(op).begin(), graph.operands(op).end());
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

// Bytes that the op moves even if everything around it that can be is in its kernel.
int64_t BytesNeverSaved(const Graph& graph, OpId op, const std::vector<uint8_t>& alone) {
  int64_t read = 0, savable_read = 0, written = 0, savable_written = 0;
  for (PortId port : DistinctOperands(graph, op)) {
    const OpId producer = graph.producer(port);
    read = SaturatingAdd(read, graph.port_bytes(port));
    if (!graph.in_kernel(producer) || alone[producer] != 0) continue;
    savable_read = SaturatingAdd(savable_read, graph.port_bytes(port));
  }
  for (int i = 0; i < graph.num_ports(op); ++i) {
    const PortId port = graph.first_port(op) + i;
    written = SaturatingAdd(written, graph.port_bytes(port));
    const auto readers = graph.readers(port);
    const bool leaves =
        graph.is_output(port) || std::any_of(readers.begin(), readers.end(),
                                             [&](OpId reader) { return alone[reader] != 0; });
    if (!leaves) savable_written = SaturatingAdd(savable_written, graph.port_bytes(port));
  }
  if (graph.bytes_read(op) >= 0) read = graph.bytes_read(op);
  if (graph.bytes_written(op) >= 0) written = graph.bytes_written(op);
  return SaturatingAdd(std::max<int64_t>(0, read - savable_read),
                       std::max<int64_t>(0, written - savable_written));
}

// A roofline kernel takes at least the sum of its ops' compute times, and at least the time of the
// bytes that fusion cannot save at full bandwidth. Either sum is additive over ops; a mixture is
// not. A kernel of one op may also be measured, and then be faster than its roofline.
enum class Share { kCompute, kBytes, kNothing };

class OpShares {
 public:
  OpShares(const Problem& problem, const OpCostModel& costs)
      : problem_(problem), costs_(costs), alone_(AlwaysAlone(problem)) {}

  Nanoseconds Of(OpId op, DeviceId device, Share share) const {
    const Graph& graph = problem_.graph();
    const Nanoseconds by_itself = TimeAlone(op, device);
    if (alone_[op] != 0) return by_itself;
    const Device& d = problem_.machine().device(device);
    switch (share) {
      case Share::kCompute:
        return std::min(by_itself, ComputeShare(graph, op, d));
      case Share::kBytes:
        return std::min(by_itself,
                        RoundDown(static_cast<double>(BytesNeverSaved(graph, op, alone_)) /
                                  d.memory_bandwidth));
      case Share::kNothing:
        break;
    }
    return 0;
  }

 private:
  Nanoseconds TimeAlone(OpId op, DeviceId device) const {
    ports_.clear();
    const Graph& graph = problem_.graph();
    for (int i = 0; i < graph.num_ports(op); ++i) ports_.push_back(graph.first_port(op) + i);
    return costs_.KernelTime({&op, 1}, ports_, device);
  }

  const Problem& problem_;
  const OpCostModel& costs_;
  std::vector<uint8_t> alone_;
  mutable std::vector<PortId> ports_;
};

RelaxedSchedule OfOps(const Problem& problem, const OpShares& shares, Share share, bool roofline) {
  const Graph& graph = problem.graph();
  RelaxedSchedule schedule;
  std::vector<int32_t> item_of_op(graph.num_ops(), kNone);
  schedule.predecessor_begin.push_back(0);
  for (OpId op : graph.kernel_ops()) {
    item_of_op[op] = schedule.num_items;
    schedule.order.push_back(schedule.num_items++);
    for (OpId predecessor : graph.predecessors(op)) {
      if (item_of_op[predecessor] == kNone) continue;
      schedule.predecessors.push_back(item_of_op[predecessor]);
    }
    schedule.predecessor_begin.push_back(static_cast<int32_t>(schedule.predecessors.size()));
  }
  schedule.classes = FindClasses(problem, roofline, schedule.num_items);
  FillTimes(
      [&](int32_t item, const DeviceClass& c) {
        const OpId op = graph.kernel_ops()[item];
        if (!Allowed(problem, {&op, 1}, c)) return RelaxedSchedule::kForbidden;
        return shares.Of(op, c.first, share);
      },
      &schedule);
  return schedule;
}

}  // namespace

std::vector<RelaxedSchedule> RelaxedSchedules(const Problem& problem, const OpCostModel& costs) {
  const bool roofline = dynamic_cast<const RooflineCostModel*>(&costs) != nullptr;
  std::vector<RelaxedSchedule> schedules;
  if (!problem.tasks().fusion && !problem.base_kernels()->has_clones()) {
    absl::StatusOr<KernelGraph> graph = KernelGraph::Create(*problem.base_kernels(), {});
    if (graph.ok()) schedules.push_back(OfKernels(problem, costs, roofline, *std::move(graph)));
    return schedules;
  }
  const OpShares shares(problem, costs);
  if (!roofline) {
    schedules.push_back(OfOps(problem, shares, Share::kNothing, roofline));
    return schedules;
  }
  schedules.push_back(OfOps(problem, shares, Share::kCompute, roofline));
  schedules.push_back(OfOps(problem, shares, Share::kBytes, roofline));
  return schedules;
}

}  // namespace gopt
