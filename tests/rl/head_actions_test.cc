#include "gopt/rl/head_actions.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace gopt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Generator Generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }
at::Tensor Normal(std::vector<int64_t> sizes, uint64_t seed = 7) {
  return at::randn(sizes, Generator(seed), at::kFloat);
}
at::Tensor AllOn(int64_t samples) { return at::ones({samples}, at::kBool); }

// One sequence of rows, or several.
HeadOutput Output(at::Tensor value, at::Tensor features, std::vector<int64_t> rows = {}) {
  if (rows.empty()) rows = {value.size(0)};
  return {.value = std::move(value), .features = std::move(features), .rows = std::move(rows)};
}
HeadOutput Continuous(int64_t rows, int64_t width = 6) {
  return Output(Normal({rows}, 1), Normal({rows, width}, 2));
}
HeadOutput Categorical(int64_t rows, int64_t choices) {
  return Output(Normal({rows, choices}, 3), Normal({rows, 6}, 4));
}
HeadOutput OutputOf(Draw draw, int64_t rows) {
  return draw == Draw::kCategorical ? Categorical(rows, 4) : Continuous(rows);
}

DrawOptions Options(Draw draw, double sigma = 0.7, bool antithetic = true) {
  DrawOptions options = {.draw = draw, .sigma = sigma};
  options.exploration.rank = 4;
  options.exploration.sparse_share = 0.1;
  options.exploration.antithetic = antithetic;
  return options;
}

void ExpectClose(const at::Tensor& actual, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_TRUE(at::allclose(actual.to(at::kDouble), expected.to(at::kDouble), tolerance, tolerance))
      << actual << "\n"
      << expected;
}

// --- NoiseBasis

void ExpectOrthogonal(const at::Tensor& basis, const std::vector<double>& squares) {
  const at::Tensor moments = at::matmul(basis.t(), basis) / std::max<int64_t>(basis.size(0), 1);
  const at::Tensor sorted = std::get<0>(moments.diagonal().sort());
  ExpectClose(sorted, at::tensor(squares, at::kDouble), 1e-6);
  ExpectClose(moments - moments.diagonal().diag(), at::zeros_like(moments), 1e-6);
}

TEST(NoiseBasisTest, HasOrthogonalColumnsOfMeanSquareOne) {
  ExpectOrthogonal(NoiseBasis(Normal({50, 9}), 4), {1, 1, 1, 1});
  ExpectOrthogonal(NoiseBasis(Normal({50, 3}), 3), {1, 1, 1});
  ExpectOrthogonal(NoiseBasis(1e-12 * Normal({50, 9}), 2), {1, 1});
}

TEST(NoiseBasisTest, DirectionsThatAreNotThereAreZero) {
  ExpectOrthogonal(NoiseBasis(Normal({50, 3}), 5), {0, 0, 1, 1, 1});  // Narrower than the rank.
  const at::Tensor dead = at::cat({Normal({50, 2}), at::zeros({50, 7})}, 1);
  ExpectOrthogonal(NoiseBasis(dead, 4), {0, 0, 1, 1});
  ExpectOrthogonal(NoiseBasis(Normal({3, 9}), 5), {0, 0, 1, 1, 1});  // Fewer rows than the rank.
  ExpectOrthogonal(NoiseBasis(Normal({1, 9}), 2), {0, 1});
  EXPECT_EQ(NoiseBasis(at::zeros({20, 6}), 4).abs().max().item<double>(), 0.0);
  EXPECT_EQ(NoiseBasis(at::zeros({0, 6}), 4).sizes(), (std::vector<int64_t>{0, 4}));
}

TEST(NoiseBasisTest, IsALinearFunctionOfTheFeatures) {
  const at::Tensor features = Normal({40, 9}).to(at::kDouble);
  const at::Tensor basis = NoiseBasis(features, 4);
  const at::Tensor fitted =
      at::matmul(features, at::matmul(at::linalg_pinv(features), basis.to(at::kDouble)));
  ExpectClose(basis, fitted, 1e-9);
  // Equal rows move together.
  const at::Tensor twins = NoiseBasis(at::cat({features, features}), 4);
  ExpectClose(twins.slice(0, 0, 40), twins.slice(0, 40), 1e-12);
}

TEST(NoiseBasisTest, IsTheSameEveryTime) {
  const at::Tensor features = Normal({40, 9});
  EXPECT_TRUE(at::equal(NoiseBasis(features, 4), NoiseBasis(features, 4)));
}

