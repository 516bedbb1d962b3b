#include "src/graph/validate_columns.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/graph/cycle.h"

namespace gopt {
namespace {

constexpr uint32_t kMaxRank = 64;
constexpr uint32_t kMaxOptimizerCopies = 1 << 10;

// Walks the columns once, in op order. Each Check* method is one group of rules.
class Validator {
 public:
  Validator(const GraphColumns& columns, const GraphLimits& limits)
      : c_(columns), limits_(limits), num_ops_(columns.op_kind.size()) {}

  absl::Status Run() {
    GOPT_RETURN_IF_ERROR(CheckSizes());
    GOPT_RETURN_IF_ERROR(CheckTexts());
    GOPT_RETURN_IF_ERROR(CheckPorts());
    GOPT_RETURN_IF_ERROR(CheckNumbers());
    GOPT_RETURN_IF_ERROR(CheckEdges());
    GOPT_RETURN_IF_ERROR(CheckStorages());
    GOPT_RETURN_IF_ERROR(CheckKinds());
    return CheckTables();
  }

 private:
  template <typename... Args>
  absl::Status OpFault(size_t op, const Args&... what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("op ", op, " '", Printable(c_.strings[c_.op_name[op]]), "': ", what...));
  }

  absl::Status Size(size_t actual, size_t expected, const char* column) const {
    if (actual == expected) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("column ", column, " has ", actual, " entries, expected ", expected));
  }

  absl::Status Limit(size_t count, int64_t limit, const char* noun) const {
    if (count <= static_cast<size_t>(limit)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(count, " ", noun, " exceed the limit of ", limit));
  }

  absl::Status CheckSizes() const {
    GOPT_RETURN_IF_ERROR(Limit(num_ops_, limits_.max_ops, "ops"));
    GOPT_RETURN_IF_ERROR(
        Limit(c_.operand_port.size() + c_.control_op.size(), limits_.max_edges, "edges"));
    GOPT_RETURN_IF_ERROR(Limit(c_.port_bytes.size(), limits_.max_edges, "ports"));
    const std::pair<size_t, const char*> op_columns[] = {
        {c_.op_name.size(), "op_name"},
        {c_.op_type.size(), "op_type"},
        {c_.op_native.size(), "op_native"},
        {c_.op_scope.size(), "op_scope"},
        {c_.op_phase.size(), "op_phase"},
        {c_.op_fusion_class.size(), "op_fusion_class"},
        {c_.op_forward_twin.size(), "op_forward_twin"},
        {c_.op_colocation.size(), "op_colocation"},
        {c_.op_flops.size(), "op_flops"},
        {c_.op_bytes_read.size(), "op_bytes_read"},
        {c_.op_bytes_written.size(), "op_bytes_written"},
        {c_.op_scratch_bytes.size(), "op_scratch_bytes"},
        {c_.op_side_effect.size(), "op_side_effect"},
        {c_.op_num_operands.size(), "op_num_operands"},
        {c_.op_num_controls.size(), "op_num_controls"},
        {c_.op_num_ports.size(), "op_num_ports"}};
    for (const auto& [size, name] : op_columns) GOPT_RETURN_IF_ERROR(Size(size, num_ops_, name));
    const size_t ports = c_.port_bytes.size();
    const std::pair<size_t, const char*> port_columns[] = {
        {c_.port_storage.size(), "port_storage"},
        {c_.port_dtype.size(), "port_dtype"},
        {c_.port_rank.size(), "port_rank"},
        {c_.port_persistent.size(), "port_persistent"},
        {c_.port_optimizer_copies.size(), "port_optimizer_copies"}};
    for (const auto& [size, name] : port_columns) GOPT_RETURN_IF_ERROR(Size(size, ports, name));
    GOPT_RETURN_IF_ERROR(SumIs(c_.op_num_operands, c_.operand_port.size(), "operand_port"));
    GOPT_RETURN_IF_ERROR(SumIs(c_.op_num_controls, c_.control_op.size(), "control_op"));
    GOPT_RETURN_IF_ERROR(SumIs(c_.op_num_ports, ports, "port_bytes"));
    return SumIs(c_.port_rank, c_.port_dims.size(), "port_dims");
  }

  absl::Status SumIs(const std::vector<uint32_t>& counts, size_t total, const char* column) const {
    uint64_t sum = 0;
    for (uint32_t count : counts) sum += count;  // At most 2^24 x 2^32.
    return Size(total, sum, column);
  }

