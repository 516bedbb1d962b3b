#include "gopt/rl/ppo.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/rl/sum_numbers.h"

namespace gopt {
namespace {

// One of the equal parts into which the samples of a rollout, in random order, are cut.
std::vector<int64_t> MinibatchOf(const Rollout& rollout, int epoch, int part, int parts) {
  const int64_t samples = rollout.trace.samples;
  std::vector<int64_t> order(samples);
  std::iota(order.begin(), order.end(), int64_t{0});
  Random random(rollout.seed + static_cast<uint64_t>(epoch));
  for (int64_t i = samples; i-- > 1;) std::swap(order[i], order[random.Below(i + 1)]);
  return {order.begin() + samples * part / parts, order.begin() + samples * (part + 1) / parts};
}

at::Tensor Chosen(const std::vector<double>& values, std::span<const int64_t> samples) {
  at::Tensor chosen = at::empty({static_cast<int64_t>(samples.size())}, at::kDouble);
  for (size_t i = 0; i < samples.size(); ++i) {
    chosen.mutable_data_ptr<double>()[i] = values[samples[i]];
  }
  return chosen;
}

std::vector<double*> Fields(PpoStats* stats) {
  return {&stats->policy_loss,
          &stats->value_loss,
          &stats->output_l2,
          &stats->entropy,
          &stats->clip_fraction,
          &stats->approximate_kl,
          &stats->ratio_limit_fraction,
          &stats->explained_variance};
}

void Scale(double factor, PpoStats* stats) {
  for (double* field : Fields(stats)) *field *= factor;
  stats->gradient_norm *= factor;
}

void Add(PpoStats part, PpoStats* sum) {
  const std::vector<double*> from = Fields(&part), to = Fields(sum);
  for (size_t i = 0; i < from.size(); ++i) *to[i] += *from[i];
  sum->gradient_norm += part.gradient_norm;
}

// At least 1.
double NoisyGroups(const HeadActions& actions) {
  int count = 0;
  for (const HeadActions::Group& group : actions.groups) {
    count += group.active.any().item<bool>() ? 1 : 0;
  }
  return std::max(count, 1);
}

void AddRatioStats(const at::Tensor& log_ratio, const at::Tensor& active, double weight,
                   const PpoOptions& options, PpoStats* stats) {
  const at::NoGradGuard no_grad;
  stats->clip_fraction += weight * ClipFraction(log_ratio, active, options.clip);
  stats->approximate_kl +=
      weight *
      ApproximateKl(log_ratio.clamp(-options.log_ratio_limit, options.log_ratio_limit), active);
  stats->ratio_limit_fraction += weight * LimitFraction(log_ratio, active, options.log_ratio_limit);
}

double LearningRate(torch::optim::Adam& optimizer) {
  return static_cast<torch::optim::AdamOptions&>(optimizer.param_groups()[0].options()).lr();
}

}  // namespace

PpoLearner::PpoLearner(PolicyNetwork network, const PpoOptions& options)
    : network_(std::move(network)),
      options_(options),
      optimizer_(network_->parameters(), torch::optim::AdamOptions(options.learning_rate)) {}

absl::StatusOr<PpoStats> PpoLearner::Update(std::span<const Rollout> rollouts, double progress,
                                            const SumOverProcesses& sum) {
  SetSchedules(progress);
  double total = static_cast<double>(rollouts.size());
  GOPT_RETURN_IF_ERROR(SumNumbers(sum, {&total}));
  PpoStats all;
  if (total == 0) return all;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    PpoStats of_epoch;
    for (int part = 0; part < options_.minibatches; ++part) {
      PpoStats stats;
      optimizer_.zero_grad();
      for (const Rollout& rollout : rollouts) {
        const auto samples = MinibatchOf(rollout, epoch, part, options_.minibatches);
        if (!samples.empty()) (Loss(rollout, samples, &stats) / total).backward();
      }
      Scale(1 / total, &stats);
      GOPT_RETURN_IF_ERROR(SumGradients(sum, &stats));
      if (!Step(&stats)) {
        ++all.skipped;  // Not in the means.
        continue;
      }
      Add(stats, &of_epoch);
      ++of_epoch.minibatches;
    }
    Add(of_epoch, &all);
    all.minibatches += of_epoch.minibatches;
    if (options_.target_kl > 0 &&
        of_epoch.approximate_kl > options_.target_kl * of_epoch.minibatches) {
      break;
    }
  }
  Scale(1.0 / std::max(all.minibatches, 1), &all);
  all.learning_rate = LearningRate(optimizer_);
  all.entropy_coefficient = entropy_coefficient_;
  return all;
}

