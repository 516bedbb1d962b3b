#include "gopt/features/graph_tensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "gopt/features/log_bytes.h"

namespace gopt {
namespace {

// [ops] int64 of value(op).
template <typename Value>
at::Tensor PerOp(const Graph& graph, Value value) {
  at::Tensor result = at::empty({graph.num_ops()}, at::kLong);
  int64_t* out = result.mutable_data_ptr<int64_t>();
  for (OpId op = 0; op < graph.num_ops(); ++op) out[op] = static_cast<int64_t>(value(op));
  return result;
}

// Ports that share a storage count once.
int64_t OutputBytes(const Graph& graph, OpId op) {
  absl::InlinedVector<StorageId, 4> storages;
  for (int i = 0; i < graph.num_ports(op); ++i) {
    storages.push_back(graph.storage(graph.first_port(op) + i));
  }
  std::sort(storages.begin(), storages.end());
  storages.erase(std::unique(storages.begin(), storages.end()), storages.end());
  int64_t bytes = 0;
  for (StorageId storage : storages) bytes = SaturatingAdd(bytes, graph.storage_bytes(storage));
  return bytes;
}

at::Tensor Edges(const Graph& graph) {
  at::Tensor result = at::empty({2, graph.num_edges()}, at::kLong);
  int64_t* producer = result.mutable_data_ptr<int64_t>();
  int64_t* reader = producer + graph.num_edges();
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    for (OpId successor : graph.successors(op)) {
      *producer++ = op;
      *reader++ = successor;
    }
  }
  return result;
}

}  // namespace

GraphTensors MakeGraphTensors(const Graph& graph) {
  std::vector<std::string> op_types;
  absl::flat_hash_map<std::string_view, int64_t> type_ids;
  at::Tensor op_type = PerOp(graph, [&](OpId op) {
    const auto [entry, added] = type_ids.emplace(graph.op_type(op), op_types.size());
    if (added) op_types.emplace_back(graph.op_type(op));
    return entry->second;
  });

  std::vector<int64_t> output_bytes(graph.num_ops());
  for (OpId op = 0; op < graph.num_ops(); ++op) output_bytes[op] = OutputBytes(graph, op);

  return {
      .op_type = std::move(op_type),
      .kind = PerOp(graph, [&](OpId op) { return graph.kind(op); }),
      .phase = PerOp(graph, [&](OpId op) { return graph.phase(op); }),
      .fusion_class = PerOp(graph, [&](OpId op) { return graph.fusion_class(op); }),
      .log_output_bytes = LogBytes(output_bytes),
      .edges = Edges(graph),
      .op_types = std::move(op_types),
  };
}

}  // namespace gopt
