#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gopt/rl/ppo.h"
#include "gopt/rl/reward.h"

namespace gopt {
namespace {

// Mean over the factors of the samples in which the head was noisy.
double MeanOfActive(const at::Tensor& factors, const at::Tensor& active) {
  const at::Tensor chosen = factors.detach().index({active});
  return chosen.numel() == 0 ? 0.0 : chosen.to(at::kDouble).mean().item<double>();
}

}  // namespace

at::Tensor SurrogateLoss(const at::Tensor& log_ratio, const at::Tensor& advantage,
                         const at::Tensor& active, double clip, double limit) {
  if (log_ratio.numel() == 0) return at::zeros({}, log_ratio.options());
  const at::Tensor ratio = log_ratio.clamp(-limit, limit).exp();
  const at::Tensor a = advantage.to(log_ratio.dtype()).unsqueeze(1);
  const at::Tensor surrogate = at::minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a);
  return -(surrogate.mean(1) * active.to(log_ratio.dtype())).mean();
}

double ClipFraction(const at::Tensor& log_ratio, const at::Tensor& active, double clip) {
  return MeanOfActive(((log_ratio.exp() - 1).abs() > clip).to(at::kDouble), active);
}

double LimitFraction(const at::Tensor& log_ratio, const at::Tensor& active, double limit) {
  return MeanOfActive((log_ratio.abs() > limit).to(at::kDouble), active);
}

double ApproximateKl(const at::Tensor& log_ratio, const at::Tensor& active) {
  return MeanOfActive(log_ratio.exp() - 1 - log_ratio, active);
}

at::Tensor ValueLoss(const at::Tensor& value, const at::Tensor& reward) {
  return 0.5 * (value - reward.to(value.dtype())).square().mean();
}

double ExplainedVariance(const at::Tensor& value, const at::Tensor& reward) {
  const at::Tensor known = reward.to(at::kDouble);
  const double variance = known.var(/*unbiased=*/false).item<double>();
  if (!(variance > 0)) return 0.0;
  const at::Tensor rest = known - value.detach().to(at::kDouble);
  return 1.0 - rest.var(/*unbiased=*/false).item<double>() / variance;
}

double ClipGradientNorm(const std::vector<at::Tensor>& parameters, double max_norm) {
  double squares = 0.0;
  for (const at::Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    squares += parameter.grad().to(at::kDouble).square().sum().item<double>();
  }
  const double norm = std::sqrt(squares);
  if (std::isfinite(norm) && norm > max_norm) {
    for (const at::Tensor& parameter : parameters) {
      if (parameter.grad().defined()) parameter.mutable_grad().mul_(max_norm / norm);
    }
  }
  return norm;
}

void SetAdvantages(const PpoOptions& options, double value, Rollout* rollout) {
  switch (options.baseline) {
    case Baseline::kNone:
      rollout->advantage = rollout->reward;
      break;
    case Baseline::kLeaveOneOut:
      rollout->advantage = LeaveOneOut(rollout->reward);
      break;
    case Baseline::kValue:
      rollout->advantage.clear();
      for (const double reward : rollout->reward) rollout->advantage.push_back(reward - value);
      break;
  }
  if (options.normalize_advantage)
    NormalizeAdvantages(options.advantage_limit, &rollout->advantage);
}

}  // namespace gopt