at::Tensor PpoLearner::Loss(const Rollout& rollout, std::span<const int64_t> samples,
                            PpoStats* stats) {
  const DecisionTrace trace = rollout.trace.Select(samples);
  const Replay replay = ReplayDecisions(network_, *rollout.problem, trace);
  const at::Device device = network_->parameters()[0].device();
  const at::Tensor advantage = Chosen(rollout.advantage, samples).to(device);
  const double heads = static_cast<double>(std::max<size_t>(replay.heads.size(), 1));
  at::Tensor policy = at::zeros({}, network_->parameters()[0].options());
  at::Tensor entropy = at::zeros_like(policy), l2 = at::zeros_like(policy);
  for (const ReplayedHead& head : replay.heads) {
    const std::vector<at::Tensor> log_prob = LogProbabilities(*head.actions, head.output);
    const double stats_weight = 1.0 / (NoisyGroups(*head.actions) * heads);
    int64_t first = 0;
    for (size_t i = 0; i < log_prob.size(); ++i) {
      const HeadActions::Group& group = head.actions->groups[i];
      const int64_t count = group.active.size(0);
      const double share = static_cast<double>(count) / static_cast<double>(samples.size());
      const at::Tensor log_ratio = log_prob[i] - group.log_prob;
      policy =
          policy + share * SurrogateLoss(log_ratio, advantage.slice(0, first, first + count),
                                         group.active, options_.clip, options_.log_ratio_limit);
      AddRatioStats(log_ratio, group.active, stats_weight, options_, stats);
      first += count;
    }
    entropy = entropy + MeanEntropy(*head.actions, head.output) / heads;
    if (head.actions->options.draw != Draw::kCategorical && head.output.value.numel() > 0) {
      l2 = l2 + head.output.value.square().mean();
    }
  }
  at::Tensor loss = policy - entropy_coefficient_ * entropy + options_.output_l2 * l2;
  stats->policy_loss += policy.item<double>();
  stats->entropy += entropy.item<double>();
  stats->output_l2 += l2.item<double>();
  if (replay.value.defined()) {
    const at::Tensor reward = Chosen(rollout.reward, samples).to(device);
    const at::Tensor value_loss = ValueLoss(replay.value, reward);
    loss = loss + options_.value_coefficient * value_loss;
    stats->value_loss += value_loss.item<double>();
    stats->explained_variance += ExplainedVariance(replay.value, reward);
  }
  if (options_.self_imitation > 0 && rollout.best != nullptr) {
    loss = loss + options_.self_imitation * ImitationLoss(rollout);
  }
  return loss;
}

// -log pi of the best sample so far, times what it is above the mean reward, if it is. (Oh et al.,
// "Self-Imitation Learning", ICML 2018, equation 1.)
at::Tensor PpoLearner::ImitationLoss(const Rollout& rollout) {
  double mean = 0.0;
  for (const double reward : rollout.reward) mean += reward / rollout.reward.size();
  const double above = std::max(0.0, rollout.best_reward - mean);
  at::Tensor loss = at::zeros({}, network_->parameters()[0].options());
  const Replay replay = ReplayDecisions(network_, *rollout.problem, *rollout.best);
  for (const ReplayedHead& head : replay.heads) {
    for (const at::Tensor& log_prob : LogProbabilities(*head.actions, head.output)) {
      if (log_prob.numel() > 0) loss = loss - above * log_prob.mean();
    }
  }
  return loss;
}

void PpoLearner::SetSchedules(double progress) {
  const auto between = [&](double begin, double end) { return begin + (end - begin) * progress; };
  entropy_coefficient_ = between(options_.entropy_coefficient, options_.entropy_coefficient_end);
  for (auto& group : optimizer_.param_groups()) {
    static_cast<torch::optim::AdamOptions&>(group.options())
        .lr(between(options_.learning_rate, options_.learning_rate_end));
  }
}

absl::Status PpoLearner::SumGradients(const SumOverProcesses& sum, PpoStats* stats) {
  if (!sum) return absl::OkStatus();
  std::vector<at::Tensor> parts;
  for (const at::Tensor& parameter : network_->parameters()) {
    parts.push_back(parameter.grad().defined() ? parameter.grad().flatten()
                                               : at::zeros_like(parameter).flatten());
  }
  at::Tensor flat = at::cat(parts);
  GOPT_RETURN_IF_ERROR(sum(flat));
  int64_t begin = 0;
  for (at::Tensor& parameter : network_->parameters()) {
    parameter.mutable_grad() =
        flat.slice(0, begin, begin + parameter.numel()).view_as(parameter).clone();
    begin += parameter.numel();
  }
  return SumNumbers(sum, Fields(stats));
}

bool PpoLearner::Step(PpoStats* stats) {
  stats->gradient_norm = ClipGradientNorm(network_->parameters(), options_.max_gradient_norm);
  if (!std::isfinite(stats->gradient_norm) || !std::isfinite(stats->policy_loss) ||
      !std::isfinite(stats->value_loss)) {
    return false;
  }
  optimizer_.step();
  return true;
}

}  // namespace gopt
