#include "gopt/graph/graph_builder.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/graph/cycle.h"

namespace gopt {
namespace {

// The string table under construction.
class Strings {
 public:
  Strings() { Add(""); }

  uint32_t Add(const std::string& text) {
    auto [it, inserted] = ids_.try_emplace(text, static_cast<uint32_t>(table_.size()));
    if (inserted) table_.push_back(text);
    return it->second;
  }

  std::vector<std::string> Take() { return std::move(table_); }

 private:
  absl::flat_hash_map<std::string, uint32_t> ids_;
  std::vector<std::string> table_;
};

}  // namespace

GraphBuilder::GraphBuilder(std::string name, std::string source)
    : name_(std::move(name)), source_(std::move(source)) {}

OpId GraphBuilder::AddOp(OpOptions options) {
  ops_.push_back(std::move(options));
  operands_.emplace_back();
  controls_.emplace_back();
  ungroup_.emplace_back();
  return static_cast<OpId>(ops_.size()) - 1;
}

PortId GraphBuilder::AddPort(OpId op, PortOptions options) {
  ports_.push_back({op, std::move(options)});
  return static_cast<PortId>(ports_.size()) - 1;
}

void GraphBuilder::AddOperands(OpId reader, std::span<const PortId> ports) {
  if (!HasOp(reader, "AddOperands")) return;
  operands_[reader].insert(operands_[reader].end(), ports.begin(), ports.end());
}

void GraphBuilder::AddControls(OpId reader, std::span<const OpId> sources) {
  if (!HasOp(reader, "AddControls")) return;
  controls_[reader].insert(controls_[reader].end(), sources.begin(), sources.end());
}

void GraphBuilder::AddCostTable(std::string source, std::string device_kind,
                                std::vector<Nanoseconds> duration) {
  costs_.push_back({std::move(source), std::move(device_kind), std::move(duration), {}, {}});
}

void GraphBuilder::SetMetadata(std::string key, std::string value) {
  metadata_[std::move(key)] = std::move(value);
}

void GraphBuilder::SetUngroup(OpId op, std::vector<std::string> names) {
  if (HasOp(op, "SetUngroup")) ungroup_[op] = std::move(names);
}

void GraphBuilder::SetAttributes(std::string attributes) { attributes_ = std::move(attributes); }

bool GraphBuilder::HasOp(OpId op, const char* call) {
  if (op >= 0 && op < num_ops()) return true;
  if (status_.ok()) {
    status_ = absl::InvalidArgumentError(absl::StrCat(call, ": op ", op, " does not exist"));
  }
  return false;
}

std::string GraphBuilder::Describe(OpId op) const {
  return absl::StrCat("op ", op, " '", Printable(ops_[op].name), "'");
}

absl::Status GraphBuilder::CheckIds() const {
  GOPT_RETURN_IF_ERROR(status_);
  for (size_t port = 0; port < ports_.size(); ++port) {
    if (ports_[port].op < 0 || ports_[port].op >= num_ops()) {
      return absl::InvalidArgumentError(
          absl::StrCat("port ", port, ": op ", ports_[port].op, " does not exist"));
    }
    const PortId shared = ports_[port].options.share_storage_with;
    if (shared == kNone) continue;
    if (shared < 0 || shared >= static_cast<PortId>(port) || ports_[shared].op != ports_[port].op) {
      return absl::InvalidArgumentError(absl::StrCat(Describe(ports_[port].op), ": port ", port,
                                                     " shares storage with port ", shared,
                                                     ", which is no earlier port of the op"));
    }
  }
  for (OpId op = 0; op < num_ops(); ++op) {
    for (PortId port : operands_[op]) {
      if (port >= 0 && port < static_cast<PortId>(ports_.size())) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(Describe(op), ": operand port ", port, " does not exist"));
    }
    for (OpId source : controls_[op]) {
      if (source >= 0 && source < num_ops()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(Describe(op), ": control op ", source, " does not exist"));
    }
    const OpId twin = ops_[op].forward_twin;
    if (twin < kNone || twin >= num_ops()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Describe(op), ": forward twin ", twin, " does not exist"));
    }
  }
  for (const CostTable& table : costs_) {
    if (table.duration.size() <= ops_.size()) continue;
    return absl::InvalidArgumentError(absl::StrCat("cost table for '", Printable(table.device_kind),
                                                   "' has ", table.duration.size(), " entries for ",
                                                   ops_.size(), " ops"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<OpId>> GraphBuilder::SortedOps() const {
  std::vector<std::pair<int32_t, int32_t>> edges;
  for (OpId op = 0; op < num_ops(); ++op) {
    for (PortId port : operands_[op]) edges.emplace_back(ports_[port].op, op);
    for (OpId source : controls_[op]) edges.emplace_back(source, op);
  }
  const SuccessorRows rows = SuccessorRows::FromEdges(num_ops(), edges);
  std::vector<OpId> order = TopologicalOrder(rows.begin, rows.values);
  if (static_cast<int>(order.size()) == num_ops()) return order;
  std::string text;
  const std::vector<int32_t> cycle = ShortestCycle(rows.begin, rows.values);
  for (int32_t op : cycle) absl::StrAppend(&text, "'", Printable(ops_[op].name), "' -> ");
  return absl::InvalidArgumentError(
      absl::StrCat("cycle: ", text, "'", Printable(ops_[cycle[0]].name), "'"));
}

GraphColumns GraphBuilder::ToColumns(const std::vector<OpId>& order,
                                     const std::vector<OpId>& new_id) const {
  GraphColumns c;
  Strings strings;
  c.name = name_;
  c.source = source_;
  c.metadata = metadata_;
  c.attributes = attributes_;
  std::vector<std::vector<PortId>> ports_of(ops_.size());
  for (size_t port = 0; port < ports_.size(); ++port) {
    ports_of[ports_[port].op].push_back(static_cast<PortId>(port));
  }
  std::vector<PortId> new_port(ports_.size(), kNone);
  bool any_ungroup = false;
  for (OpId old : order) {
    const OpOptions& op = ops_[old];
    c.op_name.push_back(strings.Add(op.name));
    c.op_type.push_back(strings.Add(op.type));
    c.op_native.push_back(strings.Add(op.native));
    c.op_scope.push_back(strings.Add(op.scope));
    c.op_kind.push_back(op.kind);
    c.op_phase.push_back(op.phase);
    c.op_fusion_class.push_back(op.fusion_class);
    c.op_forward_twin.push_back(op.forward_twin == kNone ? kNone : new_id[op.forward_twin]);
    c.op_colocation.push_back(op.colocation);
    c.op_flops.push_back(op.flops);
    c.op_bytes_read.push_back(op.bytes_read);
    c.op_bytes_written.push_back(op.bytes_written);
    c.op_scratch_bytes.push_back(op.scratch_bytes);
    c.op_side_effect.push_back(op.side_effect ? 1 : 0);
    c.op_num_ports.push_back(static_cast<uint32_t>(ports_of[old].size()));
    for (PortId port : ports_of[old]) {
      new_port[port] = static_cast<PortId>(c.port_bytes.size());
      AddPortColumns(ports_[port].options, new_port, &c);
    }
    c.op_num_operands.push_back(static_cast<uint32_t>(operands_[old].size()));
    for (PortId port : operands_[old]) c.operand_port.push_back(new_port[port]);
    std::vector<OpId> sources;
    for (OpId source : controls_[old]) sources.push_back(new_id[source]);
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    c.op_num_controls.push_back(static_cast<uint32_t>(sources.size()));
    c.control_op.insert(c.control_op.end(), sources.begin(), sources.end());
    any_ungroup |= !ungroup_[old].empty();
  }
  if (any_ungroup) {
    c.ungroup_begin.push_back(0);
    for (OpId old : order) {
      c.ungroup_names.insert(c.ungroup_names.end(), ungroup_[old].begin(), ungroup_[old].end());
      c.ungroup_begin.push_back(static_cast<uint32_t>(c.ungroup_names.size()));
    }
  }
  for (const CostTable& table : costs_) {
    CostTable sorted{table.source, table.device_kind, {}, {}, {}};
    for (OpId old : order) {
      sorted.duration.push_back(
          static_cast<size_t>(old) < table.duration.size() ? table.duration[old] : -1);
    }
    c.costs.push_back(std::move(sorted));
  }
  c.strings = strings.Take();
  return c;
}

void GraphBuilder::AddPortColumns(const PortOptions& port, const std::vector<PortId>& new_port,
                                  GraphColumns* c) {
  if (port.share_storage_with == kNone) {
    c->port_storage.push_back(static_cast<StorageId>(c->storage_bytes.size()));
    c->storage_bytes.push_back(port.storage_bytes >= 0 ? port.storage_bytes : port.bytes);
  } else {
    c->port_storage.push_back(c->port_storage[new_port[port.share_storage_with]]);
  }
  c->port_bytes.push_back(port.bytes);
  c->port_dtype.push_back(port.dtype);
  c->port_rank.push_back(static_cast<uint32_t>(port.dims.size()));
  c->port_dims.insert(c->port_dims.end(), port.dims.begin(), port.dims.end());
  c->port_persistent.push_back(port.persistent ? 1 : 0);
  c->port_optimizer_copies.push_back(static_cast<uint32_t>(port.optimizer_copies));
}

absl::StatusOr<std::shared_ptr<const Graph>> GraphBuilder::Build(
    std::vector<OpId>* op_of_builder_id, const GraphLimits& limits) const {
  GOPT_RETURN_IF_ERROR(CheckIds());
  GOPT_ASSIGN_OR_RETURN(const std::vector<OpId> order, SortedOps());
  std::vector<OpId> new_id(ops_.size());
  for (size_t i = 0; i < order.size(); ++i) new_id[order[i]] = static_cast<OpId>(i);
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Graph> graph,
                        Graph::Create(ToColumns(order, new_id), limits));
  if (op_of_builder_id != nullptr) *op_of_builder_id = std::move(new_id);
  return graph;
}

}  // namespace gopt
