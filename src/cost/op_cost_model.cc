#include "gopt/cost/op_cost_model.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "gopt/base/check.h"
#include "src/cost/price_alike.h"
#include "src/plan/fused_bytes.h"

namespace gopt {
namespace {

// Beyond this many entries (512 MiB) one-op times are computed when asked for.
constexpr size_t kMaxTabulatedTimes = size_t{1} << 26;

FusionClass OrOpaque(FusionClass op_class) {
  return op_class == FusionClass::kUnspecified ? FusionClass::kOpaque : op_class;
}

// Collectives are priced as data movement.
FusionClass PricingClass(const Graph& graph, OpId op) {
  return graph.kind(op) == OpKind::kCollective ? FusionClass::kDataMovement
                                               : OrOpaque(graph.fusion_class(op));
}

// By op type, else by op class, else 1; the first entry that matches.
Efficiency FindEfficiency(const Device& device, std::string_view type, FusionClass op_class) {
  for (const Efficiency& entry : device.efficiency) {
    if (!entry.op_type.empty() && entry.op_type == type) return entry;
  }
  for (const Efficiency& entry : device.efficiency) {
    if (entry.op_type.empty() && entry.op_class == op_class) return entry;
  }
  return {};
}

double KnownFlops(const Graph& graph, OpId op) { return std::max(graph.flops(op), 0.0); }

// launch + ceil(max(compute, memory) * 1e9), both in seconds.
Nanoseconds Roofline(Nanoseconds launch, double compute, double memory) {
  return SaturatingAdd(launch, SaturatingCeil(std::max(compute, memory) * 1e9));
}

int64_t SaturatingMultiply(int64_t a, int64_t b) {
  int64_t result;
  return __builtin_mul_overflow(a, b, &result) ? kSaturated : std::min(result, kSaturated);
}

bool Contains(std::span<const int32_t> ascending, int32_t value) {
  return std::binary_search(ascending.begin(), ascending.end(), value);
}

}  // namespace

RooflineCostModel::RooflineCostModel(const Problem& problem)
    : problem_(problem),
      num_ops_(static_cast<size_t>(problem.graph().num_ops())),
      bytes_(std::make_shared<const OpBytes>(ResolveOpBytes(problem.graph()))) {
  ClassifyDevices();
  ClassifyOps();
  TabulateOpTimes();
}

void RooflineCostModel::ClassifyDevices() {
  std::map<std::string_view, std::vector<int32_t>> classes_of_kind;
  for (DeviceId d = 0; d < problem_.machine().num_devices(); ++d) {
    const Device& device = problem_.machine().device(d);
    std::vector<int32_t>& classes = classes_of_kind[device.kind];
    const auto found = std::find_if(classes.begin(), classes.end(), [&](int32_t c) {
      return PriceAlike(device, problem_.machine().device(class_device_[c]));
    });
    if (found != classes.end()) {
      device_class_.push_back(*found);
      continue;
    }
    classes.push_back(num_device_classes());
    device_class_.push_back(num_device_classes());
    class_device_.push_back(d);
  }
  for (DeviceId d : class_device_) {
    std::vector<const CostTable*>& tables = cost_table_.emplace_back();
    for (const CostTable& table : problem_.graph().cost_tables()) {
      if (table.source == "roofline") continue;
      if (table.device_kind == problem_.machine().device(d).kind) tables.push_back(&table);
    }
  }
}

void RooflineCostModel::ClassifyOps() {
  const Graph& graph = problem_.graph();
  absl::flat_hash_map<std::pair<std::string_view, FusionClass>, int32_t> classes;
  std::vector<std::pair<std::string_view, FusionClass>> keys;
  op_class_.reserve(num_ops_);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    const std::pair key(graph.op_type(op), PricingClass(graph, op));
    const auto [it, inserted] = classes.emplace(key, static_cast<int32_t>(keys.size()));
    if (inserted) keys.push_back(key);
    op_class_.push_back(it->second);
  }
  for (DeviceId d : class_device_) {
    const Device& device = problem_.machine().device(d);
    std::vector<Rates>& rates = rates_.emplace_back();
    for (const auto& [type, op_class] : keys) {
      const Efficiency efficiency = FindEfficiency(device, type, op_class);
      rates.push_back({.flops = device.peak_flops * efficiency.flops,
                       .bytes = device.memory_bandwidth * efficiency.bytes});
    }
  }
}

