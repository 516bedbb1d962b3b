#ifndef GOPT_FEATURES_OP_SIZES_H_
#define GOPT_FEATURES_OP_SIZES_H_

#include <array>
#include <vector>

#include "gopt/graph/graph.h"
#include "src/features/edge_index.h"

namespace gopt {

// What ops read, make and keep. Bytes are doubles: their sums exceed 2^63.
struct OpSizes {
  std::vector<double> output_bytes;          // [ops]; of the op's storages, parameters' too.
  std::vector<double> read_bytes;            // [ops]; of what its edges carry.
  std::vector<double> persistent_bytes;      // [ops]; of parameters, with optimizer state; else 0.
  std::vector<double> parameter_bytes_read;  // [ops]; persistent bytes of the parameters it reads.

  // Over ops in kernels, over parameters, over edges that carry anything; 0 if there is none.
  double mean_output = 0.0, mean_read = 0.0, mean_flops = 0.0;
  double mean_persistent = 0.0;
  double mean_edge = 0.0;
  double total_output = 0.0;  // Of ops in kernels.
  double total_persistent = 0.0;
};
OpSizes MakeOpSizes(const Graph& graph, const EdgeIndex& edges, const EdgeTraffic& traffic);

}  // namespace gopt

#endif  // GOPT_FEATURES_OP_SIZES_H_
