#ifndef GOPT_NN_KERNEL_SET_H_
#define GOPT_NN_KERNEL_SET_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/nn/segment_layout.h"

namespace gopt {

// Columns of KernelSet::edge: log of the mean transfer time over the mean kernel time, whether the
// incumbent has both ends on one device, 1 / sqrt(readers of the tensor).
inline constexpr int64_t kKernelEdgeWidth = 3;
inline constexpr int64_t kTogetherColumn = 1;

// What placement and scheduling decide over: the kernels that one set of fusion picks made, in the
// order of their ids. Tensors on the CPU.
struct KernelSet {
  int64_t kernels = 0;
  int64_t inputs = 0;        // KernelGraph::inputs, those of parameters among them.
  at::Tensor member_op;      // [members] int64, the ops of each kernel, by kernel.
  at::Tensor member_kernel;  // [members] int64, ascending.
  at::Tensor share;          // [members] float32, 1 / size of the kernel.
  at::Tensor first_op;       // [kernels] int64, the lowest op of each.
  at::Tensor edge_source;    // [edges] int64, kernel that makes the tensor,
  at::Tensor edge_target;    // [edges] int64, and kernel that reads it.
  at::Tensor edge_input;     // [edges] int64, which of the inputs: those of no parameter.
  at::Tensor edge;           // [edges, kKernelEdgeWidth] float32
  at::Tensor allowed;        // [kernels, devices] bool; undefined: every device.
};

// Sets packed one after the other: one for all samples, or one a sample.
struct PackedKernels {
  std::vector<int64_t> kernels, edges;  // Per set.
  SegmentLayout layout;                 // A sequence per set.
  at::Tensor member_row;                // [members] int64, row of the op in the ops' tensors.
  at::Tensor member_kernel, share;      // [members]
  at::Tensor first_row;                 // [kernels] int64
  at::Tensor edge_source, edge_target;  // [edges] int64, rows of kernels.
  at::Tensor edge;                      // [edges, kKernelEdgeWidth]
  at::Tensor allowed;                   // [kernels, devices] bool, or undefined.
  bool single_ops = false;              // Each kernel is one op.

  GOPT_API int64_t num_kernels() const;
};

// op_stride: 0 where the sets share their ops' rows, else the ops between one set's rows and the
// next one's. The packed tensors lie on `device`.
GOPT_API PackedKernels PackKernels(std::span<const KernelSet* const> sets, int64_t op_stride,
                                   int segment, at::Device device);

// [rows of kernels, width], from [rows of ops, width]: the mean over each kernel's ops.
GOPT_API at::Tensor PoolKernels(const at::Tensor& ops, const PackedKernels& kernels);

}  // namespace gopt

#endif  // GOPT_NN_KERNEL_SET_H_