  absl::Status CheckTexts() const {
    if (c_.strings.empty() || !c_.strings[0].empty()) {
      return absl::InvalidArgumentError("strings: entry 0 must be the empty string");
    }
    for (size_t i = 0; i < c_.strings.size(); ++i) {
      GOPT_RETURN_IF_ERROR(
          CheckTextAt(c_.strings[i], [i] { return absl::StrCat("strings[", i, "]"); }));
    }
    GOPT_RETURN_IF_ERROR(CheckText(c_.name, "name"));
    GOPT_RETURN_IF_ERROR(CheckText(c_.source, "source"));
    const std::pair<const std::vector<uint32_t>*, const char*> columns[] = {
        {&c_.op_name, "name"},
        {&c_.op_type, "type"},
        {&c_.op_native, "native type"},
        {&c_.op_scope, "scope"}};
    for (size_t op = 0; op < num_ops_; ++op) {
      for (const auto& [column, field] : columns) {
        if ((*column)[op] < c_.strings.size()) continue;
        return absl::InvalidArgumentError(absl::StrCat("op ", op, ": ", field, " is string ",
                                                       (*column)[op], " of ", c_.strings.size()));
      }
    }
    return CheckNames();
  }

  absl::Status CheckText(const std::string& text, const std::string& where) const {
    return CheckTextAt(text, [&where] { return where; });
  }

