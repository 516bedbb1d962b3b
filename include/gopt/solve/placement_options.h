#ifndef GOPT_SOLVE_PLACEMENT_OPTIONS_H_
#define GOPT_SOLVE_PLACEMENT_OPTIONS_H_

#include <span>

#include "gopt/base/types.h"

namespace gopt {

// What a constructive scheduler must respect besides the task graph's allowed devices and groups.
struct PlacementOptions {
  // Empty, or a device per task that is already decided (kNone: still open).
  std::span<const DeviceId> fixed;
  // Devices are filled up to their memory limit by parameters, counted in full, and by this share
  // of the bytes that their tasks make for others. 0: parameters only.
  double activation_weight = 0.0;
  // Lowers every device's memory limit.
  int64_t byte_limit = kSaturated;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_PLACEMENT_OPTIONS_H_
