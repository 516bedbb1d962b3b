#ifndef GOPT_FEATURES_GRAPH_FEATURES_H_
#define GOPT_FEATURES_GRAPH_FEATURES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/features/feature_context.h"
#include "gopt/features/feature_spec.h"
#include "gopt/plan/problem.h"

namespace gopt {

// A problem as tensors. Ops are in the graph's topological order. An edge is a distinct pair of
// producer and reader (Graph::predecessors), data or control; edges are sorted by target, then
// source.
struct GraphFeatures {
  at::Tensor op_type;  // [ops] int64, in [0, spec.num_type_ids())
  at::Tensor node;     // [ops, spec.node_width()] float32

  at::Tensor edge_source;  // [edges] int64
  at::Tensor edge_target;  // [edges] int64
  at::Tensor in_begin;     // [ops + 1] int64; edges in_begin[v] .. in_begin[v + 1] - 1 enter v.
  at::Tensor out_edge;     // [edges] int64: edge ids sorted by source, then target.
  at::Tensor out_begin;    // [ops + 1] int64: positions in out_edge of the edges that leave an op.
  at::Tensor edge;         // [edges, spec.edge_width()] float32

  at::Tensor device;  // [devices, spec.device_width()] float32

  // The incumbent plan; -1 and 0 without one.
  at::Tensor op_device;  // [ops] int64, -1: none
  at::Tensor op_start;   // [ops] float32, start / makespan in [0, 1]
  at::Tensor op_finish;  // [ops] float32, finish / makespan in [0, 1]

  int64_t num_ops() const { return op_type.size(0); }
  int64_t num_edges() const { return edge_source.size(0); }
  int64_t num_devices() const { return device.size(0); }

  // Copies to a device; tensors that are there already are shared.
  GOPT_API GraphFeatures To(at::Device target) const;
};

// Features on the CPU, on the calling thread; copies, so problem and context may go. All values are
// finite and within the ranges of docs/policy_features.md. They do not depend on the units of times
// and bytes, nor on names other than scopes and op types. Renumbering the machine's devices
// renumbers the rows of `device` and the values of `op_device` and changes nothing else (but for
// rounding). Linear in ops, edges and pairs of devices. Thread-safe. InvalidArgument: a context
// that does not fit the problem, or a spec whose version or columns are not this library's (its
// vocabulary may be any).
GOPT_API absl::StatusOr<GraphFeatures> MakeGraphFeatures(
    const Problem& problem, const FeatureContext& context,
    const FeatureSpec& spec = FeatureSpec::Default());

}  // namespace gopt

#endif  // GOPT_FEATURES_GRAPH_FEATURES_H_
