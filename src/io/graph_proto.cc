#include "src/io/graph_proto.h"

#include "src/io/schema_version.h"

namespace gopt {
namespace {

template <typename T, typename Repeated>
void CopyColumn(const std::vector<T>& column, Repeated* field) {
  field->Reserve(static_cast<int>(column.size()));
  for (const T& value : column) {
    field->AddAlreadyReserved(
        static_cast<typename std::remove_reference_t<decltype(*field->data())>>(value));
  }
}

void OpColumnsToProto(const GraphColumns& columns, v1::GraphProto* proto) {
  CopyColumn(columns.op_name, proto->mutable_op_name());
  CopyColumn(columns.op_type, proto->mutable_op_type());
  CopyColumn(columns.op_native, proto->mutable_op_native());
  CopyColumn(columns.op_scope, proto->mutable_op_scope());
  CopyColumn(columns.op_kind, proto->mutable_op_kind());
  CopyColumn(columns.op_phase, proto->mutable_op_phase());
  CopyColumn(columns.op_fusion_class, proto->mutable_op_fusion_class());
  CopyColumn(columns.op_forward_twin, proto->mutable_op_forward_twin());
  CopyColumn(columns.op_colocation, proto->mutable_op_colocation());
  CopyColumn(columns.op_flops, proto->mutable_op_flops());
  CopyColumn(columns.op_bytes_read, proto->mutable_op_bytes_read());
  CopyColumn(columns.op_bytes_written, proto->mutable_op_bytes_written());
  CopyColumn(columns.op_scratch_bytes, proto->mutable_op_scratch_bytes());
  CopyColumn(columns.op_side_effect, proto->mutable_op_side_effect());
  CopyColumn(columns.op_num_operands, proto->mutable_op_num_operands());
  CopyColumn(columns.op_num_controls, proto->mutable_op_num_controls());
  CopyColumn(columns.op_num_ports, proto->mutable_op_num_ports());
  CopyColumn(columns.operand_port, proto->mutable_operand_port());
  CopyColumn(columns.control_op, proto->mutable_control_op());
}

void PortColumnsToProto(const GraphColumns& columns, v1::GraphProto* proto) {
  CopyColumn(columns.port_storage, proto->mutable_port_storage());
  CopyColumn(columns.port_bytes, proto->mutable_port_bytes());
  CopyColumn(columns.port_dtype, proto->mutable_port_dtype());
  CopyColumn(columns.port_rank, proto->mutable_port_rank());
  CopyColumn(columns.port_dims, proto->mutable_port_dims());
  CopyColumn(columns.port_persistent, proto->mutable_port_persistent());
  CopyColumn(columns.port_optimizer_copies, proto->mutable_port_optimizer_copies());
  CopyColumn(columns.storage_bytes, proto->mutable_storage_bytes());
}

void CostTablesToProto(const GraphColumns& columns, v1::GraphProto* proto) {
  for (const CostTable& table : columns.costs) {
    v1::CostTableProto* out = proto->add_costs();
    out->set_source(table.source);
    out->set_device_kind(table.device_kind);
    CopyColumn(table.duration, out->mutable_duration_ns());
    CopyColumn(table.stddev, out->mutable_stddev_ns());
    CopyColumn(table.samples, out->mutable_samples());
  }
}

void UngroupToProto(const GraphColumns& columns, v1::GraphProto* proto) {
  for (size_t op = 0; op + 1 < columns.ungroup_begin.size(); ++op) {
    proto->add_ungroup_count(columns.ungroup_begin[op + 1] - columns.ungroup_begin[op]);
  }
  for (const std::string& name : columns.ungroup_names) proto->add_ungroup_names(name);
}

}  // namespace

v1::GraphProto ToProto(const Graph& graph) {
  const GraphColumns& columns = graph.columns();
  v1::GraphProto proto;
  proto.set_schema_major(kSchemaMajor);
  proto.set_schema_minor(kSchemaMinor);
  proto.set_name(columns.name);
  proto.set_source(columns.source);
  proto.set_num_ops(graph.num_ops());
  proto.set_num_ports(graph.num_ports());
  proto.set_num_operands(static_cast<int64_t>(columns.operand_port.size()));
  proto.set_num_controls(static_cast<int64_t>(columns.control_op.size()));
  proto.set_num_storages(graph.num_storages());
  for (const std::string& text : columns.strings) proto.add_strings(text);
  OpColumnsToProto(columns, &proto);
  PortColumnsToProto(columns, &proto);
  CostTablesToProto(columns, &proto);
  proto.set_attributes(columns.attributes);
  UngroupToProto(columns, &proto);
  for (const auto& [key, value] : columns.metadata) (*proto.mutable_metadata())[key] = value;
  return proto;
}

}  // namespace gopt
