#ifndef GOPT_PLAN_CONSTRAINTS_H_
#define GOPT_PLAN_CONSTRAINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// What a plan must obey, besides what the graph itself says (colocation groups, optimizer ops at
// home). Every rule carries a reason that messages repeat.
struct Constraints {
  struct Pin {
    OpId op;
    DeviceId device;
    std::string reason;
  };
  struct Allowed {
    std::vector<OpId> ops;
    std::vector<DeviceId> devices;  // Each op on one of these.
    std::string reason;
  };
  struct Group {
    std::vector<OpId> ops;
    std::string reason;
  };
  struct MemoryLimit {
    DeviceId device;
    int64_t bytes;  // The smaller of this and Device::memory_bytes holds.
    std::string reason;
  };

  std::vector<Pin> pins;
  std::vector<Allowed> allowed;
  std::vector<Group> colocate;    // All on one device.
  std::vector<Group> keep_apart;  // All on different devices.
  std::vector<Group> never_fuse;  // Each alone in its kernel.
  std::vector<MemoryLimit> memory_limits;
  bool forward_only_devices = false;   // Data between forward ops never goes to a lower device id.
  bool no_skipped_devices = false;     // Used devices are 0 .. k without a gap.
  bool triangle_free_devices = false;  // A direct device edge excludes a longer way round.

  bool empty() const {
    return pins.empty() && allowed.empty() && colocate.empty() && keep_apart.empty() &&
           never_fuse.empty() && memory_limits.empty() && !forward_only_devices &&
           !no_skipped_devices && !triangle_free_devices;
  }
};

}  // namespace gopt

#endif  // GOPT_PLAN_CONSTRAINTS_H_
