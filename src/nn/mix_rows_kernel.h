#ifndef GOPT_NN_MIX_ROWS_KERNEL_H_
#define GOPT_NN_MIX_ROWS_KERNEL_H_

#include <ATen/core/Tensor.h>

#include "src/nn/mix_rows.h"

namespace gopt {

// MixRows with relu and a RowKernel, which there must be. Keeps nothing for the gradient but its
// inputs.
at::Tensor MixRowsByKernel(const at::Tensor& x, const at::Tensor& attended,
                           const MixWeights& weights, double epsilon);

}  // namespace gopt

#endif  // GOPT_NN_MIX_ROWS_KERNEL_H_