// --- DrawActions

class DrawTest : public ::testing::TestWithParam<Draw> {};
std::string NameOf(const ::testing::TestParamInfo<Draw>& info) {
  constexpr const char* kNames[] = {"", "Shared", "Independent", "Categorical"};
  return kNames[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Draws, DrawTest,
                         ::testing::Values(Draw::kShared, Draw::kIndependent, Draw::kCategorical),
                         NameOf);

TEST_P(DrawTest, TheSameSeedGivesTheSameActions) {
  const HeadOutput output = OutputOf(GetParam(), 30);
  const auto draw = [&](uint64_t seed) {
    return DrawActions(output, AllOn(6), Options(GetParam()), Generator(seed)).groups[0].action;
  };
  EXPECT_TRUE(at::equal(draw(1), draw(1)));
  EXPECT_FALSE(at::equal(draw(1), draw(2)));
}

TEST_P(DrawTest, SamplesWithoutNoiseAreTheOutput) {
  const HeadOutput output = OutputOf(GetParam(), 30);
  const at::Tensor active = at::tensor({1, 0, 1, 0}).to(at::kBool);
  const HeadActions actions = DrawActions(output, active, Options(GetParam()), Generator(1));
  const at::Tensor expected =
      GetParam() == Draw::kCategorical ? output.value.argmax(1) : output.value;
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(at::equal(actions.action(i), expected), i % 2 == 1) << i;
  }
}

TEST_P(DrawTest, HasAGroupForAllSamplesOrOnePerSequence) {
  const HeadOutput one = OutputOf(GetParam(), 30);
  const HeadActions shared = DrawActions(one, AllOn(3), Options(GetParam()), Generator(1));
  EXPECT_EQ(shared.groups.size(), 1);
  EXPECT_EQ(shared.num_samples(), 3);
  HeadOutput three = one;
  three.rows = {12, 0, 18};
  const HeadActions actions = DrawActions(three, AllOn(3), Options(GetParam()), Generator(1));
  ASSERT_EQ(actions.groups.size(), 3);
  EXPECT_EQ(actions.num_samples(), 3);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(actions.action(i).size(0), three.rows[i]);
}

TEST_P(DrawTest, LogProbabilitiesAreThoseOfTheDrawWhileOutputsAreUnchanged) {
  HeadOutput output = OutputOf(GetParam(), 30);
  for (const std::vector<int64_t>& rows : {std::vector<int64_t>{30}, {12, 0, 18}}) {
    output.rows = rows;
    const HeadActions actions = DrawActions(output, AllOn(3), Options(GetParam()), Generator(1));
    const std::vector<at::Tensor> log_prob = LogProbabilities(actions, output);
    ASSERT_EQ(log_prob.size(), rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_TRUE(at::equal(log_prob[i], actions.groups[i].log_prob));
      EXPECT_TRUE(at::isfinite(log_prob[i]).all().item<bool>());
    }
  }
}

TEST_P(DrawTest, SelectKeepsTheChosenSamplesInOrder) {
  HeadOutput output = OutputOf(GetParam(), 30);
  for (const std::vector<int64_t>& rows : {std::vector<int64_t>{30}, {12, 0, 18}}) {
    output.rows = rows;
    const HeadActions actions = DrawActions(output, AllOn(3), Options(GetParam()), Generator(1));
    const int64_t chosen[] = {2, 0};
    const HeadActions part = actions.Select(chosen);
    ASSERT_EQ(part.num_samples(), 2);
    for (int64_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(at::equal(part.action(i), actions.action(chosen[i])));
    }
    // The probabilities go with them.
    if (rows.size() == 1) {
      EXPECT_TRUE(at::equal(LogProbabilities(part, output)[0],
                            actions.groups[0].log_prob.index_select(0, at::tensor({2, 0}))));
    }
  }
}

TEST_P(DrawTest, NothingToDecideIsNoError) {
  const HeadOutput output = OutputOf(GetParam(), 0);
  const HeadActions actions = DrawActions(output, AllOn(4), Options(GetParam()), Generator(1));
  EXPECT_EQ(actions.groups[0].action.sizes(), (std::vector<int64_t>{4, 0}));
  EXPECT_TRUE(at::isfinite(LogProbabilities(actions, output)[0]).all().item<bool>());
  EXPECT_TRUE(std::isfinite(MeanEntropy(actions, output).item<double>()));
}

