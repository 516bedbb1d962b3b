#ifndef GOPT_FEATURES_GRAPH_TENSORS_H_
#define GOPT_FEATURES_GRAPH_TENSORS_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/graph/graph.h"

namespace gopt {

// The structure of a graph as tensors on the CPU, in the graph's order of ops.
struct GraphTensors {
  at::Tensor op_type;           // [ops] int64, index into op_types.
  at::Tensor kind;              // [ops] int64, value of OpKind.
  at::Tensor phase;             // [ops] int64, value of Phase.
  at::Tensor fusion_class;      // [ops] int64, value of FusionClass.
  at::Tensor log_output_bytes;  // [ops] float32, log(1 + bytes of the op's storages).
  at::Tensor
      edges;  // [2, edges] int64: producers, readers; distinct pairs, by producer, then reader.
  std::vector<std::string> op_types;  // Distinct types, in the order of their first op.
};

// Copies; the graph may go.
GOPT_API GraphTensors MakeGraphTensors(const Graph& graph);

}  // namespace gopt

#endif  // GOPT_FEATURES_GRAPH_TENSORS_H_
