#ifndef GOPT_SRC_PLAN_KEEP_APART_H_
#define GOPT_SRC_PLAN_KEEP_APART_H_

#include <functional>
#include <span>

#include "absl/status/status.h"
#include "gopt/graph/graph.h"
#include "gopt/plan/constraints.h"
#include "src/plan/colocation.h"

namespace gopt {

// Whether each keep-apart group by itself can be given different devices, by bipartite matching.
// FailedPrecondition names two ops that must share a device, or k + 1 ops that together have k
// devices (Hall's theorem), and why.
absl::Status CheckKeepApart(const Graph& graph, const Constraints& constraints,
                            const Colocation& colocation,
                            const std::function<std::span<const DeviceId>(OpId)>& allowed_devices,
                            int num_devices);

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_KEEP_APART_H_
