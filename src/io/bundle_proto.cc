#include "src/io/bundle_proto.h"

#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/crc32c.h"
#include "src/io/proto_guard.h"
#include "src/io/schema_version.h"
#include "src/io/training_proto.h"

namespace gopt {
namespace {

constexpr size_t kMaxTensors = 1 << 16;
constexpr size_t kMaxStates = 1 << 12;
constexpr int kMaxRank = 8;
constexpr size_t kMaxModelCardBytes = 1 << 20;

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

std::string Quoted(std::string_view name) { return absl::StrCat("'", Printable(name), "'"); }

// A name that is there and can be printed.
absl::Status CheckName(std::string_view name, const std::string& where) {
  if (name.empty()) return Bad(where, " is empty");
  if (!IsValidUtf8(name)) return Bad(where, ": ", Quoted(name), " is not valid UTF-8");
  return CheckNameText(name, where);
}

absl::Status CheckNames(const std::vector<std::string>& names, const char* field) {
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    GOPT_RETURN_IF_ERROR(CheckName(names[i], absl::StrCat(field, "[", i, "]")));
    if (!seen.insert(names[i]).second) {
      return Bad(field, "[", i, "]: ", Quoted(names[i]), " is there twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckText(const std::string& text, const std::string& where) {
  if (IsValidUtf8(text)) return absl::OkStatus();
  return Bad(where, ": '", Printable(text), "' is not valid UTF-8");
}

absl::Status CheckNotNegative(int64_t value, const char* field) {
  if (value >= 0) return absl::OkStatus();
  return Bad(field, " is ", value);
}

// A policy may have been trained on graphs that no file holds.
absl::Status CheckConfig(const TrainingConfig& config) {
  // The rules of the stored form: texts above all.
  GOPT_RETURN_IF_ERROR(TrainingConfigFromProto(ToProto(config)).status());
  if (!config.problem.empty()) return CheckTrainingConfig(config);
  TrainingConfig checked = config;
  checked.problem.push_back({.graph = "none", .machine = "none"});
  return CheckTrainingConfig(checked);
}

absl::StatusOr<TensorType> TypeFromProto(v1::DataType type, const std::string& tensor) {
  switch (type) {
    case v1::FLOAT32:
      return TensorType::kFloat32;
    case v1::FLOAT64:
      return TensorType::kFloat64;
    case v1::INT64:
      return TensorType::kInt64;
    case v1::UINT8:
      return TensorType::kUint8;
    default:
      return Bad("tensor ", Quoted(tensor), ": type ", static_cast<int>(type),
                 " is none of FLOAT32, FLOAT64, INT64, UINT8");
  }
}

template <typename T>
absl::Status CheckFinite(std::string_view name, std::string_view bytes) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    if (!std::isfinite(value)) {
      return Bad("tensor ", Quoted(name), ": value ", at / sizeof(T), " is ", value);
    }
  }
  return absl::OkStatus();
}

// Cuts data into the parts that a table lists, front to back.
class DataCutter {
 public:
  explicit DataCutter(std::string_view data) : data_(data) {}

  template <typename Proto>
  absl::StatusOr<std::string_view> Next(const Proto& proto, const char* what) {
    if (proto.offset() != at_) {
      return Bad(what, " ", Quoted(proto.name()), ": offset ", proto.offset(), ", expected ", at_);
    }
    if (proto.bytes() > data_.size() - at_) {
      return Bad(what, " ", Quoted(proto.name()), ": ", proto.bytes(), " bytes at offset ", at_,
                 " pass the end of the data, ", data_.size());
    }
    const std::string_view part = data_.substr(at_, proto.bytes());
    at_ += part.size();
    return part;
  }

  absl::Status CheckDone() const {
    if (at_ == data_.size()) return absl::OkStatus();
    return Bad(data_.size() - at_, " bytes of data belong to nothing");
  }

