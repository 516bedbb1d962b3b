#include "gopt/rl/ppo.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "tests/testing/policy_cases.h"

namespace gopt {
namespace {

using testing::MakeNetwork;
using testing::PolicyCase;
using testing::Shake;
using testing::SmallNetwork;
using testing::Variant;

// No step, so that gradients and losses can be looked at: Adam at a rate of 0.
PpoOptions StandingStill() {
  PpoOptions options;
  options.epochs = 1;
  options.learning_rate = options.learning_rate_end = 0.0;
  options.max_gradient_norm = 1e30;
  return options;
}

Rollout MakeRollout(const PolicyCase& c, PolicyNetwork network, int64_t samples) {
  Rollout rollout = {.problem = c.problem};
  SampledDecisions drawn = c.Sample(std::move(network), {.samples = samples});
  for (const PricedPlan& plan : c.Price(drawn.candidates)) {
    rollout.reward.push_back(-std::log(static_cast<double>(plan.report.step_time) /
                                       static_cast<double>(c.problem->reference_time())));
  }
  rollout.trace = std::move(drawn.trace);
  SetAdvantages({}, 0.0, &rollout);
  return rollout;
}

PpoStats Update(PpoLearner* learner, const std::vector<Rollout>& rollouts, double progress = 0.0) {
  return *learner->Update(rollouts, progress);
}

std::map<std::string, at::Tensor> Gradients(PolicyNetwork network) {
  std::map<std::string, at::Tensor> gradients;
  for (const auto& item : network->named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad().clone();
  }
  return gradients;
}

double LossOf(const PpoStats& stats, const PpoOptions& options) {
  return stats.policy_loss - stats.entropy_coefficient * stats.entropy +
         options.output_l2 * stats.output_l2 + options.value_coefficient * stats.value_loss;
}

// --- The gradient of the whole loss, through every module, against finite differences.

class PpoGradientTest : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Options, PpoGradientTest, ::testing::ValuesIn(testing::Variants()),
                         [](const auto& info) { return info.param.name; });

TEST_P(PpoGradientTest, IsThatOfFiniteDifferences) {
  const PolicyCase c(testing::VariantProblem(GetParam()), "heft");
  PolicyNetwork network = MakeNetwork(GetParam().network);
  Shake(network, 0.2);
  network->to(at::kDouble);
  PpoOptions options = StandingStill();
  options.entropy_coefficient = 0.3;
  options.output_l2 = 0.1;
  PpoLearner learner(network, options);
  const std::vector<Rollout> rollouts = {MakeRollout(c, network, 4)};
  Shake(network, 0.02, 5);  // Ratios other than 1, some of them clipped.
  const PpoStats stats = Update(&learner, rollouts);
  ASSERT_EQ(stats.minibatches, 1);
  const auto gradients = Gradients(network);
  // Every weight of a module moves at once, each by its own amount.
  std::map<std::string, std::vector<std::pair<at::Tensor, at::Tensor>>> modules;
  std::map<std::string, double> slope;
  const at::Generator generator = at::detail::createCPUGenerator(12);
  for (const auto& item : network->named_parameters()) {
    const auto found = gradients.find(item.key());
    if (found == gradients.end()) continue;
    const std::string module = item.key().substr(0, item.key().find('.'));
    const at::Tensor along = at::randn(item.value().sizes(), generator, at::kDouble);
    modules[module].emplace_back(item.value(), along);
    slope[module] += (found->second * along).sum().item<double>();
  }
  EXPECT_GE(modules.size(), 4u);
  const auto loss = [&] { return LossOf(Update(&learner, rollouts), options); };
  for (const auto& [module, moves] : modules) {
    const auto move = [&moves = moves](double by) {
      const at::NoGradGuard no_grad;
      for (const auto& [weight, along] : moves) at::Tensor(weight).add_(along, by);
    };
    // A kink (of relu, a maximum, the clip) within a step is not within a much shorter one.
    double off = 1.0;
    for (const double step : {1e-6, 1e-7, 1e-8}) {
      move(step);
      const double above = loss();
      move(-2 * step);
      const double numeric = (above - loss()) / (2 * step);
      move(step);
      off = std::abs(slope[module] - numeric) / (1e-4 * std::abs(numeric) + 1e-6);
      if (off < 1.0) break;
    }
    EXPECT_LT(off, 1.0) << module;
  }
}

// --- The rule

class PpoTest : public ::testing::Test {
 protected:
  static NetworkOptions WithValue() {
    NetworkOptions options = SmallNetwork(DecoderKind::kList);
    options.value = true;
    return options;
  }
  PolicyNetwork Network() const {
    PolicyNetwork network = MakeNetwork(WithValue());
    Shake(network, 0.2);
    return network;
  }
  static std::vector<at::Tensor> Weights(PolicyNetwork network) {
    std::vector<at::Tensor> weights;
    for (const at::Tensor& parameter : network->parameters()) {
      weights.push_back(parameter.detach().clone());
    }
    return weights;
  }
  static double Distance(PolicyNetwork network, const std::vector<at::Tensor>& from) {
    double largest = 0.0;
    for (size_t i = 0; i < from.size(); ++i) {
      largest = std::max(largest,
                         (network->parameters()[i] - from[i]).abs().max().template item<double>());
    }
    return largest;
  }

