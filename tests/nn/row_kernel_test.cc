#include "src/nn/row_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

namespace gopt {
namespace {

// Each kernel that this processor runs, not the fastest alone. Memory is of the exact size, so that
// a sanitizer hears what reads past its end.
class Matrix {
 public:
  Matrix(int64_t rows, int64_t width, int64_t stride = 0)
      : rows_(rows),
        stride_(std::max(stride, width)),
        data_(std::make_unique<float[]>(rows == 0 ? 0 : (rows - 1) * stride_ + width)) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < width; ++j) at(i, j) = normal_(random_);
    }
  }
  float& at(int64_t row, int64_t column) const { return data_[row * stride_ + column]; }
  float* data() const { return data_.get(); }
  int64_t stride() const { return stride_; }
  operator RowMatrix() const { return {data_.get(), stride_}; }       // NOLINT: as pointers
  operator ConstRowMatrix() const { return {data_.get(), stride_}; }  // NOLINT: as pointers

 private:
  int64_t rows_, stride_;
  std::unique_ptr<float[]> data_;
  static inline std::mt19937 random_{7};
  static inline std::normal_distribution<float> normal_;
};

class RowKernelTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    kernel_ = FindRowKernel(GetParam());
    if (kernel_ == nullptr) GTEST_SKIP() << "not for this processor";
  }
  const RowKernel* kernel_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Nth, RowKernelTest, ::testing::Values(0, 1));

TEST_P(RowKernelTest, ProductsAreThoseOfLoops) {
  for (const int64_t rows : {1, 5, 13, 96}) {
    for (const int64_t inner : {1, 7, 64}) {
      for (const int64_t columns : {1, 8, 16, 33, 70, 192}) {
        const bool relu = rows % 2 == 1, transposed = inner == 7;
        const Matrix a = transposed ? Matrix(inner, rows) : Matrix(rows, inner, inner + 3);
        const Matrix b(inner, columns), bias(1, columns), add(rows, columns, columns + 5);
        const Matrix c(rows, columns, columns + 2);
        const int64_t floats = kernel_->PackedFloats(inner, columns);
        const Matrix packed(1, floats);
        kernel_->pack(b.data(), b.stride(), 1, inner, columns, packed.data());
        kernel_->multiply({.rows = rows,
                           .inner = inner,
                           .columns = columns,
                           .a = a.data(),
                           .a_row = transposed ? 1 : a.stride(),
                           .a_inner = transposed ? a.stride() : 1,
                           .b = packed.data(),
                           .b_panel = inner * kernel_->panel,
                           .b_row = kernel_->panel,
                           .bias = bias.data(),
                           .add = add,
                           .relu = relu,
                           .c = c});
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < columns; ++j) {
            double sum = bias.at(0, j) + add.at(i, j);
            for (int64_t k = 0; k < inner; ++k) {
              sum += static_cast<double>(transposed ? a.at(k, i) : a.at(i, k)) * b.at(k, j);
            }
            ASSERT_NEAR(c.at(i, j), relu ? std::max(sum, 0.0) : sum, 1e-4)
                << rows << " x " << inner << " x " << columns << " at " << i << ", " << j;
          }
        }
      }
    }
  }
}

TEST_P(RowKernelTest, NormsAndTheirGradientsAreThoseOfLoops) {
  for (const int64_t width : {2, 7, 16, 40, 64, 129}) {
    const int64_t rows = 3;
    const Matrix x(rows, width, width + 1), y(rows, width), inverse(1, rows);
    const Matrix gradient(rows, width), given(rows, width);
    std::copy_n(given.data(), rows * width, gradient.data());
    kernel_->normalize(rows, width, 1e-5f, x, y, inverse.data());
    kernel_->normalize_gradient(rows, width, y, inverse.data(), gradient);
    for (int64_t i = 0; i < rows; ++i) {
      double mean = 0.0, square = 0.0, of_gradient = 0.0, of_product = 0.0;
      for (int64_t j = 0; j < width; ++j) mean += x.at(i, j) / width;
      for (int64_t j = 0; j < width; ++j) square += std::pow(x.at(i, j) - mean, 2) / width;
      const double scale = 1 / std::sqrt(square + 1e-5);
      for (int64_t j = 0; j < width; ++j) {
        of_gradient += given.at(i, j) / static_cast<double>(width);
        of_product += given.at(i, j) * (x.at(i, j) - mean) * scale / width;
      }
      EXPECT_NEAR(inverse.at(0, i), scale, 1e-4 * scale);
      for (int64_t j = 0; j < width; ++j) {
        const double normalized = (x.at(i, j) - mean) * scale;
        EXPECT_NEAR(y.at(i, j), normalized, 1e-4) << width;
        EXPECT_NEAR(gradient.at(i, j),
                    scale * (given.at(i, j) - of_gradient - normalized * of_product), 1e-3 * scale)
            << width;
      }
    }
  }
}

TEST_P(RowKernelTest, ElementsAndColumnsAreThoseOfLoops) {
  for (const int64_t width : {1, 9, 32, 47}) {
    const int64_t rows = 4;
    const Matrix x(rows, width, width + 2), times(rows, width), sums(1, width), before(1, width);
    const Matrix scale(1, width), shift(1, width), y(rows, width), gradient(rows, width);
    std::copy_n(sums.data(), width, before.data());
    kernel_->add_columns(rows, width, x, times, sums.data());
    kernel_->scale(rows, width, x, scale.data(), shift.data(), y);
    kernel_->add(rows, width, times, y);
    kernel_->copy(rows, width, times, gradient);
    kernel_->relu_gradient(rows, width, x, gradient);
    for (int64_t j = 0; j < width; ++j) {
      double sum = before.at(0, j);
      for (int64_t i = 0; i < rows; ++i) {
        sum += static_cast<double>(x.at(i, j)) * times.at(i, j);
        EXPECT_NEAR(y.at(i, j), x.at(i, j) * scale.at(0, j) + shift.at(0, j) + times.at(i, j),
                    1e-5);
        EXPECT_EQ(gradient.at(i, j), x.at(i, j) > 0 ? times.at(i, j) : 0.0f);
      }
      EXPECT_NEAR(sums.at(0, j), sum, 1e-4);
    }
  }
}

}  // namespace
}  // namespace gopt