TEST_P(DrawTest, RandomNumbersAreConsumedWhateverTheOutputs) {
  const auto next = [&](const HeadOutput& output, const at::Tensor& active) {
    at::Generator generator = Generator(1);
    DrawActions(output, active, Options(GetParam()), generator);
    return at::rand({1}, generator, at::kFloat).item<float>();
  };
  const HeadOutput output = OutputOf(GetParam(), 30);
  HeadOutput other = output;
  other.value = output.value * 3 - 1;
  EXPECT_EQ(next(output, AllOn(4)), next(other, at::zeros({4}, at::kBool)));
}

TEST(SharedDrawTest, PairsHaveOppositeSharedNoise) {
  const HeadOutput output = Continuous(30);
  DrawOptions options = Options(Draw::kShared);
  const HeadActions actions = DrawActions(output, AllOn(5), options, Generator(1));
  const at::Tensor& noise = actions.groups[0].noise;
  EXPECT_TRUE(at::equal(noise[1], -noise[0]));
  EXPECT_TRUE(at::equal(noise[3], -noise[2]));
  EXPECT_FALSE(at::equal(noise[2], noise[0]));
  options.exploration.sparse_share = 0.0;
  const at::Tensor action = DrawActions(output, AllOn(4), options, Generator(1)).groups[0].action;
  ExpectClose(action[0] + action[1], 2 * output.value, 1e-5);
  options.exploration.antithetic = false;
  const at::Tensor free = DrawActions(output, AllOn(4), options, Generator(1)).groups[0].noise;
  EXPECT_FALSE(at::equal(free[1], -free[0]));
}

TEST(SharedDrawTest, ActionIsOutputAndBasisTimesCoefficientsAndSparseNoise) {
  const HeadOutput output = Continuous(30);
  const HeadActions::Group group =
      DrawActions(output, AllOn(5), Options(Draw::kShared), Generator(1)).groups[0];
  ASSERT_EQ(group.sparse_row.sizes(), (std::vector<int64_t>{5, 3}));
  ASSERT_EQ(group.noise.sizes(), (std::vector<int64_t>{5, 4}));
  for (int64_t s = 0; s < 5; ++s) {
    at::Tensor expected = output.value + at::matmul(group.basis, group.noise[s]);
    for (int64_t k = 0; k < 3; ++k) {
      expected[group.sparse_row[s][k].item<int64_t>()] += group.sparse_noise[s][k];
    }
    ExpectClose(group.action[s], expected, 1e-5);
  }
}