  const PolicyCase case_{testing::UnevenProblem()};
};

TEST_F(PpoTest, MinibatchesSplitTheSamplesOfAnEpoch) {
  PolicyNetwork network = Network();
  const std::vector<Rollout> rollouts = {MakeRollout(case_, network, 7)};
  PpoOptions options = StandingStill();
  PpoLearner whole(network, options);
  const PpoStats all = Update(&whole, rollouts);
  options.minibatches = 7;
  options.epochs = 2;
  PpoLearner split(network, options);
  const PpoStats parts = Update(&split, rollouts);
  EXPECT_EQ(parts.minibatches, 14);
  // Without a step the mean over single samples is the mean over all.
  EXPECT_NEAR(parts.policy_loss, all.policy_loss, 1e-5);
  EXPECT_NEAR(parts.value_loss, all.value_loss, 1e-5);
  EXPECT_NEAR(parts.output_l2, all.output_l2, 1e-5);
  // More parts than samples: some are empty.
  options.minibatches = 9;
  PpoLearner more(network, options);
  EXPECT_NEAR(Update(&more, rollouts).policy_loss * 9 / 7, all.policy_loss, 1e-5);
}

TEST_F(PpoTest, GradientsAreTheMeanOverProblems) {
  PolicyNetwork network = Network();
  const PolicyCase other(testing::UnevenProblem(20, 9));
  const Rollout a = MakeRollout(case_, network, 4), b = MakeRollout(other, network, 6);
  PpoLearner learner(network, StandingStill());
  Update(&learner, {a});
  const auto of_a = Gradients(network);
  Update(&learner, {b});
  const auto of_b = Gradients(network);
  Update(&learner, {a, b});
  for (const auto& [name, gradient] : Gradients(network)) {
    EXPECT_TRUE(at::allclose(gradient, (of_a.at(name) + of_b.at(name)) / 2, 1e-3, 1e-6)) << name;
  }
}

// Two processes with a problem each make the step of one process with both.
TEST_F(PpoTest, ProcessesTogetherStepAsOne) {
  const PolicyCase other(testing::UnevenProblem(20, 9));
  PolicyNetwork network = Network();
  const Rollout a = MakeRollout(case_, network, 4), b = MakeRollout(other, network, 6);
  PpoOptions options;
  options.epochs = 1;
  PpoLearner one(network, options);
  const PpoStats expected = Update(&one, {a, b});
  // The other process as a recording of what it brought.
  std::vector<at::Tensor> brought;
  PpoLearner second(Network(), options);
  const auto record = [&](at::Tensor sum) {
    brought.push_back(sum.clone());
    if (brought.size() == 1) sum.add_(1.0);  // Rollouts.
    return absl::OkStatus();
  };
  ASSERT_TRUE(second.Update(std::vector<Rollout>{b}, 0.0, record).ok());
  size_t next = 0;
  PolicyNetwork shared = Network();
  PpoLearner first(shared, options);
  const auto add = [&](at::Tensor sum) {
    sum.add_(brought[next++]);
    return absl::OkStatus();
  };
  const absl::StatusOr<PpoStats> stats = first.Update(std::vector<Rollout>{a}, 0.0, add);
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(next, brought.size());
  EXPECT_NEAR(stats->policy_loss, expected.policy_loss, 1e-5);
  EXPECT_NEAR(stats->gradient_norm, expected.gradient_norm, 1e-4 * expected.gradient_norm);
  // Adam's first step is the sign of the gradient: where it is tiny, rounding decides.
  for (size_t i = 0; i < shared->parameters().size(); ++i) {
    const at::Tensor gradient = one.network()->parameters()[i].grad();
    if (!gradient.defined()) continue;
    const at::Tensor off = (shared->parameters()[i] - network->parameters()[i]).abs();
    EXPECT_LT(off.masked_fill(gradient.abs() < 1e-5, 0.0).max().item<double>(), 1e-5);
  }
}

TEST_F(PpoTest, ErrorsOfTheSumComeBack) {
  PpoLearner learner(Network(), {});
  const auto fail = [](at::Tensor) { return absl::UnavailableError("a process is gone"); };
  EXPECT_EQ(learner.Update({}, 0.0, fail).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Update(&learner, {}).minibatches, 0);  // Nothing to learn from is no error.
}

TEST_F(PpoTest, AStepIsNoLongerThanTheRateAndTheClippedGradient) {
  PolicyNetwork network = Network();
  const std::vector<at::Tensor> before = Weights(network);
  PpoOptions options;
  options.epochs = 1;
  options.learning_rate = 1e-3;
  options.learning_rate_end = 3e-3;
  options.max_gradient_norm = 1e-4;
  PpoLearner learner(network, options);
  const PpoStats stats = Update(&learner, {MakeRollout(case_, network, 8)}, 0.5);
  EXPECT_GT(stats.gradient_norm, 1e-4);
  double squares = 0.0;
  for (const auto& [name, gradient] : Gradients(network)) {
    squares += gradient.square().sum().item<double>();
  }
  EXPECT_NEAR(std::sqrt(squares), 1e-4, 1e-7);
  EXPECT_DOUBLE_EQ(stats.learning_rate, 2e-3);
  EXPECT_NEAR(Distance(network, before), 2e-3, 1e-4);  // Adam's first step.
}

TEST_F(PpoTest, LargeAdvantagesOfRareActionsMoveTowardsThem) {
  PolicyNetwork network = Network();
  PpoOptions options;
  options.output_l2 = 0.0;
  options.epochs = 20;
  Rollout rollout = MakeRollout(case_, network, 8);
  rollout.advantage.assign(8, 0.0);
  rollout.advantage[3] = 2.0;
  PpoLearner learner(network, options);
  Update(&learner, {rollout});
  const int64_t chosen[] = {3};
  const DecisionTrace trace = rollout.trace.Select(chosen);
  double gain = 0.0;
  for (const ReplayedHead& head : ReplayDecisions(network, *case_.problem, trace).heads) {
    if (!head.actions->groups[0].active.item<bool>()) continue;
    gain += (LogProbabilities(*head.actions, head.output)[0] - head.actions->groups[0].log_prob)
                .mean()
                .item<double>();
  }
  EXPECT_GT(gain, 0.05);
}

TEST_F(PpoTest, EpochsEndEarlyAboveTheTargetDivergence) {
  PpoOptions options;
  options.epochs = 6;
  options.learning_rate = options.learning_rate_end = 0.02;
  const auto epochs = [&](double target) {
    options.target_kl = target;
    PolicyNetwork network = Network();
    PpoLearner learner(network, options);
    return Update(&learner, {MakeRollout(case_, network, 8)}).minibatches;
  };
  EXPECT_EQ(epochs(0.0), 6);
  EXPECT_EQ(epochs(1e9), 6);
  EXPECT_EQ(epochs(1e-6), 2);  // The first is at unchanged weights.
}

TEST_F(PpoTest, WhatIsNotFiniteMakesNoStep) {
  PolicyNetwork network = Network();
  Rollout rollout = MakeRollout(case_, network, 4);
  rollout.advantage[2] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<at::Tensor> before = Weights(network);
  PpoLearner learner(network, {});
  const PpoStats stats = Update(&learner, {rollout});
  EXPECT_EQ(stats.skipped, 4);
  EXPECT_EQ(stats.minibatches, 0);
  EXPECT_EQ(Distance(network, before), 0.0);
  EXPECT_TRUE(std::isfinite(stats.policy_loss) && std::isfinite(stats.gradient_norm));
  // And the next update is as if nothing had been.
  EXPECT_EQ(Update(&learner, {MakeRollout(case_, network, 4)}).minibatches, 4);
}

TEST_F(PpoTest, FarActionsStayFinite) {
  PolicyNetwork network = Network();
  const std::vector<Rollout> rollouts = {MakeRollout(case_, network, 6)};
  Shake(network, 3.0, 4);
  PpoLearner learner(network, {});
  const PpoStats stats = Update(&learner, rollouts);
  EXPECT_EQ(stats.minibatches, 4);
  EXPECT_GT(stats.ratio_limit_fraction, 0.0);
  EXPECT_TRUE(std::isfinite(stats.approximate_kl));
  EXPECT_GE(stats.approximate_kl, 0.0);
}

TEST_F(PpoTest, SelfImitationAddsTheBestTraceInProportionToItsLead) {
  PolicyNetwork network = Network();
  PpoOptions options = StandingStill();
  options.output_l2 = 0.0;
  options.value_coefficient = 0.0;
  options.self_imitation = 0.5;
  Rollout rollout = MakeRollout(case_, network, 4);
  rollout.advantage.assign(4, 0.0);
  rollout.reward = {1.0, 2.0, 3.0, 2.0};
  const int64_t chosen[] = {1};
  rollout.best = std::make_shared<DecisionTrace>(rollout.trace.Select(chosen));
  rollout.best_reward = 5.0;  // 3 above the mean.
  PpoLearner learner(network, options);
  Update(&learner, {rollout});
  const auto gradients = Gradients(network);
  network->zero_grad();
  for (const ReplayedHead& head : ReplayDecisions(network, *case_.problem, *rollout.best).heads) {
    (-0.5 * 3.0 * LogProbabilities(*head.actions, head.output)[0].mean()).backward({}, true);
  }
  double largest = 0.0;
  for (const auto& [name, expected] : Gradients(network)) {
    EXPECT_TRUE(at::allclose(gradients.at(name), expected, 1e-3, 1e-6)) << name;
    largest = std::max(largest, expected.abs().max().item<double>());
  }
  EXPECT_GT(largest, 1e-3);
  rollout.best_reward = 1.5;  // Below the mean: nothing to imitate.
  Update(&learner, {rollout});
  for (const auto& [name, gradient] : Gradients(network)) {
    EXPECT_EQ(gradient.abs().max().item<double>(), 0.0) << name;
  }
}

TEST_F(PpoTest, TheSameSeedMakesTheSameStep) {
  const auto train = [&](uint64_t seed) {
    PolicyNetwork network = Network();
    PpoOptions options;
    options.minibatches = 2;
    PpoLearner learner(network, options);
    Rollout rollout = MakeRollout(case_, network, 8);
    rollout.seed = seed;
    Update(&learner, {rollout});
    return Weights(network);
  };
  const auto a = train(1), b = train(1), c = train(2);
  bool differs = false;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::equal(a[i], b[i]));
    differs |= !at::equal(a[i], c[i]);
  }
  EXPECT_TRUE(differs);
}

