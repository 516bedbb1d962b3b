#ifndef GOPT_NN_MIX_ROWS_H_
#define GOPT_NN_MIX_ROWS_H_

#include <ATen/core/Tensor.h>

#include "gopt/base/export.h"
#include "gopt/nn/segment_attention.h"

namespace gopt {

// What follows the attention in a layer, row by row: weights [to, from] and biases [to].
struct MixWeights {
  at::Tensor out, out_bias;  // Of the attention's output.
  at::Tensor up, up_bias;    // After a norm without weights of its own.
  at::Tensor down, down_bias;
};

// a = x + attended out' + out_bias;  y = a + activation(norm(a) up' + up_bias) down' + down_bias
//   x, attended [rows, width] -> y [rows, width]
// On the CPU, with relu, a block of rows at a time passes through all of it while it is in the
// cache, and the hidden layer is made again for the gradient instead of kept. Gradients of the
// weights are sums over fixed shards of rows.
GOPT_API at::Tensor MixRows(const at::Tensor& x, const at::Tensor& attended,
                            const MixWeights& weights, double epsilon,
                            FeedForwardActivation activation);

// The same of differentiable ops, for any device.
GOPT_API at::Tensor MixRowsOfOps(const at::Tensor& x, const at::Tensor& attended,
                                 const MixWeights& weights, double epsilon,
                                 FeedForwardActivation activation);

}  // namespace gopt

#endif  // GOPT_NN_MIX_ROWS_H_
