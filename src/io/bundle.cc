#include "gopt/io/bundle.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gopt/base/check.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/bundle_layout.h"
#include "src/io/bundle_proto.h"
#include "src/io/crc32c.h"
#include "src/io/file_bytes.h"
#include "src/io/proto_guard.h"
#include "src/io/schema_version.h"
#include "src/io/source.h"

namespace gopt {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they are");

constexpr size_t kMaxDifferencesShown = 8;

absl::Status TooLarge(const char* what, size_t bytes, int64_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat(what, " of ", bytes, " bytes is above the limit of ", limit));
}

v1::DataType ToProto(TensorType type) {
  switch (type) {
    case TensorType::kFloat32:
      return v1::FLOAT32;
    case TensorType::kFloat64:
      return v1::FLOAT64;
    case TensorType::kInt64:
      return v1::INT64;
    case TensorType::kUint8:
      return v1::UINT8;
  }
  return v1::DTYPE_UNKNOWN;
}

absl::Status CheckTensor(const BundleTensor& tensor) {
  if (ToProto(tensor.type) == v1::DTYPE_UNKNOWN) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor '", Printable(tensor.name), "' has no type"));
  }
  GOPT_ASSIGN_OR_RETURN(const int64_t bytes,
                        CheckedTensorBytes(tensor.name, tensor.type, tensor.shape));
  if (tensor.bytes.size() != static_cast<uint64_t>(bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", Printable(tensor.name),
                                                   "': ", tensor.bytes.size(),
                                                   " bytes, its shape has ", bytes));
  }
  return CheckTensorValues(tensor.name, tensor.type, tensor.bytes);
}

// Describes the next part of the data and appends it.
template <typename Proto>
void Append(const std::string& name, std::string_view bytes, Proto* entry, std::string* data) {
  entry->set_name(name);
  entry->set_offset(data->size());
  entry->set_bytes(bytes.size());
  entry->set_crc32c(Crc32c(bytes));
  data->append(bytes);
}

std::string TypeAndShape(TensorType type, const std::vector<int64_t>& shape) {
  const std::string_view name = ToString(type);
  return absl::StrCat(absl::string_view(name.data(), name.size()), " [", absl::StrJoin(shape, ", "),
                      "]");
}

// Whether the file at `path` is worth keeping.
bool HoldsBundle(const std::string& path) {
  const auto bytes = ReadFileBytes(path, kMaxBundleBytes);
  return bytes.ok() && IsUndamagedBundle(*bytes);
}

absl::StatusOr<Bundle> ReadOne(const std::string& path, const BundleLimits& limits,
                               std::vector<std::string>* warnings) {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, limits.max_bytes));
  return ParseBundle(bytes, path, limits, warnings);
}

}  // namespace

std::string_view ToString(TensorType type) {
  switch (type) {
    case TensorType::kFloat32:
      return "float32";
    case TensorType::kFloat64:
      return "float64";
    case TensorType::kInt64:
      return "int64";
    case TensorType::kUint8:
      return "uint8";
  }
  return "unknown";
}

int64_t ElementBytes(TensorType type) {
  switch (type) {
    case TensorType::kFloat32:
      return 4;
    case TensorType::kFloat64:
    case TensorType::kInt64:
      return 8;
    case TensorType::kUint8:
      return 1;
  }
  return 0;
}

absl::StatusOr<std::string> SerializeBundle(const Bundle& bundle) {
  GOPT_RETURN_IF_ERROR(CheckBundleFields(bundle));
  size_t data_bytes = 0;
  for (const BundleTensor& tensor : bundle.tensors) {
    GOPT_RETURN_IF_ERROR(CheckTensor(tensor));
    data_bytes += tensor.bytes.size();
  }
  for (const auto& [name, bytes] : bundle.state) data_bytes += bytes.size();
  if (data_bytes > static_cast<size_t>(kMaxBundleBytes)) {
    return TooLarge("data", data_bytes, kMaxBundleBytes);
  }
  v1::PolicyHeaderProto proto = HeaderToProto(bundle);
  std::string data;
  data.reserve(data_bytes);
  for (const BundleTensor& tensor : bundle.tensors) {
    v1::BundleTensorProto* entry = proto.add_tensors();
    entry->set_type(ToProto(tensor.type));
    entry->mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
    Append(tensor.name, tensor.bytes, entry, &data);
  }
  for (const auto& [name, bytes] : bundle.state) Append(name, bytes, proto.add_states(), &data);
  const std::string header = proto.SerializeAsString();
  if (header.size() > static_cast<size_t>(kMaxBundleHeaderBytes)) {
    return TooLarge("header", header.size(), kMaxBundleHeaderBytes);
  }
  // What is written can be read: readers limit the memory that a header takes for its length.
  std::vector<std::string> warnings;
  v1::PolicyHeaderProto reread;
  GOPT_RETURN_IF_ERROR(ParseGuarded(header, "header", &reread, &warnings));
  if (const size_t bytes = kBundleFrameBytes + header.size() + data.size();
      bytes > static_cast<size_t>(kMaxBundleBytes)) {
    return TooLarge("bundle", bytes, kMaxBundleBytes);
  }
  return JoinBundle(header, data);
}

