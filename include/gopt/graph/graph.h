#ifndef GOPT_GRAPH_GRAPH_H_
#define GOPT_GRAPH_GRAPH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/enums.h"
#include "gopt/graph/graph_columns.h"

namespace gopt {

// An immutable, validated dataflow graph. Ops have dense ids in topological order: every operand's
// producer and every control edge's source has a smaller id than its reader. Tensors are output
// ports; the ports of an op are contiguous. Views are not ops: an importer contracts them into
// ports. All const calls are thread-safe.
class GOPT_API Graph {
 public:
  // Validates (reliability faults 6 to 13, 20, 23) and derives adjacency. InvalidArgument names the
  // op, the field and the rule: "op 7 'conv1': operand port 12 does not exist".
  static absl::StatusOr<std::shared_ptr<const Graph>> Create(GraphColumns columns,
                                                             const GraphLimits& limits = {});

  const std::string& name() const { return columns_.name; }
  const std::string& source() const { return columns_.source; }
  int num_ops() const { return static_cast<int>(columns_.op_kind.size()); }
  int num_ports() const { return static_cast<int>(columns_.port_bytes.size()); }
  int num_storages() const { return static_cast<int>(columns_.storage_bytes.size()); }
  // Distinct (producer, reader) pairs, data and control together.
  int64_t num_edges() const { return static_cast<int64_t>(successors_.size()); }

  // --- Ops
  std::string_view op_name(OpId op) const { return columns_.strings[columns_.op_name[op]]; }
  std::string_view op_type(OpId op) const { return columns_.strings[columns_.op_type[op]]; }
  std::string_view native_type(OpId op) const { return columns_.strings[columns_.op_native[op]]; }
  std::string_view scope(OpId op) const { return columns_.strings[columns_.op_scope[op]]; }
  OpKind kind(OpId op) const { return columns_.op_kind[op]; }
  Phase phase(OpId op) const { return columns_.op_phase[op]; }
  FusionClass fusion_class(OpId op) const { return columns_.op_fusion_class[op]; }
  OpId forward_twin(OpId op) const { return columns_.op_forward_twin[op]; }
  int32_t colocation(OpId op) const { return columns_.op_colocation[op]; }
  double flops(OpId op) const { return columns_.op_flops[op]; }
  int64_t bytes_read(OpId op) const { return columns_.op_bytes_read[op]; }
  int64_t bytes_written(OpId op) const { return columns_.op_bytes_written[op]; }
  int64_t scratch_bytes(OpId op) const { return columns_.op_scratch_bytes[op]; }
  bool has_side_effect(OpId op) const { return columns_.op_side_effect[op] != 0; }

  // True for the kinds that run in kernels: COMPUTE and COLLECTIVE.
  bool in_kernel(OpId op) const {
    return kind(op) == OpKind::kCompute || kind(op) == OpKind::kCollective;
  }

  // In argument order, duplicates kept.
  std::span<const PortId> operands(OpId op) const {
    return Slice(columns_.operand_port, operand_begin_, op);
  }
  // Control sources in stored order, distinct.
  std::span<const OpId> controls(OpId op) const {
    return Slice(columns_.control_op, control_begin_, op);
  }
  // The op's ports are first_port(op) .. first_port(op) + num_ports(op) - 1.
  PortId first_port(OpId op) const { return port_begin_[op]; }
  int num_ports(OpId op) const { return port_begin_[op + 1] - port_begin_[op]; }

  // Distinct ops that this op waits for / that wait for it (data and control), ascending.
  std::span<const OpId> predecessors(OpId op) const {
    return Slice(predecessors_, predecessor_begin_, op);
  }
  std::span<const OpId> successors(OpId op) const {
    return Slice(successors_, successor_begin_, op);
  }

  // --- Ports and storages
  OpId producer(PortId port) const { return port_producer_[port]; }
  StorageId storage(PortId port) const { return columns_.port_storage[port]; }
  int64_t port_bytes(PortId port) const { return columns_.port_bytes[port]; }
  DType dtype(PortId port) const { return columns_.port_dtype[port]; }
  std::span<const int64_t> dims(PortId port) const {
    return Slice(columns_.port_dims, dim_begin_, port);
  }
  bool is_persistent(PortId port) const { return columns_.port_persistent[port] != 0; }
  int optimizer_copies(PortId port) const {
    return static_cast<int>(columns_.port_optimizer_copies[port]);
  }
  // Distinct ops that read the port as an operand (OUTPUT ops included), ascending.
  std::span<const OpId> readers(PortId port) const { return Slice(readers_, reader_begin_, port); }
  // Some OUTPUT op reads it, so it is kept to the end of the step.
  bool is_output(PortId port) const { return port_is_output_[port] != 0; }
  int64_t storage_bytes(StorageId storage) const { return columns_.storage_bytes[storage]; }

  // --- Groups of ops, ascending
  std::span<const OpId> kernel_ops() const { return kernel_ops_; }  // All with in_kernel().
  std::span<const OpId> parameters() const { return parameters_; }
  // Position of a PARAMETER op in parameters(), -1 for other ops.
  int parameter_index(OpId op) const { return parameter_index_[op]; }
  // The op that updates the parameter in place: phase OPTIMIZER, no ports, reads it; or -1.
  OpId optimizer_op(int parameter) const { return optimizer_op_[parameter]; }

  // --- Costs and the rest
  std::span<const CostTable> cost_tables() const { return columns_.costs; }
  // First table of the kind whose source is not "roofline" and that has a value; -1: none.
  Nanoseconds MeasuredTime(OpId op, std::string_view device_kind) const;

  // Depends on structure, sizes, types and costs; not on names, scopes or metadata. The same on
  // every platform and for the same graph read from any format.
  uint64_t fingerprint() const { return fingerprint_; }

  // Everything, as stored.
  const GraphColumns& columns() const { return columns_; }

  // "op 7 'conv1'", for messages.
  std::string Describe(OpId op) const;

  // Bytes held by this object, names (the string table) aside.
  int64_t MemoryBytes() const;

 private:
  Graph() = default;
  void IndexRows();
  void IndexEdges();
  absl::Status IndexGroups();

  template <typename T, typename B>
  static std::span<const T> Slice(const std::vector<T>& values, const std::vector<B>& begin,
                                  int32_t i) {
    return {values.data() + begin[i], values.data() + begin[i + 1]};
  }

  GraphColumns columns_;
  std::vector<int32_t> operand_begin_, control_begin_, port_begin_, dim_begin_;
  std::vector<int32_t> predecessor_begin_, successor_begin_, reader_begin_;
  std::vector<OpId> predecessors_, successors_, readers_;
  std::vector<OpId> port_producer_;
  std::vector<uint8_t> port_is_output_;
  std::vector<OpId> kernel_ops_, parameters_, optimizer_op_;
  std::vector<int32_t> parameter_index_;
  uint64_t fingerprint_ = 0;
};

// The graph with this cost table put first, in place of one of the same source and device kind:
// measured again, not twice. InvalidArgument for a table that does not fit the graph.
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> WithCostTable(const Graph& graph,
                                                                    CostTable table);

// The graph with these notes; a key that it has already gets the new value. InvalidArgument for a
// text that is no UTF-8.
GOPT_API absl::StatusOr<std::shared_ptr<const Graph>> WithMetadata(
    const Graph& graph, const std::map<std::string, std::string>& metadata);

}  // namespace gopt

#endif  // GOPT_GRAPH_GRAPH_H_
