#ifndef TESTS_TESTING_FUSIBLE_GRAPH_H_
#define TESTS_TESTING_FUSIBLE_GRAPH_H_

#include <memory>

#include "gopt/base/random.h"
#include "gopt/graph/graph.h"

namespace gopt::testing {

// Random graphs in which most neighbours may fuse and some may not, for one reason or another:
// elementwise ops of few shapes, broadcasts, row-wise and other reductions, contractions, data
// movement, opaque ops, several ports, outputs, control edges, a backward half.
struct FusibleGraphOptions {
  int max_ops = 24;
  int window = 8;  // Operands come from this many ports back.
  double controls = 0.15;
};
std::shared_ptr<const Graph> RandomFusibleGraph(Random& random,
                                                const FusibleGraphOptions& options = {});

}  // namespace gopt::testing

#endif  // TESTS_TESTING_FUSIBLE_GRAPH_H_
