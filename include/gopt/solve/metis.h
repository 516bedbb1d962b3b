#ifndef GOPT_SOLVE_METIS_H_
#define GOPT_SOLVE_METIS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/solve/placement_options.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// A part in [0, parts) for each task: parts of about equal mean time that cut few bytes (Karypis,
// Kumar: SIAM J. Sci. Comput. 20(1), 1998; METIS 5.1, multilevel k-way). Tasks of one colocation
// group share a part; a task as long as a whole part gets one to itself. The same for the same seed
// on every call. Thread-safe, one call at a time. Unimplemented in builds without METIS.
GOPT_API absl::StatusOr<std::vector<int32_t>> MetisParts(const TaskGraph& tasks, int parts,
                                                         uint64_t seed);

// A device for each task: parts sized by the devices' rates, each on the device that suits it best
// (time there, allowed devices, routes to the parts placed before), then moved where devices,
// groups or memory forbid.
GOPT_API absl::StatusOr<std::vector<DeviceId>> MetisPlacement(
    const TaskGraph& tasks, uint64_t seed, const PlacementOptions& placement = {});

}  // namespace gopt

#endif  // GOPT_SOLVE_METIS_H_
