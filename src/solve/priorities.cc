#include "src/solve/priorities.h"

#include <algorithm>

namespace gopt {

std::vector<double> BottomLevels(const TaskGraph& tasks) {
  const KernelGraph& graph = tasks.kernel_graph();
  std::vector<double> level(tasks.num_tasks(), 0.0);
  for (auto it = graph.topological_order.rbegin(); it != graph.topological_order.rend(); ++it) {
    for (KernelId reader : KernelGraph::Row(graph.successors, graph.successor_begin, *it)) {
      level[*it] = std::max(level[*it], level[reader]);
    }
    level[*it] += tasks.mean_time(*it);
  }
  return level;
}

std::vector<double> TopologicalPriorities(const TaskGraph& tasks) {
  std::vector<double> priority(tasks.num_tasks());
  double next = 0.0;
  for (KernelId task : tasks.kernel_graph().topological_order) priority[task] = next--;
  return priority;
}

std::vector<int32_t> TopologicalRanks(const TaskGraph& tasks) {
  std::vector<int32_t> rank(tasks.num_tasks());
  int32_t next = 0;
  for (KernelId task : tasks.kernel_graph().topological_order) rank[task] = next++;
  return rank;
}

}  // namespace gopt
