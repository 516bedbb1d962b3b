#include "src/nn/mix_rows.h"

#include <ATen/Parallel.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>
#include <vector>

#include "gopt/base/check.h"
#include "src/nn/mix_rows_kernel.h"
#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlock = 256;     // Rows; with ratio 2 and width 64 a hidden block is 128 KiB.
constexpr int64_t kMaxShards = 32;  // Enough for the threads, few enough to hold their sums.

enum Weight { kOut, kOutBias, kUp, kUpBias, kDown, kDownBias, kWeights };
using Weights = std::array<at::Tensor, kWeights>;

// Calls `work(shard, first row, rows)` for all blocks; those of a shard one after the other.
void ForBlocks(int64_t rows, int64_t shards,
               const std::function<void(int64_t, int64_t, int64_t)>& work) {
  const int64_t blocks = (rows + kBlock - 1) / kBlock;
  at::parallel_for(0, shards, 1, [&](int64_t first, int64_t last) {
    const at::AutoDispatchBelowADInplaceOrView no_gradient;  // Threads have modes of their own.
    for (int64_t shard = first; shard < last; ++shard) {
      for (int64_t b = shard * blocks / shards; b < (shard + 1) * blocks / shards; ++b) {
        work(shard, b * kBlock, std::min(kBlock, rows - b * kBlock));
      }
    }
  });
}

int64_t Shards(int64_t rows) { return std::clamp<int64_t>(rows / kBlock, 1, kMaxShards); }

at::Tensor Activate(const at::Tensor& wide, FeedForwardActivation activation) {
  return activation == FeedForwardActivation::kGelu ? at::gelu(wide) : at::relu(wide);
}

at::Tensor ActivationGradient(const at::Tensor& gradient, const at::Tensor& wide,
                              FeedForwardActivation activation) {
  return activation == FeedForwardActivation::kGelu ? at::gelu_backward(gradient, wide)
                                                    : at::threshold_backward(gradient, wide, 0);
}

// One block of the backward pass. `sums` are added to.
class BlockGradient {
 public:
  BlockGradient(const Weights& weights, double epsilon, FeedForwardActivation activation)
      : weights_(weights), epsilon_(epsilon), activation_(activation) {}

  // All [rows, width]; writes the gradients of x and attended.
  void Run(const at::Tensor& a, const at::Tensor& attended, const at::Tensor& y_gradient,
           at::Tensor x_gradient, at::Tensor attended_gradient, Weights& sums) const {
    const auto [normal, mean, scale] = at::native_layer_norm(a, {a.size(1)}, {}, {}, epsilon_);
    const at::Tensor wide = at::addmm(weights_[kUpBias], normal, weights_[kUp].t());
    const at::Tensor hidden = Activate(wide, activation_);
    AddLinear(y_gradient, hidden, sums[kDown], sums[kDownBias]);
    const at::Tensor wide_gradient =
        ActivationGradient(at::mm(y_gradient, weights_[kDown]), wide, activation_);
    AddLinear(wide_gradient, normal, sums[kUp], sums[kUpBias]);
    const at::Tensor through = std::get<0>(
        at::native_layer_norm_backward(at::mm(wide_gradient, weights_[kUp]), a, {a.size(1)}, mean,
                                       scale, {}, {}, {true, false, false}));
    at::add_out(x_gradient, y_gradient, through);
    AddLinear(x_gradient, attended, sums[kOut], sums[kOutBias]);
    at::mm_out(attended_gradient, x_gradient, weights_[kOut]);
  }

 private:
  static void AddLinear(const at::Tensor& gradient, const at::Tensor& in, at::Tensor& weight,
                        at::Tensor& bias) {
    weight.addmm_(gradient.t(), in);
    bias.add_(gradient.sum(0));
  }

  const Weights& weights_;
  double epsilon_;
  FeedForwardActivation activation_;
};

