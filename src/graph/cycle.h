#ifndef GOPT_SRC_GRAPH_CYCLE_H_
#define GOPT_SRC_GRAPH_CYCLE_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace gopt {

// Successors of a directed graph as compressed rows: those of v are values[begin[v] .. begin[v +
// 1]).
struct SuccessorRows {
  std::vector<int32_t> begin;
  std::vector<int32_t> values;

  // From (source, target) pairs with ids in [0, n); each row keeps the order of the pairs.
  static SuccessorRows FromEdges(int n, std::span<const std::pair<int32_t, int32_t>> edges);
};

// Orders the nodes of a graph given by compressed successor rows, the smallest id first where free.
// The result is shorter than the number of nodes exactly when there is a cycle.
std::vector<int32_t> TopologicalOrder(std::span<const int32_t> successor_begin,
                                      std::span<const int32_t> successors);

// The nodes of a shortest cycle, in order, its smallest node first; empty if there is none. Looks
// at about `work` edges at most, so in a huge tangle it may be merely a short one.
std::vector<int32_t> ShortestCycle(std::span<const int32_t> successor_begin,
                                   std::span<const int32_t> successors,
                                   int64_t work = int64_t{20'000'000});

}  // namespace gopt

#endif  // GOPT_SRC_GRAPH_CYCLE_H_
