#ifndef GOPT_NN_GRAPH_SAGE_H_
#define GOPT_NN_GRAPH_SAGE_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "gopt/base/export.h"

namespace gopt {

// Edges of a graph, or of several graphs of a batch side by side. They lie on one device, that of
// the module; integers are int64. An edge's id is its position in `source`.
struct GraphEdges {
  at::Tensor source, target;  // [edges], by target, then source.
  at::Tensor in_begin;        // [nodes + 1]: edges into v are in_begin[v] .. in_begin[v + 1] - 1.
  at::Tensor out_edge;        // [edges]: ids by source, then target.
  at::Tensor out_begin;       // [nodes + 1]: edges out of v, in out_edge.
  at::Tensor features;        // [edges, edge width]; undefined: none.
};

struct GraphSageOptions {
  int width = 64;      // Of a node's embedding.
  int edge_width = 0;  // Of an edge's features; 0: messages know nothing of their edge.
};

// A GraphSAGE layer with max pooling (Hamilton et al. 2017, eq. 3; GO, section 3.1), over producers
// and readers with weights of their own:
//   in(v)  = max over edges u -> v of sigmoid(W_in h_u + E_in e_uv + b_in)     0 if there is none
//   out(v) = max over edges v -> u of sigmoid(W_out h_u + E_out e_vu + b_out)  0 if there is none
//   h'_v   = LN(h_v + ReLU(FC([h_v, in(v), out(v)])))
// The sum keeps an op's own features over the hops; the norm keeps graphs of any degree and depth
// on one scale, which modulation and attention after it count on. With two or three layers there is
// no need of norms before the blocks.
class GOPT_API GraphSageImpl : public torch::nn::Cloneable<GraphSageImpl> {
 public:
  explicit GraphSageImpl(const GraphSageOptions& options = {});
  void reset() override;

  // h [nodes, width] -> [nodes, width].
  at::Tensor forward(const at::Tensor& h, const GraphEdges& edges);

  const GraphSageOptions& options() const { return options_; }

  torch::nn::Linear message{nullptr};  // W_in over W_out: [2 width, width].
  torch::nn::Linear edge{nullptr};     // E_in over E_out: [2 width, edge width]; only if > 0.
  torch::nn::Linear combine{nullptr};  // FC: [width, 3 width].
  torch::nn::LayerNorm norm{nullptr};

 private:
  GraphSageOptions options_;
};
TORCH_MODULE(GraphSage);

struct GraphSageEncoderOptions {
  int in = 0;           // Features of a node.
  int types = 0;        // Op types; 0: types are not looked at.
  int type_width = 16;  // Of a type's embedding.
  int width = 64;       // Of a node's embedding.
  int layers = 2;       // 0: nodes know their own features only.
  int edge_width = 0;   // Of an edge's features; 0: not looked at.
};

// h_0 = LN(FC([features, embedding of the type])), then the layers.
class GOPT_API GraphSageEncoderImpl : public torch::nn::Cloneable<GraphSageEncoderImpl> {
 public:
  explicit GraphSageEncoderImpl(const GraphSageEncoderOptions& options = {.in = 1});
  void reset() override;

  // features [nodes, in], type [nodes] int64 in [0, types) -> [nodes, width].
  at::Tensor forward(const at::Tensor& features, const at::Tensor& type, const GraphEdges& edges);

  const GraphSageEncoderOptions& options() const { return options_; }

  torch::nn::Embedding type_embedding{nullptr};  // Only if there are types.
  torch::nn::Linear input{nullptr};
  torch::nn::LayerNorm norm{nullptr};
  std::vector<GraphSage> layers;

 private:
  GraphSageEncoderOptions options_;
};
TORCH_MODULE(GraphSageEncoder);

}  // namespace gopt

#endif  // GOPT_NN_GRAPH_SAGE_H_
