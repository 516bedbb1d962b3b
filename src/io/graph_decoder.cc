#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/graph_proto.h"
#include "src/io/schema_version.h"
#include "src/io/wire.h"

namespace gopt {
namespace {

using v1::CostTableProto;
using v1::GraphProto;

constexpr int64_t kMaxCostTables = 256;
constexpr int64_t kMaxMetadata = 4096;
constexpr int64_t kMaxUnknownFields = 1024;
// An op takes a byte in each of 16 columns and 8 in op_flops; a source node's name is not empty. So
// the bytes at hand bound what their counts may make us allocate.
constexpr int64_t kMinBytesPerOp = 24;
constexpr int64_t kMinBytesPerUngroupName = 4;

// What the message states and holds, from a walk over its top level only.
struct Counts {
  int64_t schema_major = 0, schema_minor = 0;
  int64_t ops = 0, ports = 0, operands = 0, controls = 0, storages = 0;  // As stated.
  int64_t strings = 0, ungroup_names = 0, costs = 0, metadata = 0;       // As found.
};

class Decoder {
 public:
  Decoder(std::string_view bytes, std::string_view source, const GraphLimits& limits,
          std::vector<std::string>* warnings)
      : bytes_(bytes), source_(source), limits_(limits), warnings_(warnings) {}

  absl::StatusOr<GraphColumns> Run(bool text) {
    GOPT_RETURN_IF_ERROR(CountFields());
    GOPT_RETURN_IF_ERROR(
        CheckSchemaVersion(counts_.schema_major, counts_.schema_minor, text, source_, warnings_));
    GOPT_RETURN_IF_ERROR(CheckCounts());
    columns_.strings.reserve(static_cast<size_t>(counts_.strings));
    columns_.ungroup_names.reserve(static_cast<size_t>(counts_.ungroup_names));
    WireReader reader(bytes_);
    WireField field;
    while (!reader.done()) {
      if (!reader.Next(&field)) return Malformed();
      GOPT_RETURN_IF_ERROR(DecodeField(field));
    }
    GOPT_RETURN_IF_ERROR(CheckLengths());
    return std::move(columns_);
  }

 private:
  template <typename... Parts>
  absl::Status Fault(const Parts&... parts) const {
    return absl::InvalidArgumentError(
        absl::StrCat(absl::string_view(source_.data(), source_.size()), ": ", parts...));
  }
  absl::Status Malformed() const { return Fault("the message is malformed"); }

  absl::Status CountFields() {
    WireReader reader(bytes_);
    WireField field;
    while (!reader.done()) {
      if (!reader.Next(&field)) return Malformed();
      if (int64_t* count = CountOf(field.number)) ++*count;
      if (int64_t* stated = StatedCount(field.number)) {
        if (field.type != WireType::kVarint) return Malformed();
        *stated = static_cast<int64_t>(field.value);
      }
    }
    return absl::OkStatus();
  }

  int64_t* CountOf(int number) {
    switch (number) {
      case GraphProto::kStringsFieldNumber:
        return &counts_.strings;
      case GraphProto::kUngroupNamesFieldNumber:
        return &counts_.ungroup_names;
      case GraphProto::kCostsFieldNumber:
        return &counts_.costs;
      case GraphProto::kMetadataFieldNumber:
        return &counts_.metadata;
      default:
        return nullptr;
    }
  }

  int64_t* StatedCount(int number) {
    switch (number) {
      case GraphProto::kSchemaMajorFieldNumber:
        return &counts_.schema_major;
      case GraphProto::kSchemaMinorFieldNumber:
        return &counts_.schema_minor;
      case GraphProto::kNumOpsFieldNumber:
        return &counts_.ops;
      case GraphProto::kNumPortsFieldNumber:
        return &counts_.ports;
      case GraphProto::kNumOperandsFieldNumber:
        return &counts_.operands;
      case GraphProto::kNumControlsFieldNumber:
        return &counts_.controls;
      case GraphProto::kNumStoragesFieldNumber:
        return &counts_.storages;
      default:
        return nullptr;
    }
  }

