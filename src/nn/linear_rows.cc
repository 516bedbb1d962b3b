#include "src/nn/linear_rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "gopt/base/check.h"
#include "src/nn/row_blocks.h"

namespace gopt {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The tensors of a layer, in the order of the function's arguments.
enum Input { kIn, kBeside, kWeight, kBias, kResidual, kNormWeight, kNormBias, kInputs };

// A layer with its weights packed.
class Layer {
 public:
  Layer(const variable_list& inputs, bool relu, double epsilon)
      : in_(inputs), relu_(relu), epsilon_(static_cast<float>(epsilon)) {
    for (int part = kIn; part <= kBeside; ++part) {
      if (!in_[part].defined()) continue;
      first_[part] = part == kIn ? 0 : in_[kIn].size(1);
      packed_.push_back(
          PackedWeight::Forward(kernel_, in_[kWeight], first_[part], in_[part].size(1)));
    }
  }

  const RowKernel& kernel() const { return kernel_; }
  const at::Tensor& operator[](int input) const { return in_[input]; }
  int64_t rows() const { return in_[kIn].size(0); }
  int64_t to() const { return in_[kWeight].size(0); }
  // Column of the weight at which a part's begin.
  int64_t first(int part) const { return first_[part]; }
  bool relu() const { return relu_; }
  bool has_norm() const { return in_[kNormWeight].defined(); }

  // y = relu(linear), for a block.
  void Linear(int64_t first, int64_t rows, RowMatrix y) const {
    const bool two = in_[kBeside].defined();
    packed_[0].Multiply(rows, ConstRowsAt(in_[kIn], first), y,
                        {.bias = DataOf(in_[kBias]), .relu = relu_ && !two});
    if (!two) return;
    packed_[1].Multiply(rows, ConstRowsAt(in_[kBeside], first), y, {.add = y, .relu = relu_});
  }
  void AddResidual(int64_t first, int64_t rows, RowMatrix y) const {
    if (in_[kResidual].defined()) kernel_.add(rows, to(), ConstRowsAt(in_[kResidual], first), y);
  }
  void Normalize(int64_t rows, RowMatrix y, float* inverse) const {
    kernel_.normalize(rows, to(), epsilon_, y, y, inverse);
  }

 private:
  const RowKernel& kernel_ = *FindRowKernel();
  const variable_list& in_;
  bool relu_;
  float epsilon_;
  int64_t first_[2] = {0, 0};
  std::vector<PackedWeight> packed_;
};

void Forward(const Layer& layer, const at::Tensor& y) {
  ForRowBlocks(
      layer.rows(), RowShards(layer.rows()), kRowBlock, [](int64_t) {},
      [&](int64_t, int64_t first, int64_t rows, RowScratch& scratch) {
        const RowMatrix block = RowsAt(y, first);
        layer.Linear(first, rows, block);
        layer.AddResidual(first, rows, block);
        if (!layer.has_norm()) return;
        layer.Normalize(rows, block, scratch.Take(kRowBlock));
        layer.kernel().scale(rows, layer.to(), block, DataOf(layer[kNormWeight]),
                             DataOf(layer[kNormBias]), block);
      });
}

// Gradients of the inputs, of which those that are undefined are not needed.
class Gradient {
 public:
  // `y` is needed for relu without a norm.
  Gradient(const Layer& layer, const at::Tensor& y, const at::Tensor& y_gradient,
           const bool (&needs)[kInputs], bool residual_is_in)
      : layer_(layer),
        y_(y),
        y_gradient_(y_gradient),
        no_shift_(at::zeros({layer.to()}, y_gradient.options())),
        sums_(layer.kernel(), RowShards(layer.rows()),
              {layer[kWeight], layer[kBias], layer[kNormWeight], layer[kNormBias]}),
        residual_is_in_(residual_is_in) {
    for (int part = kIn; part <= kBeside; ++part) {
      if (!needs[part]) continue;
      to_[part] = at::empty(layer[part].sizes(), y_gradient.options());
      packed_[part] = PackedWeight::Backward(layer.kernel(), layer[kWeight], layer.first(part),
                                             layer[part].size(1));
    }
    if (!needs[kResidual] || residual_is_in_) return;
    to_[kResidual] = layer.has_norm() ? at::empty_like(y_gradient) : y_gradient;
  }

