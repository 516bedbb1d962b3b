#include "src/plan/check_constraints.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/plan/describe.h"

namespace gopt {
namespace {

// Checks one rule; messages begin with its kind, position and reason.
class RuleChecker {
 public:
  RuleChecker(const Graph& graph, const Machine& machine, std::string_view kind, size_t index,
              const std::string& reason)
      : graph_(graph), machine_(machine), kind_(kind), index_(index), reason_(reason) {}

  absl::Status Ops(std::span<const OpId> ops) const {
    for (const OpId op : ops) GOPT_RETURN_IF_ERROR(Op(op));
    return absl::OkStatus();
  }

  absl::Status Op(OpId op) const {
    if (op < 0 || op >= graph_.num_ops()) return Error(absl::StrCat("op ", op, " does not exist"));
    if (LivesOnDevice(graph_, op)) return absl::OkStatus();
    return Error(absl::StrCat(graph_.Describe(op), " is of kind ",
                              std::string(ToString(graph_.kind(op))), ", which is on no device"));
  }

  absl::Status KernelOps(std::span<const OpId> ops) const {
    GOPT_RETURN_IF_ERROR(Ops(ops));
    for (const OpId op : ops) {
      if (!graph_.in_kernel(op)) return Error(absl::StrCat(graph_.Describe(op), " never runs"));
    }
    return absl::OkStatus();
  }

  absl::Status Device(DeviceId device) const {
    if (device >= 0 && device < machine_.num_devices()) return absl::OkStatus();
    return Error(absl::StrCat("device ", device, " does not exist"));
  }

  absl::Status Devices(std::span<const DeviceId> devices) const {
    if (devices.empty()) return Error("it allows no device");
    for (const DeviceId device : devices) GOPT_RETURN_IF_ERROR(Device(device));
    return absl::OkStatus();
  }

  absl::Status Bytes(int64_t bytes) const {
    return bytes >= 0 ? absl::OkStatus() : Error(absl::StrCat("bytes is ", bytes));
  }

 private:
  absl::Status Error(const std::string& what) const {
    return absl::InvalidArgumentError(absl::StrCat("constraint ", std::string(kind_), " ", index_,
                                                   WithReason(reason_), ": ", what));
  }

  const Graph& graph_;
  const Machine& machine_;
  std::string_view kind_;
  size_t index_;
  const std::string& reason_;
};

}  // namespace

absl::Status CheckConstraints(const Graph& graph, const Machine& machine,
                              const Constraints& constraints) {
  const auto checker = [&](std::string_view kind, size_t index, const std::string& reason) {
    return RuleChecker(graph, machine, kind, index, reason);
  };
  for (size_t i = 0; i < constraints.pins.size(); ++i) {
    const Constraints::Pin& pin = constraints.pins[i];
    GOPT_RETURN_IF_ERROR(checker("pin", i, pin.reason).Op(pin.op));
    GOPT_RETURN_IF_ERROR(checker("pin", i, pin.reason).Device(pin.device));
  }
  for (size_t i = 0; i < constraints.allowed.size(); ++i) {
    const Constraints::Allowed& allowed = constraints.allowed[i];
    GOPT_RETURN_IF_ERROR(checker("allowed", i, allowed.reason).Ops(allowed.ops));
    GOPT_RETURN_IF_ERROR(checker("allowed", i, allowed.reason).Devices(allowed.devices));
  }
  const auto check_groups = [&](std::string_view kind,
                                const std::vector<Constraints::Group>& groups) -> absl::Status {
    for (size_t i = 0; i < groups.size(); ++i) {
      GOPT_RETURN_IF_ERROR(checker(kind, i, groups[i].reason).Ops(groups[i].ops));
    }
    return absl::OkStatus();
  };
  GOPT_RETURN_IF_ERROR(check_groups("colocate", constraints.colocate));
  GOPT_RETURN_IF_ERROR(check_groups("keep_apart", constraints.keep_apart));
  for (size_t i = 0; i < constraints.never_fuse.size(); ++i) {
    const Constraints::Group& group = constraints.never_fuse[i];
    GOPT_RETURN_IF_ERROR(checker("never_fuse", i, group.reason).KernelOps(group.ops));
  }
  for (size_t i = 0; i < constraints.memory_limits.size(); ++i) {
    const Constraints::MemoryLimit& limit = constraints.memory_limits[i];
    GOPT_RETURN_IF_ERROR(checker("memory_limit", i, limit.reason).Device(limit.device));
    GOPT_RETURN_IF_ERROR(checker("memory_limit", i, limit.reason).Bytes(limit.bytes));
  }
  return absl::OkStatus();
}

}  // namespace gopt