  // `where` makes the name only when a message needs it: there are millions of texts and ports.
  template <typename Where>
  absl::Status CheckTextAt(const std::string& text, const Where& where) const {
    if (text.size() > static_cast<size_t>(limits_.max_name_bytes)) {
      return absl::InvalidArgumentError(absl::StrCat(
          where(), ": ", text.size(), " bytes exceed the limit of ", limits_.max_name_bytes));
    }
    if (!IsValidUtf8(text)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where(), ": '", Printable(text), "' is not valid UTF-8"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckNames() const {
    absl::flat_hash_set<absl::string_view> names;
    names.reserve(num_ops_);
    for (size_t op = 0; op < num_ops_; ++op) {
      const std::string& name = c_.strings[c_.op_name[op]];
      if (name.empty())
        return absl::InvalidArgumentError(absl::StrCat("op ", op, ": name is empty"));
      if (!names.insert(name).second) return OpFault(op, "another op has the same name");
    }
    return absl::OkStatus();
  }

  // Bytes, dtypes and shapes of ports.
  absl::Status CheckPorts() const {
    size_t port = 0, dim = 0;
    for (size_t op = 0; op < num_ops_; ++op) {
      for (uint32_t i = 0; i < c_.op_num_ports[op]; ++i, ++port) {
        GOPT_RETURN_IF_ERROR(CheckBytesOf(
            op, c_.port_bytes[port], [i] { return absl::StrCat("port ", i, " bytes"); }, 0));
        if (static_cast<size_t>(c_.port_dtype[port]) >= kNumDTypes) {
          return OpFault(op, "port ", i, ": dtype ", static_cast<int>(c_.port_dtype[port]),
                         " is unknown");
        }
        if (c_.port_rank[port] > kMaxRank) {
          return OpFault(op, "port ", i, ": rank ", c_.port_rank[port], " exceeds ", kMaxRank);
        }
        GOPT_RETURN_IF_ERROR(
            CheckShape(op, i, c_.port_dtype[port], c_.port_dims.data() + dim, c_.port_rank[port]));
        dim += c_.port_rank[port];
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckShape(size_t op, uint32_t index, DType dtype, const int64_t* dims,
                          uint32_t rank) const {
    int64_t elements = std::max(1, ElementSize(dtype));
    for (uint32_t d = 0; d < rank; ++d) {
      if (dims[d] < 0) return OpFault(op, "port ", index, ": dimension ", d, " is ", dims[d]);
      if (__builtin_mul_overflow(elements, std::max<int64_t>(dims[d], 1), &elements) ||
          elements > kSaturated) {
        return OpFault(op, "port ", index, ": the shape's bytes overflow 2^62");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckBytes(size_t op, int64_t bytes, const char* field, int64_t lowest) const {
    return CheckBytesOf(
        op, bytes, [field] { return field; }, lowest);
  }

  template <typename Field>
  absl::Status CheckBytesOf(size_t op, int64_t bytes, const Field& field, int64_t lowest) const {
    if (bytes >= lowest && bytes <= kSaturated) return absl::OkStatus();
    return OpFault(op, field(), " is ", bytes, ", expected ", lowest, " to 2^62");
  }

  absl::Status CheckNumbers() const {
    for (size_t op = 0; op < num_ops_; ++op) {
      const double flops = c_.op_flops[op];
      if (!(std::isfinite(flops) && (flops >= 0.0 || flops == -1.0))) {
        return OpFault(op, "flops is ", flops, ", expected -1 (unknown) or a finite number from 0");
      }
      GOPT_RETURN_IF_ERROR(CheckBytes(op, c_.op_bytes_read[op], "bytes read", -1));
      GOPT_RETURN_IF_ERROR(CheckBytes(op, c_.op_bytes_written[op], "bytes written", -1));
      GOPT_RETURN_IF_ERROR(CheckBytes(op, c_.op_scratch_bytes[op], "scratch bytes", 0));
      if (c_.op_side_effect[op] > 1) return OpFault(op, "side effect flag is neither 0 nor 1");
      const OpId twin = c_.op_forward_twin[op];
      if (twin < kNone || twin >= static_cast<int64_t>(num_ops_) ||
          twin == static_cast<int64_t>(op)) {
        return OpFault(op, "forward twin ", twin, " is not another op");
      }
      if (c_.op_colocation[op] < kNone)
        return OpFault(op, "colocation group is ", c_.op_colocation[op]);
    }
    return absl::OkStatus();
  }

  // Operands and controls exist and come earlier.
  absl::Status CheckEdges() const {
    std::vector<OpId> producer(c_.port_bytes.size());
    size_t port = 0;
    for (size_t op = 0; op < num_ops_; ++op) {
      for (uint32_t i = 0; i < c_.op_num_ports[op]; ++i) producer[port++] = static_cast<OpId>(op);
    }
    bool ordered = true;
    size_t operand = 0, control = 0;
    for (size_t op = 0; op < num_ops_; ++op) {
      for (uint32_t i = 0; i < c_.op_num_operands[op]; ++i, ++operand) {
        const PortId p = c_.operand_port[operand];
        if (p < 0 || static_cast<size_t>(p) >= producer.size()) {
          return OpFault(op, "operand ", i, ": port ", p, " does not exist");
        }
        ordered &= producer[p] < static_cast<OpId>(op);
      }
      for (uint32_t i = 0; i < c_.op_num_controls[op]; ++i, ++control) {
        const OpId source = c_.control_op[control];
        if (source < 0 || static_cast<size_t>(source) >= num_ops_) {
          return OpFault(op, "control ", i, ": op ", source, " does not exist");
        }
        ordered &= source < static_cast<OpId>(op);
      }
    }
    return ordered ? absl::OkStatus() : OrderFault(producer);
  }

  // Says whether the order or a cycle is at fault.
  absl::Status OrderFault(const std::vector<OpId>& producer) const {
    std::vector<std::pair<int32_t, int32_t>> edges;
    size_t operand = 0, control = 0, first_bad = num_ops_;
    for (size_t op = 0; op < num_ops_; ++op) {
      const size_t begin = edges.size();
      for (uint32_t i = 0; i < c_.op_num_operands[op]; ++i) {
        edges.emplace_back(producer[c_.operand_port[operand++]], static_cast<int32_t>(op));
      }
      for (uint32_t i = 0; i < c_.op_num_controls[op]; ++i) {
        edges.emplace_back(c_.control_op[control++], static_cast<int32_t>(op));
      }
      for (size_t e = begin; e < edges.size() && first_bad == num_ops_; ++e) {
        if (edges[e].first >= edges[e].second) first_bad = op;
      }
    }
    const SuccessorRows rows = SuccessorRows::FromEdges(static_cast<int>(num_ops_), edges);
    const std::vector<int32_t> cycle = ShortestCycle(rows.begin, rows.values);
    if (cycle.empty())
      return OpFault(first_bad, "an input comes later: ops must be in topological order");
    std::string text;
    for (int32_t op : cycle)
      absl::StrAppend(&text, "'", Printable(c_.strings[c_.op_name[op]]), "' -> ");
    absl::StrAppend(&text, "'", Printable(c_.strings[c_.op_name[cycle[0]]]), "'");
    return absl::InvalidArgumentError(absl::StrCat("cycle: ", text));
  }

  // A storage belongs to one op, and every storage is used.
  absl::Status CheckStorages() const {
    std::vector<OpId> owner(c_.storage_bytes.size(), kNone);
    size_t port = 0;
    for (size_t op = 0; op < num_ops_; ++op) {
      for (uint32_t i = 0; i < c_.op_num_ports[op]; ++i, ++port) {
        const StorageId s = c_.port_storage[port];
        if (s < 0 || static_cast<size_t>(s) >= owner.size()) {
          return OpFault(op, "port ", i, ": storage ", s, " does not exist");
        }
        GOPT_RETURN_IF_ERROR(CheckBytes(op, c_.storage_bytes[s], "storage bytes", 0));
        if (owner[s] != kNone && owner[s] != static_cast<OpId>(op)) {
          return OpFault(op, "port ", i, ": storage ", s, " belongs to op ", owner[s]);
        }
        owner[s] = static_cast<OpId>(op);
      }
    }
    for (size_t s = 0; s < owner.size(); ++s) {
      if (owner[s] == kNone)
        return absl::InvalidArgumentError(absl::StrCat("storage ", s, " has no port"));
    }
    return absl::OkStatus();
  }

  // What each kind of op may have.
  absl::Status CheckKinds() const {
    size_t port = 0;
    for (size_t op = 0; op < num_ops_; ++op) {
      const OpKind kind = c_.op_kind[op];
      if (static_cast<size_t>(kind) >= kNumOpKinds || kind == OpKind::kUnspecified) {
        return OpFault(op, "kind ", static_cast<int>(kind), " is unknown");
      }
      if (static_cast<size_t>(c_.op_phase[op]) >= kNumPhases)
        return OpFault(op, "phase is unknown");
      if (static_cast<size_t>(c_.op_fusion_class[op]) >= kNumFusionClasses) {
        return OpFault(op, "fusion class is unknown");
      }
      const uint32_t ports = c_.op_num_ports[op];
      const bool source =
          kind == OpKind::kParameter || kind == OpKind::kInput || kind == OpKind::kConstant;
      if (source && c_.op_num_operands[op] + c_.op_num_controls[op] > 0) {
        return OpFault(op, "ops of kind ", std::string(ToString(kind)), " have no inputs");
      }
      if (kind == OpKind::kParameter && ports != 1) {
        return OpFault(op, "a parameter has one port, not ", ports);
      }
      if (kind == OpKind::kOutput && ports != 0) return OpFault(op, "an output has no ports");
      for (uint32_t i = 0; i < ports; ++i, ++port) {
        if (c_.port_persistent[port] > 1) return OpFault(op, "persistent flag is neither 0 nor 1");
        if ((c_.port_persistent[port] != 0) != (kind == OpKind::kParameter)) {
          return OpFault(op, "parameters' ports, and only theirs, are persistent");
        }
        if (c_.port_optimizer_copies[port] > kMaxOptimizerCopies) {
          return OpFault(op, "optimizer copies exceed ", kMaxOptimizerCopies);
        }
        if (kind != OpKind::kParameter && c_.port_optimizer_copies[port] != 0) {
          return OpFault(op, "only parameters have optimizer copies");
        }
      }
    }
    return CheckOutputsHaveNoSuccessors();
  }

  absl::Status CheckOutputsHaveNoSuccessors() const {
    for (OpId source : c_.control_op) {
      if (c_.op_kind[source] == OpKind::kOutput)
        return OpFault(source, "an output has no successors");
    }
    return absl::OkStatus();
  }

  absl::Status CheckTables() const {
    for (size_t t = 0; t < c_.costs.size(); ++t) {
      const CostTable& table = c_.costs[t];
      const std::string where = absl::StrCat("cost table ", t);
      GOPT_RETURN_IF_ERROR(CheckText(table.source, where + " source"));
      GOPT_RETURN_IF_ERROR(CheckText(table.device_kind, where + " device kind"));
      GOPT_RETURN_IF_ERROR(Size(table.duration.size(), num_ops_, "duration_ns"));
      if (!table.stddev.empty())
        GOPT_RETURN_IF_ERROR(Size(table.stddev.size(), num_ops_, "stddev_ns"));
      if (!table.samples.empty())
        GOPT_RETURN_IF_ERROR(Size(table.samples.size(), num_ops_, "samples"));
      for (size_t op = 0; op < num_ops_; ++op) {
        GOPT_RETURN_IF_ERROR(CheckBytes(op, table.duration[op], "measured time", -1));
        if (!table.stddev.empty())
          GOPT_RETURN_IF_ERROR(CheckBytes(op, table.stddev[op], "stddev", -1));
        if (!table.samples.empty() && table.samples[op] < 0)
          return OpFault(op, "samples is negative");
      }
    }
    return CheckUngroup();
  }

  absl::Status CheckUngroup() const {
    if (c_.ungroup_begin.empty()) return Size(c_.ungroup_names.size(), 0, "ungroup_names");
    GOPT_RETURN_IF_ERROR(Size(c_.ungroup_begin.size(), num_ops_ + 1, "ungroup_begin"));
    for (size_t op = 0; op < num_ops_; ++op) {
      if (c_.ungroup_begin[op] > c_.ungroup_begin[op + 1])
        return OpFault(op, "ungroup_begin falls");
    }
    if (c_.ungroup_begin[0] != 0)
      return absl::InvalidArgumentError("ungroup_begin does not start at 0");
    return Size(c_.ungroup_names.size(), c_.ungroup_begin[num_ops_], "ungroup_names");
  }

  const GraphColumns& c_;
  const GraphLimits& limits_;
  const size_t num_ops_;
};

}  // namespace

absl::Status ValidateColumns(const GraphColumns& columns, const GraphLimits& limits) {
  return Validator(columns, limits).Run();
}

}  // namespace gopt
