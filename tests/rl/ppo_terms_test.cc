#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <vector>

#include "gopt/rl/ppo.h"
#include "gopt/rl/reward.h"

namespace gopt {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of ratios, [samples, factors].
at::Tensor LogOf(const std::vector<std::vector<double>>& ratios) {
  std::vector<at::Tensor> rows;
  for (const auto& row : ratios) rows.push_back(at::tensor(row, at::kDouble));
  return at::stack(rows).log();
}
at::Tensor Numbers(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }
at::Tensor On(const std::vector<int64_t>& active) {
  return at::tensor(active, at::kLong).to(at::kBool);
}

double Loss(const at::Tensor& log_ratio, const at::Tensor& advantage, const at::Tensor& active,
            double clip = 0.2, double limit = 10.0) {
  return SurrogateLoss(log_ratio, advantage, active, clip, limit).item<double>();
}

TEST(SurrogateLossTest, ClipsGainsOnlyWhereTheAdvantageIsPositive) {
  EXPECT_NEAR(Loss(LogOf({{1.1}}), Numbers({2.0}), On({1})), -2.2, 1e-12);
  EXPECT_NEAR(Loss(LogOf({{1.5}}), Numbers({2.0}), On({1})), -2.4, 1e-12);  // 1.2 x 2.
  EXPECT_NEAR(Loss(LogOf({{0.5}}), Numbers({2.0}), On({1})), -1.0, 1e-12);  // Not clipped.
}

TEST(SurrogateLossTest, ClipsGainsOnlyWhereTheAdvantageIsNegative) {
  EXPECT_NEAR(Loss(LogOf({{0.9}}), Numbers({-2.0}), On({1})), 1.8, 1e-12);
  EXPECT_NEAR(Loss(LogOf({{0.5}}), Numbers({-2.0}), On({1})), 1.6, 1e-12);  // 0.8 x 2.
  EXPECT_NEAR(Loss(LogOf({{1.5}}), Numbers({-2.0}), On({1})), 3.0, 1e-12);  // Not clipped.
}

TEST(SurrogateLossTest, IsTheMeanOverSamplesOfTheMeanOverFactors) {
  const at::Tensor log_ratio = LogOf({{1.1, 1.5}, {0.5, 1.0}});
  EXPECT_NEAR(Loss(log_ratio, Numbers({2.0, -1.0}), On({1, 1})),
              -((2.2 + 2.4) / 2 + (-0.8 - 1.0) / 2) / 2, 1e-12);
}

TEST(SurrogateLossTest, SamplesWithoutNoiseAddNothingButCount) {
  const at::Tensor log_ratio = LogOf({{1.1, 1.5}, {0.5, 1.0}}).requires_grad_();
  const at::Tensor loss = SurrogateLoss(log_ratio, Numbers({2.0, -1.0}), On({1, 0}), 0.2, 10.0);
  EXPECT_NEAR(loss.item<double>(), -(2.2 + 2.4) / 2 / 2, 1e-12);
  loss.backward();
  EXPECT_EQ(log_ratio.grad()[1].abs().max().item<double>(), 0.0);
  EXPECT_NEAR(log_ratio.grad()[0][0].item<double>(), -2.2 / 4, 1e-12);
  EXPECT_EQ(log_ratio.grad()[0][1].item<double>(), 0.0);  // Clipped.
}

TEST(SurrogateLossTest, GradientAtUnchangedWeightsIsThatOfReinforce) {
  const at::Tensor log_ratio = at::zeros({2, 2}, at::kDouble).requires_grad_();
  SurrogateLoss(log_ratio, Numbers({2.0, -1.0}), On({1, 1}), 0.2, 10.0).backward();
  EXPECT_TRUE(at::allclose(log_ratio.grad(),
                           at::tensor({-0.5, -0.5, 0.25, 0.25}, at::kDouble).view({2, 2})));
}

TEST(SurrogateLossTest, StaysFiniteAtExtremeLogRatios) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const double extreme : {1e3, -1e3, 1e30, -kInfinity, kInfinity}) {
      for (const double advantage : {3.0, -3.0}) {
        const at::Tensor log_ratio = at::full({1, 1}, extreme, type).requires_grad_();
        const at::Tensor loss = SurrogateLoss(log_ratio, Numbers({advantage}), On({1}), 0.2, 10.0);
        loss.backward();
        EXPECT_TRUE(std::isfinite(loss.item<double>())) << extreme << " " << advantage;
        EXPECT_TRUE(std::isfinite(log_ratio.grad().item<double>())) << extreme << " " << advantage;
      }
    }
  }
  EXPECT_NEAR(Loss(Numbers({1e3}).unsqueeze(1), Numbers({-1.0}), On({1}), 0.2, 2.0), std::exp(2.0),
              1e-12);
}

TEST(SurrogateLossTest, HeadsWithoutFactorsAddNothing) {
  EXPECT_EQ(Loss(at::zeros({3, 0}, at::kDouble), Numbers({1, 2, 3}), On({1, 1, 1})), 0.0);
  EXPECT_EQ(Loss(at::zeros({0, 2}, at::kDouble), Numbers({}), On({})), 0.0);
}

