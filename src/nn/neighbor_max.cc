#include "src/nn/neighbor_max.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/scatter_reduce.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "gopt/base/check.h"
#include "src/nn/linear_rows.h"
#include "src/nn/neighbor_kernels.h"
#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kRowsPerTask = 256;

Neighbors In(const GraphEdges& edges) {
  return {edges.in_begin.const_data_ptr<int64_t>(), nullptr,
          edges.source.const_data_ptr<int64_t>()};
}

Neighbors Out(const GraphEdges& edges) {
  return {edges.out_begin.const_data_ptr<int64_t>(), edges.out_edge.const_data_ptr<int64_t>(),
          edges.target.const_data_ptr<int64_t>()};
}

template <typename T>
Columns<const T> Read(const at::Tensor& x, int64_t column) {
  if (!x.defined()) return {};
  return {x.const_data_ptr<T>() + column, x.stride(0)};
}

template <typename T>
Columns<T> Write(const at::Tensor& x, int64_t column) {
  return {x.mutable_data_ptr<T>() + column, x.stride(0)};
}

variable_list Saved(const GraphEdges& edges) {
  return {edges.source, edges.target, edges.in_begin, edges.out_edge, edges.out_begin};
}

template <typename T>
at::Tensor GradientOfMessages(const GraphEdges& edges, const at::Tensor& best,
                              const at::Tensor& best_edge) {
  const at::Tensor result = at::empty(best.sizes(), best.options());
  const int64_t width = best.size(1) / 2;
  for (const int64_t column : {int64_t{0}, width}) {
    at::parallel_for(0, best.size(0), kRowsPerTask, [&](int64_t first, int64_t last) {
      GradientOfSenders<T>({column == 0 ? Out(edges) : In(edges), width, first, last},
                           Read<T>(best, column), Read<int32_t>(best_edge, column),
                           Write<T>(result, column));
    });
  }
  return result;
}

class NeighborMaxFunction : public torch::autograd::Function<NeighborMaxFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& message,
                            const std::optional<at::Tensor>& edges_message,
                            const GraphEdges& edges) {
    const at::Tensor edge_message = edges_message.value_or(at::Tensor());
    const int64_t nodes = message.size(0), width = message.size(1) / 2;
    const at::Tensor best = at::empty(message.sizes(), message.options());
    const at::Tensor best_edge = at::empty(message.sizes(), message.options().dtype(at::kInt));
    AT_DISPATCH_FLOATING_TYPES(message.scalar_type(), "NeighborMax", [&] {
      for (const int64_t column : {int64_t{0}, width}) {
        at::parallel_for(0, nodes, kRowsPerTask, [&](int64_t first, int64_t last) {
          MaxOfNeighbors<scalar_t>(
              {column == 0 ? In(edges) : Out(edges), width, first, last},
              Read<scalar_t>(message, column), Read<scalar_t>(edge_message, column),
              Write<scalar_t>(best, column), Write<int32_t>(best_edge, column));
        });
      }
    });
    variable_list saved = Saved(edges);
    saved.push_back(best_edge);
    context->save_for_backward(saved);
    context->saved_data["edge_message"] = edge_message.defined();
    return best;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const GraphEdges edges = {saved[0], saved[1], saved[2], saved[3], saved[4], {}};
    const at::Tensor& best_edge = saved[5];
    const at::Tensor best = gradients[0].contiguous();
    const bool to_edges =
        context->saved_data["edge_message"].toBool() && context->needs_input_grad(1);
    at::Tensor message, edge_message;
    AT_DISPATCH_FLOATING_TYPES(best.scalar_type(), "NeighborMaxGradient", [&] {
      if (context->needs_input_grad(0))
        message = GradientOfMessages<scalar_t>(edges, best, best_edge);
      if (to_edges) edge_message = ToEdges<scalar_t>(edges, best, best_edge);
    });
    return {message, edge_message, at::Tensor()};
  }

 private:
  template <typename T>
  static at::Tensor ToEdges(const GraphEdges& edges, const at::Tensor& best,
                            const at::Tensor& best_edge) {
    const int64_t count = edges.source.size(0), width = best.size(1) / 2;
    const at::Tensor result = at::empty({count, best.size(1)}, best.options());
    for (const int64_t column : {int64_t{0}, width}) {
      const at::Tensor& reader = column == 0 ? edges.target : edges.source;
      at::parallel_for(0, count, kRowsPerTask, [&](int64_t first, int64_t last) {
        GradientOfEdges<T>(
            {{nullptr, nullptr, reader.const_data_ptr<int64_t>()}, width, first, last},
            Read<T>(best, column), Read<int32_t>(best_edge, column), Write<T>(result, column));
      });
    }
    return result;
  }
};

