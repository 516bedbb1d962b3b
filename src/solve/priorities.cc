#include "src/solve/priorities.h"

#include <algorithm>

#include "src/solve/ready_set.h"

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

std::vector<double> DownwardRanks(const TaskGraph& tasks) {
  const KernelGraph& graph = tasks.kernel_graph();
  std::vector<double> rank(tasks.num_tasks(), 0.0);
  for (KernelId task : graph.topological_order) {
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      const KernelId source = graph.inputs[e].source;
      if (source == kNone) continue;
      rank[task] = std::max(rank[task], rank[source] + tasks.mean_time(source) +
                                            tasks.MeanTransfer(tasks.edge_bytes(e)));
    }
    for (KernelId source : KernelGraph::Row(graph.controls, graph.control_begin, task)) {
      rank[task] = std::max(rank[task], rank[source] + tasks.mean_time(source));
    }
  }
  return rank;
}

std::vector<KernelId> ReadyOrder(const TaskGraph& tasks, std::span<const double> priority) {
  const KernelGraph& graph = tasks.kernel_graph();
  const int n = tasks.num_tasks();
  const std::vector<int32_t> rank = RanksByPriority(priority);
  std::vector<KernelId> task_of_rank(n);
  std::vector<int32_t> waiting(n);
  ReadySet ready;
  ready.Reset(n);
  for (KernelId task = 0; task < n; ++task) {
    task_of_rank[rank[task]] = task;
    waiting[task] = graph.predecessor_begin[task + 1] - graph.predecessor_begin[task];
    if (waiting[task] == 0) ready.Insert(rank[task]);
  }
  std::vector<KernelId> order;
  order.reserve(n);
  while (!ready.empty()) {
    order.push_back(task_of_rank[ready.PopMin()]);
    for (KernelId next : KernelGraph::Row(graph.successors, graph.successor_begin, order.back())) {
      if (--waiting[next] == 0) ready.Insert(rank[next]);
    }
  }
  return order;
}

}  // namespace gopt
