#ifndef GOPT_SRC_PLAN_PLACEMENT_REPAIR_H_
#define GOPT_SRC_PLAN_PLACEMENT_REPAIR_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gopt/base/types.h"
#include "src/plan/placement_model.h"
#include "src/plan/placement_search.h"

namespace gopt {

// PlacementSolver::Fix over units: devices near the wanted ones (kNone: no wish) that obey every
// rule; none if no search found any. Each ends at few steps, max_steps at most.
std::optional<std::vector<DeviceId>> RepairPlacement(const PlacementModel& model,
                                                     const PlacementRoots& roots,
                                                     std::span<const DeviceId> wanted,
                                                     int64_t max_steps);

// Moves units of a legal assignment back to their wanted devices, one after the other, until none
// can be.
void MoveBack(const PlacementModel& model, std::span<const DeviceId> wanted,
              std::vector<DeviceId>* devices);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_PLACEMENT_REPAIR_H_