// Edges at the nodes first .. last - 1 lie at positions begin[first] .. begin[last] - 1: their
// messages are made of their features for some nodes at a time.
class FeaturesFunction : public torch::autograd::Function<FeaturesFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& message,
                            const at::Tensor& edge_weight, const GraphEdges& edges) {
    const at::Tensor best = at::empty(message.sizes(), message.options());
    const at::Tensor best_edge = at::empty(message.sizes(), message.options().dtype(at::kInt));
    const int64_t nodes = message.size(0), width = message.size(1) / 2;
    for (const int64_t column : {int64_t{0}, width}) {
      const Neighbors neighbors = column == 0 ? In(edges) : Out(edges);
      const PackedWeight weight =
          PackedWeight::Forward(*FindRowKernel(), edge_weight.narrow(0, column, width));
      at::parallel_for(0, nodes, kRowsPerTask, [&](int64_t first, int64_t last) {
        std::vector<float> features, messages;
        for (int64_t begin = first; begin < last; begin += kNodesPerBlock) {
          const int64_t end = std::min(last, begin + kNodesPerBlock);
          const int64_t position = neighbors.begin[begin];
          const int64_t count = neighbors.begin[end] - position;
          messages.resize(std::max<size_t>(messages.size(), count * width));
          weight.Multiply(count, FeaturesAt(edges, neighbors, position, count, &features),
                          {messages.data(), width});
          MaxOfNeighbors<float>({neighbors, width, begin, end, position},
                                Read<float>(message, column), {messages.data(), width},
                                Write<float>(best, column), Write<int32_t>(best_edge, column));
        }
      });
    }
    variable_list saved = Saved(edges);
    saved.insert(saved.end(), {best_edge, edges.features, edge_weight});
    context->save_for_backward(saved);
    return best;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const GraphEdges edges = {saved[0], saved[1], saved[2], saved[3], saved[4], saved[6]};
    const at::Tensor &best_edge = saved[5], &edge_weight = saved[7];
    const at::Tensor best = gradients[0].contiguous();
    const RowKernel& kernel = *FindRowKernel();
    const int64_t width = best.size(1) / 2, edge_width = edge_weight.size(1);
    const int64_t count = edges.source.size(0);
    ShardSums sums(kernel, RowShards(count), {edge_weight});
    ForRowBlocks(
        count, sums.shards(),
        kRowBlock * 2 * width + ShardSums::ScratchFloats(kernel, kRowBlock, edge_width) + 16,
        [&](int64_t shard) { sums.Clear(shard); },
        [&](int64_t shard, int64_t first, int64_t rows, RowScratch& scratch) {
          const RowMatrix won = {scratch.Take(kRowBlock * 2 * width), 2 * width};
          for (const int64_t column : {int64_t{0}, width}) {
            const at::Tensor& reader = column == 0 ? edges.target : edges.source;
            GradientOfEdges<float>(
                {{nullptr, nullptr, reader.const_data_ptr<int64_t>()}, width, first, first + rows},
                Read<float>(best, column), Read<int32_t>(best_edge, column),
                {won.data + column - first * won.stride, won.stride});
          }
          sums.AddProduct(shard, 0, rows, won, ConstRowsAt(edges.features, first),
                          {.rows = 2 * width, .x_width = edge_width}, scratch);
        });
    const at::Tensor message = context->needs_input_grad(0)
                                   ? GradientOfMessages<float>(edges, best, best_edge)
                                   : at::Tensor();
    return {message, sums.Sum(0), at::Tensor()};
  }

 private:
  static constexpr int64_t kNodesPerBlock = 64;

  // Those of the edges at `count` positions, copied next to each other if they are not.
  static ConstRowMatrix FeaturesAt(const GraphEdges& edges, const Neighbors& neighbors,
                                   int64_t position, int64_t count, std::vector<float>* copies) {
    const int64_t width = edges.features.size(1);
    if (neighbors.edge == nullptr) return ConstRowsAt(edges.features, position);
    copies->resize(std::max<size_t>(copies->size(), count * width));
    const float* const from = edges.features.const_data_ptr<float>();
    for (int64_t i = 0; i < count; ++i) {
      std::copy_n(from + neighbors.edge[position + i] * width, width, copies->data() + i * width);
    }
    return {copies->data(), width};
  }
};

