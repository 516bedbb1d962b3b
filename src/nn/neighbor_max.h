#ifndef GOPT_NN_NEIGHBOR_MAX_H_
#define GOPT_NN_NEIGHBOR_MAX_H_

#include <ATen/core/Tensor.h>

#include "gopt/base/export.h"
#include "gopt/nn/graph_sage.h"

namespace gopt {

// The largest message to each node, element by element: in the first half of the columns over the
// edges u -> v into v, in the second over the edges v -> u out of v:
//   result[v] = max of (message[u] + edge_message[edge]); -infinity if there is none
//   message [nodes, 2 width], edge_message [edges, 2 width] or undefined -> [nodes, 2 width]
// The gradient of a maximum goes to the first edge, by id, that has it. Equal to the bit on any
// number of threads. On the CPU nothing of [edges, width] is made.
GOPT_API at::Tensor NeighborMax(const at::Tensor& message, const at::Tensor& edge_message,
                                const GraphEdges& edges);

// The same with edge_message = edges.features edge_weight', [2 width, edge width], of which on the
// CPU there are those of 64 nodes at a time.
GOPT_API at::Tensor NeighborMaxOfFeatures(const at::Tensor& message, const at::Tensor& edge_weight,
                                          const GraphEdges& edges);

// NeighborMax of differentiable ops, for any device; the gradient of a tie is shared.
GOPT_API at::Tensor NeighborMaxOfOps(const at::Tensor& message, const at::Tensor& edge_message,
                                     const GraphEdges& edges);

}  // namespace gopt

#endif  // GOPT_NN_NEIGHBOR_MAX_H_