 private:
  const std::string_view data_;
  size_t at_ = 0;
};

template <typename Proto>
absl::Status CheckCrc(const Proto& proto, const char* what, std::string_view part) {
  if (Crc32c(part) == proto.crc32c()) return absl::OkStatus();
  return Bad(what, " ", Quoted(proto.name()), ": the checksum does not match: the file is damaged");
}

// Tensors without their bytes.
absl::StatusOr<std::vector<BundleTensor>> TensorsFromProto(const v1::PolicyHeaderProto& proto,
                                                           DataCutter* cutter,
                                                           std::vector<std::string_view>* parts) {
  std::vector<BundleTensor> tensors;
  tensors.reserve(static_cast<size_t>(proto.tensors_size()));
  for (const v1::BundleTensorProto& entry : proto.tensors()) {
    BundleTensor tensor;
    tensor.name = entry.name();
    tensor.shape.assign(entry.shape().begin(), entry.shape().end());
    GOPT_ASSIGN_OR_RETURN(tensor.type, TypeFromProto(entry.type(), entry.name()));
    GOPT_ASSIGN_OR_RETURN(const int64_t bytes,
                          CheckedTensorBytes(tensor.name, tensor.type, tensor.shape));
    if (entry.bytes() != static_cast<uint64_t>(bytes)) {
      return Bad("tensor ", Quoted(tensor.name), ": ", entry.bytes(), " bytes, its shape has ",
                 bytes);
    }
    GOPT_ASSIGN_OR_RETURN(const std::string_view part, cutter->Next(entry, "tensor"));
    parts->push_back(part);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

absl::Status CutStates(const v1::PolicyHeaderProto& proto, DataCutter* cutter,
                       std::vector<std::string_view>* parts) {
  const std::string* before = nullptr;
  for (const v1::BundleStateProto& entry : proto.states()) {
    if (before != nullptr && entry.name() <= *before) {
      return Bad("state ", Quoted(entry.name()), " stands behind ", Quoted(*before));
    }
    before = &entry.name();
    GOPT_ASSIGN_OR_RETURN(const std::string_view part, cutter->Next(entry, "state"));
    parts->push_back(part);
  }
  return absl::OkStatus();
}

absl::Status CheckParts(const v1::PolicyHeaderProto& proto,
                        const std::vector<BundleTensor>& tensors,
                        const std::vector<std::string_view>& parts) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    GOPT_RETURN_IF_ERROR(CheckCrc(proto.tensors(static_cast<int>(i)), "tensor", parts[i]));
    GOPT_RETURN_IF_ERROR(CheckTensorValues(tensors[i].name, tensors[i].type, parts[i]));
  }
  for (int i = 0; i < proto.states_size(); ++i) {
    GOPT_RETURN_IF_ERROR(
        CheckCrc(proto.states(i), "state", parts[tensors.size() + static_cast<size_t>(i)]));
  }
  return absl::OkStatus();
}

absl::Status FillMetadata(const v1::PolicyHeaderProto& proto,
                          std::map<std::string, std::string>* metadata) {
  for (const v1::BundleMetadataProto& entry : proto.metadata()) {
    if (!metadata->empty() && entry.name() <= metadata->rbegin()->first) {
      return Bad("metadata ", Quoted(entry.name()), " stands behind ",
                 Quoted(metadata->rbegin()->first));
    }
    metadata->emplace_hint(metadata->end(), entry.name(), entry.value());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBundleFields(const Bundle& bundle) {
  if (bundle.kind != "policy" && bundle.kind != "checkpoint") {
    return Bad("kind: ", Quoted(bundle.kind), " is none of 'policy', 'checkpoint'");
  }
  GOPT_RETURN_IF_ERROR(CheckConfig(bundle.config));
  GOPT_RETURN_IF_ERROR(CheckNotNegative(bundle.feature_version, "feature_version"));
  GOPT_RETURN_IF_ERROR(CheckNotNegative(bundle.type_buckets, "type_buckets"));
  GOPT_RETURN_IF_ERROR(CheckNotNegative(bundle.iteration, "iteration"));
  GOPT_RETURN_IF_ERROR(CheckNames(bundle.op_types, "op_types"));
  GOPT_RETURN_IF_ERROR(CheckNames(bundle.node_columns, "node_columns"));
  GOPT_RETURN_IF_ERROR(CheckNames(bundle.edge_columns, "edge_columns"));
  GOPT_RETURN_IF_ERROR(CheckNames(bundle.device_columns, "device_columns"));
  if (bundle.model_card.size() > kMaxModelCardBytes) {
    return Bad("model_card: ", bundle.model_card.size(), " bytes exceed the limit of ",
               kMaxModelCardBytes);
  }
  GOPT_RETURN_IF_ERROR(CheckText(bundle.model_card, "model_card"));
  for (const auto& [name, value] : bundle.metadata) {
    GOPT_RETURN_IF_ERROR(CheckName(name, "a name of metadata"));
    GOPT_RETURN_IF_ERROR(CheckText(value, absl::StrCat("metadata ", Quoted(name))));
  }
  if (bundle.tensors.size() > kMaxTensors) {
    return Bad(bundle.tensors.size(), " tensors exceed the limit of ", kMaxTensors);
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const BundleTensor& tensor : bundle.tensors) {
    GOPT_RETURN_IF_ERROR(CheckName(tensor.name, "a tensor's name"));
    if (!seen.insert(tensor.name).second) {
      return Bad("tensor ", Quoted(tensor.name), " is there twice");
    }
  }
  if (bundle.state.size() > kMaxStates) {
    return Bad(bundle.state.size(), " states exceed the limit of ", kMaxStates);
  }
  for (const auto& [name, bytes] : bundle.state) {
    GOPT_RETURN_IF_ERROR(CheckName(name, "a state's name"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CheckedTensorBytes(std::string_view name, TensorType type,
                                           const std::vector<int64_t>& shape) {
  if (shape.size() > kMaxRank) {
    return Bad("tensor ", Quoted(name), " has ", shape.size(), " dimensions, the limit is ",
               kMaxRank);
  }
  int64_t bytes = ElementBytes(type);
  // Zeros last: the product of the others must fit too.
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) return Bad("tensor ", Quoted(name), ": a dimension of ", size);
    empty |= size == 0;
    if (size != 0 && __builtin_mul_overflow(bytes, size, &bytes)) {
      return Bad("tensor ", Quoted(name), ": its shape has too many values");
    }
  }
  return empty ? 0 : bytes;
}

absl::Status CheckTensorValues(std::string_view name, TensorType type, std::string_view bytes) {
  if (type == TensorType::kFloat32) return CheckFinite<float>(name, bytes);
  if (type == TensorType::kFloat64) return CheckFinite<double>(name, bytes);
  return absl::OkStatus();
}

v1::PolicyHeaderProto HeaderToProto(const Bundle& bundle) {
  v1::PolicyHeaderProto proto;
  proto.set_schema_major(kSchemaMajor);
  proto.set_schema_minor(kSchemaMinor);
  proto.set_kind(bundle.kind);
  *proto.mutable_config() = ToProto(bundle.config);
  proto.set_feature_version(bundle.feature_version);
  for (const std::string& name : bundle.op_types) proto.add_op_types(name);
  proto.set_type_buckets(bundle.type_buckets);
  for (const std::string& name : bundle.node_columns) proto.add_node_columns(name);
  for (const std::string& name : bundle.edge_columns) proto.add_edge_columns(name);
  for (const std::string& name : bundle.device_columns) proto.add_device_columns(name);
  proto.set_model_card(bundle.model_card);
  for (const auto& [name, value] : bundle.metadata) {
    v1::BundleMetadataProto* entry = proto.add_metadata();
    entry->set_name(name);
    entry->set_value(value);
  }
  proto.set_iteration(bundle.iteration);
  return proto;
}

absl::StatusOr<Bundle> BundleFromHeader(const v1::PolicyHeaderProto& proto, std::string_view data,
                                        std::vector<std::string_view>* parts) {
  Bundle bundle;
  bundle.kind = proto.kind();
  GOPT_ASSIGN_OR_RETURN(bundle.config, TrainingConfigFromProto(proto.config()));
  bundle.feature_version = proto.feature_version();
  bundle.op_types.assign(proto.op_types().begin(), proto.op_types().end());
  bundle.type_buckets = proto.type_buckets();
  bundle.node_columns.assign(proto.node_columns().begin(), proto.node_columns().end());
  bundle.edge_columns.assign(proto.edge_columns().begin(), proto.edge_columns().end());
  bundle.device_columns.assign(proto.device_columns().begin(), proto.device_columns().end());
  bundle.model_card = proto.model_card();
  GOPT_RETURN_IF_ERROR(FillMetadata(proto, &bundle.metadata));
  bundle.iteration = proto.iteration();
  DataCutter cutter(data);
  GOPT_ASSIGN_OR_RETURN(bundle.tensors, TensorsFromProto(proto, &cutter, parts));
  GOPT_RETURN_IF_ERROR(CutStates(proto, &cutter, parts));
  GOPT_RETURN_IF_ERROR(cutter.CheckDone());
  for (const v1::BundleStateProto& entry : proto.states()) bundle.state[entry.name()];
  GOPT_RETURN_IF_ERROR(CheckBundleFields(bundle));
  GOPT_RETURN_IF_ERROR(CheckParts(proto, bundle.tensors, *parts));
  return bundle;
}

}  // namespace gopt
