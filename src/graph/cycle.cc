#include "src/graph/cycle.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace gopt {
namespace {

constexpr int kStartsTried = 64;

std::vector<int32_t> InDegrees(const Adjacency& graph) {
  std::vector<int32_t> degree(graph.size(), 0);
  for (int32_t target : graph.targets) ++degree[target];
  return degree;
}

Adjacency Reversed(const Adjacency& graph) {
  std::vector<std::pair<int32_t, int32_t>> edges;
  edges.reserve(graph.targets.size());
  for (int32_t v = 0; v < graph.size(); ++v) {
    for (int32_t target : graph.Row(v)) edges.emplace_back(target, v);
  }
  return Adjacency::FromEdges(graph.size(), edges);
}

// Marks the nodes that a repeated removal of nodes without predecessors takes away.
void Peel(const Adjacency& graph, std::vector<uint8_t>* removed) {
  std::vector<int32_t> degree(graph.size(), 0);
  for (int32_t v = 0; v < graph.size(); ++v) {
    if ((*removed)[v]) continue;
    for (int32_t target : graph.Row(v)) ++degree[target];
  }
  std::vector<int32_t> stack;
  for (int32_t v = 0; v < graph.size(); ++v) {
    if (!(*removed)[v] && degree[v] == 0) stack.push_back(v);
  }
  while (!stack.empty()) {
    const int32_t v = stack.back();
    stack.pop_back();
    (*removed)[v] = 1;
    for (int32_t target : graph.Row(v)) {
      if (--degree[target] == 0 && !(*removed)[target]) stack.push_back(target);
    }
  }
}

// Shortest cycle through `start` within the nodes that were not removed, by breadth-first search.
std::vector<int32_t> ShortestCycleThrough(const Adjacency& graph, int32_t start,
                                          const std::vector<uint8_t>& removed) {
  std::vector<int32_t> parent(graph.size(), -1);
  std::vector<int32_t> queue = {start};
  for (size_t head = 0; head < queue.size(); ++head) {
    const int32_t v = queue[head];
    for (int32_t target : graph.Row(v)) {
      if (target == start) {
        std::vector<int32_t> cycle;
        for (int32_t w = v; w != start; w = parent[w]) cycle.push_back(w);
        cycle.push_back(start);
        std::reverse(cycle.begin(), cycle.end());
        return cycle;
      }
      if (removed[target] || parent[target] >= 0) continue;
      parent[target] = v;
      queue.push_back(target);
    }
  }
  return {};
}

}  // namespace

Adjacency Adjacency::FromEdges(int n, std::span<const std::pair<int32_t, int32_t>> edges) {
  Adjacency result;
  result.begin.assign(n + 1, 0);
  for (const auto& [source, target] : edges) ++result.begin[source + 1];
  for (int v = 0; v < n; ++v) result.begin[v + 1] += result.begin[v];
  result.targets.resize(edges.size());
  std::vector<int32_t> next(result.begin.begin(), result.begin.end() - 1);
  for (const auto& [source, target] : edges) result.targets[next[source]++] = target;
  return result;
}

std::vector<int32_t> TopologicalOrder(const Adjacency& graph) {
  std::vector<int32_t> degree = InDegrees(graph);
  std::priority_queue<int32_t, std::vector<int32_t>, std::greater<int32_t>> ready;
  for (int32_t v = 0; v < graph.size(); ++v) {
    if (degree[v] == 0) ready.push(v);
  }
  std::vector<int32_t> order;
  order.reserve(graph.size());
  while (!ready.empty()) {
    const int32_t v = ready.top();
    ready.pop();
    order.push_back(v);
    for (int32_t target : graph.Row(v)) {
      if (--degree[target] == 0) ready.push(target);
    }
  }
  return order;
}

std::vector<int32_t> FindShortCycle(const Adjacency& graph) {
  // What remains after peeling from both ends lies on cycles or between them.
  std::vector<uint8_t> removed(graph.size(), 0);
  Peel(graph, &removed);
  Peel(Reversed(graph), &removed);
  std::vector<int32_t> best;
  int tried = 0;
  for (int32_t v = 0; v < graph.size() && tried < kStartsTried; ++v) {
    if (removed[v]) continue;
    std::vector<int32_t> cycle = ShortestCycleThrough(graph, v, removed);
    ++tried;
    if (!cycle.empty() && (best.empty() || cycle.size() < best.size())) best = std::move(cycle);
    if (best.size() == 1) break;
  }
  for (int32_t v = 0; best.empty() && v < graph.size(); ++v) {
    if (!removed[v]) best = ShortestCycleThrough(graph, v, removed);
  }
  return best;
}

}  // namespace gopt
