#ifndef GOPT_SRC_SOLVE_METIS_GRAPH_H_
#define GOPT_SRC_SOLVE_METIS_GRAPH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// The undirected graph that is partitioned: colocated tasks are one vertex, parallel edges are
// merged. Rows are compressed: neighbours of v are neighbour[begin[v] .. begin[v + 1]).
struct GOPT_API PartitionGraph {
  std::vector<int32_t> vertex_of_task;
  std::vector<double> time;  // Mean time, per vertex.
  std::vector<int64_t> begin;
  std::vector<int32_t> neighbour;
  std::vector<double> bytes;  // Per neighbour.

  int num_vertices() const { return static_cast<int>(time.size()); }

  static PartitionGraph Create(const TaskGraph& tasks);
};

// Weights as integers of 32 bits in the same proportions, with a sum of at most 2^30 + their
// number. Each at least `least`.
GOPT_API std::vector<int32_t> ScaleTo32Bits(std::span<const double> weights, int32_t least);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_METIS_GRAPH_H_
