#ifndef GOPT_NN_ATTEND_SEGMENTS_KERNEL_H_
#define GOPT_NN_ATTEND_SEGMENTS_KERNEL_H_

#include <ATen/core/Tensor.h>

namespace gopt {

// AttendSegments with an AttentionKernel and a RowKernel, which there must be: float, on the CPU.
// Norm and projection live for a segment only, and are made again for the gradient. `spans` of the
// layout.
at::Tensor AttendSegmentsByKernel(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, double epsilon, int heads,
                                  bool recurrence, const at::Tensor& spans);

}  // namespace gopt

#endif  // GOPT_NN_ATTEND_SEGMENTS_KERNEL_H_
