#ifndef GOPT_SRC_PLAN_CONFLICT_H_
#define GOPT_SRC_PLAN_CONFLICT_H_

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "src/plan/device_rules.h"

namespace gopt {

// Smallest subsets of sets (as positions) without a common device, at most 64 of them, given that
// all together have none. Exact up to pairs among 2,000 sets and triples among 100; beyond, one
// subset of which none can be left out.
std::vector<std::vector<size_t>> SmallestDisjoint(std::span<const DeviceSet> sets);

// FailedPrecondition: "constraints contradict each other: (1) ...; (2) ...". Repetitions are left
// out.
absl::Status ConflictError(std::span<const std::string> rules);

// "device 3" or "devices 0, 2, 5".
std::string DescribeDevices(std::span<const DeviceId> devices);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_CONFLICT_H_