class MixFunction : public torch::autograd::Function<MixFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& attended, const at::Tensor& out,
                            const at::Tensor& out_bias, const at::Tensor& up,
                            const at::Tensor& up_bias, const at::Tensor& down,
                            const at::Tensor& down_bias, double epsilon, int64_t activation) {
    const at::Tensor a = at::empty_like(x), y = at::empty_like(x);
    ForBlocks(x.size(0), Shards(x.size(0)), [&](int64_t, int64_t first, int64_t rows) {
      at::Tensor block = a.narrow(0, first, rows), result = y.narrow(0, first, rows);
      at::addmm_out(block, out_bias, attended.narrow(0, first, rows), out.t());
      block.add_(x.narrow(0, first, rows));
      const at::Tensor normal =
          std::get<0>(at::native_layer_norm(block, {x.size(1)}, {}, {}, epsilon));
      const at::Tensor hidden = Activate(at::addmm(up_bias, normal, up.t()),
                                         static_cast<FeedForwardActivation>(activation));
      at::addmm_out(result, down_bias, hidden, down.t());
      result.add_(block);
    });
    context->save_for_backward({a, attended, out, out_bias, up, up_bias, down, down_bias});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["activation"] = activation;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &a = saved[0], &attended = saved[1];
    const Weights weights = {saved[2], saved[3], saved[4], saved[5], saved[6], saved[7]};
    const BlockGradient block(
        weights, context->saved_data["epsilon"].toDouble(),
        static_cast<FeedForwardActivation>(context->saved_data["activation"].toInt()));
    const at::Tensor y_gradient = gradients[0].contiguous();
    const at::Tensor x_gradient = at::empty_like(a), attended_gradient = at::empty_like(a);

    std::vector<Weights> sums(Shards(a.size(0)));
    for (Weights& shard : sums) {
      for (int i = 0; i < kWeights; ++i) shard[i] = at::zeros_like(weights[i]);
    }
    ForBlocks(a.size(0), std::ssize(sums), [&](int64_t shard, int64_t first, int64_t rows) {
      const auto of = [&](const at::Tensor& x) { return x.narrow(0, first, rows); };
      block.Run(of(a), of(attended), of(y_gradient), of(x_gradient), of(attended_gradient),
                sums[shard]);
    });
    for (size_t shard = 1; shard < sums.size(); ++shard) {
      for (int i = 0; i < kWeights; ++i) sums[0][i].add_(sums[shard][i]);
    }
    const Weights& sum = sums[0];
    return {x_gradient,   attended_gradient, sum[kOut],      sum[kOutBias], sum[kUp],
            sum[kUpBias], sum[kDown],        sum[kDownBias], at::Tensor(),  at::Tensor()};
  }
};

}  // namespace

at::Tensor MixRows(const at::Tensor& x, const at::Tensor& attended, const MixWeights& weights,
                   double epsilon, FeedForwardActivation activation) {
  GOPT_CHECK(x.sizes() == attended.sizes());
  if (!x.is_cpu()) return MixRowsOfOps(x, attended, weights, epsilon, activation);
  if (activation == FeedForwardActivation::kRelu && FindRowKernel({x, attended}) != nullptr) {
    return MixRowsByKernel(x, attended, weights, epsilon);
  }
  return MixFunction::apply(x.contiguous(), attended.contiguous(), weights.out, weights.out_bias,
                            weights.up, weights.up_bias, weights.down, weights.down_bias, epsilon,
                            static_cast<int64_t>(activation));
}

at::Tensor MixRowsOfOps(const at::Tensor& x, const at::Tensor& attended, const MixWeights& weights,
                        double epsilon, FeedForwardActivation activation) {
  const at::Tensor a = x + at::linear(attended, weights.out, weights.out_bias);
  const at::Tensor normal = at::layer_norm(a, {x.size(1)}, {}, {}, epsilon);
  const at::Tensor hidden = Activate(at::linear(normal, weights.up, weights.up_bias), activation);
  return a + at::linear(hidden, weights.down, weights.down_bias);
}

}  // namespace gopt
