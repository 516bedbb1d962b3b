#ifndef SRC_COST_COMPILED_KERNELS_H_
#define SRC_COST_COMPILED_KERNELS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Bytes that a parameter and its optimizer state take at home.
int64_t PersistentBytes(const Graph& graph, int parameter);

// What the simulator needs of a plan's kernels whatever their devices, ranks and dispatch are:
// compiled once, then priced many times.
struct CompiledKernels {
  std::shared_ptr<const Kernels> kernels;
  KernelGraph graph;
  int num_kernels = 0;

  // [kernel, device class] of the cost model; empty where it would be too large.
  int num_classes = 0;
  std::vector<Nanoseconds> time;

  std::vector<int32_t> missing;  // Per kernel: inputs that are no parameters, and control edges.
  std::vector<int64_t> output_bytes;          // Per entry of graph.outputs.
  std::vector<int32_t> control_reader_begin;  // Empty where the graph has no control edges.
  std::vector<KernelId> control_readers;

  // Parameter reads, numbered as graph.parameter_readers, by kernel; ascending by parameter.
  std::vector<int32_t> parameter_read_begin;
  std::vector<int32_t> parameter_reads;
  std::vector<int32_t> read_parameter;  // Per parameter read: the parameter.

  // Memory of a copy of a kernel: while it runs, and in storages that live on after it.
  struct Storage {
    int64_t bytes;
    PortId port;  // Its first.
    OpId op;
    bool is_output;  // Kept to the end of the step.
  };
  std::vector<int64_t> start_bytes;  // Per kernel: all that it takes when it starts,
  std::vector<int64_t> run_bytes;    // and what of that it gives back when it ends.
  std::vector<int32_t> storage_begin;
  std::vector<Storage> storages;
  std::vector<int32_t> output_storage;  // Per entry of graph.outputs: its entry of `storages`.
  int64_t most_bytes = 0;               // No device can ever hold more; saturating.

  // Ops whose flops are unknown and that are not measured: on every device class, and the rest.
  int32_t unknown_flops_everywhere = 0;
  std::vector<std::pair<KernelId, OpId>> unknown_flops_somewhere;
  int32_t collectives = 0;

  // device: as for KernelGraph::Create, whose errors are returned. similar: null, or of the same
  // problem and costs: where neither has clones, kernels of the same ops have their times from
  // there.
  static absl::StatusOr<CompiledKernels> Create(const Problem& problem,
                                                std::shared_ptr<const Kernels> kernels,
                                                std::span<const DeviceId> device,
                                                const RooflineCostModel& costs,
                                                const CompiledKernels* similar = nullptr);

  std::span<const OpId> Ops(KernelId kernel) const { return kernels->ops(kernel); }
  std::span<const PortId> Outputs(KernelId kernel) const {
    return KernelGraph::Row(graph.outputs, graph.output_begin, kernel);
  }
  std::span<const Storage> Storages(KernelId kernel) const {
    return KernelGraph::Row(storages, storage_begin, kernel);
  }
  std::span<const int32_t> ParameterReads(KernelId kernel) const {
    return KernelGraph::Row(parameter_reads, parameter_read_begin, kernel);
  }
};

}  // namespace gopt

#endif  // SRC_COST_COMPILED_KERNELS_H_