void RooflineCostModel::TabulateOpTimes() {
  if (num_ops_ == 0 || class_device_.size() > kMaxTabulatedTimes / num_ops_) return;
  std::vector<Nanoseconds> times;
  times.reserve(num_ops_ * class_device_.size());
  for (int device_class = 0; device_class < num_device_classes(); ++device_class) {
    for (OpId op = 0; op < static_cast<OpId>(num_ops_); ++op) {
      times.push_back(ComputeOpTime(op, device_class));
    }
  }
  op_time_ = std::move(times);
}

Nanoseconds RooflineCostModel::Measured(OpId op, int device_class) const {
  for (const CostTable* table : cost_table_[device_class]) {
    if (table->duration[op] != -1) return table->duration[op];
  }
  return -1;
}

Nanoseconds RooflineCostModel::ComputeOpTime(OpId op, int device_class) const {
  const Nanoseconds measured = Measured(op, device_class);
  if (measured >= 0) return measured;
  const Rates& rate = rates(op, device_class);
  const double bytes = static_cast<double>(SaturatingAdd(bytes_->read[op], bytes_->written[op]));
  return Roofline(problem_.machine().device(class_device_[device_class]).launch,
                  KnownFlops(problem_.graph(), op) / rate.flops, bytes / rate.bytes);
}

Nanoseconds RooflineCostModel::KernelTime(std::span<const OpId> ops,
                                          std::span<const PortId> outputs, DeviceId device) const {
  GOPT_CHECK(!ops.empty());
  return ops.size() == 1 ? OpTime(ops[0], device) : FusedTime(ops, outputs, device_class_[device]);
}

Nanoseconds RooflineCostModel::FusedTime(std::span<const OpId> ops, std::span<const PortId> outputs,
                                         int device_class) const {
  const Graph& graph = problem_.graph();
  const Nanoseconds launch = problem_.machine().device(class_device_[device_class]).launch;
  const auto contraction = std::find_if(ops.begin(), ops.end(), [&](OpId op) {
    return PricingClass(graph, op) == FusionClass::kContraction;
  });
  const OpId leader = contraction == ops.end() ? ops.back() : *contraction;
  const double byte_rate = rates(leader, device_class).bytes;

  double compute = 0.0;
  int64_t one_by_one = 0;
  bool measured = false;
  for (OpId op : ops) {
    compute += KnownFlops(graph, op) / rates(op, device_class).flops;
    one_by_one = SaturatingAdd(one_by_one, OpTime(op, class_device_[device_class]));
    measured = measured || IsMeasured(op, device_class);
  }
  const FusedBytes bytes = CountFusedBytes(
      graph, *bytes_, ops, [&](OpId op) { return Contains(ops, op); },
      [&](PortId port) { return Contains(outputs, port); });
  const Nanoseconds modelled =
      Roofline(launch, compute, static_cast<double>(bytes.moved) / byte_rate);
  if (!measured) return modelled;
  const int64_t launches = SaturatingMultiply(static_cast<int64_t>(ops.size()) - 1, launch);
  const int64_t unmoved = SaturatingFloor(static_cast<double>(bytes.saved) / byte_rate * 1e9);
  return std::max(modelled, one_by_one - launches - unmoved);
}

Nanoseconds RooflineCostModel::TransferTime(int64_t bytes, DeviceId from, DeviceId to) const {
  if (from == to) return 0;
  if (!problem_.machine().has_route(from, to)) return kSaturated;
  return problem_.machine().TransferDuration(bytes, from, to);
}

}  // namespace gopt
