#ifndef GOPT_WORKLOADS_PLANTED_H_
#define GOPT_WORKLOADS_PLANTED_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// A problem drawn backwards from its solution: first devices that are busy without a gap from 0 to
// the end, then edges that this schedule obeys, transfers first in, first out over the machine's
// channels.
struct PlantedOptions {
  int ops = 1000;                  // At least one for each device.
  int devices = 4;                 // Equal, with a channel per ordered pair.
  Nanoseconds mean_time = 20'000;  // Of the ops; the step takes ops x mean_time / devices.
  double spread = 1.0;             // Of times and bytes: standard deviation in powers of two.
  int fan_out = 6;                 // Readers of an op: 0 to this many, at most one a device away.
  double remote = 0.5;             // Probability that a reader is on another device.
  double ccr = 3.0;                // Time to send a tensor over time of an op, on average.
  double bandwidth = 12e9;         // Of each channel, bytes per second.
  Nanoseconds latency = 5'000;     // Of each channel.
  uint64_t seed = 0;
};

struct Planted {
  Problem problem;
  Plan plan;  // The drawn schedule: devices, and ranks in order of start.
  // What the simulator prices the plan at. Equal to the work divided by the devices, which is a
  // lower bound for every plan: the plan is optimal.
  Nanoseconds step_time = 0;
};

// InvalidArgument names the option. Linear in ops, but for a binary search per edge.
GOPT_API absl::StatusOr<Planted> MakePlanted(const PlantedOptions& options = {});

}  // namespace gopt

#endif  // GOPT_WORKLOADS_PLANTED_H_
