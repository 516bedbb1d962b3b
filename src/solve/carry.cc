#include "src/solve/carry.h"
#include "src/solve/rank_sort.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace gopt {
namespace {

// Sorted by key; equal keys stay in the given order.
std::vector<KernelId> CountingSort(std::span<const KernelId> kernels, std::span<const int32_t> key,
                                   int num_keys) {
  std::vector<int32_t> next(num_keys + 1, 0);
  for (const KernelId k : kernels) ++next[key[k] + 1];
  for (int i = 0; i < num_keys; ++i) next[i + 1] += next[i];
  std::vector<KernelId> sorted(kernels.size());
  for (const KernelId k : kernels) sorted[next[key[k]]++] = k;
  return sorted;
}

// The topological order that always takes the ready kernel that is first in `order`.
std::vector<KernelId> TopologicalBy(const KernelGraph& graph, std::span<const KernelId> order) {
  const std::vector<int32_t> place = RanksOfOrder(order);
  std::vector<int32_t> missing(order.size());
  std::priority_queue<int32_t, std::vector<int32_t>, std::greater<>> ready;
  for (KernelId k = 0; k < graph.num_kernels; ++k) {
    missing[k] = graph.predecessor_begin[k + 1] - graph.predecessor_begin[k];
    if (missing[k] == 0) ready.push(place[k]);
  }
  std::vector<KernelId> sorted;
  sorted.reserve(order.size());
  while (!ready.empty()) {
    const KernelId kernel = order[ready.top()];
    ready.pop();
    sorted.push_back(kernel);
    for (const KernelId next : KernelGraph::Row(graph.successors, graph.successor_begin, kernel)) {
      if (--missing[next] == 0) ready.push(place[next]);
    }
  }
  return sorted;
}

}  // namespace

std::vector<int32_t> CarryRanks(const Kernels& from, std::span<const int32_t> rank,
                                const Kernels& to) {
  std::vector<int32_t> lowest(to.size());
  for (KernelId k = 0; k < to.size(); ++k) {
    lowest[k] = rank[CarriedFrom(from, to, k)];
    for (const OpId op : to.ops(k)) lowest[k] = std::min(lowest[k], rank[from.kernel_of(op)]);
  }
  return lowest;
}

std::vector<DeviceId> CarryDevices(const Kernels& from, std::span<const DeviceId> device,
                                   const TaskGraph& to) {
  std::vector<DeviceId> carried(to.num_tasks());
  for (KernelId task = 0; task < to.num_tasks(); ++task) {
    const int32_t group = to.group(task);
    const KernelId leader = group == kNone ? task : to.group_tasks(group).front();
    const DeviceId wanted = device[CarriedFrom(from, *to.kernels(), leader)];
    carried[task] = to.is_allowed(leader, wanted) ? wanted : to.allowed(leader).front();
  }
  return carried;
}

std::vector<KernelId> CarryOrder(const Kernels& from, std::span<const int32_t> position,
                                 const Kernels& to, const KernelGraph& graph) {
  return CountingSort(graph.topological_order, CarryRanks(from, position, to), from.size());
}

std::vector<KernelId> CarrySequence(const Kernels& from, std::span<const int32_t> position,
                                    const Kernels& to, const KernelGraph& graph) {
  return TopologicalBy(graph, CarryOrder(from, position, to, graph));
}

}  // namespace gopt
