#ifndef GOPT_NN_ATTEND_SEGMENTS_KERNEL_H_
#define GOPT_NN_ATTEND_SEGMENTS_KERNEL_H_

#include <ATen/core/Tensor.h>

namespace gopt {

// AttendSegments with an AttentionKernel, which there must be: float, on the CPU. `spans` of the
// layout.
at::Tensor AttendSegmentsByKernel(const at::Tensor& x, const at::Tensor& weight,
                                  const at::Tensor& bias, int heads, bool recurrence,
                                  const at::Tensor& spans);

}  // namespace gopt

#endif  // GOPT_NN_ATTEND_SEGMENTS_KERNEL_H_