TEST(SharedDrawTest, NoiseHasTheGivenDeviation) {
  const HeadOutput output = Continuous(25, 9);
  DrawOptions options = Options(Draw::kShared, /*sigma=*/2.0);
  options.exploration.sparse_share = 0.0;
  const at::Tensor noise =
      DrawActions(output, AllOn(40'000), options, Generator(1)).groups[0].action - output.value;
  EXPECT_NEAR(noise.mean().item<double>(), 0.0, 1e-3);               // Pairs cancel.
  EXPECT_NEAR(noise.square().mean().item<double>(), 4.0, 4 * 0.02);  // sigma^2 on average.
  options.sigma = 0.0001;
  options.exploration.sparse_share = 0.12;  // 3 of 25 rows, of variance 0.5^2.
  options.exploration.sparse_sigma = 0.5;
  const at::Tensor sparse =
      DrawActions(output, AllOn(40'000), options, Generator(2)).groups[0].action - output.value;
  EXPECT_NEAR(sparse.square().mean().item<double>(), 0.25 * 3 / 25, 0.25 * 3 / 25 * 0.03);
  // Every row has its turn.
  EXPECT_GT(sparse.square().mean(0).min().item<double>(), 0.25 * 3 / 25 * 0.8);
}

TEST(IndependentDrawTest, PairsAreOppositeAndMomentsAreRight) {
  const HeadOutput output = Continuous(5);
  const HeadActions::Group group =
      DrawActions(output, AllOn(40'001), Options(Draw::kIndependent, 2.0), Generator(1)).groups[0];
  ExpectClose(group.action[0] + group.action[1], 2 * output.value, 1e-5);
  const at::Tensor noise = (group.action - output.value).slice(0, 0, 40'000);
  EXPECT_NEAR(noise.std().item<double>(), 2.0, 0.02);
  const at::Tensor moments = at::matmul(noise.t(), noise) / 40'000;
  EXPECT_LT((moments - 4 * at::eye(5)).abs().max().item<double>(), 0.15);  // Rows are independent.
}

TEST(CategoricalDrawTest, FrequenciesAreThoseOfTheSoftmax) {
  const HeadOutput output = Categorical(3, 4);
  const at::Tensor action =
      DrawActions(output, AllOn(40'000), Options(Draw::kCategorical), Generator(1))
          .groups[0]
          .action;
  const at::Tensor frequency = at::one_hot(action, 4).to(at::kDouble).mean(0);
  const at::Tensor expected = at::softmax(output.value, 1).to(at::kDouble);
  EXPECT_LT((frequency - expected).abs().max().item<double>(), 0.01);  // Four deviations.
}

TEST(CategoricalDrawTest, MaskedChoicesAreNeverDrawnAndGradientsAreFinite) {
  const at::Tensor logits = Normal({6, 4}).requires_grad_();
  at::Tensor mask = at::zeros({6, 4}, at::kBool);
  mask.select(1, 2).fill_(true);
  mask[3] = at::tensor({1, 1, 0, 1}).to(at::kBool);
  const HeadOutput output = Output(logits.masked_fill(mask, -kInfinity), Normal({6, 6}));
  const HeadActions actions =
      DrawActions(output, AllOn(2'000), Options(Draw::kCategorical), Generator(1));
  const at::Tensor drawn = at::one_hot(actions.groups[0].action, 4).sum(0);
  EXPECT_EQ(drawn.masked_select(mask).max().item<int64_t>(), 0);
  EXPECT_EQ(drawn[3][2].item<int64_t>(), 2'000);
  (LogProbabilities(actions, output)[0].mean() + MeanEntropy(actions, output)).backward();
  EXPECT_TRUE(at::isfinite(logits.grad()).all().item<bool>());
  EXPECT_EQ(logits.grad().masked_select(mask).abs().max().item<double>(), 0.0);
  EXPECT_GT(logits.grad().abs().max().item<double>(), 0.0);
}

// --- LogProbabilities

// Moves the outputs away from those of the draw.
HeadOutput Moved(const HeadOutput& output, double by) {
  HeadOutput moved = output;
  moved.value =
      (output.value.to(at::kDouble) + by * Normal(output.value.sizes().vec(), 11).to(at::kDouble))
          .detach()
          .requires_grad_();
  return moved;
}

TEST(LogProbabilitiesTest, OfIndependentNoiseAreGaussian) {
  const HeadOutput output = Continuous(7);
  const HeadActions actions =
      DrawActions(output, AllOn(3), Options(Draw::kIndependent, 0.5), Generator(1));
  const HeadOutput moved = Moved(output, 0.3);
  const at::Tensor expected =
      -0.5 * ((actions.groups[0].action.to(at::kDouble) - moved.value) / 0.5).square();
  ExpectClose(LogProbabilities(actions, moved)[0], expected, 1e-5);
}

TEST(LogProbabilitiesTest, OfChoicesAreTheLogSoftmax) {
  const HeadOutput output = Categorical(7, 4);
  const HeadActions actions =
      DrawActions(output, AllOn(3), Options(Draw::kCategorical), Generator(1));
  const HeadOutput moved = Moved(output, 0.3);
  const at::Tensor log_prob = LogProbabilities(actions, moved)[0];
  const at::Tensor probability = at::softmax(moved.value, 1);
  for (int64_t s = 0; s < 3; ++s) {
    for (int64_t row = 0; row < 7; ++row) {
      EXPECT_NEAR(log_prob[s][row].item<double>(),
                  std::log(probability[row][actions.action(s)[row].item<int64_t>()].item<double>()),
                  1e-9);
    }
  }
}

// The density of the action itself: N(m, Sigma) on the span of the basis, with the pseudo-inverse
// of Sigma = sigma^2 / rank B B^T, where there is no sparse noise.
TEST(LogProbabilitiesTest, OfSharedNoiseAreTheLowRankGaussianOfTheAction) {
  const HeadOutput output = Continuous(9);
  DrawOptions options = Options(Draw::kShared, 1.3);
  options.exploration.sparse_share = 0.0;
  const HeadActions actions = DrawActions(output, AllOn(4), options, Generator(1));
  const HeadActions::Group& group = actions.groups[0];
  const at::Tensor basis = group.basis.to(at::kDouble);
  const at::Tensor precision =
      at::linalg_pinv(1.3 * 1.3 / 4 * at::matmul(basis, basis.t()), /*rcond=*/1e-5);
  const HeadOutput moved = Moved(output, 0.3);
  const at::Tensor off = group.action.to(at::kDouble) - moved.value;
  const at::Tensor direct = -0.5 * (at::matmul(off, precision) * off).sum(1);
  ExpectClose(LogProbabilities(actions, moved)[0].sum(1), direct, 1e-4);
  const auto gradient = [&](const at::Tensor& of) {
    return torch::autograd::grad({of.sum()}, {moved.value}, {}, true)[0];
  };
  ExpectClose(gradient(LogProbabilities(actions, moved)[0]), gradient(direct), 1e-4);
}

// d/dm log p = B c / (n s^2) + (I - B B^T / n) of the sparse noise / its variance, at the m of the
// draw: by loops.
TEST(LogProbabilitiesTest, OfSharedNoiseHaveTheGradientOfLowRankAndSparseNoise) {
  const HeadOutput output = Continuous(9);
  DrawOptions options = Options(Draw::kShared, 1.3);
  options.exploration.sparse_share = 0.3;
  options.exploration.sparse_sigma = 0.6;
  const HeadActions actions = DrawActions(output, AllOn(4), options, Generator(1));
  const HeadActions::Group& group = actions.groups[0];
  const HeadOutput same = Moved(output, 0.0);
  const at::Tensor gradient =
      torch::autograd::grad({LogProbabilities(actions, same)[0].sum()}, {same.value})[0];
  const int64_t n = 9, rank = 4, sparse = group.sparse_row.size(1);
  ASSERT_EQ(sparse, 3);
  const auto b = [&](int64_t row, int64_t j) { return group.basis[row][j].item<double>(); };
  std::vector<double> expected(n, 0.0);
  for (int64_t s = 0; s < 4; ++s) {
    for (int64_t row = 0; row < n; ++row) {
      for (int64_t j = 0; j < rank; ++j) {
        expected[row] += group.noise[s][j].item<double>() / (1.3 * 1.3 / rank) * b(row, j) / n;
      }
      for (int64_t k = 0; k < sparse; ++k) {
        const auto at_row = group.sparse_row[s][k].item<int64_t>();
        const double score = group.sparse_noise[s][k].item<double>() / (0.6 * 0.6);
        double across = at_row == row ? 1.0 : 0.0;
        for (int64_t j = 0; j < rank; ++j) across -= b(at_row, j) * b(row, j) / n;
        expected[row] += score * across;
      }
    }
  }
  ExpectClose(gradient, at::tensor(expected, at::kDouble), 1e-5);
}

TEST(LogProbabilitiesTest, ASharedDrawHasAFewFactorsHoweverManyRows) {
  const HeadOutput output = Continuous(5'000);
  DrawOptions options = Options(Draw::kShared);
  options.exploration.rank = 5;
  options.exploration.sparse_share = 0.5;
  const HeadActions actions = DrawActions(output, AllOn(2), options, Generator(1));
  EXPECT_EQ(LogProbabilities(actions, output)[0].sizes(), (std::vector<int64_t>{2, 10}));
}

// --- MeanEntropy

TEST(MeanEntropyTest, IsInNats) {
  const HeadOutput uniform = Output(at::zeros({5, 4}), at::zeros({5, 6}));
  const HeadActions choices =
      DrawActions(uniform, AllOn(1), Options(Draw::kCategorical), Generator(1));
  EXPECT_NEAR(MeanEntropy(choices, uniform).item<double>(), std::log(4.0), 1e-6);
  const at::Tensor logits = at::tensor({0.0, 0.0, -kInfinity}, at::kDouble).view({1, 3});
  EXPECT_NEAR(MeanEntropy(choices, Output(logits, at::zeros({1, 6}))).item<double>(), std::log(2.0),
              1e-9);
  const HeadOutput output = Continuous(5);
  const HeadActions noise =
      DrawActions(output, AllOn(1), Options(Draw::kIndependent, 2.0), Generator(1));
  EXPECT_NEAR(MeanEntropy(noise, output).item<double>(), 0.5 * std::log(2 * M_PI * M_E * 4.0),
              1e-6);
}

}  // namespace
}  // namespace gopt
