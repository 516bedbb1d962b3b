#ifndef GOPT_FEATURES_INCUMBENT_H_
#define GOPT_FEATURES_INCUMBENT_H_

#include <cstdint>
#include <vector>

#include "gopt/features/feature_context.h"
#include "src/features/edge_index.h"

namespace gopt {

// What follows from the incumbent plan for an op, from its neighbours that have a device. All in
// [0, 1], 0 for an op without a device.
struct IncumbentOp {
  float remote_inputs = 0.0f;  // Share of the producers that are on other devices.
  float remote_reads = 0.0f;   // The same for its readers.
  float wait = 0.0f;           // From the end of its last producer to its start, / makespan.
  float slack = 0.0f;          // From its end to the start of its first reader, / makespan.
};

struct IncumbentView {
  std::vector<IncumbentOp> ops;  // [ops]; empty if there is no incumbent.
  std::vector<double> load;      // [devices]; mean time of the ops there.
  double largest_load = 0.0;
};
IncumbentView MakeIncumbentView(const IncumbentPlan& plan, const EdgeIndex& edges,
                                const std::vector<double>& op_time, int num_devices);

}  // namespace gopt

#endif  // GOPT_FEATURES_INCUMBENT_H_