void CheckEdges(const at::Tensor& message, const GraphEdges& edges) {
  GOPT_CHECK(edges.in_begin.size(0) == message.size(0) + 1);
  GOPT_CHECK(edges.out_begin.size(0) == message.size(0) + 1);
  GOPT_CHECK(edges.target.size(0) == edges.source.size(0));
  GOPT_CHECK(edges.out_edge.size(0) == edges.source.size(0));
  GOPT_CHECK(edges.source.size(0) < std::numeric_limits<int32_t>::max());
}

// One direction of NeighborMaxOfOps: from nodes to nodes, by edge.
at::Tensor MaxOfOps(const at::Tensor& message, const at::Tensor& edge_message,
                    const at::Tensor& from, const at::Tensor& to) {
  at::Tensor arriving = at::index_select(message, 0, from);  // [edges, width]
  if (edge_message.defined()) arriving = arriving + edge_message;
  const at::Tensor none =
      at::full(message.sizes(), -std::numeric_limits<double>::infinity(), message.options());
  return at::scatter_reduce(none, 0, to.unsqueeze(1).expand(arriving.sizes()), arriving, "amax");
}

}  // namespace

at::Tensor NeighborMax(const at::Tensor& message, const at::Tensor& edge_message,
                       const GraphEdges& edges) {
  CheckEdges(message, edges);
  if (!message.is_cpu()) return NeighborMaxOfOps(message, edge_message, edges);
  std::optional<at::Tensor> edges_message;
  if (edge_message.defined()) edges_message = edge_message.contiguous();
  return NeighborMaxFunction::apply(message.contiguous(), edges_message, edges);
}

at::Tensor NeighborMaxOfFeatures(const at::Tensor& message, const at::Tensor& edge_weight,
                                 const GraphEdges& edges) {
  CheckEdges(message, edges);
  GOPT_CHECK(edges.features.size(0) == edges.source.size(0));
  GOPT_CHECK(edges.features.size(1) == edge_weight.size(1));
  GOPT_CHECK(edge_weight.size(0) == message.size(1));
  if (edges.features.requires_grad() ||
      RowKernelFor({message, edge_weight, edges.features}) == nullptr) {
    return NeighborMax(message, LinearRows({.in = edges.features, .weight = edge_weight}), edges);
  }
  GraphEdges contiguous = edges;
  contiguous.features = edges.features.contiguous();
  return FeaturesFunction::apply(message.contiguous(), edge_weight.contiguous(), contiguous);
}

at::Tensor NeighborMaxOfOps(const at::Tensor& message, const at::Tensor& edge_message,
                            const GraphEdges& edges) {
  const int64_t width = message.size(1) / 2;
  const auto half = [&](const at::Tensor& x, int64_t column) {
    return x.defined() ? x.narrow(1, column, width) : x;
  };
  return at::cat(
      {MaxOfOps(half(message, 0), half(edge_message, 0), edges.source, edges.target),
       MaxOfOps(half(message, width), half(edge_message, width), edges.target, edges.source)},
      1);
}

}  // namespace gopt
