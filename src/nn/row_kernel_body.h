#ifndef GOPT_NN_ROW_KERNEL_BODY_H_
#define GOPT_NN_ROW_KERNEL_BODY_H_

#include <cstdint>

#include "src/nn/row_kernel.h"
#include "src/nn/vectors.h"

// Included by one source per instruction set, which is compiled for that set: see vectors.h.
namespace gopt {
namespace {

// Vectors of kLanes floats, kMostVectors of them in a panel.
template <int kLanes, int kMostVectors>
struct RowLoops {
  using V = typename Vectors<kLanes>::Float;
  using Unaligned = typename Vectors<kLanes>::Unaligned;
  static constexpr int64_t kPanel = int64_t{kLanes} * kMostVectors;
  static constexpr int kMostRows = 6;  // Of a tile: its sums fill most of the registers.

  static V Load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
  static void Store(float* to, V value) { *reinterpret_cast<Unaligned*>(to) = value; }
  static V Positive(V x) { return x < 0.0f ? V{} : x; }  // NaN stays.
  static float Sum(V x) {
    float sum = 0;
    for (int i = 0; i < kLanes; ++i) sum += x[i];
    return sum;
  }

  // Of the first `columns` floats; 0 after them.
  static V LoadPart(const float* from, int64_t columns) {
    V value = {};
    for (int64_t j = 0; j < kLanes; ++j) {
      if (j < columns) value[j] = from[j];
    }
    return value;
  }
  static void StorePart(float* to, V value, int64_t columns) {
    for (int64_t j = 0; j < kLanes; ++j) {
      if (j < columns) to[j] = value[j];
    }
  }

  // kRows rows from `row` of kVectors vectors of a panel, of whose columns `columns` exist.
  template <int kRows, int kVectors>
  static void Tile(const RowProduct& p, int64_t row, int64_t panel, int64_t columns) {
    V sum[kRows][kVectors] = {};
    const float* a = p.a + row * p.a_row;
    const float* b = p.b + panel * p.b_panel;
    for (int64_t k = 0; k < p.inner; ++k, a += p.a_inner, b += p.b_row) {
      V line[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) line[v] = Load(b + v * kLanes);
#pragma GCC unroll 6
      for (int i = 0; i < kRows; ++i) {
        const V factor = V{} + a[i * p.a_row];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[i][v] += factor * line[v];
      }
    }
    const int64_t first = panel * kPanel;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t column = first + v * kLanes, left = columns - v * kLanes;
      const bool whole = left >= kLanes;
      const auto load = [&](const float* from) {
        return whole ? Load(from + column) : LoadPart(from + column, left);
      };
      const V bias = p.bias != nullptr ? load(p.bias) : V{};
#pragma GCC unroll 6
      for (int i = 0; i < kRows; ++i) {
        V value = sum[i][v] + bias;
        if (p.add.data != nullptr) value += load(p.add.data + (row + i) * p.add.stride);
        if (p.relu) value = Positive(value);
        float* const to = p.c.data + (row + i) * p.c.stride + column;
        whole ? Store(to, value) : StorePart(to, value, left);
      }
    }
  }

  template <int kVectors>
  static void Panel(const RowProduct& p, int64_t panel, int64_t columns) {
    int64_t row = 0;
    for (; row + kMostRows <= p.rows; row += kMostRows) {
      Tile<kMostRows, kVectors>(p, row, panel, columns);
    }
    switch (p.rows - row) {
      case 5:
        return Tile<5, kVectors>(p, row, panel, columns);
      case 4:
        return Tile<4, kVectors>(p, row, panel, columns);
      case 3:
        return Tile<3, kVectors>(p, row, panel, columns);
      case 2:
        return Tile<2, kVectors>(p, row, panel, columns);
      case 1:
        return Tile<1, kVectors>(p, row, panel, columns);
      default:
        return;
    }
  }

  static void Multiply(const RowProduct& p) {
    for (int64_t panel = 0; panel * kPanel < p.columns; ++panel) {
      const int64_t left = p.columns - panel * kPanel, columns = left < kPanel ? left : kPanel;
      const int64_t vectors = (columns + kLanes - 1) / kLanes;
      if (vectors == 1) Panel<1>(p, panel, columns);
      if constexpr (kMostVectors > 2) {
        if (vectors == 2) Panel<2>(p, panel, columns);
        if (vectors == 3) Panel<3>(p, panel, columns);
      }
      if (vectors == kMostVectors) Panel<kMostVectors>(p, panel, columns);
    }
  }

  static void Pack(const float* b, int64_t b_row, int64_t b_column, int64_t inner, int64_t columns,
                   float* to) {
    for (int64_t first = 0; first < columns; first += kPanel) {
      const int64_t width = columns - first < kPanel ? columns - first : kPanel;
      for (int64_t k = 0; k < inner; ++k, to += kPanel) {
        const float* const from = b + k * b_row + first * b_column;
        for (int64_t j = 0; j < width; ++j) to[j] = from[j * b_column];
        for (int64_t j = width; j < kPanel; ++j) to[j] = 0;
      }
    }
  }

