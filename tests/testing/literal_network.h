#ifndef GOPT_TESTS_TESTING_LITERAL_NETWORK_H_
#define GOPT_TESTS_TESTING_LITERAL_NETWORK_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "gopt/nn/graph_sage.h"
#include "gopt/nn/modulation.h"
#include "gopt/nn/segment_attention.h"

// The network's blocks word by word as in the papers, with the weights of gopt's modules: the
// oracle of the tests and the peer of the benchmark.
namespace gopt {

// Transformer-XL's loop over the segments of each sequence: keys and values are projected anew from
// [stop_gradient(rows of the segment before), rows], and probabilities are made.
//   x [sum of lengths, width] -> the same shape.
at::Tensor LiteralSegmentAttention(SegmentAttentionImpl& layer, const at::Tensor& x,
                                   const std::vector<int64_t>& lengths, int segment);

// GraphSAGE with a message for every edge, each through its sigmoid.
at::Tensor LiteralGraphSage(GraphSageImpl& layer, const at::Tensor& h, const GraphEdges& edges);
at::Tensor LiteralGraphSageEncoder(GraphSageEncoderImpl& encoder, const at::Tensor& features,
                                   const at::Tensor& type, const GraphEdges& edges);

// As Superposition, over the loop.
at::Tensor LiteralSuperposition(SuperpositionImpl& layer, const at::Tensor& h,
                                const std::vector<int64_t>& lengths, int segment);

// Edges of pairs (source, target), in any order, without features, on the CPU.
GraphEdges MakeGraphEdges(int64_t nodes, std::vector<std::pair<int64_t, int64_t>> pairs);

// A DAG of `nodes` ops with about `degree` edges each, of the given seed; features are normal.
GraphEdges RandomGraphEdges(int64_t nodes, double degree, int edge_width, uint64_t seed);

}  // namespace gopt

#endif  // GOPT_TESTS_TESTING_LITERAL_NETWORK_H_
