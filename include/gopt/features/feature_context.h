#ifndef GOPT_FEATURES_FEATURE_CONTEXT_H_
#define GOPT_FEATURES_FEATURE_CONTEXT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/problem.h"

namespace gopt {

// A plan of the problem as its ops see it: where and when each one runs. An op that runs in no
// kernel has no time (0, 0); a parameter's device is its home.
struct IncumbentPlan {
  std::vector<DeviceId> device;     // [ops]; kNone where there is none.
  std::vector<Nanoseconds> start;   // [ops], of the op's kernel.
  std::vector<Nanoseconds> finish;  // [ops]
  std::vector<uint8_t> critical;    // [ops]; 1: on the critical chain.
  Nanoseconds makespan = 0;

  bool empty() const { return device.empty(); }
};

// What features need to know besides the problem. Filled by the caller, who asks a cost model and
// heuristics for it: this room knows neither.
struct FeatureContext {
  // Devices that price every op alike are of one kind, numbered densely from 0.
  std::vector<int32_t> device_kind;             // [devices]
  std::vector<std::vector<Nanoseconds>> times;  // [kinds][ops]; 0 for ops that run nowhere.

  // Mean over ordered pairs of distinct devices that have a route; 0 with one device.
  double mean_latency = 0.0;            // ns
  double mean_inverse_bandwidth = 0.0;  // ns per byte

  // The plan to improve on; empty: there is none.
  IncumbentPlan incumbent;
  // Other heuristics' placements, any number: [placements][ops], kNone where an op has no device.
  std::vector<std::vector<DeviceId>> placements;
};

// InvalidArgument names the field and the rule: "times[1]: 7 values for 8 ops". Linear in what the
// context holds.
GOPT_API absl::Status CheckFeatureContext(const Problem& problem, const FeatureContext& context);

}  // namespace gopt

#endif  // GOPT_FEATURES_FEATURE_CONTEXT_H_
