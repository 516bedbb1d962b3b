#ifndef GOPT_FEATURES_EDGE_INDEX_H_
#define GOPT_FEATURES_EDGE_INDEX_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/features/graph_features.h"
#include "gopt/graph/graph.h"

namespace gopt {

// The edges of GraphFeatures; views into its tensors. Edge e = in_begin[v] + i is
// Graph::predecessors(v)[i] -> v.
struct EdgeIndex {
  std::span<const int64_t> source, target;  // [edges]
  std::span<const int64_t> in_begin;        // [ops + 1]
  std::span<const int64_t> out_begin;       // [ops + 1]

  int num_ops() const { return static_cast<int>(in_begin.size()) - 1; }
  int64_t size() const { return static_cast<int64_t>(source.size()); }
  int64_t in_degree(OpId op) const { return in_begin[op + 1] - in_begin[op]; }
  int64_t out_degree(OpId op) const { return out_begin[op + 1] - out_begin[op]; }
};

// Makes the five edge tensors.
EdgeIndex FillEdges(const Graph& graph, GraphFeatures* features);

// What the edges carry, and what it takes to send it between two average devices.
struct EdgeTraffic {
  std::vector<double> bytes;          // [edges]; of the distinct ports that the reader reads.
  std::vector<double> transfer;       // [edges] ns; 0 for what never moves: see NeverMoves.
  std::vector<uint8_t> control_only;  // [edges]
  std::vector<double> port_transfer;  // [ops] ns to send each port that is read once.
};
EdgeTraffic MakeEdgeTraffic(const Graph& graph, const EdgeIndex& edges, double mean_latency,
                            double mean_inverse_bandwidth);

// Inputs and constants are everywhere, and outputs run nowhere (docs/simulator.md).
inline bool NeverMoves(const Graph& graph, OpId source, OpId target) {
  const OpKind kind = graph.kind(source);
  return kind == OpKind::kInput || kind == OpKind::kConstant ||
         graph.kind(target) == OpKind::kOutput;
}

}  // namespace gopt

#endif  // GOPT_FEATURES_EDGE_INDEX_H_
