#include "gopt/nn/graph_sage.h"

#include <ATen/ops/sigmoid.h>

#include <string>

#include "gopt/base/check.h"
#include "src/nn/linear_rows.h"
#include "src/nn/neighbor_max.h"

namespace gopt {

using torch::nn::LayerNorm, torch::nn::LayerNormOptions;
using torch::nn::Linear, torch::nn::LinearOptions;

GraphSageImpl::GraphSageImpl(const GraphSageOptions& options) : options_(options) {
  GOPT_CHECK(options.width > 0 && options.edge_width >= 0);
  reset();
}

void GraphSageImpl::reset() {
  const int64_t width = options_.width;
  message = register_module("message", Linear(width, 2 * width));
  if (options_.edge_width > 0) {
    edge =
        register_module("edge", Linear(LinearOptions(options_.edge_width, 2 * width).bias(false)));
  }
  combine = register_module("combine", Linear(3 * width, width));
  norm = register_module("norm", LayerNorm(LayerNormOptions({width})));
}

at::Tensor GraphSageImpl::forward(const at::Tensor& h, const GraphEdges& edges) {
  const at::Tensor from = LinearRows({.in = h, .weight = message->weight, .bias = message->bias});
  at::Tensor best;  // [nodes, 2 width]
  if (options_.edge_width > 0) {
    GOPT_CHECK(edges.features.defined());
    best = NeighborMaxOfFeatures(from, edge->weight, edges);
  } else {
    best = NeighborMax(from, {}, edges);
  }
  // The sigmoid is monotone: of the maximum once, not of every message. It makes 0 of "none".
  const at::Tensor around = at::sigmoid(best);
  return LinearRows({.in = h,
                     .beside = around,
                     .weight = combine->weight,
                     .bias = combine->bias,
                     .relu = true,
                     .residual = h,
                     .norm_weight = norm->weight,
                     .norm_bias = norm->bias,
                     .epsilon = norm->options.eps()});
}

GraphSageEncoderImpl::GraphSageEncoderImpl(const GraphSageEncoderOptions& options)
    : options_(options) {
  GOPT_CHECK(options.in >= 0 && options.types >= 0 && options.layers >= 0);
  GOPT_CHECK(options.in > 0 || options.types > 0);
  reset();
}

void GraphSageEncoderImpl::reset() {
  int64_t in = options_.in;
  if (options_.types > 0) {
    type_embedding = register_module("type_embedding",
                                     torch::nn::Embedding(options_.types, options_.type_width));
    in += options_.type_width;
  }
  input = register_module("input", Linear(in, options_.width));
  norm = register_module("norm", LayerNorm(LayerNormOptions({options_.width})));
  layers.clear();
  for (int i = 0; i < options_.layers; ++i) {
    layers.push_back(register_module(
        "layer" + std::to_string(i),
        GraphSage(GraphSageOptions{.width = options_.width, .edge_width = options_.edge_width})));
  }
}

at::Tensor GraphSageEncoderImpl::forward(const at::Tensor& features, const at::Tensor& type,
                                         const GraphEdges& edges) {
  at::Tensor h = LinearRows({.in = features,
                             .beside = options_.types > 0 ? type_embedding(type) : at::Tensor(),
                             .weight = input->weight,
                             .bias = input->bias,
                             .norm_weight = norm->weight,
                             .norm_bias = norm->bias,
                             .epsilon = norm->options.eps()});  // [nodes, width]
  for (GraphSage& layer : layers) h = layer(h, edges);
  return h;
}

}  // namespace gopt