// --- The policy gradient is that of the expected reward.

// Two ops on two devices with two priority levels: 16 joint actions, of which all are priced. The
// expectation of the learner's gradient over them is minus the exact gradient of the expected
// reward, divided by the factors per head, which the surrogate takes the mean of.
TEST(PolicyGradientTest, IsTheExactGradientOfTheExpectedReward) {
  const auto graph = ParseGraph("a:matmul[time=30,bytes=4000] -> b:add[time=20]");
  const PolicyCase c(*Problem::Create(*graph, *UniformMachine({.count = 2})), "single_device");
  NetworkOptions network_options = SmallNetwork(DecoderKind::kDirect);
  network_options.priority_levels = 2;
  PolicyNetwork network = MakeNetwork(network_options);
  Shake(network, 0.5);
  network->to(at::kDouble);

  // All actions in place of samples.
  SampledDecisions drawn = c.Sample(network, {.samples = 16});
  auto& heads = drawn.trace.rounds[0].head;
  for (int64_t i = 0; i < 16; ++i) {
    heads[1]->groups[0].action[i] = at::tensor({i & 1, (i >> 1) & 1}, at::kLong);
    heads[2]->groups[0].action[i] = at::tensor({(i >> 2) & 1, (i >> 3) & 1}, at::kLong);
  }
  const at::Tensor reward = at::randn({16}, at::detail::createCPUGenerator(3), at::kDouble);

  // sum over actions of p(a) r(a), differentiated.
  const auto log_probabilities = [&] {
    std::vector<at::Tensor> by_head;
    for (const ReplayedHead& head : ReplayDecisions(network, *c.problem, drawn.trace).heads) {
      by_head.push_back(LogProbabilities(*head.actions, head.output)[0]);
    }
    return by_head;
  };
  const std::vector<at::Tensor> log_prob = log_probabilities();
  const at::Tensor probability = (log_prob[0].sum(1) + log_prob[1].sum(1)).exp();
  EXPECT_NEAR(probability.sum().item<double>(), 1.0, 1e-12);
  network->zero_grad();
  (probability * reward).sum().backward();
  const auto exact = Gradients(network);

  // The samples' weights: p(a), 16 times since the loss is a mean over 16.
  for (int i = 0; i < 2; ++i) heads[i + 1]->groups[0].log_prob = log_prob[i].detach();
  PpoOptions options = StandingStill();
  options.baseline = Baseline::kNone;
  options.normalize_advantage = false;
  Rollout rollout = {.problem = c.problem, .trace = drawn.trace};
  for (int64_t i = 0; i < 16; ++i) {
    rollout.reward.push_back(16 * probability[i].item<double>() * reward[i].item<double>());
  }
  SetAdvantages(options, 0.0, &rollout);
  PpoLearner learner(network, options);
  Update(&learner, {rollout});
  constexpr double kFactorsPerHead = 2.0;
  double largest = 0.0;
  for (const auto& [name, gradient] : Gradients(network)) {
    const auto found = exact.find(name);
    ASSERT_NE(found, exact.end()) << name;
    EXPECT_LT((gradient * -kFactorsPerHead - found->second).abs().max().item<double>(), 1e-6)
        << name;
    largest = std::max(largest, found->second.abs().max().item<double>());
  }
  EXPECT_GT(largest, 1e-2);
}

}  // namespace
}  // namespace gopt
