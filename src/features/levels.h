#ifndef GOPT_FEATURES_LEVELS_H_
#define GOPT_FEATURES_LEVELS_H_

#include <span>
#include <vector>

#include "src/features/edge_index.h"

namespace gopt {

// Longest paths of a graph whose ops and edges take time. (The upward rank of Topcuoglu, Hariri and
// Wu, IEEE TPDS 13(3), 2002, is the bottom level with mean times.)
struct Levels {
  std::vector<double> top;     // Longest path that ends before the op.
  std::vector<double> bottom;  // Longest path that begins with the op.
  double critical_path = 0.0;  // Largest top + bottom.

  // How much longer the op may take before the critical path grows.
  double Slack(int op) const { return critical_path - top[op] - bottom[op]; }
};

// edge_time: one per edge, or empty for none.
Levels MakeLevels(const EdgeIndex& edges, std::span<const double> op_time,
                  std::span<const double> edge_time);

// Edges on the longest path that ends at each op.
std::vector<int> MakeDepths(const EdgeIndex& edges);

}  // namespace gopt

#endif  // GOPT_FEATURES_LEVELS_H_
