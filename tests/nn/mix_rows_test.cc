#include "src/nn/mix_rows.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/nn/gradients.h"

namespace gopt {
namespace {

constexpr double kEpsilon = 1e-5;

struct Inputs {
  Inputs(int64_t rows, at::ScalarType dtype, int64_t width = 6) {
    const auto add = [&](const char* name, at::IntArrayRef shape) {
      all.emplace_back(name, at::randn(shape, dtype).requires_grad_());
      return all.back().second;
    };
    x = add("x", {rows, width});
    attended = add("attended", {rows, width});
    weights.out = add("out", {width, width});
    weights.out_bias = add("out_bias", {width});
    weights.up = add("up", {2 * width, width});
    weights.up_bias = add("up_bias", {2 * width});
    weights.down = add("down", {width, 2 * width});
    weights.down_bias = add("down_bias", {width});
  }
  at::Tensor x, attended;
  MixWeights weights;
  std::vector<std::pair<std::string, at::Tensor>> all;
};

// Widths of whole and of partial vectors.
TEST(MixRowsTest, TheKernelEqualsThePlainOps) {
  at::manual_seed(18);
  for (int64_t width : {6, 16, 40, 64}) {
    for (int64_t rows : {1, 95, 700}) {
      Inputs in(rows, at::kFloat, width);
      ExpectSame(
          MixRows(in.x, in.attended, in.weights, kEpsilon, FeedForwardActivation::kRelu),
          MixRowsOfOps(in.x, in.attended, in.weights, kEpsilon, FeedForwardActivation::kRelu),
          in.all, 1e-5);
    }
  }
}

TEST(MixRowsTest, IsTheSameOnAnyNumberOfThreads) {
  at::manual_seed(19);
  Inputs in(3'000, at::kFloat);
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : in.all) tensors.push_back(tensor);
  ExpectSameOnAnyNumberOfThreads(
      [&] {
        return MixRows(in.x, in.attended, in.weights, kEpsilon, FeedForwardActivation::kRelu);
      },
      tensors);
}

}  // namespace
}  // namespace gopt
