#include "src/nn/mix_rows_kernel.h"

#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum Weight { kOut, kOutBias, kUp, kUpBias, kDown, kDownBias };

// One block up to the hidden layer.
struct Block {
  Block(int64_t width, int64_t hidden_width, RowScratch& scratch)
      : a{scratch.Take(kRowBlock * width), width},
        normal{scratch.Take(kRowBlock * width), width},
        hidden{scratch.Take(kRowBlock * hidden_width), hidden_width},
        inverse(scratch.Take(kRowBlock)) {}
  static int64_t ScratchFloats(int64_t width, int64_t hidden_width) {
    return kRowBlock * (2 * width + hidden_width + 1) + 64;
  }

  RowMatrix a, normal, hidden;
  float* inverse;
};

class Network {
 public:
  Network(const RowKernel& kernel, const variable_list& weights, double epsilon)
      : kernel_(kernel),
        epsilon_(static_cast<float>(epsilon)),
        width_(weights[kOut].size(0)),
        hidden_(weights[kUp].size(0)),
        out_(PackedWeight::Forward(kernel, weights[kOut])),
        up_(PackedWeight::Forward(kernel, weights[kUp])),
        out_bias_(DataOf(weights[kOutBias])),
        up_bias_(DataOf(weights[kUpBias])) {}

  int64_t width() const { return width_; }
  int64_t hidden() const { return hidden_; }

  void Run(int64_t rows, ConstRowMatrix x, ConstRowMatrix attended, const Block& block) const {
    out_.Multiply(rows, attended, block.a, {.bias = out_bias_, .add = x});
    kernel_.normalize(rows, width_, epsilon_, block.a, block.normal, block.inverse);
    up_.Multiply(rows, block.normal, block.hidden, {.bias = up_bias_, .relu = true});
  }

 private:
  const RowKernel& kernel_;
  float epsilon_;
  int64_t width_, hidden_;
  PackedWeight out_, up_;
  const float *out_bias_, *up_bias_;
};

class KernelFunction : public torch::autograd::Function<KernelFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& attended, const at::Tensor& out,
                            const at::Tensor& out_bias, const at::Tensor& up,
                            const at::Tensor& up_bias, const at::Tensor& down,
                            const at::Tensor& down_bias, double epsilon) {
    const RowKernel& kernel = *FindRowKernel();
    const Network network(kernel, {out, out_bias, up, up_bias, down, down_bias}, epsilon);
    const PackedWeight narrow = PackedWeight::Forward(kernel, down);
    const at::Tensor y = at::empty_like(x);
    const int64_t scratch_floats = Block::ScratchFloats(network.width(), network.hidden());
    ForRowBlocks(
        x.size(0), RowShards(x.size(0)), scratch_floats, [](int64_t) {},
        [&](int64_t, int64_t first, int64_t rows, RowScratch& scratch) {
          const Block block(network.width(), network.hidden(), scratch);
          network.Run(rows, ConstRowsAt(x, first), ConstRowsAt(attended, first), block);
          narrow.Multiply(rows, block.hidden, RowsAt(y, first),
                          {.bias = DataOf(down_bias), .add = block.a});
        });
    context->save_for_backward({x, attended, out, out_bias, up, up_bias, down, down_bias});
    context->saved_data["epsilon"] = epsilon;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const RowKernel& kernel = *FindRowKernel();
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &attended = saved[1];
    const variable_list weights(saved.begin() + 2, saved.end());
    const Network network(kernel, weights, context->saved_data["epsilon"].toDouble());
    const PackedWeight out = PackedWeight::Backward(kernel, weights[kOut]);
    const PackedWeight up = PackedWeight::Backward(kernel, weights[kUp]);
    const PackedWeight down = PackedWeight::Backward(kernel, weights[kDown]);
    const at::Tensor y_gradient = gradients[0].contiguous();
    const at::Tensor x_gradient = at::empty_like(x), attended_gradient = at::empty_like(x);
    const int64_t width = network.width(), hidden = network.hidden();

    ShardSums sums(kernel, RowShards(x.size(0)),
                   {weights[kOut], weights[kOutBias], weights[kUp], weights[kUpBias],
                    weights[kDown], weights[kDownBias]});
    const int64_t scratch_floats = Block::ScratchFloats(width, hidden) + kRowBlock * hidden + 64 +
                                   std::max(ShardSums::ScratchFloats(kernel, kRowBlock, width),
                                            ShardSums::ScratchFloats(kernel, kRowBlock, hidden));
    ForRowBlocks(
        x.size(0), sums.shards(), scratch_floats, [&](int64_t shard) { sums.Clear(shard); },
        [&](int64_t shard, int64_t first, int64_t rows, RowScratch& scratch) {
          const Block block(width, hidden, scratch);
          const RowMatrix wide = {scratch.Take(kRowBlock * hidden), hidden};
          const ConstRowMatrix y = ConstRowsAt(y_gradient, first);
          const RowMatrix through = RowsAt(x_gradient, first);
          network.Run(rows, ConstRowsAt(x, first), ConstRowsAt(attended, first), block);

          sums.AddLinear(shard, kDown, kDownBias, rows, y, block.hidden, scratch);
          down.Multiply(rows, y, wide);
          kernel.relu_gradient(rows, hidden, block.hidden, wide);
          sums.AddLinear(shard, kUp, kUpBias, rows, wide, block.normal, scratch);
          up.Multiply(rows, wide, through);
          kernel.normalize_gradient(rows, width, block.normal, block.inverse, through);
          kernel.add(rows, width, y, through);
          sums.AddLinear(shard, kOut, kOutBias, rows, through, ConstRowsAt(attended, first),
                         scratch);
          out.Multiply(rows, through, RowsAt(attended_gradient, first));
        });
    return {x_gradient,         attended_gradient,   sums.Sum(kOut),
            sums.Sum(kOutBias), sums.Sum(kUp),       sums.Sum(kUpBias),
            sums.Sum(kDown),    sums.Sum(kDownBias), at::Tensor()};
  }
};

}  // namespace

at::Tensor MixRowsByKernel(const at::Tensor& x, const at::Tensor& attended,
                           const MixWeights& weights, double epsilon) {
  return KernelFunction::apply(x.contiguous(), attended.contiguous(), weights.out.contiguous(),
                               weights.out_bias.contiguous(), weights.up.contiguous(),
                               weights.up_bias.contiguous(), weights.down.contiguous(),
                               weights.down_bias.contiguous(), epsilon);
}

}  // namespace gopt
