#include "src/plan/path_marks.h"

#include <algorithm>

namespace gopt {

PathMarks::PathMarks(const Graph& graph)
    : reaches_(graph.num_ops(), 0), reached_by_(graph.num_ops(), 0) {
  marked_.fill(kNone);
  Choose(graph);
  for (int bit = 0; bit < num_marked_; ++bit) {
    reaches_[marked_[bit]] = reached_by_[marked_[bit]] = uint64_t{1} << bit;
  }
  const std::span<const OpId> ops = graph.kernel_ops();
  for (const OpId op : ops) {
    for (const OpId before : graph.predecessors(op)) reached_by_[op] |= reached_by_[before];
  }
  for (auto op = ops.rbegin(); op != ops.rend(); ++op) {
    for (const OpId before : graph.predecessors(*op)) {
      if (graph.in_kernel(before)) reaches_[before] |= reaches_[*op];
    }
  }
}

// Ops of a longest path at even distances.
void PathMarks::Choose(const Graph& graph) {
  std::vector<int32_t> depth(graph.num_ops(), 0);
  std::vector<OpId> deepest(graph.num_ops(), kNone);
  OpId last = kNone;
  for (const OpId op : graph.kernel_ops()) {
    for (const OpId before : graph.predecessors(op)) {
      if (!graph.in_kernel(before) || depth[before] < depth[op]) continue;
      depth[op] = depth[before] + 1;
      deepest[op] = before;
    }
    if (last == kNone || depth[op] > depth[last]) last = op;
  }
  if (last == kNone) return;
  const int64_t length = int64_t{depth[last]} + 1;
  num_marked_ = static_cast<int>(std::min<int64_t>(length, std::ssize(marked_)));
  int bit = num_marked_ - 1;
  for (OpId op = last; op != kNone && bit >= 0; op = deepest[op]) {
    if (depth[op] > length * (2 * bit + 1) / (2 * num_marked_)) continue;
    marked_[bit--] = op;
  }
}

}  // namespace gopt
