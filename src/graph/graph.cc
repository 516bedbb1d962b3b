#include "gopt/graph/graph.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/graph/fingerprint.h"
#include "src/graph/validate_columns.h"

namespace gopt {
namespace {

std::vector<int32_t> PrefixSums(const std::vector<uint32_t>& counts) {
  std::vector<int32_t> begin(counts.size() + 1, 0);
  for (size_t i = 0; i < counts.size(); ++i)
    begin[i + 1] = begin[i] + static_cast<int32_t>(counts[i]);
  return begin;
}

// Turns rows of "x of v" (compressed, values in [0, n)) into rows of "v with x"; values come out
// ascending.
void Transpose(int n, const std::vector<int32_t>& begin, const std::vector<int32_t>& values,
               std::vector<int32_t>* out_begin, std::vector<int32_t>* out_values) {
  out_begin->assign(n + 1, 0);
  for (int32_t value : values) ++(*out_begin)[value + 1];
  for (int i = 0; i < n; ++i) (*out_begin)[i + 1] += (*out_begin)[i];
  out_values->resize(values.size());
  std::vector<int32_t> next(out_begin->begin(), out_begin->end() - 1);
  for (size_t row = 0; row + 1 < begin.size(); ++row) {
    for (int32_t i = begin[row]; i < begin[row + 1]; ++i) {
      (*out_values)[next[values[i]]++] = static_cast<int32_t>(row);
    }
  }
}

// The graph that these came from has passed whatever limits its maker set.
absl::StatusOr<std::shared_ptr<const Graph>> CreateChanged(GraphColumns columns) {
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  return Graph::Create(std::move(columns), {kAny, kAny, kAny, kAny});
}

template <typename T>
int64_t HeapBytes(const std::vector<T>& values) {
  return static_cast<int64_t>(values.capacity() * sizeof(T));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Graph>> Graph::Create(GraphColumns columns,
                                                           const GraphLimits& limits) {
  GOPT_RETURN_IF_ERROR(ValidateColumns(columns, limits));
  std::shared_ptr<Graph> graph(new Graph());
  graph->columns_ = std::move(columns);
  graph->IndexRows();
  graph->IndexEdges();
  GOPT_RETURN_IF_ERROR(graph->IndexGroups());
  graph->fingerprint_ = Fingerprint(graph->columns_);
  return std::shared_ptr<const Graph>(std::move(graph));
}

void Graph::IndexRows() {
  operand_begin_ = PrefixSums(columns_.op_num_operands);
  control_begin_ = PrefixSums(columns_.op_num_controls);
  port_begin_ = PrefixSums(columns_.op_num_ports);
  dim_begin_ = PrefixSums(columns_.port_rank);
  port_producer_.resize(num_ports());
  for (OpId op = 0; op < num_ops(); ++op) {
    std::fill(port_producer_.begin() + port_begin_[op],
              port_producer_.begin() + port_begin_[op + 1], op);
  }
}

void Graph::IndexEdges() {
  std::vector<OpId> last_reader(num_ports(), kNone), last_successor(num_ops(), kNone);
  std::vector<int32_t> read_begin(num_ops() + 1, 0);
  std::vector<PortId> reads;  // Distinct ports of each op.
  reads.reserve(columns_.operand_port.size());
  predecessor_begin_.assign(num_ops() + 1, 0);
  predecessors_.reserve(columns_.operand_port.size() + columns_.control_op.size());
  port_is_output_.assign(num_ports(), 0);
  for (OpId op = 0; op < num_ops(); ++op) {
    const auto add_predecessor = [&](OpId source) {
      if (std::exchange(last_successor[source], op) != op) predecessors_.push_back(source);
    };
    for (PortId port : operands(op)) {
      if (kind(op) == OpKind::kOutput) port_is_output_[port] = 1;
      if (std::exchange(last_reader[port], op) != op) reads.push_back(port);
      add_predecessor(port_producer_[port]);
    }
    for (OpId source : controls(op)) add_predecessor(source);
    std::sort(predecessors_.begin() + predecessor_begin_[op], predecessors_.end());
    predecessor_begin_[op + 1] = static_cast<int32_t>(predecessors_.size());
    read_begin[op + 1] = static_cast<int32_t>(reads.size());
  }
  predecessors_.shrink_to_fit();
  Transpose(num_ops(), predecessor_begin_, predecessors_, &successor_begin_, &successors_);
  Transpose(num_ports(), read_begin, reads, &reader_begin_, &readers_);
}

absl::Status Graph::IndexGroups() {
  parameter_index_.assign(num_ops(), kNone);
  for (OpId op = 0; op < num_ops(); ++op) {
    if (in_kernel(op)) kernel_ops_.push_back(op);
    if (kind(op) == OpKind::kParameter) {
      parameter_index_[op] = static_cast<int32_t>(parameters_.size());
      parameters_.push_back(op);
    }
  }
  optimizer_op_.assign(parameters_.size(), kNone);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    for (OpId reader : readers(first_port(parameters_[i]))) {
      if (phase(reader) != Phase::kOptimizer || !in_kernel(reader) || num_ports(reader) > 0)
        continue;
      if (optimizer_op_[i] != kNone) {
        return absl::InvalidArgumentError(
            absl::StrCat(Describe(reader), ": ", Describe(parameters_[i]),
                         " already has the optimizer ", Describe(optimizer_op_[i])));
      }
      optimizer_op_[i] = reader;
    }
  }
  return absl::OkStatus();
}

Nanoseconds Graph::MeasuredTime(OpId op, std::string_view device_kind) const {
  for (const CostTable& table : columns_.costs) {
    if (table.device_kind != device_kind || table.source == "roofline") continue;
    if (table.duration[op] != -1) return table.duration[op];
  }
  return -1;
}

std::string Graph::Describe(OpId op) const {
  return absl::StrCat("op ", op, " '", Printable(op_name(op)), "'");
}

int64_t Graph::MemoryBytes() const {
  const GraphColumns& c = columns_;
  int64_t bytes =
      HeapBytes(c.op_name) + HeapBytes(c.op_type) + HeapBytes(c.op_native) + HeapBytes(c.op_scope) +
      HeapBytes(c.op_kind) + HeapBytes(c.op_phase) + HeapBytes(c.op_fusion_class) +
      HeapBytes(c.op_forward_twin) + HeapBytes(c.op_colocation) + HeapBytes(c.op_flops) +
      HeapBytes(c.op_bytes_read) + HeapBytes(c.op_bytes_written) + HeapBytes(c.op_scratch_bytes) +
      HeapBytes(c.op_side_effect) + HeapBytes(c.op_num_operands) + HeapBytes(c.op_num_controls) +
      HeapBytes(c.op_num_ports) + HeapBytes(c.operand_port) + HeapBytes(c.control_op) +
      HeapBytes(c.port_storage) + HeapBytes(c.port_bytes) + HeapBytes(c.port_dtype) +
      HeapBytes(c.port_rank) + HeapBytes(c.port_dims) + HeapBytes(c.port_persistent) +
      HeapBytes(c.port_optimizer_copies) + HeapBytes(c.storage_bytes);
  for (const CostTable& table : c.costs) {
    bytes += HeapBytes(table.duration) + HeapBytes(table.stddev) + HeapBytes(table.samples);
  }
  return bytes + HeapBytes(operand_begin_) + HeapBytes(control_begin_) + HeapBytes(port_begin_) +
         HeapBytes(dim_begin_) + HeapBytes(predecessor_begin_) + HeapBytes(successor_begin_) +
         HeapBytes(reader_begin_) + HeapBytes(predecessors_) + HeapBytes(successors_) +
         HeapBytes(readers_) + HeapBytes(port_producer_) + HeapBytes(port_is_output_) +
         HeapBytes(kernel_ops_) + HeapBytes(parameters_) + HeapBytes(optimizer_op_) +
         HeapBytes(parameter_index_);
}

absl::StatusOr<std::shared_ptr<const Graph>> WithCostTable(const Graph& graph, CostTable table) {
  GraphColumns columns = graph.columns();
  std::erase_if(columns.costs, [&](const CostTable& old) {
    return old.source == table.source && old.device_kind == table.device_kind;
  });
  columns.costs.insert(columns.costs.begin(), std::move(table));
  return CreateChanged(std::move(columns));
}

absl::StatusOr<std::shared_ptr<const Graph>> WithMetadata(
    const Graph& graph, const std::map<std::string, std::string>& metadata) {
  GraphColumns columns = graph.columns();
  for (const auto& [key, value] : metadata) {
    if (!IsValidUtf8(key) || !IsValidUtf8(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata '", Printable(key), "': not well-formed UTF-8"));
    }
    columns.metadata[key] = value;
  }
  return CreateChanged(std::move(columns));
}

}  // namespace gopt