  absl::Status CheckLimit(int64_t count, int64_t limit, std::string_view noun) const {
    const absl::string_view what(noun.data(), noun.size());
    if (count < 0) return Fault("states ", count, " ", what);
    if (count > limit) return Fault(count, " ", what, " exceed the limit of ", limit);
    return absl::OkStatus();
  }

  absl::Status CheckCounts() const {
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.ops, limits_.max_ops, "ops"));
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.ports, limits_.max_edges, "ports"));
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.storages, counts_.ports, "storages (one port each)"));
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.operands, limits_.max_edges, "operands"));
    GOPT_RETURN_IF_ERROR(
        CheckLimit(counts_.controls, limits_.max_edges - counts_.operands, "control edges"));
    const int64_t size = static_cast<int64_t>(bytes_.size());
    if (counts_.ops > size / kMinBytesPerOp) {
      return Fault("states ", counts_.ops, " ops, too many for ", size, " bytes");
    }
    if (counts_.ungroup_names > size / kMinBytesPerUngroupName) {
      return Fault("ungroup_names holds empty names");
    }
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.strings, 4 * counts_.ops + 1, "strings"));
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.ungroup_names, limits_.max_edges, "source nodes"));
    GOPT_RETURN_IF_ERROR(CheckLimit(counts_.costs, kMaxCostTables, "cost tables"));
    return CheckLimit(counts_.metadata, kMaxMetadata, "metadata entries");
  }

  // Appends the varints of one packed field. `convert` turns the raw value into a T, or fails.
  template <typename T, typename Convert>
  absl::Status Varints(const WireField& field, const char* name, int64_t expected,
                       const Convert& convert, std::vector<T>* column) {
    if (field.type != WireType::kBytes) return Fault(name, " is not a packed column");
    const char* next = field.bytes.data();
    const char* const end = next + field.bytes.size();
    MakeRoom(field.bytes.size(), expected, column);
    while (next != end) {
      uint64_t raw = static_cast<unsigned char>(*next);
      if (raw < 0x80) {
        ++next;
      } else if (!ReadVarint(&next, end, &raw)) {
        return Fault(name, "[", column->size(), "]: the number is cut or too long");
      }
      T value{};
      if (!convert(raw, &value)) {
        return Fault(name, "[", column->size(), "]: ", raw, " is out of range");
      }
      if (column->size() >= static_cast<size_t>(expected)) return TooLong(name, expected);
      column->push_back(value);
    }
    return absl::OkStatus();
  }

  // An entry takes at least one byte, so a stated count alone never makes memory grow. A column in
  // many pieces grows by doubling.
  template <typename T>
  static void MakeRoom(size_t more, int64_t expected, std::vector<T>* column) {
    const size_t needed =
        std::min(column->size() + more, std::max(static_cast<size_t>(expected), column->size()));
    if (needed <= column->capacity()) return;
    column->reserve(std::max(needed, 2 * column->capacity()));
  }

  absl::Status TooLong(const char* name, int64_t expected) const {
    return Fault("column ", name, " has more than the stated ", expected, " entries");
  }

  // Counts, ids and enums: values from 0 to `last`.
  template <typename T>
  absl::Status Numbers(const WireField& field, const char* name, int64_t expected, uint64_t last,
                       std::vector<T>* column) {
    return Varints(
        field, name, expected,
        [last](uint64_t raw, T* value) {
          *value = static_cast<T>(raw);
          return raw <= last;
        },
        column);
  }

  absl::Status Indices(const WireField& field, const char* name, int64_t expected,
                       std::vector<uint32_t>* column) {
    return Numbers(field, name, expected, std::numeric_limits<uint32_t>::max(), column);
  }
  absl::Status Ids(const WireField& field, const char* name, int64_t expected,
                   std::vector<int32_t>* column) {
    return Numbers(field, name, expected, std::numeric_limits<int32_t>::max(), column);
  }
  absl::Status Flags(const WireField& field, const char* name, int64_t expected,
                     std::vector<uint8_t>* column) {
    return Numbers(field, name, expected, 1, column);
  }

  // sint32 and sint64.
  template <typename T>
  absl::Status Signed(const WireField& field, const char* name, int64_t expected,
                      std::vector<T>* column) {
    return Varints(
        field, name, expected,
        [](uint64_t raw, T* value) {
          const int64_t wide = ZigZagDecode(raw);
          *value = static_cast<T>(wide);
          return *value == wide;
        },
        column);
  }

  absl::Status Doubles(const WireField& field, const char* name, int64_t expected,
                       std::vector<double>* column) {
    if (field.type != WireType::kBytes || field.bytes.size() % sizeof(double) != 0) {
      return Fault(name, " is not a packed column");
    }
    const size_t old = column->size(), more = field.bytes.size() / sizeof(double);
    if (old + more > static_cast<size_t>(expected)) return TooLong(name, expected);
    column->resize(old + more);
    if (more > 0) std::memcpy(column->data() + old, field.bytes.data(), field.bytes.size());
    return absl::OkStatus();
  }

  absl::Status Text(const WireField& field, const char* name, std::string* text) const {
    if (field.type != WireType::kBytes) return Malformed();
    if (!IsValidUtf8(field.bytes)) {
      return Fault(name, ": '", Printable(field.bytes), "' is not valid UTF-8");
    }
    text->assign(field.bytes);
    return absl::OkStatus();
  }

  // A name, held to the limit before it is copied.
  absl::Status Name(const WireField& field, const char* name, std::string* text) const {
    if (field.bytes.size() > static_cast<size_t>(limits_.max_name_bytes)) {
      return Fault(name, ": ", field.bytes.size(), " bytes exceed the limit of ",
                   limits_.max_name_bytes);
    }
    return Text(field, name, text);
  }

  // Graph::Create checks the table's encoding and the length of its entries.
  absl::Status TableEntry(const WireField& field) {
    if (field.type != WireType::kBytes) return Malformed();
    columns_.strings.emplace_back(field.bytes);
    return absl::OkStatus();
  }

  absl::Status UngroupName(const WireField& field) {
    return Name(field, "ungroup_names", &columns_.ungroup_names.emplace_back());
  }

  absl::Status UngroupCounts(const WireField& field) {
    std::vector<uint32_t> counts;
    GOPT_RETURN_IF_ERROR(Indices(field, "ungroup_count", counts_.ops, &counts));
    std::vector<uint32_t>& begin = columns_.ungroup_begin;
    if (begin.empty()) {
      begin.reserve(counts.size() + 1);
      begin.push_back(0);
    }
    for (uint32_t count : counts) {
      if (count > static_cast<uint64_t>(counts_.ungroup_names) - begin.back()) {
        return Fault("ungroup_count: the counts exceed the ", counts_.ungroup_names, " names");
      }
      begin.push_back(begin.back() + count);
    }
    if (begin.size() > static_cast<size_t>(counts_.ops) + 1) {
      return TooLong("ungroup_count", counts_.ops);
    }
    return absl::OkStatus();
  }

  absl::Status Metadata(const WireField& entry) {
    if (entry.type != WireType::kBytes) return Malformed();
    std::string key, value;
    WireReader reader(entry.bytes);
    WireField field;
    while (!reader.done()) {
      if (!reader.Next(&field)) return Malformed();
      if (field.number == 1) GOPT_RETURN_IF_ERROR(Name(field, "metadata key", &key));
      if (field.number == 2) GOPT_RETURN_IF_ERROR(Text(field, "metadata value", &value));
    }
    columns_.metadata[std::move(key)] = std::move(value);
    return absl::OkStatus();
  }

  absl::Status Costs(const WireField& entry) {
    if (entry.type != WireType::kBytes) return Malformed();
    CostTable table;
    WireReader reader(entry.bytes);
    WireField field;
    while (!reader.done()) {
      if (!reader.Next(&field)) return Malformed();
      GOPT_RETURN_IF_ERROR(CostField(field, &table));
    }
    columns_.costs.push_back(std::move(table));
    return absl::OkStatus();
  }

  absl::Status CostField(const WireField& field, CostTable* table) {
    switch (field.number) {
      case CostTableProto::kSourceFieldNumber:
        return Name(field, "cost table source", &table->source);
      case CostTableProto::kDeviceKindFieldNumber:
        return Name(field, "cost table device_kind", &table->device_kind);
      case CostTableProto::kDurationNsFieldNumber:
        return Signed(field, "duration_ns", counts_.ops, &table->duration);
      case CostTableProto::kStddevNsFieldNumber:
        return Signed(field, "stddev_ns", counts_.ops, &table->stddev);
      case CostTableProto::kSamplesFieldNumber:
        return Ids(field, "samples", counts_.ops, &table->samples);
      default:
        return Unknown("CostTableProto", field.number);
    }
  }

  absl::Status Unknown(std::string_view message, int number) {
    GOPT_RETURN_IF_ERROR(CheckLimit(++unknown_fields_, kMaxUnknownFields, "unknown fields"));
    WarnUnknownField(source_, message, number, warnings_);
    return absl::OkStatus();
  }

  absl::Status DecodeField(const WireField& field) {
    if (StatedCount(field.number) != nullptr) return absl::OkStatus();  // Read by CountFields.
    if (field.number >= GraphProto::kPortStorageFieldNumber &&
        field.number <= GraphProto::kStorageBytesFieldNumber) {
      return DecodePortColumn(field);
    }
    if (field.number >= GraphProto::kOpNameFieldNumber &&
        field.number <= GraphProto::kControlOpFieldNumber) {
      return DecodeOpColumn(field);
    }
    switch (field.number) {
      case GraphProto::kNameFieldNumber:
        return Name(field, "name", &columns_.name);
      case GraphProto::kSourceFieldNumber:
        return Name(field, "source", &columns_.source);
      case GraphProto::kStringsFieldNumber:
        return TableEntry(field);
      case GraphProto::kCostsFieldNumber:
        return Costs(field);
      case GraphProto::kAttributesFieldNumber:
        if (field.type != WireType::kBytes) return Malformed();
        columns_.attributes.assign(field.bytes);
        return absl::OkStatus();
      case GraphProto::kUngroupCountFieldNumber:
        return UngroupCounts(field);
      case GraphProto::kUngroupNamesFieldNumber:
        return UngroupName(field);
      case GraphProto::kMetadataFieldNumber:
        return Metadata(field);
      default:
        return Unknown("GraphProto", field.number);
    }
  }

  absl::Status DecodeOpColumn(const WireField& field) {
    const int64_t n = counts_.ops;
    GraphColumns& c = columns_;
    switch (field.number) {
      case GraphProto::kOpNameFieldNumber:
        return Indices(field, "op_name", n, &c.op_name);
      case GraphProto::kOpTypeFieldNumber:
        return Indices(field, "op_type", n, &c.op_type);
      case GraphProto::kOpNativeFieldNumber:
        return Indices(field, "op_native", n, &c.op_native);
      case GraphProto::kOpScopeFieldNumber:
        return Indices(field, "op_scope", n, &c.op_scope);
      case GraphProto::kOpKindFieldNumber:
        return Numbers(field, "op_kind", n, kNumOpKinds - 1, &c.op_kind);
      case GraphProto::kOpPhaseFieldNumber:
        return Numbers(field, "op_phase", n, kNumPhases - 1, &c.op_phase);
      case GraphProto::kOpFusionClassFieldNumber:
        return Numbers(field, "op_fusion_class", n, kNumFusionClasses - 1, &c.op_fusion_class);
      case GraphProto::kOpForwardTwinFieldNumber:
        return Signed(field, "op_forward_twin", n, &c.op_forward_twin);
      case GraphProto::kOpColocationFieldNumber:
        return Signed(field, "op_colocation", n, &c.op_colocation);
      case GraphProto::kOpFlopsFieldNumber:
        return Doubles(field, "op_flops", n, &c.op_flops);
      case GraphProto::kOpBytesReadFieldNumber:
        return Signed(field, "op_bytes_read", n, &c.op_bytes_read);
      case GraphProto::kOpBytesWrittenFieldNumber:
        return Signed(field, "op_bytes_written", n, &c.op_bytes_written);
      case GraphProto::kOpScratchBytesFieldNumber:
        return Signed(field, "op_scratch_bytes", n, &c.op_scratch_bytes);
      case GraphProto::kOpSideEffectFieldNumber:
        return Flags(field, "op_side_effect", n, &c.op_side_effect);
      case GraphProto::kOpNumOperandsFieldNumber:
        return Indices(field, "op_num_operands", n, &c.op_num_operands);
      case GraphProto::kOpNumControlsFieldNumber:
        return Indices(field, "op_num_controls", n, &c.op_num_controls);
      case GraphProto::kOpNumPortsFieldNumber:
        return Indices(field, "op_num_ports", n, &c.op_num_ports);
      case GraphProto::kOperandPortFieldNumber:
        return Ids(field, "operand_port", counts_.operands, &c.operand_port);
      default:
        return Ids(field, "control_op", counts_.controls, &c.control_op);
    }
  }

  absl::Status DecodePortColumn(const WireField& field) {
    const int64_t n = counts_.ports;
    GraphColumns& c = columns_;
    switch (field.number) {
      case GraphProto::kPortStorageFieldNumber:
        return Ids(field, "port_storage", n, &c.port_storage);
      case GraphProto::kPortBytesFieldNumber:
        return Signed(field, "port_bytes", n, &c.port_bytes);
      case GraphProto::kPortDtypeFieldNumber:
        return Numbers(field, "port_dtype", n, kNumDTypes - 1, &c.port_dtype);
      case GraphProto::kPortRankFieldNumber:
        return Indices(field, "port_rank", n, &c.port_rank);
      case GraphProto::kPortDimsFieldNumber:
        return Signed(field, "port_dims", static_cast<int64_t>(bytes_.size()), &c.port_dims);
      case GraphProto::kPortPersistentFieldNumber:
        return Flags(field, "port_persistent", n, &c.port_persistent);
      case GraphProto::kPortOptimizerCopiesFieldNumber:
        return Indices(field, "port_optimizer_copies", n, &c.port_optimizer_copies);
      default:
        return Signed(field, "storage_bytes", counts_.storages, &c.storage_bytes);
    }
  }

  // The other columns are compared with these by Graph::Create.
  absl::Status CheckLengths() const {
    const std::pair<size_t, int64_t> lengths[] = {
        {columns_.op_kind.size(), counts_.ops},
        {columns_.port_bytes.size(), counts_.ports},
        {columns_.operand_port.size(), counts_.operands},
        {columns_.control_op.size(), counts_.controls},
        {columns_.storage_bytes.size(), counts_.storages}};
    const char* const names[] = {"op_kind", "port_bytes", "operand_port", "control_op",
                                 "storage_bytes"};
    for (size_t i = 0; i < std::size(lengths); ++i) {
      if (lengths[i].first != static_cast<size_t>(lengths[i].second)) {
        return Fault("column ", names[i], " has ", lengths[i].first, " entries, the file states ",
                     lengths[i].second);
      }
    }
    return absl::OkStatus();
  }

  const std::string_view bytes_;
  const std::string_view source_;
  const GraphLimits& limits_;
  std::vector<std::string>* const warnings_;
  Counts counts_;
  int64_t unknown_fields_ = 0;
  GraphColumns columns_;
};

}  // namespace

absl::StatusOr<GraphColumns> DecodeGraphProto(std::string_view bytes, std::string_view source,
                                              const GraphLimits& limits, bool text,
                                              std::vector<std::string>* warnings) {
  return Decoder(bytes, source, limits, warnings).Run(text);
}

}  // namespace gopt
