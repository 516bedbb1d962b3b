#ifndef GOPT_GRAPH_GRAPH_COLUMNS_H_
#define GOPT_GRAPH_GRAPH_COLUMNS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/graph/enums.h"

namespace gopt {

// Durations per op on one kind of device, measured or modelled; several may coexist.
struct CostTable {
  std::string source;  // "profile:torch"; tables of source "roofline" are never used for pricing.
  std::string device_kind;            // Matches Device::kind.
  std::vector<Nanoseconds> duration;  // One per op; -1: unknown.
  std::vector<Nanoseconds> stddev;    // Empty, or one per op; -1: unknown.
  std::vector<int32_t> samples;       // Empty, or one per op.
};

// The stored form of a graph: one vector per field, one entry per op, port, operand or storage.
// Importers and the builder fill it; Graph::Create validates it. Ops must be in topological order.
struct GraphColumns {
  std::string name;
  std::string source;  // Who made it: "torch 2.13 joint".

  std::vector<std::string> strings;  // Table for the four text columns; entry 0 is "".

  // One entry per op.
  std::vector<uint32_t> op_name;
  std::vector<uint32_t> op_type;    // Canonical: "matmul".
  std::vector<uint32_t> op_native;  // "aten::mm.default"
  std::vector<uint32_t> op_scope;   // Module path: "encoder.layers.3".
  std::vector<OpKind> op_kind;
  std::vector<Phase> op_phase;
  std::vector<FusionClass> op_fusion_class;
  std::vector<OpId> op_forward_twin;      // -1: none
  std::vector<int32_t> op_colocation;     // Group id; ops of one group share a device; -1: none.
  std::vector<double> op_flops;           // Negative: unknown.
  std::vector<int64_t> op_bytes_read;     // -1: unknown
  std::vector<int64_t> op_bytes_written;  // -1: unknown
  std::vector<int64_t> op_scratch_bytes;
  std::vector<uint8_t> op_side_effect;  // 1: must not be moved into a fused kernel.
  std::vector<uint32_t> op_num_operands;
  std::vector<uint32_t> op_num_controls;
  std::vector<uint32_t> op_num_ports;

  std::vector<PortId> operand_port;  // In op order; duplicates kept: mul(x, x).
  std::vector<OpId> control_op;      // In op order: ops that must finish first.

  // One entry per port (tensor), in op order.
  std::vector<StorageId> port_storage;  // Ports of one storage share memory; all of one op.
  std::vector<int64_t> port_bytes;      // Moved when it crosses a channel.
  std::vector<DType> port_dtype;
  std::vector<uint32_t> port_rank;
  std::vector<int64_t> port_dims;
  std::vector<uint8_t> port_persistent;         // Parameters only.
  std::vector<uint32_t> port_optimizer_copies;  // State bytes = copies x port bytes (Adam: 2).

  std::vector<int64_t> storage_bytes;  // One entry per storage.

  std::vector<CostTable> costs;
  std::string attributes;  // Opaque: arguments of each op, enough to run it again. May be empty.
  // Source nodes that each op stands for: ungroup_names[ungroup_begin[op] .. ungroup_begin[op +
  // 1]).
  std::vector<uint32_t> ungroup_begin;  // Empty, or one entry per op and one more.
  std::vector<std::string> ungroup_names;
  std::map<std::string, std::string> metadata;
};

// What a graph may be at most. A file beyond them is rejected before memory is taken.
struct GraphLimits {
  int64_t max_ops = 2'000'000;
  int64_t max_edges = 16'000'000;          // Operands and control edges together.
  int64_t max_bytes = int64_t{512} << 20;  // Of the file, and of its uncompressed content.
  int64_t max_name_bytes = 4096;
};

}  // namespace gopt

#endif  // GOPT_GRAPH_GRAPH_COLUMNS_H_
