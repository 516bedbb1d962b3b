#include "src/graph/cycle.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace gopt {
namespace {

struct Rows {
  std::span<const int32_t> begin, values;

  int32_t size() const { return static_cast<int32_t>(begin.size()) - 1; }
  std::span<const int32_t> operator[](int32_t node) const {
    return values.subspan(begin[node], begin[node + 1] - begin[node]);
  }
};

std::vector<int32_t> InDegrees(const Rows& successors) {
  std::vector<int32_t> degree(successors.size(), 0);
  for (const int32_t node : successors.values) ++degree[node];
  return degree;
}

// Breadth-first search for a way from `root` back to itself of fewer than `limit` edges.
class CycleSearch {
 public:
  CycleSearch(const Rows& successors, const std::vector<uint8_t>& in_tangle)
      : successors_(successors),
        in_tangle_(in_tangle),
        seen_by_(successors.size(), -1),
        parent_(successors.size()),
        depth_(successors.size()) {}

  int64_t work() const { return work_; }

  std::vector<int32_t> From(int32_t root, size_t limit) {
    queue_.assign(1, root);
    seen_by_[root] = root;
    depth_[root] = 0;
    for (size_t i = 0; i < queue_.size(); ++i) {
      const int32_t node = queue_[i];
      if (static_cast<size_t>(depth_[node]) + 1 >= limit) break;
      for (const int32_t next : successors_[node]) {
        ++work_;
        if (next == root) return PathTo(node);
        if (in_tangle_[next] == 0 || seen_by_[next] == root) continue;
        seen_by_[next] = root;
        parent_[next] = node;
        depth_[next] = depth_[node] + 1;
        queue_.push_back(next);
      }
    }
    return {};
  }

 private:
  std::vector<int32_t> PathTo(int32_t node) const {
    std::vector<int32_t> path(depth_[node] + 1);
    for (int32_t i = depth_[node]; i > 0; --i, node = parent_[node]) path[i] = node;
    path[0] = node;
    return path;
  }

  const Rows& successors_;
  const std::vector<uint8_t>& in_tangle_;
  std::vector<int32_t> seen_by_, parent_, depth_, queue_;
  int64_t work_ = 0;
};

// Some cycle: every node of the tangle follows another one of it, so walking backwards must repeat.
std::vector<int32_t> AnyCycle(const Rows& successors, const std::vector<uint8_t>& in_tangle) {
  std::vector<int32_t> before(successors.size(), -1);
  int32_t node = -1;
  for (int32_t i = 0; i < successors.size(); ++i) {
    if (in_tangle[i] == 0) continue;
    for (const int32_t next : successors[i]) before[next] = i;
    node = i;
  }
  if (node == -1) return {};
  std::vector<uint8_t> visited(successors.size(), 0);
  for (; visited[node] == 0; node = before[node]) visited[node] = 1;
  std::vector<int32_t> cycle = {node};
  for (int32_t at = before[node]; at != node; at = before[at]) cycle.push_back(at);
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

}  // namespace

SuccessorRows SuccessorRows::FromEdges(int n, std::span<const std::pair<int32_t, int32_t>> edges) {
  SuccessorRows rows;
  rows.begin.assign(n + 1, 0);
  for (const auto& [source, target] : edges) ++rows.begin[source + 1];
  for (int v = 0; v < n; ++v) rows.begin[v + 1] += rows.begin[v];
  rows.values.resize(edges.size());
  std::vector<int32_t> next(rows.begin.begin(), rows.begin.end() - 1);
  for (const auto& [source, target] : edges) rows.values[next[source]++] = target;
  return rows;
}

std::vector<int32_t> TopologicalOrder(std::span<const int32_t> successor_begin,
                                      std::span<const int32_t> successors) {
  const Rows rows = {successor_begin, successors};
  std::vector<int32_t> waiting = InDegrees(rows);
  std::priority_queue<int32_t, std::vector<int32_t>, std::greater<>> ready;
  for (int32_t node = 0; node < rows.size(); ++node) {
    if (waiting[node] == 0) ready.push(node);
  }
  std::vector<int32_t> order;
  order.reserve(rows.size());
  while (!ready.empty()) {
    const int32_t node = ready.top();
    ready.pop();
    order.push_back(node);
    for (const int32_t next : rows[node]) {
      if (--waiting[next] == 0) ready.push(next);
    }
  }
  return order;
}

std::vector<int32_t> ShortestCycle(std::span<const int32_t> successor_begin,
                                   std::span<const int32_t> successors, int64_t work) {
  const Rows rows = {successor_begin, successors};
  // Only nodes that no order could reach can be on a cycle.
  std::vector<uint8_t> in_tangle(rows.size(), 1);
  for (const int32_t node : TopologicalOrder(successor_begin, successors)) in_tangle[node] = 0;

  CycleSearch search(rows, in_tangle);
  std::vector<int32_t> best = AnyCycle(rows, in_tangle);
  for (int32_t root = 0; root < rows.size() && search.work() <= work; ++root) {
    if (in_tangle[root] == 0) continue;
    std::vector<int32_t> found = search.From(root, best.size());
    if (!found.empty()) best = std::move(found);
  }
  if (!best.empty()) {
    std::rotate(best.begin(), std::min_element(best.begin(), best.end()), best.end());
  }
  return best;
}

}  // namespace gopt
