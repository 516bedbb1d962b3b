#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "src/features/columns.h"
#include "src/features/scale.h"
#include "src/features/tables.h"

namespace gopt {
namespace {

// Of one device's routes to the others.
struct Links {
  double out_bandwidth = 0.0, in_bandwidth = 0.0, best_bandwidth = 0.0;
  double out_latency = 0.0, in_latency = 0.0;
  int out = 0, in = 0;
  int same_host = 0, same_kind = 0;
};

void AddPair(const Machine& machine, const std::vector<int32_t>& kind, DeviceId from, DeviceId to,
             std::vector<Links>* links) {
  Links& source = (*links)[from];
  Links& target = (*links)[to];
  source.same_host += machine.device(from).host == machine.device(to).host ? 1 : 0;
  source.same_kind += kind[from] == kind[to] ? 1 : 0;
  if (!machine.has_route(from, to)) return;
  const double bandwidth = machine.route_bandwidth(from, to);
  const auto latency = static_cast<double>(machine.route_latency(from, to));
  ++source.out;
  source.out_bandwidth += bandwidth;
  source.best_bandwidth = std::max(source.best_bandwidth, bandwidth);
  source.out_latency += latency;
  ++target.in;
  target.in_bandwidth += bandwidth;
  target.in_latency += latency;
}

// Sums over routes become means.
std::vector<Links> MakeLinks(const Machine& machine, const std::vector<int32_t>& kind) {
  std::vector<Links> links(machine.num_devices());
  for (DeviceId from = 0; from < machine.num_devices(); ++from) {
    for (DeviceId to = 0; to < machine.num_devices(); ++to) {
      if (from != to) AddPair(machine, kind, from, to, &links);
    }
  }
  for (Links& of : links) {
    of.out_bandwidth = MeanOf(of.out_bandwidth, of.out);
    of.out_latency = MeanOf(of.out_latency, of.out);
    of.in_bandwidth = MeanOf(of.in_bandwidth, of.in);
    of.in_latency = MeanOf(of.in_latency, of.in);
  }
  return links;
}

// Per device: how many ops that run in kernels may use it. Ops share their sets of devices.
std::vector<double> AllowedOps(const Problem& problem) {
  absl::flat_hash_map<const DeviceId*, std::pair<std::span<const DeviceId>, int>> sets;
  for (const OpId op : problem.graph().kernel_ops()) {
    const std::span<const DeviceId> allowed = problem.allowed_devices(op);
    auto& [set, count] = sets[allowed.data()];
    set = allowed;
    ++count;
  }
  std::vector<double> ops(problem.machine().num_devices(), 0.0);
  for (const auto& [data, entry] : sets) {
    for (const DeviceId d : entry.first) ops[d] += entry.second;
  }
  return ops;
}

// A quantity of each device against its mean over devices, into one column.
class ColumnWriter {
 public:
  ColumnWriter(int num_devices, std::span<float> values)
      : num_devices_(num_devices), values_(values) {}

  template <typename Quantity>
  void Relative(device::Column column, Quantity quantity) {
    double sum = 0.0;
    for (DeviceId d = 0; d < num_devices_; ++d) sum += static_cast<double>(quantity(d));
    const double mean = MeanOf(sum, num_devices_);
    Set(column, [&](DeviceId d) { return RelativeLog(static_cast<double>(quantity(d)), mean); });
  }
  template <typename Value>
  void Set(device::Column column, Value value) {
    for (DeviceId d = 0; d < num_devices_; ++d) values_[d * device::kWidth + column] = value(d);
  }

 private:
  int num_devices_;
  std::span<float> values_;
};

void FillRates(const FeatureTables& t, ColumnWriter* write) {
  const Machine& machine = t.problem.machine();
  const double devices = machine.num_devices();
  const auto memory = [&](DeviceId d) { return static_cast<double>(t.problem.memory_limit(d)); };
  write->Relative(device::kCompute, [&](DeviceId d) { return machine.device(d).peak_flops; });
  write->Relative(device::kMemoryBandwidth,
                  [&](DeviceId d) { return machine.device(d).memory_bandwidth; });
  write->Relative(device::kMemory, memory);
  write->Relative(device::kLaunch, [&](DeviceId d) { return machine.device(d).launch; });
  write->Relative(device::kGraphTime,
                  [&](DeviceId d) { return t.times.kind_total[t.context.device_kind[d]]; });
  write->Set(device::kPersistentShare,
             [&](DeviceId d) { return Against(t.sizes.total_persistent / devices, memory(d)); });
  write->Set(device::kActivationShare,
             [&](DeviceId d) { return Against(t.sizes.total_output / devices, memory(d)); });
}

void FillLinks(const FeatureTables& t, ColumnWriter* write) {
  const std::vector<Links> links = MakeLinks(t.problem.machine(), t.context.device_kind);
  const double others = static_cast<double>(links.size()) - 1.0;
  write->Relative(device::kOutBandwidth, [&](DeviceId d) { return links[d].out_bandwidth; });
  write->Relative(device::kInBandwidth, [&](DeviceId d) { return links[d].in_bandwidth; });
  write->Relative(device::kBestBandwidth, [&](DeviceId d) { return links[d].best_bandwidth; });
  write->Relative(device::kOutLatency, [&](DeviceId d) { return links[d].out_latency; });
  write->Relative(device::kInLatency, [&](DeviceId d) { return links[d].in_latency; });
  write->Set(device::kReach, [&](DeviceId d) { return PartOf(links[d].out, others); });
  write->Set(device::kSameHost, [&](DeviceId d) { return PartOf(links[d].same_host, others); });
  write->Set(device::kSameKind, [&](DeviceId d) { return PartOf(links[d].same_kind, others); });
}

}  // namespace

void FillDeviceFeatures(const FeatureTables& tables, std::span<float> values) {
  ColumnWriter write(tables.problem.machine().num_devices(), values);
  FillRates(tables, &write);
  FillLinks(tables, &write);
  const std::vector<double> allowed = AllowedOps(tables.problem);
  const auto kernels = static_cast<double>(tables.graph().kernel_ops().size());
  write.Set(device::kAllowedOps, [&](DeviceId d) { return PartOf(allowed[d], kernels); });
  write.Set(device::kLoad, [&](DeviceId d) {
    return PartOf(tables.incumbent.load[d], tables.incumbent.largest_load);
  });
}

}  // namespace gopt
