#ifndef GOPT_SRC_PLAN_GIVEN_DEVICES_H_
#define GOPT_SRC_PLAN_GIVEN_DEVICES_H_

#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// The device of each op of the graph in the plan: that of the lowest kernel that holds it, kNone
// for ops that run nowhere.
GOPT_API std::vector<DeviceId> DeviceOfOps(const Plan& plan);

// The device of each op of the graph, as far as it is decided: as given, else the base plan's where
// placement is closed, else empty.
GOPT_API std::vector<DeviceId> GivenDevices(const Problem& problem,
                                            std::span<const DeviceId> device);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GIVEN_DEVICES_H_
