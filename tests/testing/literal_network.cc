#include "tests/testing/literal_network.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scatter_reduce.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "gopt/base/random.h"

namespace gopt {
namespace {

// [rows, width] -> [heads, rows, head width]
at::Tensor Heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), heads, x.size(1) / heads}).transpose(0, 1);
}

// One segment; `memory` [rows before, width], undefined for the first.
at::Tensor LiteralSegment(SegmentAttentionImpl& layer, const at::Tensor& h,
                          const at::Tensor& memory) {
  const int64_t width = layer.options().width, heads = layer.options().heads;
  const at::Tensor context = memory.defined() ? at::cat({memory, h}) : h;
  const at::Tensor weight = layer.query_key_value->weight, bias = layer.query_key_value->bias;
  const auto project = [&](const at::Tensor& x, int64_t part) {
    return Heads(at::linear(layer.norm(x), weight.narrow(0, part * width, width),
                            bias.narrow(0, part * width, width)),
                 heads);
  };
  const at::Tensor query = project(h, 0), key = project(context, 1), value = project(context, 2);
  const double scale = 1.0 / std::sqrt(static_cast<double>(width / heads));
  const at::Tensor probability = at::softmax(at::matmul(query, key.transpose(1, 2)) * scale, -1);
  const at::Tensor mixed = at::matmul(probability, value).transpose(0, 1).reshape(h.sizes());
  const at::Tensor a = h + layer.out(mixed);
  if (layer.options().feed_forward_ratio == 0) return a;
  const at::Tensor wide = layer.up(layer.feed_forward_norm(a));
  const bool gelu = layer.options().activation == FeedForwardActivation::kGelu;
  return a + layer.down(gelu ? at::gelu(wide) : at::relu(wide));
}

// max over edges of sigmoid(message of the sender), 0 without edges.
at::Tensor LiteralMax(const at::Tensor& message, const at::Tensor& edge_message,
                      const at::Tensor& sender, const at::Tensor& reader) {
  at::Tensor arriving = at::index_select(message, 0, sender);
  if (edge_message.defined()) arriving = arriving + edge_message;
  arriving = at::sigmoid(arriving);
  return at::scatter_reduce(at::zeros_like(message), 0,
                            reader.unsqueeze(1).expand(arriving.sizes()), arriving, "amax",
                            /*include_self=*/false);
}

at::Tensor Begins(const std::vector<int64_t>& counts) {
  at::Tensor result = at::empty({static_cast<int64_t>(counts.size()) + 1}, at::kLong);
  int64_t* data = result.mutable_data_ptr<int64_t>();
  data[0] = 0;
  std::partial_sum(counts.begin(), counts.end(), data + 1);
  return result;
}

}  // namespace

at::Tensor LiteralSegmentAttention(SegmentAttentionImpl& layer, const at::Tensor& x,
                                   const std::vector<int64_t>& lengths, int segment) {
  std::vector<at::Tensor> result = {x.narrow(0, 0, 0)};
  int64_t row = 0;
  for (int64_t length : lengths) {
    at::Tensor memory;
    for (const int64_t end = row + length; row < end;) {
      const at::Tensor h = x.narrow(0, row, std::min<int64_t>(segment, end - row));
      result.push_back(LiteralSegment(layer, h, memory));
      if (layer.options().recurrence) memory = h.detach();
      row += h.size(0);
    }
  }
  return at::cat(result);
}

at::Tensor LiteralGraphSage(GraphSageImpl& layer, const at::Tensor& h, const GraphEdges& edges) {
  const int64_t width = layer.options().width;
  const at::Tensor message = layer.message(h);
  at::Tensor edge_in, edge_out;
  if (layer.options().edge_width > 0) {
    const at::Tensor edge_message = layer.edge(edges.features);
    edge_in = edge_message.narrow(1, 0, width);
    edge_out = edge_message.narrow(1, width, width);
  }
  const at::Tensor in =
      LiteralMax(message.narrow(1, 0, width), edge_in, edges.source, edges.target);
  const at::Tensor out =
      LiteralMax(message.narrow(1, width, width), edge_out, edges.target, edges.source);
  return layer.norm(h + at::relu(layer.combine(at::cat({h, in, out}, 1))));
}

at::Tensor LiteralGraphSageEncoder(GraphSageEncoderImpl& encoder, const at::Tensor& features,
                                   const at::Tensor& type, const GraphEdges& edges) {
  at::Tensor in = features;
  if (encoder.options().types > 0) in = at::cat({features, encoder.type_embedding(type)}, 1);
  at::Tensor h = encoder.norm(encoder.input(in));
  for (GraphSage& layer : encoder.layers) h = LiteralGraphSage(*layer, h, edges);
  return h;
}

at::Tensor LiteralSuperposition(SuperpositionImpl& layer, const at::Tensor& h,
                                const std::vector<int64_t>& lengths, int segment) {
  if (layer.options().modulation == Modulation::kNone) return at::ones_like(h);
  if (layer.options().modulation == Modulation::kNode) {
    return 1 + layer.affine(LiteralSegmentAttention(*layer.attention, h, lengths, segment));
  }
  std::vector<at::Tensor> factors = {h.narrow(0, 0, 0)};
  int64_t row = 0;
  for (int64_t length : lengths) {
    const at::Tensor mean = h.narrow(0, row, length).mean(0, /*keepdim=*/true);
    factors.push_back((1 + layer.affine(mean)).expand({length, h.size(1)}));
    row += length;
  }
  return at::cat(factors);
}

GraphEdges MakeGraphEdges(int64_t nodes, std::vector<std::pair<int64_t, int64_t>> pairs) {
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second, a.first) < std::pair(b.second, b.first);
  });
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  const auto count = static_cast<int64_t>(pairs.size());
  GraphEdges edges;
  for (at::Tensor* tensor : {&edges.source, &edges.target, &edges.out_edge}) {
    *tensor = at::empty({count}, at::kLong);
  }
  std::vector<int64_t> in(nodes), out(nodes);
  int64_t* source = edges.source.mutable_data_ptr<int64_t>();
  int64_t* target = edges.target.mutable_data_ptr<int64_t>();
  for (int64_t e = 0; e < count; ++e) {
    std::tie(source[e], target[e]) = pairs[e];
    ++out[source[e]];
    ++in[target[e]];
  }
  edges.in_begin = Begins(in);
  edges.out_begin = Begins(out);
  int64_t* out_edge = edges.out_edge.mutable_data_ptr<int64_t>();
  std::iota(out_edge, out_edge + count, 0);
  std::stable_sort(out_edge, out_edge + count,
                   [&](int64_t a, int64_t b) { return source[a] < source[b]; });
  return edges;
}

GraphEdges RandomGraphEdges(int64_t nodes, double degree, int edge_width, uint64_t seed) {
  Random random(seed);
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (auto i = static_cast<int64_t>(degree * static_cast<double>(nodes)); i > 0 && nodes > 1;
       --i) {
    const int64_t target = 1 + random.Below(nodes - 1);
    const int64_t reach = std::min<int64_t>(target, 1'000);  // Most edges of real graphs are short.
    pairs.emplace_back(target - 1 - random.Below(reach), target);
  }
  GraphEdges edges = MakeGraphEdges(nodes, std::move(pairs));
  if (edge_width > 0) edges.features = at::randn({edges.source.size(0), edge_width});
  return edges;
}

}  // namespace gopt
