#include "tests/testing/reference_costs.h"

#include <algorithm>
#include <utility>

namespace gopt::testing {
namespace {

// The copy of `op` that `reader` reads: its own, else one on its device, else the lowest; of a
// recomputed op a backward reader among the backward copies, another among the others.
KernelId CopyReadBy(const Kernels& kernels, std::span<const DeviceId> device, KernelId reader,
                    OpId op) {
  std::vector<KernelId> copies(kernels.kernels_of(op).begin(), kernels.kernels_of(op).end());
  if (kernels.is_recomputed(op)) {
    std::vector<KernelId> alike;
    for (KernelId copy : copies) {
      if (kernels.is_backward(copy) == kernels.is_backward(reader)) alike.push_back(copy);
    }
    if (!alike.empty()) copies = alike;
  }
  for (KernelId copy : copies) {
    if (copy == reader) return copy;
  }
  for (KernelId copy : copies) {
    if (device[copy] == device[reader]) return copy;
  }
  return copies.front();
}

// By op type, else by op class, else 1.
Efficiency EfficiencyOf(const Graph& graph, OpId op, const Device& device) {
  FusionClass op_class = graph.fusion_class(op);
  if (op_class == FusionClass::kUnspecified) op_class = FusionClass::kOpaque;
  if (graph.kind(op) == OpKind::kCollective) op_class = FusionClass::kDataMovement;
  for (const Efficiency& entry : device.efficiency) {
    if (!entry.op_type.empty() && entry.op_type == graph.op_type(op)) return entry;
  }
  for (const Efficiency& entry : device.efficiency) {
    if (entry.op_type.empty() && entry.op_class == op_class) return entry;
  }
  return {};
}

double Flops(const Graph& graph, OpId op) { return graph.flops(op) < 0 ? 0.0 : graph.flops(op); }

std::set<PortId> Operands(const Graph& graph, OpId op) {
  return {graph.operands(op).begin(), graph.operands(op).end()};
}

std::set<PortId> Ports(const Graph& graph, OpId op) {
  std::set<PortId> ports;
  for (int i = 0; i < graph.num_ports(op); ++i) ports.insert(graph.first_port(op) + i);
  return ports;
}

int64_t SumOfBytes(const Graph& graph, const std::set<PortId>& ports) {
  int64_t sum = 0;
  for (PortId port : ports) sum = SaturatingAdd(sum, graph.port_bytes(port));
  return sum;
}

int64_t BytesRead(const Graph& graph, OpId op) {
  return graph.bytes_read(op) == -1 ? SumOfBytes(graph, Operands(graph, op)) : graph.bytes_read(op);
}

int64_t BytesWritten(const Graph& graph, OpId op) {
  return graph.bytes_written(op) == -1 ? SumOfBytes(graph, Ports(graph, op))
                                       : graph.bytes_written(op);
}

Nanoseconds OneOpTime(const Graph& graph, OpId op, const Device& device) {
  const Nanoseconds measured = graph.MeasuredTime(op, device.kind);
  if (measured != -1) return measured;
  const Efficiency efficiency = EfficiencyOf(graph, op, device);
  const int64_t bytes = SaturatingAdd(BytesRead(graph, op), BytesWritten(graph, op));
  const double compute = Flops(graph, op) / (device.peak_flops * efficiency.flops);
  const double memory = static_cast<double>(bytes) / (device.memory_bandwidth * efficiency.bytes);
  return SaturatingAdd(device.launch, SaturatingCeil(std::max(compute, memory) * 1e9));
}

// Bytes that a fused kernel need not move.
int64_t SavedBytes(const Graph& graph, std::span<const OpId> ops,
                   const std::map<PortId, std::set<KernelId>>& outside_readers) {
  const std::set<OpId> members(ops.begin(), ops.end());
  int64_t saved = 0;
  for (OpId op : ops) {
    int64_t left = BytesRead(graph, op);
    for (PortId port : Operands(graph, op)) {
      if (!members.contains(graph.producer(port))) continue;
      const int64_t bytes = std::min(graph.port_bytes(port), left);
      left -= bytes;
      saved = SaturatingAdd(saved, bytes);
    }
    left = BytesWritten(graph, op);
    for (PortId port : Ports(graph, op)) {
      if (outside_readers.contains(port) || graph.is_output(port)) continue;
      const int64_t bytes = std::min(graph.port_bytes(port), left);
      left -= bytes;
      saved = SaturatingAdd(saved, bytes);
    }
  }
  return saved;
}

// The op whose efficiency of bytes holds for the whole fused kernel.
OpId Leader(const Graph& graph, std::span<const OpId> ops) {
  for (OpId op : ops) {
    if (graph.fusion_class(op) == FusionClass::kContraction &&
        graph.kind(op) != OpKind::kCollective) {
      return op;
    }
  }
  return ops.back();
}

Nanoseconds FusedTime(const Graph& graph, std::span<const OpId> ops, const Device& device,
                      const std::map<PortId, std::set<KernelId>>& outside_readers) {
  double compute = 0.0;
  int64_t bytes = 0, one_by_one = 0;
  bool measured = false;
  for (OpId op : ops) {
    compute += Flops(graph, op) / (device.peak_flops * EfficiencyOf(graph, op, device).flops);
    bytes = SaturatingAdd(bytes, SaturatingAdd(BytesRead(graph, op), BytesWritten(graph, op)));
    one_by_one = SaturatingAdd(one_by_one, OneOpTime(graph, op, device));
    if (graph.MeasuredTime(op, device.kind) != -1) measured = true;
  }
  const int64_t saved = SavedBytes(graph, ops, outside_readers);
  const double bandwidth =
      device.memory_bandwidth * EfficiencyOf(graph, Leader(graph, ops), device).bytes;
  const double memory = static_cast<double>(bytes - saved) / bandwidth;
  const Nanoseconds modelled =
      SaturatingAdd(device.launch, SaturatingCeil(std::max(compute, memory) * 1e9));
  if (!measured) return modelled;
  const __int128 launches = static_cast<__int128>(ops.size() - 1) * device.launch;
  const int64_t launches_saved =
      launches > kSaturated ? kSaturated : static_cast<int64_t>(launches);
  const int64_t time_saved = SaturatingFloor(static_cast<double>(saved) / bandwidth * 1e9);
  return std::max(modelled, one_by_one - launches_saved - time_saved);
}

}  // namespace

Reads ResolveReads(const Kernels& kernels, std::span<const DeviceId> device) {
  const Graph& graph = kernels.graph();
  Reads reads;
  reads.inputs.resize(kernels.size());
  reads.controls.resize(kernels.size());
  reads.control_readers.resize(kernels.size());
  reads.readers.resize(kernels.size());
  for (KernelId kernel = 0; kernel < kernels.size(); ++kernel) {
    for (OpId op : kernels.ops(kernel)) {
      for (PortId port : graph.operands(op)) {
        const OpId producer = graph.producer(port);
        if (graph.kind(producer) == OpKind::kParameter) {
          reads.inputs[kernel].insert({port, kNone});
          reads.parameter_readers[port].insert(kernel);
        } else if (graph.in_kernel(producer)) {
          const KernelId source = CopyReadBy(kernels, device, kernel, producer);
          if (source == kernel) continue;
          reads.inputs[kernel].insert({port, source});
          reads.readers[source][port].insert(kernel);
        }
      }
      for (OpId control : graph.controls(op)) {
        if (!graph.in_kernel(control)) continue;
        const KernelId source = CopyReadBy(kernels, device, kernel, control);
        if (source == kernel) continue;
        reads.controls[kernel].insert(source);
        reads.control_readers[source].insert(kernel);
      }
    }
  }
  return reads;
}

std::vector<DeviceId> ReferenceHomes(const Plan& plan) {
  const Graph& graph = plan.kernels->graph();
  std::vector<DeviceId> homes;
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    DeviceId home = plan.parameter_home.empty() ? kNone : plan.parameter_home[i];
    const OpId optimizer = graph.optimizer_op(static_cast<int>(i));
    if (home == kNone && optimizer != kNone) home = plan.device[plan.kernels->kernel_of(optimizer)];
    if (home == kNone) {
      for (OpId reader : graph.readers(graph.first_port(graph.parameters()[i]))) {
        if (!graph.in_kernel(reader)) continue;
        home = plan.device[plan.kernels->kernel_of(reader)];
        break;
      }
    }
    homes.push_back(home == kNone ? 0 : home);
  }
  return homes;
}

Nanoseconds ReferenceKernelTime(const Problem& problem, const Kernels& kernels, const Reads& reads,
                                KernelId kernel, DeviceId device) {
  const std::span<const OpId> ops = kernels.ops(kernel);
  const Device& where = problem.machine().device(device);
  return ops.size() == 1 ? OneOpTime(problem.graph(), ops[0], where)
                         : FusedTime(problem.graph(), ops, where, reads.readers[kernel]);
}

}  // namespace gopt::testing