  variable_list Run() {
    const int64_t to = layer_.to();
    int64_t scratch_floats = kRowBlock * (4 * to + 1) + 64;
    int64_t product_floats = 0;
    for (int part = kIn; part <= kBeside; ++part) {
      if (!layer_[part].defined()) continue;
      product_floats = std::max(product_floats, ShardSums::ScratchFloats(layer_.kernel(), kRowBlock,
                                                                         layer_[part].size(1)));
    }
    ForRowBlocks(
        layer_.rows(), sums_.shards(), scratch_floats + product_floats,
        [&](int64_t shard) { sums_.Clear(shard); },
        [&](int64_t shard, int64_t first, int64_t rows, RowScratch& scratch) {
          Block(shard, first, rows, scratch);
        });
    return {to_[kIn],
            to_[kBeside],
            sums_.Sum(kWeightSum),
            sums_.Sum(kBiasSum),
            to_[kResidual],
            sums_.Sum(kNormWeightSum),
            sums_.Sum(kNormBiasSum)};
  }

 private:
  enum { kWeightSum, kBiasSum, kNormWeightSum, kNormBiasSum };

  void Block(int64_t shard, int64_t first, int64_t rows, RowScratch& scratch) {
    const RowKernel& kernel = layer_.kernel();
    const int64_t to = layer_.to();
    const RowMatrix own = {scratch.Take(kRowBlock * to), to};
    ConstRowMatrix gradient = ConstRowsAt(y_gradient_, first);
    ConstRowMatrix active = ConstRowsAt(y_, first);
    if (layer_.has_norm()) {
      const RowMatrix linear = {scratch.Take(kRowBlock * to), to};
      const RowMatrix normal = {scratch.Take(kRowBlock * to), to};
      float* const inverse = scratch.Take(kRowBlock);
      layer_.Linear(first, rows, linear);
      kernel.copy(rows, to, linear, normal);
      layer_.AddResidual(first, rows, normal);
      layer_.Normalize(rows, normal, inverse);
      sums_.AddColumns(shard, kNormWeightSum, rows, gradient, normal);
      sums_.AddColumns(shard, kNormBiasSum, rows, gradient);
      kernel.scale(rows, to, gradient, DataOf(layer_[kNormWeight]), DataOf(no_shift_), own);
      kernel.normalize_gradient(rows, to, normal, inverse, own);
      gradient = own;
      active = linear;
      if (to_[kResidual].defined()) kernel.copy(rows, to, own, RowsAt(to_[kResidual], first));
    }
    ConstRowMatrix through = gradient;  // The linear layer.
    if (layer_.relu()) {
      const RowMatrix masked = residual_is_in_ ? RowMatrix{scratch.Take(kRowBlock * to), to} : own;
      if (masked.data != gradient.data) kernel.copy(rows, to, gradient, masked);
      kernel.relu_gradient(rows, to, active, masked);
      through = masked;
    }
    for (int part = kIn; part <= kBeside; ++part) {
      if (!layer_[part].defined()) continue;
      sums_.AddProduct(shard, kWeightSum, rows, through, ConstRowsAt(layer_[part], first),
                       {.rows = to, .x_width = layer_[part].size(1), .column = layer_.first(part)},
                       scratch);
      if (!to_[part].defined()) continue;
      PackedWeight::Rest rest;
      if (part == kIn && residual_is_in_) rest.add = gradient;
      packed_[part]->Multiply(rows, through, RowsAt(to_[part], first), rest);
    }
    sums_.AddColumns(shard, kBiasSum, rows, through);
  }

  const Layer& layer_;
  const at::Tensor &y_, &y_gradient_;
  const at::Tensor no_shift_;
  ShardSums sums_;
  bool residual_is_in_;
  at::Tensor to_[kInputs];
  std::optional<PackedWeight> packed_[2];
};

class LayerFunction : public torch::autograd::Function<LayerFunction> {
 public:
  using Optional = std::optional<at::Tensor>;

