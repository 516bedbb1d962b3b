#ifndef GOPT_SRC_PLAN_DEVICE_TIES_H_
#define GOPT_SRC_PLAN_DEVICE_TIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Which ops may share a kernel as far as their devices go. If every kernel passes, the kernels can
// be placed wherever their ops could be one by one; rules on pairs of devices (forward only, no
// skipped devices, ...) are not looked at.
//
// A kernel ties its ops to one device, and with them the ops that these are colocated with, which
// may be in other kernels; so legality could depend on all kernels at once. It does not here: an op
// on which others depend (by colocation, or to be kept apart from them) takes into its kernel only
// ops that leave it every device it had; and one to be kept apart is with no op of another
// colocation group. Then ties join only groups with the same devices and no one to keep apart.
class DeviceTies {
 public:
  // device: empty (placement is open), or one per op: ops of one device share kernels, no others.
  // The problem must outlive this.
  DeviceTies(const Problem& problem, std::span<const DeviceId> device);

  bool MayShare(std::span<const OpId> ops) const;

 private:
  bool SameDevice(std::span<const OpId> ops) const;
  bool LeavesDevices(std::span<const OpId> ops) const;
  bool KeepsApart(std::span<const OpId> ops) const;

  const Problem& problem_;
  std::vector<DeviceId> device_;  // Empty, or per op.
  bool restricted_ = false;       // Some op may not be everywhere, or not with another.
  std::vector<int32_t> tie_;      // Per op: its colocation group, or an id of its own; kNone: free.
  std::vector<uint8_t> kept_apart_;  // Per tie.
  mutable std::vector<DeviceId> shared_, scratch_;
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_DEVICE_TIES_H_
