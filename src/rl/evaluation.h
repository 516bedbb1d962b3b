#ifndef GOPT_SRC_RL_EVALUATION_H_
#define GOPT_SRC_RL_EVALUATION_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/nn/policy_network.h"
#include "gopt/rl/policy.h"
#include "gopt/rl/trained_problem.h"
#include "gopt/training/config.h"

namespace gopt {

inline constexpr int kEvaluationSamples = 16;

// How good a policy is on one problem without learning from it. 0: no feasible plan.
struct EvaluationResult {
  Nanoseconds greedy = 0;   // One decode without noise.
  Nanoseconds samples = 0;  // The best of kEvaluationSamples noisy ones.
};

// Logarithms of ratios over problems, and how many there are.
struct EvaluationSums {
  double greedy = 0, with_greedy = 0, samples = 0, with_samples = 0;

  void Add(const EvaluationResult& result, Nanoseconds reference);
  std::vector<double*> sums() { return {&greedy, &with_greedy, &samples, &with_samples}; }
  // Geometric means; not a number where there is none.
  double greedy_ratio() const;
  double samples_ratio() const;
};

// An object per problem of this process, as docs/metrics.md says. Adds to sums unless it is null.
absl::StatusOr<nlohmann::ordered_json> EvaluateSet(
    const char* set, const std::vector<std::unique_ptr<TrainedProblem>>& problems,
    const Policy& policy, const TrainingConfig& config, const Budget& budget, EvaluationSums* sums);

absl::StatusOr<EvaluationResult> EvaluateOn(TrainedProblem* problem, PolicyNetwork network,
                                            const ExplorationOptions& exploration, uint64_t seed,
                                            const Budget& budget);

}  // namespace gopt

#endif  // GOPT_SRC_RL_EVALUATION_H_
