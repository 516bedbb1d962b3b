#include "gopt/nn/segment_attention.h"

#include <ATen/ops/mv.h>

#include "gopt/base/check.h"
#include "src/nn/attend_segments.h"
#include "src/nn/linear_rows.h"
#include "src/nn/mix_rows.h"

namespace gopt {
namespace {

// A linear layer after the affine part of a norm, as one: W (g * x + b) + c. Saves a pass over the
// rows.
struct Affine {
  Affine(const torch::nn::LayerNorm& norm, const torch::nn::Linear& linear)
      : weight(linear->weight * norm->weight),
        bias(at::mv(linear->weight, norm->bias) + linear->bias) {}
  at::Tensor weight, bias;
};

}  // namespace

SegmentAttentionImpl::SegmentAttentionImpl(const SegmentAttentionOptions& options)
    : options_(options) {
  GOPT_CHECK(options.width > 0 && options.heads > 0 && options.width % options.heads == 0);
  GOPT_CHECK(options.feed_forward_ratio >= 0);
  reset();
}

void SegmentAttentionImpl::reset() {
  using torch::nn::LayerNorm, torch::nn::LayerNormOptions, torch::nn::Linear;
  const int64_t width = options_.width, hidden = width * options_.feed_forward_ratio;
  norm = register_module("norm", LayerNorm(LayerNormOptions({width})));
  query_key_value = register_module("query_key_value", Linear(width, 3 * width));
  out = register_module("out", Linear(width, width));
  if (hidden == 0) return;
  feed_forward_norm = register_module("feed_forward_norm", LayerNorm(LayerNormOptions({width})));
  up = register_module("up", Linear(width, hidden));
  down = register_module("down", Linear(hidden, width));
}

at::Tensor SegmentAttentionImpl::forward(const at::Tensor& x, const SegmentLayout& layout) {
  const Affine project(norm, query_key_value);
  const at::Tensor attended = AttendSegments(x, project.weight, project.bias, norm->options.eps(),
                                             options_.heads, options_.recurrence, layout);
  if (options_.feed_forward_ratio == 0) {
    return LinearRows({.in = attended, .weight = out->weight, .bias = out->bias, .residual = x});
  }
  const Affine widen(feed_forward_norm, up);
  return MixRows(x, attended,
                 {.out = out->weight,
                  .out_bias = out->bias,
                  .up = widen.weight,
                  .up_bias = widen.bias,
                  .down = down->weight,
                  .down_bias = down->bias},
                 feed_forward_norm->options.eps(), options_.activation);
}

}  // namespace gopt
