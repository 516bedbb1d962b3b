#ifndef GOPT_SRC_RL_DEVICE_ORDER_H_
#define GOPT_SRC_RL_DEVICE_ORDER_H_

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/problem.h"

namespace gopt {

// The problem's devices in an order that does not depend on how they are numbered: by what they are
// and what may run on them; of those alike, the nearest to the one before first, then by their
// links to all others and to those before. What this does not tell apart stays as it is numbered,
// and so does everything where numbers mean something: with forward_only_devices or
// no_skipped_devices.
GOPT_API std::vector<DeviceId> DeviceOrder(const Problem& problem);

// The same problem where device i is what device order[i] is here.
GOPT_API absl::StatusOr<Problem> WithDevicesInOrder(const Problem& problem,
                                                    std::span<const DeviceId> order);

}  // namespace gopt

#endif  // GOPT_SRC_RL_DEVICE_ORDER_H_