absl::StatusOr<Bundle> ParseBundle(std::string_view bytes, std::string_view source,
                                   const BundleLimits& limits, std::vector<std::string>* warnings) {
  GOPT_ASSIGN_OR_RETURN(const BundleParts file, SplitBundle(bytes, source, limits.max_bytes));
  std::vector<std::string> found;
  v1::PolicyHeaderProto proto;
  GOPT_RETURN_IF_ERROR(ParseGuarded(file.header, source, &proto, &found));
  GOPT_RETURN_IF_ERROR(CheckSchemaVersion(proto.schema_major(), proto.schema_minor(),
                                          /*absent_ok=*/false, source, &found));
  std::vector<std::string_view> parts;
  auto bundle = BundleFromHeader(proto, file.data, &parts);
  if (!bundle.ok()) return InSource(source, bundle.status());
  GOPT_RETURN_IF_ERROR(CheckBundleTrailer(bytes, source));
  size_t next = 0;
  for (BundleTensor& tensor : bundle->tensors) tensor.bytes = parts[next++];
  for (auto& [name, value] : bundle->state) value = parts[next++];
  GOPT_CHECK(next == parts.size());
  DeliverWarnings(std::move(found), warnings);
  return bundle;
}

absl::Status WriteBundleFile(const Bundle& bundle, const std::string& path,
                             const WriteBundleOptions& options) {
  const auto bytes = SerializeBundle(bundle);
  if (!bytes.ok()) return InSource(path, bytes.status());
  const bool keep = options.keep_previous && HoldsBundle(path);
  return WriteFileAtomically(path, *bytes, {.keep_previous = keep, .is_private = true});
}

absl::StatusOr<Bundle> ReadBundleFile(const std::string& path, const ReadBundleOptions& options,
                                      std::vector<std::string>* warnings) {
  auto newest = ReadOne(path, options.limits, warnings);
  if (newest.ok() || !options.fall_back) return newest;
  auto previous = ReadOne(path + ".previous", options.limits, warnings);
  const absl::Status& status = newest.status();
  if (previous.ok()) {
    DeliverWarnings({absl::StrCat(status.message(), "; ", path, ".previous is used instead")},
                    warnings);
    return previous;
  }
  if (absl::IsNotFound(previous.status())) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; ", previous.status().message()));
}

absl::Status CheckTensors(const Bundle& bundle, std::span<const ExpectedTensor> expected) {
  absl::flat_hash_map<absl::string_view, const BundleTensor*> unused;
  for (const BundleTensor& tensor : bundle.tensors) unused.emplace(tensor.name, &tensor);
  size_t differences = 0;
  std::vector<std::string> shown;
  const auto note = [&](const std::string& name, const std::string& what) {
    if (++differences <= kMaxDifferencesShown) {
      shown.push_back(absl::StrCat("'", Printable(name), "' ", what));
    }
  };
  for (const ExpectedTensor& tensor : expected) {
    const auto it = unused.find(tensor.name);
    if (it == unused.end()) {
      note(tensor.name, "is missing");
      continue;
    }
    const BundleTensor& found = *it->second;
    if (found.type != tensor.type || found.shape != tensor.shape) {
      note(tensor.name, absl::StrCat("is ", TypeAndShape(found.type, found.shape), ", expected ",
                                     TypeAndShape(tensor.type, tensor.shape)));
    }
    unused.erase(it);
  }
  for (const BundleTensor& tensor : bundle.tensors) {
    if (unused.contains(tensor.name)) note(tensor.name, "is not expected");
  }
  if (differences == 0) return absl::OkStatus();
  if (differences > shown.size()) {
    shown.push_back(absl::StrCat(differences - shown.size(), " more"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(differences, differences == 1 ? " tensor differs" : " tensors differ",
                   " from the network's: ", absl::StrJoin(shown, "; ")));
}

}  // namespace gopt
