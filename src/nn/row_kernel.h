#ifndef GOPT_NN_ROW_KERNEL_H_
#define GOPT_NN_ROW_KERNEL_H_

#include <cstdint>

#include "gopt/base/export.h"

namespace gopt {

// Products of thousands of rows with matrices of 1 to 200 columns, and what stands between them,
// for blocks of rows that stay in the cache: libraries spend more time on copies and calls than on
// such products. Rows of a matrix are `stride` floats apart, those of a row neighbours.
struct RowMatrix {
  float* data = nullptr;
  int64_t stride = 0;
};
struct ConstRowMatrix {
  ConstRowMatrix() = default;
  ConstRowMatrix(const float* data, int64_t stride) : data(data), stride(stride) {}
  ConstRowMatrix(const RowMatrix& m) : data(m.data), stride(m.stride) {}  // NOLINT: as pointers
  const float* data = nullptr;
  int64_t stride = 0;
};

// c = relu?(a b + bias + add), with a [rows, inner], b [inner, columns], c [rows, columns].
struct RowProduct {
  int64_t rows = 0, inner = 0, columns = 0;
  const float* a = nullptr;  // Element (i, k) is at i * a_row + k * a_inner.
  int64_t a_row = 0, a_inner = 1;
  // Panels of RowKernel::panel columns, b_panel floats apart; their rows are b_row apart and full
  // vectors: whole ones can be read wherever a column is.
  const float* b = nullptr;
  int64_t b_panel = 0, b_row = 0;
  const float* bias = nullptr;  // [columns]; null: 0.
  ConstRowMatrix add;           // [rows, columns], may be c; null: 0.
  bool relu = false;
  RowMatrix c;
};

struct RowKernel {
  int64_t lanes, panel;  // Floats of a vector, columns of a panel.
  void (*multiply)(const RowProduct& product);
  // b [inner, columns], element (k, j) at k * b_row + j * b_column, as panels with zeros after the
  // last column: PackedFloats of them.
  void (*pack)(const float* b, int64_t b_row, int64_t b_column, int64_t inner, int64_t columns,
               float* to);
  // y = (x - mean) / sqrt(variance + epsilon) of each row; 1 / sqrt(...) to `inverse`.
  void (*normalize)(int64_t rows, int64_t width, float epsilon, ConstRowMatrix x, RowMatrix y,
                    float* inverse);
  // From the gradient of y that of x, in place.
  void (*normalize_gradient)(int64_t rows, int64_t width, ConstRowMatrix y, const float* inverse,
                             RowMatrix gradient);
  // sums[j] += sum of column j; with `times`, of x * times.
  void (*add_columns)(int64_t rows, int64_t width, ConstRowMatrix x, ConstRowMatrix times,
                      float* sums);
  // y = x * scale[j] + shift[j].
  void (*scale)(int64_t rows, int64_t width, ConstRowMatrix x, const float* scale,
                const float* shift, RowMatrix y);
  void (*copy)(int64_t rows, int64_t width, ConstRowMatrix x, RowMatrix y);
  // y += x.
  void (*add)(int64_t rows, int64_t width, ConstRowMatrix x, RowMatrix y);
  // Where x <= 0: gradient = 0.
  void (*relu_gradient)(int64_t rows, int64_t width, ConstRowMatrix x, RowMatrix gradient);

  int64_t PackedFloats(int64_t inner, int64_t columns) const {
    return inner * ((columns + panel - 1) / panel * panel);
  }
};

// The nth fastest of those that this processor runs; null if there are no more.
GOPT_API const RowKernel* FindRowKernel(int nth = 0);

}  // namespace gopt

#endif  // GOPT_NN_ROW_KERNEL_H_
