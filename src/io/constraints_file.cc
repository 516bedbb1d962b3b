#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/base/utf8.h"
#include "gopt/io/plan_file.h"
#include "gopt/v1/plan.pb.h"
#include "src/io/file_bytes.h"
#include "src/io/proto_guard.h"
#include "src/io/proto_text.h"
#include "src/io/schema_version.h"
#include "src/io/source.h"

namespace gopt {
namespace {

constexpr int64_t kMaxConstraintsBytes = int64_t{64} << 20;
constexpr DeviceId kMaxDevices = 1024;

// Turns ids and names of ops into ids that exist.
class OpResolver {
 public:
  explicit OpResolver(const Graph& graph) : graph_(graph) {}

  absl::StatusOr<OpId> ById(int32_t id, const std::string& where) const {
    if (id >= 0 && id < graph_.num_ops()) return id;
    return absl::InvalidArgumentError(absl::StrCat(where, ": op ", id, " does not exist; '",
                                                   graph_.name(), "' has ", graph_.num_ops()));
  }

  absl::StatusOr<OpId> ByName(const std::string& name, const std::string& where) {
    if (by_name_.empty()) {
      by_name_.reserve(static_cast<size_t>(graph_.num_ops()));
      for (OpId op = 0; op < graph_.num_ops(); ++op) {
        const std::string_view text = graph_.op_name(op);
        by_name_.emplace(absl::string_view(text.data(), text.size()), op);
      }
    }
    const auto it = by_name_.find(name);
    if (it != by_name_.end()) return it->second;
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": '", graph_.name(), "' has no op named '", Printable(name), "'"));
  }

  // The ops and then the named ops of a rule.
  template <typename Proto>
  absl::StatusOr<std::vector<OpId>> All(const Proto& proto, const std::string& where) {
    std::vector<OpId> ops;
    for (const int32_t id : proto.ops()) {
      GOPT_ASSIGN_OR_RETURN(const OpId op, ById(id, where));
      ops.push_back(op);
    }
    for (const std::string& name : proto.op_names()) {
      GOPT_ASSIGN_OR_RETURN(const OpId op, ByName(name, where));
      ops.push_back(op);
    }
    if (ops.empty()) return absl::InvalidArgumentError(absl::StrCat(where, ": names no op"));
    return ops;
  }

 private:
  const Graph& graph_;
  absl::flat_hash_map<absl::string_view, OpId> by_name_;
};

// How many devices there are only the Problem knows.
absl::StatusOr<DeviceId> CheckedDevice(std::optional<int32_t> device, const std::string& where) {
  if (!device.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": device is missing"));
  }
  if (*device >= 0 && *device < kMaxDevices) return *device;
  return absl::InvalidArgumentError(absl::StrCat(where, ": device ", *device, " does not exist"));
}

template <typename Proto>
std::optional<int32_t> DeviceOf(const Proto& proto) {
  if (!proto.has_device()) return std::nullopt;
  return proto.device();
}

absl::StatusOr<Constraints::Pin> PinFromProto(const v1::PinProto& proto, const std::string& where,
                                              OpResolver* ops) {
  if (proto.has_op() == !proto.op_name().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": give either op or op_name"));
  }
  Constraints::Pin pin{};
  if (proto.has_op()) {
    GOPT_ASSIGN_OR_RETURN(pin.op, ops->ById(proto.op(), where));
  } else {
    GOPT_ASSIGN_OR_RETURN(pin.op, ops->ByName(proto.op_name(), where));
  }
  GOPT_ASSIGN_OR_RETURN(pin.device, CheckedDevice(DeviceOf(proto), where));
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.reason(), where + " reason"));
  pin.reason = proto.reason();
  return pin;
}

absl::StatusOr<Constraints::Allowed> AllowedFromProto(const v1::AllowedProto& proto,
                                                      const std::string& where, OpResolver* ops) {
  Constraints::Allowed allowed;
  GOPT_ASSIGN_OR_RETURN(allowed.ops, ops->All(proto, where));
  if (proto.devices().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": names no device"));
  }
  for (const int32_t device : proto.devices()) {
    GOPT_ASSIGN_OR_RETURN(const DeviceId checked, CheckedDevice(device, where));
    allowed.devices.push_back(checked);
  }
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.reason(), where + " reason"));
  allowed.reason = proto.reason();
  return allowed;
}

template <typename Repeated>
absl::StatusOr<std::vector<Constraints::Group>> GroupsFromProto(const Repeated& protos,
                                                                const char* rule, OpResolver* ops) {
  std::vector<Constraints::Group> groups;
  for (const v1::OpsProto& proto : protos) {
    const std::string where = absl::StrCat(rule, " ", groups.size());
    Constraints::Group group;
    GOPT_ASSIGN_OR_RETURN(group.ops, ops->All(proto, where));
    GOPT_RETURN_IF_ERROR(CheckNameText(proto.reason(), where + " reason"));
    group.reason = proto.reason();
    groups.push_back(std::move(group));
  }
  return groups;
}

