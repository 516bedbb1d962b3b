#ifndef GOPT_FEATURES_OP_TIMES_H_
#define GOPT_FEATURES_OP_TIMES_H_

#include <vector>

#include "gopt/features/feature_context.h"
#include "gopt/plan/problem.h"

namespace gopt {

// Times of ops over the machine's devices, in ns.
struct OpTimes {
  std::vector<double> mean;                       // [ops], over devices.
  std::vector<double> best;                       // [ops], on the fastest kind.
  std::vector<double> worst;                      // [ops], on the slowest kind.
  std::vector<double> kind_total;                 // [kinds]
  double total = 0.0;                             // Of `mean`.
  double mean_of_mean = 0.0, mean_of_best = 0.0;  // Over ops that run in kernels.
};
OpTimes MakeOpTimes(const Problem& problem, const FeatureContext& context);

}  // namespace gopt

#endif  // GOPT_FEATURES_OP_TIMES_H_
