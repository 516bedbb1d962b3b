#include "src/nn/mix_rows.h"

#include <ATen/ops/add.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include "gopt/base/check.h"
#include "src/nn/mix_rows_kernel.h"
#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

at::Tensor Activate(const at::Tensor& wide, FeedForwardActivation activation) {
  return activation == FeedForwardActivation::kGelu ? at::gelu(wide) : at::relu(wide);
}

}  // namespace

at::Tensor MixRows(const at::Tensor& x, const at::Tensor& attended, const MixWeights& weights,
                   double epsilon, FeedForwardActivation activation) {
  if (activation != FeedForwardActivation::kRelu ||
      RowKernelFor({x, attended, weights.out, weights.up, weights.down}) == nullptr) {
    return MixRowsOfOps(x, attended, weights, epsilon, activation);
  }
  const int64_t width = x.size(1), hidden = weights.up.size(0);
  GOPT_CHECK(x.sizes() == attended.sizes());
  GOPT_CHECK(weights.out.sizes() == at::IntArrayRef({width, width}));
  GOPT_CHECK(weights.up.sizes() == at::IntArrayRef({hidden, width}));
  GOPT_CHECK(weights.down.sizes() == at::IntArrayRef({width, hidden}));
  GOPT_CHECK(weights.out_bias.numel() == width && weights.down_bias.numel() == width);
  GOPT_CHECK(weights.up_bias.numel() == hidden);
  return MixRowsByKernel(x, attended, weights, epsilon);
}

at::Tensor MixRowsOfOps(const at::Tensor& x, const at::Tensor& attended, const MixWeights& weights,
                        double epsilon, FeedForwardActivation activation) {
  const at::Tensor a = x + at::linear(attended, weights.out, weights.out_bias);
  const at::Tensor normal = at::layer_norm(a, {x.size(1)}, {}, {}, epsilon);
  const at::Tensor hidden = Activate(at::linear(normal, weights.up, weights.up_bias), activation);
  return a + at::linear(hidden, weights.down, weights.down_bias);
}

}  // namespace gopt
