#ifndef GOPT_PLAN_KERNELS_H_
#define GOPT_PLAN_KERNELS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"

namespace gopt {

// Which ops run together: the fused groups of a plan. Immutable, and shared by all plans that
// differ in devices, ranks or homes only, so that evaluators compile it once (by pointer). Every
// COMPUTE and COLLECTIVE op is in at least one kernel; an op in several is cloned.
class GOPT_API Kernels {
 public:
  struct Columns {
    std::vector<int32_t> begin;      // Size K + 1: kernel k holds ops[begin[k] .. begin[k + 1]).
    std::vector<OpId> ops;           // Ascending and distinct within a kernel.
    std::vector<uint8_t> recompute;  // Empty, or one per kernel: runs in the backward pass.
    // Ascending: backward readers read a backward copy of these, the others another one.
    std::vector<OpId> recomputed_ops;
  };

  // Checks membership and order only, and that a recomputed op has a copy in a backward kernel;
  // fusion limits are CheckFusible's, cycles are KernelGraph's. InvalidArgument names the kernel or
  // the op.
  static absl::StatusOr<std::shared_ptr<const Kernels>> Create(std::shared_ptr<const Graph> graph,
                                                               Columns columns);
  // One kernel per op, in op order.
  static std::shared_ptr<const Kernels> Singletons(std::shared_ptr<const Graph> graph);

  const Graph& graph() const { return *graph_; }
  std::shared_ptr<const Graph> shared_graph() const { return graph_; }
  int size() const { return static_cast<int>(columns_.begin.size()) - 1; }
  std::span<const OpId> ops(KernelId kernel) const {
    return {columns_.ops.data() + columns_.begin[kernel],
            columns_.ops.data() + columns_.begin[kernel + 1]};
  }
  // Kernels that hold the op, ascending; empty for ops that run nowhere.
  std::span<const KernelId> kernels_of(OpId op) const {
    return {op_kernels_.data() + op_kernel_begin_[op],
            op_kernels_.data() + op_kernel_begin_[op + 1]};
  }
  // The lowest kernel that holds the op, -1 for ops that run nowhere.
  KernelId kernel_of(OpId op) const {
    return op_kernel_begin_[op] == op_kernel_begin_[op + 1] ? kNone
                                                            : op_kernels_[op_kernel_begin_[op]];
  }
  bool has_clones() const { return has_clones_; }
  // Some reader chooses by devices among several copies of an op, none of them in its own kernel.
  // Otherwise who reads which copy is the same for all devices.
  bool copies_depend_on_device() const { return copies_depend_on_device_; }
  // Holds a BACKWARD op or is marked as recomputing.
  bool is_backward(KernelId kernel) const { return is_backward_[kernel] != 0; }
  bool is_recomputed(OpId op) const;  // Listed in recomputed_ops.
  const Columns& columns() const { return columns_; }

 private:
  Kernels() = default;
  void Index();
  bool SomeReaderChooses() const;
  absl::Status CheckCoverage() const;

  std::shared_ptr<const Graph> graph_;
  Columns columns_;
  std::vector<int32_t> op_kernel_begin_;
  std::vector<KernelId> op_kernels_;
  std::vector<uint8_t> is_backward_;
  bool has_clones_ = false;
  bool copies_depend_on_device_ = false;
};

}  // namespace gopt

#endif  // GOPT_PLAN_KERNELS_H_
