#include "src/nn/row_blocks.h"

#include <ATen/ops/empty.h>

#include "gopt/base/check.h"

namespace gopt {

const RowKernel* RowKernelFor(std::initializer_list<at::Tensor> tensors) {
  for (const at::Tensor& x : tensors) {
    if (x.defined() && (!x.is_cpu() || x.scalar_type() != at::kFloat)) return nullptr;
  }
  return FindRowKernel();
}

RowScratch::RowScratch(int64_t floats)
    : data_(static_cast<float*>(std::aligned_alloc(64, sizeof(float) * (Rounded(floats) + 16))),
            &std::free),
      next_(data_.get()) {
  GOPT_CHECK(data_ != nullptr);
}

PackedWeight::PackedWeight(const RowKernel& kernel, const float* data, int64_t row, int64_t column,
                           int64_t inner, int64_t columns)
    : kernel_(&kernel),
      inner_(inner),
      columns_(columns),
      memory_(kernel.PackedFloats(inner, columns)),
      data_(memory_.Take(0)) {
  kernel.pack(data, row, column, inner, columns, data_);
}

PackedWeight PackedWeight::Forward(const RowKernel& kernel, const at::Tensor& weight, int64_t first,
                                   int64_t count) {
  if (count < 0) count = weight.size(1);
  return {kernel,
          weight.const_data_ptr<float>() + first * weight.stride(1),
          weight.stride(1),
          weight.stride(0),
          count,
          weight.size(0)};
}

PackedWeight PackedWeight::Backward(const RowKernel& kernel, const at::Tensor& weight,
                                    int64_t first, int64_t count) {
  if (count < 0) count = weight.size(1);
  return {kernel,           weight.const_data_ptr<float>() + first * weight.stride(1),
          weight.stride(0), weight.stride(1),
          weight.size(0),   count};
}

void PackedWeight::Multiply(int64_t rows, ConstRowMatrix a, RowMatrix c, Rest rest) const {
  kernel_->multiply({.rows = rows,
                     .inner = inner_,
                     .columns = columns_,
                     .a = a.data,
                     .a_row = a.stride,
                     .b = data_,
                     .b_panel = inner_ * kernel_->panel,
                     .b_row = kernel_->panel,
                     .bias = rest.bias,
                     .add = rest.add,
                     .relu = rest.relu,
                     .c = c});
}

ShardSums::ShardSums(const RowKernel& kernel, int64_t shards,
                     std::initializer_list<at::Tensor> weights)
    : kernel_(kernel), shards_(shards), weights_(weights) {
  for (const at::Tensor& weight : weights_) {
    begin_.push_back(stride_);
    if (weight.defined()) stride_ += RowScratch::Rounded(weight.numel());
  }
  memory_ = std::make_unique<RowScratch>(shards * stride_);
  data_ = memory_->Take(0);
}

int64_t ShardSums::ScratchFloats(const RowKernel& kernel, int64_t rows, int64_t x_width) {
  return x_width % kernel.lanes == 0 ? 0 : kernel.PackedFloats(rows, x_width) + 16;
}

void ShardSums::AddProduct(int64_t shard, int weight, int64_t rows, ConstRowMatrix gradient,
                           ConstRowMatrix x, const Part& part, RowScratch& scratch) {
  const int64_t stride = weights_[weight].size(1);
  const RowMatrix to = {Of(shard, weight) + part.row * stride + part.column, stride};
  RowProduct product = {.rows = part.rows,
                        .inner = rows,
                        .columns = part.x_width,
                        .a = gradient.data,
                        .a_row = 1,
                        .a_inner = gradient.stride,
                        .b = x.data,
                        .b_panel = kernel_.panel,
                        .b_row = x.stride,
                        .add = to,
                        .c = to};
  float* const packed = scratch.Take(0);
  if (part.x_width % kernel_.lanes != 0) {
    scratch.Take(kernel_.PackedFloats(rows, part.x_width));
    kernel_.pack(x.data, x.stride, 1, rows, part.x_width, packed);
    product.b = packed;
    product.b_panel = rows * kernel_.panel;
    product.b_row = kernel_.panel;
  }
  kernel_.multiply(product);
  scratch.Return(packed);
}

void ShardSums::AddLinear(int64_t shard, int weight, int bias, int64_t rows,
                          ConstRowMatrix gradient, ConstRowMatrix x, RowScratch& scratch) {
  const at::Tensor& like = weights_[weight];
  AddProduct(shard, weight, rows, gradient, x, {.rows = like.size(0), .x_width = like.size(1)},
             scratch);
  AddColumns(shard, bias, rows, gradient);
}

void ShardSums::AddColumns(int64_t shard, int weight, int64_t rows, ConstRowMatrix x,
                           ConstRowMatrix times) {
  if (!weights_[weight].defined()) return;
  kernel_.add_columns(rows, weights_[weight].numel(), x, times, Of(shard, weight));
}

at::Tensor ShardSums::Sum(int weight) const {
  if (!weights_[weight].defined()) return {};
  const at::Tensor result = at::empty(weights_[weight].sizes(), weights_[weight].options());
  float* const to = result.mutable_data_ptr<float>();
  const float* const from = data_ + begin_[weight];
  const int64_t size = result.numel();
  std::copy_n(from, size, to);
  for (int64_t shard = 1; shard < shards_; ++shard) {
    kernel_.add(1, size, {from + shard * stride_, size}, {to, size});
  }
  return result;
}

}  // namespace gopt
