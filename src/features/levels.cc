#include "src/features/levels.h"

#include <algorithm>

namespace gopt {
namespace {

template <typename EdgeTime>
Levels LevelsOf(const EdgeIndex& edges, std::span<const double> op_time, EdgeTime edge_time) {
  const int ops = edges.num_ops();
  Levels levels;
  levels.top.assign(ops, 0.0);
  levels.bottom.assign(ops, 0.0);
  for (int op = 0; op < ops; ++op) {
    double top = 0.0;
    for (int64_t e = edges.in_begin[op]; e < edges.in_begin[op + 1]; ++e) {
      const int64_t source = edges.source[e];
      top = std::max(top, levels.top[source] + op_time[source] + edge_time(e));
    }
    levels.top[op] = top;
  }
  for (int op = ops - 1; op >= 0; --op) {
    const double bottom = levels.bottom[op] += op_time[op];
    for (int64_t e = edges.in_begin[op]; e < edges.in_begin[op + 1]; ++e) {
      double& below = levels.bottom[edges.source[e]];
      below = std::max(below, bottom + edge_time(e));
    }
    levels.critical_path = std::max(levels.critical_path, levels.top[op] + bottom);
  }
  return levels;
}

}  // namespace

Levels MakeLevels(const EdgeIndex& edges, std::span<const double> op_time,
                  std::span<const double> edge_time) {
  if (edge_time.empty()) return LevelsOf(edges, op_time, [](int64_t) { return 0.0; });
  return LevelsOf(edges, op_time, [&](int64_t e) { return edge_time[e]; });
}

std::vector<int> MakeDepths(const EdgeIndex& edges) {
  std::vector<int> depth(edges.num_ops(), 0);
  for (int64_t e = 0; e < edges.size(); ++e) {  // By target: a source's depth is final.
    int& reader = depth[edges.target[e]];
    reader = std::max(reader, depth[edges.source[e]] + 1);
  }
  return depth;
}

}  // namespace gopt
