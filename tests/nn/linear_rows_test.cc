#include "src/nn/linear_rows.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/nn/gradients.h"

namespace gopt {
namespace {

struct Case {
  const char* name;
  bool beside = false, bias = true, relu = false, residual = false, norm = false;
  bool residual_is_in = false;
};

struct Inputs {
  Inputs(const Case& c, int64_t rows, int64_t in, int64_t to) {
    const auto add = [&](const char* name, at::IntArrayRef shape) {
      all.emplace_back(name, at::randn(shape).requires_grad_());
      return all.back().second;
    };
    layer.in = add("in", {rows, in});
    if (c.beside) layer.beside = add("beside", {rows, 7});
    layer.weight = add("weight", {to, in + (c.beside ? 7 : 0)});
    if (c.bias) layer.bias = add("bias", {to});
    layer.relu = c.relu;
    if (c.residual) layer.residual = c.residual_is_in ? layer.in : add("residual", {rows, to});
    if (c.norm) {
      layer.norm_weight = add("norm_weight", {to});
      layer.norm_bias = add("norm_bias", {to});
    }
  }
  RowLayer layer;
  std::vector<std::pair<std::string, at::Tensor>> all;
};

class LinearRowsTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { at::manual_seed(23); }
};

// Widths of whole and of partial vectors and panels.
TEST_P(LinearRowsTest, EqualsThePlainOps) {
  for (int64_t in : {1, 6, 16, 64, 70}) {
    for (int64_t to : {1, 12, 32, 64, 130}) {
      if (GetParam().norm && to == 1) continue;  // The norm of one number is 0 for all.
      for (int64_t rows : {1, 95, 300}) {
        const Inputs inputs(GetParam(), rows, GetParam().residual_is_in ? to : in, to);
        ExpectSame(LinearRows(inputs.layer), LinearRowsOfOps(inputs.layer), inputs.all, 2e-5);
      }
    }
  }
}

TEST_P(LinearRowsTest, IsTheSameOnAnyNumberOfThreads) {
  Inputs inputs(GetParam(), 3'000, 20, 20);
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : inputs.all) tensors.push_back(tensor);
  ExpectSameOnAnyNumberOfThreads([&] { return LinearRows(inputs.layer); }, tensors);
}

TEST_P(LinearRowsTest, OthersAreTheSameWhereAnInputNeedsNoGradient) {
  Inputs inputs(GetParam(), 50, 20, 20);
  inputs.layer.in = inputs.layer.in.detach();
  if (GetParam().residual_is_in) inputs.layer.residual = inputs.layer.in;
  inputs.all.erase(inputs.all.begin());
  ExpectSame(LinearRows(inputs.layer), LinearRowsOfOps(inputs.layer), inputs.all, 2e-5);
}

TEST_P(LinearRowsTest, NoRowsAreNoError) {
  const Inputs inputs(GetParam(), 0, 20, 20);
  ExpectFiniteGradients(LinearRows(inputs.layer), {inputs.layer.weight});
}

TEST(LinearRowsNanTest, ReluDoesNotHideThem) {
  const at::Tensor in = at::full({3, 4}, std::numeric_limits<float>::quiet_NaN());
  const at::Tensor y = LinearRows({.in = in, .weight = at::ones({5, 4}), .relu = true});
  EXPECT_TRUE(at::isnan(y).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(
    Layers, LinearRowsTest,
    ::testing::Values(Case{"Linear"}, Case{"WithoutBias", false, false}, Case{"TwoParts", true},
                      Case{"Relu", true, true, true}, Case{"Residual", false, true, false, true},
                      Case{"ResidualOfItself", true, true, false, true, false, true},
                      Case{"Norm", true, true, false, false, true},
                      Case{"ReluResidualNorm", true, true, true, true, true},
                      Case{"ReluResidualOfItselfNorm", true, true, true, true, true, true}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gopt