  static at::Tensor forward(AutogradContext* context, const at::Tensor& in, const Optional& beside,
                            const at::Tensor& weight, const Optional& bias,
                            const Optional& residual, const Optional& norm_weight,
                            const Optional& norm_bias, bool relu, double epsilon) {
    const auto value = [](const Optional& x) { return x.value_or(at::Tensor()); };
    const variable_list inputs = {in,
                                  value(beside),
                                  weight,
                                  value(bias),
                                  value(residual),
                                  value(norm_weight),
                                  value(norm_bias)};
    const at::Tensor y = at::empty({in.size(0), weight.size(0)}, in.options());
    const Layer layer(inputs, relu, epsilon);
    Forward(layer, y);
    variable_list saved = inputs;
    saved.push_back(relu && !layer.has_norm() ? y : at::Tensor());
    context->save_for_backward(saved);
    context->saved_data["residual_is_in"] = residual.has_value() && residual->is_same(in);
    context->saved_data["relu"] = relu;
    context->saved_data["epsilon"] = epsilon;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const variable_list inputs(saved.begin(), saved.begin() + kInputs);
    bool needs[kInputs];
    size_t edge = 0;  // Of the tensors that there are.
    for (int i = 0; i < kInputs; ++i) {
      needs[i] = inputs[i].defined() && context->needs_input_grad(edge);
      if (inputs[i].defined()) ++edge;
    }
    const Layer layer(inputs, context->saved_data["relu"].toBool(),
                      context->saved_data["epsilon"].toDouble());
    const at::Tensor y_gradient = gradients[0].contiguous();
    variable_list result = Gradient(layer, saved[kInputs], y_gradient, needs,
                                    context->saved_data["residual_is_in"].toBool())
                               .Run();
    result.resize(kInputs + 2);
    return result;
  }
};

void CheckLayer(const RowLayer& layer) {
  const int64_t rows = layer.in.size(0), to = layer.weight.size(0);
  const auto fits = [&](const at::Tensor& x, at::IntArrayRef sizes) {
    return !x.defined() || x.sizes() == sizes;
  };
  GOPT_CHECK(!layer.beside.defined() || layer.beside.size(0) == rows);
  GOPT_CHECK(layer.in.size(1) + (layer.beside.defined() ? layer.beside.size(1) : 0) ==
             layer.weight.size(1));
  GOPT_CHECK(fits(layer.residual, {rows, to}) && fits(layer.bias, {to}));
  GOPT_CHECK(fits(layer.norm_weight, {to}) && fits(layer.norm_bias, {to}));
  GOPT_CHECK(layer.norm_weight.defined() == layer.norm_bias.defined());
  GOPT_CHECK(!layer.residual.defined() || layer.norm_weight.defined() || !layer.relu);
}

std::optional<at::Tensor> Contiguous(const at::Tensor& x) {
  return x.defined() ? std::optional(x.contiguous()) : std::nullopt;
}

}  // namespace

at::Tensor LinearRows(const RowLayer& layer) {
  CheckLayer(layer);
  if (layer.in.size(0) == 0 ||
      RowKernelFor({layer.in, layer.beside, layer.weight, layer.residual}) == nullptr) {
    return LinearRowsOfOps(layer);
  }
  const at::Tensor in = layer.in.contiguous();
  return LayerFunction::apply(
      in, Contiguous(layer.beside), layer.weight.contiguous(), Contiguous(layer.bias),
      layer.residual.is_same(layer.in) ? std::optional(in) : Contiguous(layer.residual),
      Contiguous(layer.norm_weight), Contiguous(layer.norm_bias), layer.relu, layer.epsilon);
}

at::Tensor LinearRowsOfOps(const RowLayer& layer) {
  const at::Tensor in = layer.beside.defined() ? at::cat({layer.in, layer.beside}, 1) : layer.in;
  at::Tensor y = at::linear(in, layer.weight, layer.bias);
  if (layer.relu) y = at::relu(y);
  if (layer.residual.defined()) y = y + layer.residual;
  if (!layer.norm_weight.defined()) return y;
  return at::layer_norm(y, {y.size(1)}, layer.norm_weight, layer.norm_bias, layer.epsilon);
}

}  // namespace gopt
