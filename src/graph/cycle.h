#ifndef GOPT_SRC_GRAPH_CYCLE_H_
#define GOPT_SRC_GRAPH_CYCLE_H_

#include <cstdint>
#include <span>
#include <vector>

namespace gopt {

// A directed graph as compressed rows: successors of v are targets[begin[v] .. begin[v + 1]).
struct Adjacency {
  std::vector<int32_t> begin;
  std::vector<int32_t> targets;

  int size() const { return static_cast<int>(begin.size()) - 1; }
  std::span<const int32_t> Row(int32_t v) const {
    return {targets.data() + begin[v], targets.data() + begin[v + 1]};
  }
  // From (source, target) pairs, rows in the order given. All ids in [0, n).
  static Adjacency FromEdges(int n, std::span<const std::pair<int32_t, int32_t>> edges);
};

// Nodes in topological order, smallest id first where free; fewer than n when there is a cycle.
std::vector<int32_t> TopologicalOrder(const Adjacency& graph);

// A cycle as nodes in order, a shortest one through each of the first nodes tried; empty if
// acyclic.
std::vector<int32_t> FindShortCycle(const Adjacency& graph);

}  // namespace gopt

#endif  // GOPT_SRC_GRAPH_CYCLE_H_
