#ifndef GOPT_TESTS_NN_GRADIENTS_H_
#define GOPT_TESTS_NN_GRADIENTS_H_

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace gopt {

// The gradients of a fixed linear function of `y` for each of `inputs`; undefined is 0.
inline std::vector<at::Tensor> Gradients(const at::Tensor& y, std::vector<at::Tensor> inputs) {
  const at::Tensor weight = at::linspace(-1, 1.5, y.numel(), y.options()).cos().view(y.sizes());
  return torch::autograd::grad({(y * weight).sum()}, std::move(inputs), {}, std::nullopt, false,
                               /*allow_unused=*/true);
}

inline void ExpectClose(const at::Tensor& actual, const at::Tensor& expected, double tolerance,
                        const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  if (actual.numel() == 0) return;
  // Relative to the largest element: sums of thousands of rows are of that size.
  const double scale = std::max(1.0, expected.abs().max().item<double>());
  const double error = (actual - expected).abs().max().item<double>();
  EXPECT_LE(error, tolerance * scale) << what;  // False for NaN.
}

// Outputs and all gradients of two ways to compute the same.
inline void ExpectSame(const at::Tensor& actual, const at::Tensor& expected,
                       const std::vector<std::pair<std::string, at::Tensor>>& inputs,
                       double tolerance) {
  ExpectClose(actual, expected, tolerance, "output");
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : inputs) tensors.push_back(tensor);
  const std::vector<at::Tensor> a = Gradients(actual, tensors), b = Gradients(expected, tensors);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto value = [&](const at::Tensor& gradient) {
      return gradient.defined() ? gradient : at::zeros_like(tensors[i]);
    };
    ExpectClose(value(a[i]), value(b[i]), tolerance, inputs[i].first);
  }
}

// Output and gradients equal to the bit.
inline void ExpectSameOnAnyNumberOfThreads(const std::function<at::Tensor()>& compute,
                                           const std::vector<at::Tensor>& inputs) {
  std::vector<std::vector<at::Tensor>> results;
  const int threads = at::get_num_threads();
  for (int count : {1, 3}) {
    at::set_num_threads(count);
    const at::Tensor y = compute();
    results.push_back(Gradients(y, inputs));
    results.back().push_back(y);
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << i;
  }
}

// Undefined gradients are 0.
inline void ExpectFiniteGradients(const at::Tensor& y, std::vector<at::Tensor> inputs) {
  for (const at::Tensor& gradient : Gradients(y, std::move(inputs))) {
    if (!gradient.defined()) continue;
    EXPECT_TRUE(at::isfinite(gradient).all().item<bool>());
  }
}

// The parameters of a module, all of random values (fresh norms are 1 and 0, which hides mistakes),
// and x.
template <typename Module>
std::vector<std::pair<std::string, at::Tensor>> RandomInputs(Module& module, const at::Tensor& x) {
  std::vector<std::pair<std::string, at::Tensor>> inputs = {{"x", x}};
  for (auto& item : module->named_parameters()) {
    item.value().data().add_(0.2 * at::randn(item.value().sizes(), item.value().options()));
    inputs.emplace_back(item.key(), item.value());
  }
  return inputs;
}

}  // namespace gopt

#endif  // GOPT_TESTS_NN_GRADIENTS_H_