  // Calls use(column, lanes) for all vectors of a row.
  template <typename Use>
  static void ForColumns(int64_t width, Use use) {
    int64_t j = 0;
    for (; j + kLanes <= width; j += kLanes) use(j, int64_t{kLanes});
    if (j < width) use(j, width - j);
  }
  static V Read(const float* from, int64_t lanes) {
    return lanes == kLanes ? Load(from) : LoadPart(from, lanes);
  }
  static void Write(float* to, V value, int64_t lanes) {
    lanes == kLanes ? Store(to, value) : StorePart(to, value, lanes);
  }
  // 1 in the first `lanes`.
  static V Ones(int64_t lanes) {
    V ones = {};
    for (int64_t j = 0; j < kLanes; ++j) ones[j] = j < lanes ? 1.0f : 0.0f;
    return ones;
  }

  static void Normalize(int64_t rows, int64_t width, float epsilon, ConstRowMatrix x, RowMatrix y,
                        float* inverse) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* const from = x.data + i * x.stride;
      float* const to = y.data + i * y.stride;
      V sum = {};
      ForColumns(width, [&](int64_t j, int64_t lanes) { sum += Read(from + j, lanes); });
      const float mean = Sum(sum) / static_cast<float>(width);
      V squares = {};
      ForColumns(width, [&](int64_t j, int64_t lanes) {
        V d = Read(from + j, lanes) - mean;
        if (lanes < kLanes) d *= Ones(lanes);
        squares += d * d;
      });
      const float scale =
          1.0f / __builtin_sqrtf(Sum(squares) / static_cast<float>(width) + epsilon);
      ForColumns(width, [&](int64_t j, int64_t lanes) {
        Write(to + j, (Read(from + j, lanes) - mean) * scale, lanes);
      });
      inverse[i] = scale;
    }
  }

  static void NormalizeGradient(int64_t rows, int64_t width, ConstRowMatrix y, const float* inverse,
                                RowMatrix gradient) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* const normal = y.data + i * y.stride;
      float* const g = gradient.data + i * gradient.stride;
      V sum = {}, along = {};
      ForColumns(width, [&](int64_t j, int64_t lanes) {
        const V value = Read(g + j, lanes);
        sum += value;
        along += value * Read(normal + j, lanes);
      });
      const float mean = Sum(sum) / static_cast<float>(width);
      const float slope = Sum(along) / static_cast<float>(width);
      ForColumns(width, [&](int64_t j, int64_t lanes) {
        const V value = Read(g + j, lanes) - mean - Read(normal + j, lanes) * slope;
        Write(g + j, value * inverse[i], lanes);
      });
    }
  }

  static void AddColumns(int64_t rows, int64_t width, ConstRowMatrix x, ConstRowMatrix times,
                         float* sums) {
    ForColumns(width, [&](int64_t j, int64_t lanes) {
      V sum = Read(sums + j, lanes);
      for (int64_t i = 0; i < rows; ++i) {
        V value = Read(x.data + i * x.stride + j, lanes);
        if (times.data != nullptr) value *= Read(times.data + i * times.stride + j, lanes);
        sum += value;
      }
      Write(sums + j, sum, lanes);
    });
  }

  static void Scale(int64_t rows, int64_t width, ConstRowMatrix x, const float* scale,
                    const float* shift, RowMatrix y) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* const from = x.data + i * x.stride;
      float* const to = y.data + i * y.stride;
      for (int64_t j = 0; j < width; ++j) to[j] = from[j] * scale[j] + shift[j];
    }
  }

  static void Copy(int64_t rows, int64_t width, ConstRowMatrix x, RowMatrix y) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* const from = x.data + i * x.stride;
      float* const to = y.data + i * y.stride;
      for (int64_t j = 0; j < width; ++j) to[j] = from[j];
    }
  }

  static void Add(int64_t rows, int64_t width, ConstRowMatrix x, RowMatrix y) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* const from = x.data + i * x.stride;
      float* const to = y.data + i * y.stride;
      for (int64_t j = 0; j < width; ++j) to[j] += from[j];
    }
  }

  static void ReluGradient(int64_t rows, int64_t width, ConstRowMatrix x, RowMatrix gradient) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* const from = x.data + i * x.stride;
      float* const to = gradient.data + i * gradient.stride;
      for (int64_t j = 0; j < width; ++j) to[j] = from[j] <= 0.0f ? 0.0f : to[j];
    }
  }

  static constexpr RowKernel kKernel = {
      kLanes,      kPanel, &Multiply, &Pack, &Normalize,   &NormalizeGradient,
      &AddColumns, &Scale, &Copy,     &Add,  &ReluGradient};
};

}  // namespace
}  // namespace gopt

#endif  // GOPT_NN_ROW_KERNEL_BODY_H_
