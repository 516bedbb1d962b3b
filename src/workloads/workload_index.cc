#include "src/workloads/workload_index.h"

#include <charconv>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "src/io/source.h"

namespace gopt {
namespace {

using Json = nlohmann::json;

constexpr int64_t kVersion = 1;
constexpr int64_t kMaxDevices = 1024;
constexpr int64_t kMaxCount = int64_t{1} << 62;
constexpr size_t kMaxTextBytes = 4096;

template <typename... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::StatusOr<Json> ParseJson(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string_view what = error.what();
    if (const size_t close = what.find("] "); close != what.npos) what.remove_prefix(close + 2);
    return Bad(Printable(what, 300));
  }
}

absl::StatusOr<std::string> TextField(const Json& row, const char* key) {
  const auto it = row.find(key);
  if (it == row.end() || !it->is_string()) return Bad("field '", key, "': expected a text");
  std::string text = it->get<std::string>();
  if (text.size() > kMaxTextBytes) return Bad("field '", key, "': above ", kMaxTextBytes, " bytes");
  return text;
}

absl::StatusOr<int64_t> NumberField(const Json& row, const char* key, int64_t min, int64_t max) {
  const auto it = row.find(key);
  const bool fits = it != row.end() && it->is_number_unsigned() &&
                    it->get<uint64_t>() >= static_cast<uint64_t>(min) &&
                    it->get<uint64_t>() <= static_cast<uint64_t>(max);
  if (!fits) return Bad("field '", key, "': expected a whole number in ", min, " .. ", max);
  return static_cast<int64_t>(it->get<uint64_t>());
}

absl::StatusOr<uint64_t> FingerprintField(const Json& row) {
  GOPT_ASSIGN_OR_RETURN(const std::string text, TextField(row, "fingerprint"));
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) {
    return Bad("field 'fingerprint': expected 16 hexadecimal digits");
  }
  return value;
}

// Names become file names: letters, digits, '_' and '-' alone.
absl::Status CheckName(std::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-') {
      return Bad("the name '", Printable(name), "' may hold letters, digits, '_' and '-' alone");
    }
  }
  return name.empty() ? Bad("the name is empty") : absl::OkStatus();
}

absl::StatusOr<StoredWorkload> ParseRow(const Json& row) {
  if (!row.is_object()) return Bad("expected an object");
  StoredWorkload workload;
  GOPT_ASSIGN_OR_RETURN(workload.name, TextField(row, "name"));
  GOPT_RETURN_IF_ERROR(CheckName(workload.name));
  GOPT_ASSIGN_OR_RETURN(workload.family, TextField(row, "family"));
  GOPT_ASSIGN_OR_RETURN(workload.suite, TextField(row, "suite"));
  GOPT_ASSIGN_OR_RETURN(workload.summary, TextField(row, "summary"));
  GOPT_ASSIGN_OR_RETURN(const int64_t devices, NumberField(row, "devices", 1, kMaxDevices));
  workload.devices = static_cast<int>(devices);
  GOPT_ASSIGN_OR_RETURN(workload.ops, NumberField(row, "ops", 0, kMaxCount));
  GOPT_ASSIGN_OR_RETURN(workload.edges, NumberField(row, "edges", 0, kMaxCount));
  GOPT_ASSIGN_OR_RETURN(workload.parameters, NumberField(row, "parameters", 0, kMaxCount));
  GOPT_ASSIGN_OR_RETURN(workload.fingerprint, FingerprintField(row));
  return workload;
}

absl::StatusOr<std::vector<StoredWorkload>> ParseIndex(std::string_view text) {
  GOPT_ASSIGN_OR_RETURN(const Json index, ParseJson(text));
  if (!index.is_object()) return Bad("expected an object");
  GOPT_ASSIGN_OR_RETURN(const int64_t version, NumberField(index, "version", 0, kMaxCount));
  if (version != kVersion) {
    return Bad("index version ", version, "; this library reads version ", kVersion);
  }
  const auto rows = index.find("workloads");
  if (rows == index.end() || !rows->is_array()) return Bad("field 'workloads': expected a list");
  std::vector<StoredWorkload> workloads;
  absl::flat_hash_set<std::string> names;
  for (const Json& row : *rows) {
    auto workload = ParseRow(row);
    if (!workload.ok()) {
      return InSource(absl::StrCat("workload ", workloads.size()), workload.status());
    }
    if (!names.insert(workload->name).second) return Bad("two rows of '", workload->name, "'");
    workloads.push_back(*std::move(workload));
  }
  return workloads;
}

}  // namespace

absl::StatusOr<std::vector<StoredWorkload>> ParseWorkloadIndex(std::string_view text,
                                                               std::string_view source) {
  auto workloads = ParseIndex(text);
  if (!workloads.ok()) return InSource(source, workloads.status());
  return workloads;
}

}  // namespace gopt
