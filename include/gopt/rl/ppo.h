#ifndef GOPT_RL_PPO_H_
#define GOPT_RL_PPO_H_

#include <ATen/core/Tensor.h>
#include <torch/optim/adam.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/nn/policy_network.h"
#include "gopt/rl/decision_pass.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/training/config.h"

namespace gopt {

// --- The terms. Log ratios are log pi(a) - log pi_old(a), one per factor of an action.

// -mean over samples of: mean over factors of min(ratio A, clip(ratio, 1 - clip, 1 + clip) A), over
// samples in which the head was noisy; the others add 0. Log ratios are clamped to +- limit.
// (Schulman et al., arXiv 1707.06347, equation 7; per factor with a shared advantage: GO.)
// log_ratio: [samples, factors]; advantage: [samples]; active: [samples] bool.
GOPT_API at::Tensor SurrogateLoss(const at::Tensor& log_ratio, const at::Tensor& advantage,
                                  const at::Tensor& active, double clip, double limit);
// Share of the factors of noisy samples whose ratio is outside of 1 +- clip.
GOPT_API double ClipFraction(const at::Tensor& log_ratio, const at::Tensor& active, double clip);
// Share whose log ratio is outside of +- limit.
GOPT_API double LimitFraction(const at::Tensor& log_ratio, const at::Tensor& active, double limit);
// Mean of ratio - 1 - log ratio: never negative, unbiased. (Schulman, "Approximating KL
// divergence".)
GOPT_API double ApproximateKl(const at::Tensor& log_ratio, const at::Tensor& active);
// Half the mean square of value - reward. value: [1] or [samples].
GOPT_API at::Tensor ValueLoss(const at::Tensor& value, const at::Tensor& reward);
// 1 - var(reward - value) / var(reward); 0 where rewards are all equal.
GOPT_API double ExplainedVariance(const at::Tensor& value, const at::Tensor& reward);
// Scales the gradients to at most this norm, and returns the norm before.
GOPT_API double ClipGradientNorm(const std::vector<at::Tensor>& parameters, double max_norm);

// --- The rule.

// One problem's samples of one iteration, priced.
struct Rollout {
  std::shared_ptr<const PolicyProblem> problem;
  DecisionTrace trace;            // Of the samples that the backend could price.
  std::vector<double> reward;     // One per sample of the trace.
  std::vector<double> advantage;  // Relative to the baseline, normalised.
  uint64_t seed = 0;              // Of the order of samples in minibatches.
  // The best sample so far, to be imitated in proportion to what it is above the mean reward.
  std::shared_ptr<const DecisionTrace> best;
  double best_reward = 0.0;
};

// Advantages of the rollout's rewards by the options' baseline; `value` for Baseline::kValue.
GOPT_API void SetAdvantages(const PpoOptions& options, double value, Rollout* rollout);

// Means over the minibatches of an update that made a step. docs/metrics.md defines each.
struct PpoStats {
  double policy_loss = 0.0, value_loss = 0.0, output_l2 = 0.0, entropy = 0.0;
  double clip_fraction = 0.0, approximate_kl = 0.0, ratio_limit_fraction = 0.0;
  double explained_variance = 0.0, gradient_norm = 0.0;
  double learning_rate = 0.0, entropy_coefficient = 0.0;
  int minibatches = 0;  // That made a step.
  int skipped = 0;      // Whose loss or gradient was not finite: no step was made.
};

// Sums a tensor over all processes of a data-parallel run, in place.
using SumOverProcesses = std::function<absl::Status(at::Tensor)>;

// Proximal policy optimization of one network by Adam. One thread at a time.
class GOPT_API PpoLearner {
 public:
  PpoLearner(PolicyNetwork network, const PpoOptions& options);

  // Epochs of minibatches over the rollouts. progress: share of the training that is done, for
  // schedules. With processes, each brings its own rollouts, at least none, and `sum`: the step is
  // that of one process with all of them, within rounding. Statistics are of all processes too.
  absl::StatusOr<PpoStats> Update(std::span<const Rollout> rollouts, double progress,
                                  const SumOverProcesses& sum = {});

  PolicyNetwork& network() { return network_; }
  torch::optim::Adam& optimizer() { return optimizer_; }
  const PpoOptions& options() const { return options_; }

 private:
  // Of these samples of a rollout.
  at::Tensor Loss(const Rollout& rollout, std::span<const int64_t> samples, PpoStats* stats);
  at::Tensor ImitationLoss(const Rollout& rollout);
  void SetSchedules(double progress);
  // Gradients and statistics of all processes in one sum.
  absl::Status SumGradients(const SumOverProcesses& sum, PpoStats* stats);
  // Clips and steps; false where something is not finite.
  bool Step(PpoStats* stats);

  PolicyNetwork network_;
  const PpoOptions options_;
  torch::optim::Adam optimizer_;
  double entropy_coefficient_ = 0.0;
};

}  // namespace gopt

#endif  // GOPT_RL_PPO_H_
