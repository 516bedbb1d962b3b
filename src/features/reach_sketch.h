#ifndef GOPT_FEATURES_REACH_SKETCH_H_
#define GOPT_FEATURES_REACH_SKETCH_H_

#include <span>
#include <vector>

#include "src/features/edge_index.h"

namespace gopt {

// Work of all ancestors and of all descendants of each op, the op itself left out, as shares of the
// total work.
struct ReachedWork {
  std::vector<float> ancestors;    // [ops], in [0, 1]
  std::vector<float> descendants;  // [ops], in [0, 1]
};

// Estimates of E. Cohen, Size-Estimation Framework with Applications to Transitive Closure and
// Reachability, JCSS 55(3), 1997: of 32 independent exponential draws per op, of rate its work, the
// minimum over a set has the set's work as its rate. Standard error about 18 % of the value. Draws
// depend on the op's id alone. Exactly 0 where nothing is reached.
ReachedWork EstimateReachedWork(const EdgeIndex& edges, std::span<const double> work,
                                double total_work);

}  // namespace gopt

#endif  // GOPT_FEATURES_REACH_SKETCH_H_
