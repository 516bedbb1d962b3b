#include "gopt/rl/reward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gopt {

double RewardOfTime(const RewardOptions& options, Nanoseconds step_time, Nanoseconds reference) {
  const double ratio = static_cast<double>(std::max<Nanoseconds>(step_time, 1)) /
                       static_cast<double>(std::max<Nanoseconds>(reference, 1));
  return options.kind == RewardOptions::Kind::kSqrt ? -std::sqrt(ratio) : -std::log(ratio);
}

std::vector<std::optional<double>> RewardScale::Rewards(std::span<const CostReport> reports) {
  std::vector<std::optional<double>> rewards(reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i].ok()) continue;
    rewards[i] = RewardOfTime(options_, reports[i].step_time, reference_);
    worst_feasible_ = std::min(worst_feasible_, *rewards[i]);
  }
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports[i].outcome != Outcome::kInfeasible) continue;
    rewards[i] = options_.infeasible;
    if (options_.graded && reports[i].bytes_over_limit > 0) {
      const double over = static_cast<double>(reports[i].bytes_over_limit) /
                          static_cast<double>(std::max<int64_t>(memory_, 1));
      rewards[i] = std::max(options_.infeasible, worst_feasible_ - 1.0 - over);
    }
  }
  return rewards;
}

std::vector<double> LeaveOneOut(std::span<const double> rewards) {
  const double sum = std::accumulate(rewards.begin(), rewards.end(), 0.0);
  const size_t others = rewards.size() - 1;
  std::vector<double> advantages;
  for (const double reward : rewards) {
    advantages.push_back(others == 0 ? 0.0 : reward - (sum - reward) / static_cast<double>(others));
  }
  return advantages;
}

void NormalizeAdvantages(double limit, std::vector<double>* advantages) {
  double squares = 0.0;
  for (const double advantage : *advantages) squares += advantage * advantage;
  const double scale =
      std::sqrt(squares / static_cast<double>(std::max<size_t>(advantages->size(), 1)));
  if (!(scale > 0)) return;
  for (double& advantage : *advantages) {
    advantage /= scale;
    if (limit > 0) advantage = std::clamp(advantage, -limit, limit);
  }
}

}  // namespace gopt
