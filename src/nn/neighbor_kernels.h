#ifndef GOPT_NN_NEIGHBOR_KERNELS_H_
#define GOPT_NN_NEIGHBOR_KERNELS_H_

#include <cstdint>

namespace gopt {

// The loops of NeighborMax, for T float and double.

// The edges at each node, in one direction.
struct Neighbors {
  const int64_t* begin;  // [nodes + 1]
  const int64_t* edge;   // [edges] ids; null: positions are ids.
  const int64_t* node;   // [edges] by id: the other end.
};

// Columns of a row-major matrix; null: none.
template <typename T>
struct Columns {
  T* data = nullptr;
  int64_t stride = 0;
  T* operator[](int64_t row) const { return data + row * stride; }
};

// The rows first .. last - 1 of the result, `width` columns of each.
struct NeighborRange {
  Neighbors neighbors;
  int64_t width, first, last;
  int64_t position = -1;  // Row 0 of the edges is that of this place in `edge`; -1: rows are by id.
};

// `best` and `best_edge` of nodes from the messages of their neighbours.
template <typename T>
void MaxOfNeighbors(const NeighborRange& range, Columns<const T> message,
                    Columns<const T> edge_message, Columns<T> best, Columns<int32_t> best_edge);

// Gradient of nodes' messages. `range.neighbors` are the edges by sender: each gathers what its
// messages won, in a fixed order.
template <typename T>
void GradientOfSenders(const NeighborRange& range, Columns<const T> best,
                       Columns<const int32_t> best_edge, Columns<T> message);

// Gradient of the edges' messages; `range.neighbors.node` is who read each, and the range is one of
// edges.
template <typename T>
void GradientOfEdges(const NeighborRange& range, Columns<const T> best,
                     Columns<const int32_t> best_edge, Columns<T> edge_message);

}  // namespace gopt

#endif  // GOPT_NN_NEIGHBOR_KERNELS_H_