absl::StatusOr<Constraints::MemoryLimit> MemoryLimitFromProto(const v1::MemoryLimitProto& proto,
                                                              const std::string& where) {
  Constraints::MemoryLimit limit{};
  GOPT_ASSIGN_OR_RETURN(limit.device, CheckedDevice(DeviceOf(proto), where));
  if (!proto.has_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": bytes is missing"));
  }
  if (proto.bytes() < 0 || proto.bytes() > kSaturated) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": bytes is ", proto.bytes()));
  }
  limit.bytes = proto.bytes();
  GOPT_RETURN_IF_ERROR(CheckNameText(proto.reason(), where + " reason"));
  limit.reason = proto.reason();
  return limit;
}

absl::StatusOr<Constraints> ConstraintsFromProto(const v1::ConstraintsProto& proto,
                                                 const Graph& graph) {
  OpResolver ops(graph);
  Constraints constraints;
  for (int i = 0; i < proto.pin_size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(auto pin, PinFromProto(proto.pin(i), absl::StrCat("pin ", i), &ops));
    constraints.pins.push_back(std::move(pin));
  }
  for (int i = 0; i < proto.allowed_size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(auto allowed,
                          AllowedFromProto(proto.allowed(i), absl::StrCat("allowed ", i), &ops));
    constraints.allowed.push_back(std::move(allowed));
  }
  GOPT_ASSIGN_OR_RETURN(constraints.colocate, GroupsFromProto(proto.colocate(), "colocate", &ops));
  GOPT_ASSIGN_OR_RETURN(constraints.keep_apart,
                        GroupsFromProto(proto.keep_apart(), "keep_apart", &ops));
  GOPT_ASSIGN_OR_RETURN(constraints.never_fuse,
                        GroupsFromProto(proto.never_fuse(), "never_fuse", &ops));
  for (int i = 0; i < proto.memory_limit_size(); ++i) {
    GOPT_ASSIGN_OR_RETURN(
        auto limit, MemoryLimitFromProto(proto.memory_limit(i), absl::StrCat("memory_limit ", i)));
    constraints.memory_limits.push_back(std::move(limit));
  }
  constraints.forward_only_devices = proto.forward_only_devices();
  constraints.no_skipped_devices = proto.no_skipped_devices();
  constraints.triangle_free_devices = proto.triangle_free_devices();
  return constraints;
}

template <typename Add>
void GroupsToProto(const std::vector<Constraints::Group>& groups, const Add& add) {
  for (const Constraints::Group& group : groups) {
    v1::OpsProto* out = add();
    out->mutable_ops()->Add(group.ops.begin(), group.ops.end());
    out->set_reason(group.reason);
  }
}

v1::ConstraintsProto ToProto(const Constraints& constraints) {
  v1::ConstraintsProto proto;
  for (const Constraints::Pin& pin : constraints.pins) {
    v1::PinProto* out = proto.add_pin();
    out->set_op(pin.op);
    out->set_device(pin.device);
    out->set_reason(pin.reason);
  }
  for (const Constraints::Allowed& allowed : constraints.allowed) {
    v1::AllowedProto* out = proto.add_allowed();
    out->mutable_ops()->Add(allowed.ops.begin(), allowed.ops.end());
    out->mutable_devices()->Add(allowed.devices.begin(), allowed.devices.end());
    out->set_reason(allowed.reason);
  }
  GroupsToProto(constraints.colocate, [&] { return proto.add_colocate(); });
  GroupsToProto(constraints.keep_apart, [&] { return proto.add_keep_apart(); });
  GroupsToProto(constraints.never_fuse, [&] { return proto.add_never_fuse(); });
  for (const Constraints::MemoryLimit& limit : constraints.memory_limits) {
    v1::MemoryLimitProto* out = proto.add_memory_limit();
    out->set_device(limit.device);
    out->set_bytes(limit.bytes);
    out->set_reason(limit.reason);
  }
  proto.set_forward_only_devices(constraints.forward_only_devices);
  proto.set_no_skipped_devices(constraints.no_skipped_devices);
  proto.set_triangle_free_devices(constraints.triangle_free_devices);
  return proto;
}

}  // namespace

std::string ConstraintsToText(const Constraints& constraints) {
  return PrintTextProto(ToProto(constraints));
}

absl::StatusOr<Constraints> ConstraintsFromText(std::string_view text, const Graph& graph,
                                                std::string_view source) {
  v1::ConstraintsProto proto;
  GOPT_RETURN_IF_ERROR(ParseTextProto(text, source, kMaxConstraintsBytes, &proto));
  std::vector<std::string> warnings;
  GOPT_RETURN_IF_ERROR(CheckSchemaVersion(proto.schema_major(), proto.schema_minor(),
                                          /*absent_ok=*/true, source, &warnings));
  auto constraints = ConstraintsFromProto(proto, graph);
  if (!constraints.ok()) return InSource(source, constraints.status());
  DeliverWarnings(std::move(warnings), nullptr);
  return constraints;
}

absl::StatusOr<Constraints> ReadConstraintsFile(const std::string& path, const Graph& graph) {
  GOPT_ASSIGN_OR_RETURN(const std::string bytes, ReadFileBytes(path, kMaxConstraintsBytes));
  return ConstraintsFromText(bytes, graph, path);
}

}  // namespace gopt