TEST(RatioStatsTest, CountFactorsOfNoisySamplesOnly) {
  const at::Tensor log_ratio = LogOf({{1.3, 1.1}, {0.7, 0.9}, {5.0, 0.1}});
  EXPECT_DOUBLE_EQ(ClipFraction(log_ratio, On({1, 1, 0}), 0.2), 0.5);
  EXPECT_DOUBLE_EQ(ClipFraction(log_ratio, On({0, 0, 1}), 0.2), 1.0);
  EXPECT_DOUBLE_EQ(ClipFraction(log_ratio, On({0, 0, 0}), 0.2), 0.0);
  const at::Tensor far = Numbers({11.0, -11.0, 9.0, 0.0, 99.0, 0.0}).view({3, 2});
  EXPECT_DOUBLE_EQ(LimitFraction(far, On({1, 1, 0}), 10.0), 0.5);
  EXPECT_DOUBLE_EQ(LimitFraction(far, On({0, 0, 0}), 10.0), 0.0);
}

TEST(ApproximateKlTest, IsNeverNegativeAndZeroAtEqualWeights) {
  EXPECT_EQ(ApproximateKl(at::zeros({2, 3}), On({1, 1})), 0.0);
  EXPECT_NEAR(ApproximateKl(LogOf({{2.0, 0.5}}), On({1})),
              ((2 - 1 - std::log(2.0)) + (0.5 - 1 + std::log(2.0))) / 2, 1e-12);
  for (const double x : {-8.0, -1.0, -1e-3, 1e-3, 1.0, 8.0}) {
    EXPECT_GT(ApproximateKl(at::full({1, 1}, x, at::kDouble), On({1})), 0.0) << x;
  }
  EXPECT_GE(ApproximateKl(at::linspace(-1e-4, 1e-4, 31).view({1, 31}), On({1})), 0.0);
}

TEST(ValueTest, LossIsHalfTheMeanSquare) {
  EXPECT_NEAR(ValueLoss(Numbers({1.0, 2.0}), Numbers({0.0, 4.0})).item<double>(), 1.25, 1e-12);
  EXPECT_NEAR(ValueLoss(Numbers({1.0}), Numbers({0.0, 4.0})).item<double>(), 2.5, 1e-12);
  const at::Tensor value = Numbers({1.0}).requires_grad_();
  ValueLoss(value, Numbers({0.0, 4.0})).backward();
  EXPECT_NEAR(value.grad().item<double>(), 1.0 - 2.0, 1e-12);
}

TEST(ValueTest, ExplainedVarianceIsOneOfAPerfectValueAndZeroOfAConstant) {
  const at::Tensor reward = Numbers({0.0, 2.0, 4.0});
  EXPECT_DOUBLE_EQ(ExplainedVariance(reward, reward), 1.0);
  EXPECT_DOUBLE_EQ(ExplainedVariance(Numbers({9.0}), reward), 0.0);
  EXPECT_DOUBLE_EQ(ExplainedVariance(Numbers({0.0, 1.0, 2.0}), reward), 0.75);
  EXPECT_DOUBLE_EQ(ExplainedVariance(Numbers({4.0, 2.0, 0.0}), reward), -3.0);
  EXPECT_DOUBLE_EQ(ExplainedVariance(Numbers({1.0, 2.0}), Numbers({5.0, 5.0})), 0.0);
}

TEST(ClipGradientNormTest, ScalesDownAndReturnsTheNormBefore) {
  at::Tensor a = at::zeros({2}, at::kDouble), b = at::zeros({1}), none = at::zeros({3});
  a.mutable_grad() = Numbers({2.0, 3.0});
  b.mutable_grad() = at::full({1}, 6.0f);
  EXPECT_DOUBLE_EQ(ClipGradientNorm({a, b, none}, 14.0), 7.0);
  EXPECT_TRUE(at::equal(a.grad(), Numbers({2.0, 3.0})));
  EXPECT_DOUBLE_EQ(ClipGradientNorm({a, b, none}, 3.5), 7.0);
  EXPECT_TRUE(at::allclose(a.grad(), Numbers({1.0, 1.5})));
  EXPECT_FLOAT_EQ(b.grad().item<float>(), 3.0f);
  EXPECT_FALSE(none.grad().defined());
}

TEST(ClipGradientNormTest, LeavesWhatIsNotFiniteToBeSeen) {
  at::Tensor a = at::zeros({2});
  a.mutable_grad() = at::tensor({1.0f, static_cast<float>(kInfinity)});
  EXPECT_FALSE(std::isfinite(ClipGradientNorm({a}, 1.0)));
  EXPECT_EQ(a.grad()[0].item<float>(), 1.0f);
}

TEST(SetAdvantagesTest, SubtractsTheBaseline) {
  Rollout rollout;
  rollout.reward = {1.0, 2.0, 6.0};
  PpoOptions options = {.normalize_advantage = false};
  options.baseline = Baseline::kNone;
  SetAdvantages(options, 5.0, &rollout);
  EXPECT_THAT(rollout.advantage, ElementsAre(1.0, 2.0, 6.0));
  options.baseline = Baseline::kLeaveOneOut;
  SetAdvantages(options, 5.0, &rollout);
  EXPECT_THAT(rollout.advantage, ElementsAre(DoubleEq(-3.0), DoubleEq(-1.5), DoubleEq(4.5)));
  options.baseline = Baseline::kValue;
  SetAdvantages(options, 5.0, &rollout);
  EXPECT_THAT(rollout.advantage, ElementsAre(-4.0, -3.0, 1.0));
  options.normalize_advantage = true;
  options.advantage_limit = 1.0;
  SetAdvantages(options, 5.0, &rollout);
  EXPECT_THAT(rollout.advantage, ElementsAre(-1.0, -1.0, DoubleEq(1.0 / std::sqrt(26.0 / 3.0))));
}

}  // namespace
}  // namespace gopt
