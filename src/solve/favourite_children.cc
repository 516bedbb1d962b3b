#include "src/solve/favourite_children.h"

#include <cstdint>

#include "src/solve/priorities.h"

namespace gopt {
namespace {

struct Edge {
  KernelId from;
  KernelId to;
};

}  // namespace

std::vector<KernelId> FavouriteChildren(const TaskGraph& tasks) {
  const KernelGraph& graph = tasks.kernel_graph();
  const std::vector<double> upward = UpwardRanks(tasks), downward = DownwardRanks(tasks);
  std::vector<Edge> edges;
  std::vector<double> length;  // Of the longest path through each.
  for (KernelId to = 0; to < tasks.num_tasks(); ++to) {
    for (int32_t e = graph.input_begin[to]; e < graph.input_begin[to + 1]; ++e) {
      const KernelId from = graph.inputs[e].source;
      if (from == kNone) continue;
      edges.push_back({from, to});
      length.push_back(downward[from] + tasks.mean_time(from) +
                       tasks.MeanTransfer(tasks.edge_bytes(e)) + upward[to]);
    }
  }
  const std::vector<int32_t> rank = RanksByPriority(length);
  std::vector<int32_t> by_rank(edges.size());
  for (size_t i = 0; i < rank.size(); ++i) by_rank[rank[i]] = static_cast<int32_t>(i);

  std::vector<KernelId> child(tasks.num_tasks(), kNone), parent(tasks.num_tasks(), kNone);
  for (int32_t i : by_rank) {
    const Edge& edge = edges[i];
    if (child[edge.from] != kNone || parent[edge.to] != kNone) continue;
    child[edge.from] = edge.to;
    parent[edge.to] = edge.from;
  }
  return child;
}

}  // namespace gopt
