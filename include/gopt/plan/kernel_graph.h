#ifndef GOPT_PLAN_KERNEL_GRAPH_H_
#define GOPT_PLAN_KERNEL_GRAPH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/kernels.h"

namespace gopt {

// The DAG of kernels after each reader has chosen the copy it reads. Independent of the devices
// unless Kernels::copies_depend_on_device(). Rows are compressed: x of kernel k is xs[x_begin[k] ..
// x_begin[k + 1]).
struct GOPT_API KernelGraph {
  struct Input {
    PortId port;
    KernelId source;  // The kernel whose copy is read; kNone for a parameter's port.
  };
  int num_kernels = 0;

  // Distinct external tensors of each kernel (inputs and constants left out), by (port, source).
  std::vector<int32_t> input_begin;
  std::vector<Input> inputs;
  // Distinct other kernels whose end this kernel must await by a control edge, ascending.
  std::vector<int32_t> control_begin;
  std::vector<KernelId> controls;

  // Ports of each kernel that some other kernel reads, ascending, and for each its readers,
  // ascending.
  std::vector<int32_t> output_begin;
  std::vector<PortId> outputs;
  std::vector<int32_t> reader_begin;  // Per entry of `outputs`, and one more.
  std::vector<KernelId> readers;

  // Readers of each parameter (position in Graph::parameters()), ascending.
  std::vector<int32_t> parameter_reader_begin;
  std::vector<KernelId> parameter_readers;

  // Distinct neighbours by data or control, ascending.
  std::vector<int32_t> predecessor_begin;
  std::vector<KernelId> predecessors;
  std::vector<int32_t> successor_begin;
  std::vector<KernelId> successors;

  std::vector<KernelId> topological_order;  // Smallest kernel id first where free.

  template <typename T>
  static std::span<const T> Row(const std::vector<T>& values, const std::vector<int32_t>& begin,
                                int32_t i) {
    return {values.data() + begin[i], values.data() + begin[i + 1]};
  }

  // device: one per kernel; may be empty when the copies do not depend on devices. InvalidArgument
  // for a cycle among kernels, printed as one of the shortest, and for a copy that nobody reads.
  static absl::StatusOr<KernelGraph> Create(const Kernels& kernels,
                                            std::span<const DeviceId> device);
};

// The kernel that `reader` reads the op's copy from, by the rules of docs/simulator.md: its own,
// else one on its own device (lowest id), else the lowest id. Of a recomputed op a backward reader
// chooses among the copies in backward kernels, another among the others where there are any. `op`
// must be in a kernel.
GOPT_API KernelId ChooseCopy(const Kernels& kernels, std::span<const DeviceId> device,
                             KernelId reader, OpId op);

}  // namespace gopt

#endif  // GOPT_PLAN_KERNEL_GRAPH_H_
