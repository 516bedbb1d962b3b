#ifndef GOPT_NN_ROW_BLOCKS_H_
#define GOPT_NN_ROW_BLOCKS_H_

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <vector>

#include "src/nn/row_kernel.h"

namespace gopt {

// What functions share that go over rows in blocks with a RowKernel. Floats, on the CPU.

inline constexpr int64_t kRowBlock = 96;
inline constexpr int64_t kMaxRowShards = 32;  // Enough for the threads, few enough for their sums.

// The kernel for these tensors, the undefined among them left out; null if there is none.
const RowKernel* RowKernelFor(std::initializer_list<at::Tensor> tensors);

// Sums over rows are made of sums over fixed shards, whatever the number of threads.
inline int64_t RowShards(int64_t rows) {
  return std::clamp<int64_t>(rows / kRowBlock, 1, kMaxRowShards);
}

// Aligned memory, given out piece by piece.
class RowScratch {
 public:
  explicit RowScratch(int64_t floats);
  float* Take(int64_t floats) {
    float* const begin = next_;
    next_ += Rounded(floats);
    return begin;
  }
  void Return(float* begin) { next_ = begin; }  // And all that was taken after it.
  static int64_t Rounded(int64_t floats) { return (floats + 15) / 16 * 16; }

 private:
  std::unique_ptr<float, decltype(&std::free)> data_;
  float* next_;
};

// Calls work(shard, first row, rows, scratch) for all blocks; those of a shard one after the other,
// and before them begin(shard).
template <typename Begin, typename Work>
void ForRowBlocks(int64_t rows, int64_t shards, int64_t scratch_floats, Begin begin, Work work) {
  const int64_t blocks = (rows + kRowBlock - 1) / kRowBlock;
  at::parallel_for(0, shards, 1, [&](int64_t first, int64_t last) {
    RowScratch scratch(scratch_floats);
    float* const start = scratch.Take(0);
    for (int64_t shard = first; shard < last; ++shard) {
      begin(shard);
      for (int64_t b = shard * blocks / shards; b < (shard + 1) * blocks / shards; ++b) {
        scratch.Return(start);
        work(shard, b * kRowBlock, std::min(kRowBlock, rows - b * kRowBlock), scratch);
      }
    }
  });
}

// Rows of a tensor, or null.
inline RowMatrix RowsAt(const at::Tensor& x, int64_t row) {
  if (!x.defined()) return {};
  return {x.mutable_data_ptr<float>() + row * x.stride(0), x.stride(0)};
}
inline ConstRowMatrix ConstRowsAt(const at::Tensor& x, int64_t row) {
  if (!x.defined()) return {};
  return {x.const_data_ptr<float>() + row * x.stride(0), x.stride(0)};
}
inline const float* DataOf(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<float>() : nullptr;
}

// Columns first .. first + count - 1 of a weight [to, from], packed once for many products.
class PackedWeight {
 public:
  // For x w'.
  static PackedWeight Forward(const RowKernel& kernel, const at::Tensor& weight, int64_t first = 0,
                              int64_t count = -1);
  // For gradient w.
  static PackedWeight Backward(const RowKernel& kernel, const at::Tensor& weight, int64_t first = 0,
                               int64_t count = -1);

  struct Rest {
    const float* bias = nullptr;
    ConstRowMatrix add = {};
    bool relu = false;
  };
  // c = relu?(a w + bias + add)
  void Multiply(int64_t rows, ConstRowMatrix a, RowMatrix c, Rest rest) const;
  void Multiply(int64_t rows, ConstRowMatrix a, RowMatrix c) const { Multiply(rows, a, c, {}); }

 private:
  PackedWeight(const RowKernel& kernel, const float* data, int64_t row, int64_t column,
               int64_t inner, int64_t columns);

  const RowKernel* kernel_;
  int64_t inner_, columns_;
  RowScratch memory_;
  float* data_;
};

// Sums over rows that make gradients of weights: one of each per shard.
class ShardSums {
 public:
  ShardSums(const RowKernel& kernel, int64_t shards, std::initializer_list<at::Tensor> weights);

  int64_t shards() const { return shards_; }
  float* Of(int64_t shard, int weight) { return data_ + shard * stride_ + begin_[weight]; }
  // To 0; before the first block of the shard.
  void Clear(int64_t shard) { std::fill_n(data_ + shard * stride_, stride_, 0.0f); }
  // Adds gradient' x, [gradient's columns, x_width], to the weight from (row, column) on.
  struct Part {
    int64_t rows, x_width, row = 0, column = 0;  // Rows of the weight.
  };
  void AddProduct(int64_t shard, int weight, int64_t rows, ConstRowMatrix gradient,
                  ConstRowMatrix x, const Part& part, RowScratch& scratch);
  // The same for a whole weight, and the sums of the gradient's columns for its bias.
  void AddLinear(int64_t shard, int weight, int bias, int64_t rows, ConstRowMatrix gradient,
                 ConstRowMatrix x, RowScratch& scratch);
  void AddColumns(int64_t shard, int weight, int64_t rows, ConstRowMatrix x,
                  ConstRowMatrix times = {});
  // Floats of scratch that AddProduct needs.
  static int64_t ScratchFloats(const RowKernel& kernel, int64_t rows, int64_t x_width);
  // Over the shards, of the shape of the weight.
  at::Tensor Sum(int weight) const;

 private:
  const RowKernel& kernel_;
  int64_t shards_, stride_ = 0;
  std::vector<at::Tensor> weights_;
  std::vector<int64_t> begin_;
  std::unique_ptr<RowScratch> memory_;
  float* data_ = nullptr;
};

}  // namespace gopt

#endif  // GOPT_NN_ROW_BLOCKS_H_
