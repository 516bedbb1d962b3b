#ifndef GOPT_SRC_RL_EVALUATION_H_
#define GOPT_SRC_RL_EVALUATION_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/nn/policy_network.h"
#include "gopt/rl/trained_problem.h"
#include "gopt/training/config.h"

namespace gopt {

inline constexpr int kEvaluationSamples = 16;

// How good a policy is on one problem without learning from it. 0: no feasible plan.
struct EvaluationResult {
  Nanoseconds greedy = 0;   // One decode without noise.
  Nanoseconds samples = 0;  // The best of kEvaluationSamples noisy ones.
};

absl::StatusOr<EvaluationResult> EvaluateOn(TrainedProblem* problem, PolicyNetwork network,
                                            const ExplorationOptions& exploration, uint64_t seed,
                                            const Budget& budget);

}  // namespace gopt

#endif  // GOPT_SRC_RL_EVALUATION_H_
