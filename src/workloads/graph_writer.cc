#include "src/workloads/graph_writer.h"

#include <utility>

#include "gopt/graph/graph_text.h"

namespace gopt {

GraphWriter::GraphWriter(std::string name) {
  columns_.name = std::move(name);
  columns_.source = "gopt synthetic";
  columns_.strings = {""};
  interned_[""] = 0;
}

uint32_t GraphWriter::Append(std::string text) {
  columns_.strings.push_back(std::move(text));
  return static_cast<uint32_t>(columns_.strings.size() - 1);
}

uint32_t GraphWriter::Intern(std::string_view text) {
  const auto [it, is_new] = interned_.try_emplace(std::string(text), 0);
  if (is_new) it->second = Append(std::string(text));
  return it->second;
}

OpId GraphWriter::AddOp(Op op, std::span<const PortId> operands) {
  columns_.op_name.push_back(Append(std::move(op.name)));
  columns_.op_type.push_back(Intern(op.type));
  columns_.op_native.push_back(0);
  columns_.op_scope.push_back(Intern(op.scope));
  columns_.op_kind.push_back(op.kind);
  columns_.op_phase.push_back(op.phase);
  columns_.op_fusion_class.push_back(op.fusion_class);
  columns_.op_forward_twin.push_back(op.forward_twin);
  columns_.op_colocation.push_back(kNone);
  columns_.op_flops.push_back(op.flops);
  columns_.op_bytes_read.push_back(op.bytes_read);
  columns_.op_bytes_written.push_back(op.bytes_written);
  columns_.op_scratch_bytes.push_back(0);
  columns_.op_side_effect.push_back(0);
  columns_.op_num_operands.push_back(static_cast<uint32_t>(operands.size()));
  columns_.op_num_controls.push_back(0);
  columns_.op_num_ports.push_back(0);
  columns_.operand_port.insert(columns_.operand_port.end(), operands.begin(), operands.end());
  return num_ops() - 1;
}

PortId GraphWriter::AddPort(int64_t bytes, std::span<const int64_t> dims) {
  ++columns_.op_num_ports.back();
  columns_.port_storage.push_back(static_cast<StorageId>(columns_.storage_bytes.size()));
  columns_.storage_bytes.push_back(bytes);
  columns_.port_bytes.push_back(bytes);
  columns_.port_dtype.push_back(dims.empty() ? DType::kUnknown : DType::kFloat32);
  columns_.port_rank.push_back(static_cast<uint32_t>(dims.size()));
  dim_begin_.push_back(columns_.port_dims.size());
  columns_.port_dims.insert(columns_.port_dims.end(), dims.begin(), dims.end());
  columns_.port_persistent.push_back(0);
  columns_.port_optimizer_copies.push_back(0);
  return num_ports() - 1;
}

void GraphWriter::MakePersistent(int optimizer_copies) {
  columns_.port_persistent.back() = 1;
  columns_.port_optimizer_copies.back() = static_cast<uint32_t>(optimizer_copies);
}

void GraphWriter::SetMetadata(std::string key, std::string value) {
  columns_.metadata[std::move(key)] = std::move(value);
}

void GraphWriter::SetPortBytes(PortId port, int64_t bytes) {
  columns_.port_bytes[port] = bytes;
  columns_.storage_bytes[columns_.port_storage[port]] = bytes;
}

absl::StatusOr<std::shared_ptr<const Graph>> GraphWriter::Finish(
    std::vector<Nanoseconds> duration) && {
  columns_.costs.push_back({.source = "synthetic",
                            .device_kind = std::string(kTextDeviceKind),
                            .duration = std::move(duration),
                            .stddev = {},
                            .samples = {}});
  return Graph::Create(std::move(columns_));
}

}  // namespace gopt
