#ifndef GOPT_NN_ATTENTION_KERNEL_BODY_H_
#define GOPT_NN_ATTENTION_KERNEL_BODY_H_

#include <cstdint>

#include "src/nn/attention_kernel.h"
#include "src/nn/vectors.h"

// Included by one source per instruction set, which is compiled for that set: see vectors.h.
namespace gopt {
namespace {

// kLanes floats at a time: as many queries side by side, each with its own softmax. Where keys are
// summed over, no lane ever needs another.
template <int kLanes, int kWidth>
struct HeadKernel {
  using V = typename Vectors<kLanes>::Float;
  using Int = typename Vectors<kLanes>::Int;
  using Unaligned = typename Vectors<kLanes>::Unaligned;
  static constexpr int kParts = kWidth / kLanes;  // Vectors of a row.
  static_assert(kWidth % kLanes == 0);

  static V Load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
  static void Store(float* to, V value) { *reinterpret_cast<Unaligned*>(to) = value; }

  // 2^x for x <= 0, to an ulp or two: Taylor's series on [-1/2, 1/2] and the exponent's bits.
  static V Exp2(V x) {
    x = x > -126.0f ? x : V{} - 126.0f;
    const V shifted = x + 12582912.0f;  // 1.5 * 2^23: the low bits are the rounded x.
    const V f = x - (shifted - 12582912.0f);
    V p = f * 1.5403530e-4f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    return reinterpret_cast<V>(reinterpret_cast<Int>(p) + (reinterpret_cast<Int>(shifted) << 23));
  }

  // kLanes rows, and their transpose times `scale`; 0 after the first `rows`.
  struct Tile {
    void Read(const float* from, int64_t stride, int64_t rows, float scale) {
      for (int64_t i = 0; i < kLanes; ++i) {
        for (int d = 0; d < kWidth; ++d) {
          const float x = i < rows ? from[i * stride + d] : 0.0f;
          row[i][d] = x;
          column[d][i] = x * scale;
        }
      }
    }
    alignas(64) float row[kLanes][kWidth];
    alignas(64) float column[kWidth][kLanes];
  };

  // result[j] = sum over d of vectors[d] * rows[j][d], for kKeys rows: sums that do not wait for
  // each other.
  template <int kKeys>
  static void Products(const V* vectors, const float* rows, V* result) {
#pragma GCC unroll 8
    for (int j = 0; j < kKeys; ++j) result[j] = vectors[0] * rows[j * kWidth];
#pragma GCC unroll 32
    for (int d = 1; d < kWidth; ++d) {
#pragma GCC unroll 8
      for (int j = 0; j < kKeys; ++j) result[j] += vectors[d] * rows[j * kWidth + d];
    }
  }

  // Calls use(j, products of rows[j]) for all keys.
  template <typename Use>
  static void ForProducts(const Tile& tile, const float* rows, int64_t keys, Use use) {
    V vectors[kWidth];
#pragma GCC unroll 32
    for (int d = 0; d < kWidth; ++d) vectors[d] = Load(tile.column[d]);
    int64_t j = 0;
    for (; j + 4 <= keys; j += 4) {
      V result[4];
      Products<4>(vectors, rows + j * kWidth, result);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) use(j + i, result[i]);
    }
    for (; j < keys; ++j) {
      V result[1];
      Products<1>(vectors, rows + j * kWidth, result);
      use(j, result[0]);
    }
  }

  // The first `rows` rows of the transpose of `columns`, each lane times `factor`.
  static void WriteTransposed(const V* columns, V factor, float* to, int64_t stride, int64_t rows) {
    alignas(64) float column[kWidth][kLanes];
    for (int d = 0; d < kWidth; ++d) Store(column[d], columns[d] * factor);
    for (int64_t i = 0; i < rows; ++i) {
      for (int d = 0; d < kWidth; ++d) to[i * stride + d] = column[d][i];
    }
  }

  // sums[j] += sum over queries i of weights[j][i] * rows[i], for all keys.
  static void AddRows(const float* weights, const Tile& tile, int64_t keys, float* sums) {
    for (int part = 0; part < kParts; ++part) {
      V rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) rows[i] = Load(tile.row[i] + part * kLanes);
      float* const to = sums + part * kLanes;
      int64_t j = 0;
      for (; j + 4 <= keys; j += 4) AddRowsOf<4>(weights + j * kLanes, rows, to + j * kWidth);
      for (; j < keys; ++j) AddRowsOf<1>(weights + j * kLanes, rows, to + j * kWidth);
    }
  }
  template <int kKeys>
  static void AddRowsOf(const float* weights, const V* rows, float* sums) {
    V sum[kKeys];
#pragma GCC unroll 4
    for (int j = 0; j < kKeys; ++j) sum[j] = Load(sums + j * kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kKeys; ++j) sum[j] += rows[i] * weights[j * kLanes + i];
    }
#pragma GCC unroll 4
    for (int j = 0; j < kKeys; ++j) Store(sums + j * kWidth, sum[j]);
  }

  static void Pack(const float* from, int64_t stride, int64_t rows, float* to) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int d = 0; d < kWidth; ++d) to[i * kWidth + d] = from[i * stride + d];
    }
  }
  static void Unpack(const float* from, int64_t rows, float factor, float* to, int64_t stride) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int d = 0; d < kWidth; ++d) to[i * stride + d] = factor * from[i * kWidth + d];
    }
  }

  static constexpr float kLog2E = 1.44269504f;

  static void Forward(const AttentionHead& head, float* scratch) {
    float* const key = scratch;
    float* const value = key + head.keys * kWidth;
    float* const score = value + head.keys * kWidth;  // [keys, lanes]
    Pack(head.key, head.stride, head.keys, key);
    Pack(head.value, head.stride, head.keys, value);
    for (int64_t first = 0; first < head.queries; first += kLanes) {
      const int64_t rows = head.queries - first < kLanes ? head.queries - first : kLanes;
      Tile query;
      query.Read(head.query + first * head.stride, head.stride, rows, head.scale * kLog2E);
      V largest = V{} - 3e38f;
      ForProducts(query, key, head.keys, [&](int64_t j, V s) {
        Store(score + j * kLanes, s);
        largest = s > largest ? s : largest;
      });
      V sum = {}, out[kWidth] = {};
      for (int64_t j = 0; j < head.keys; ++j) {
        const V p = Exp2(Load(score + j * kLanes) - largest);
        sum += p;
#pragma GCC unroll 32
        for (int d = 0; d < kWidth; ++d) out[d] += p * value[j * kWidth + d];
      }
      const V inverse = 1.0f / sum;
      WriteTransposed(out, inverse, head.out + first * head.out_stride, head.out_stride, rows);
      for (int64_t i = 0; i < rows; ++i) {
        head.largest[first + i] = largest[i];
        head.inverse[first + i] = inverse[i];
      }
    }
  }

  static void Backward(const AttentionHead& head, const AttentionHeadGradient& gradient,
                       float* scratch) {
    const int64_t size = head.keys * kWidth;
    float *const key = scratch, *const value = key + size;
    float *const key_sum = value + size, *const value_sum = key_sum + size;
    float* const probability = value_sum + size;            // [keys, lanes]
    float* const score = probability + head.keys * kLanes;  // Gradient of the scores, likewise.
    Pack(head.key, head.stride, head.keys, key);
    Pack(head.value, head.stride, head.keys, value);
    for (int64_t i = 0; i < 2 * size; ++i) key_sum[i] = 0;
    for (int64_t first = 0; first < head.queries; first += kLanes) {
      const int64_t rows = head.queries - first < kLanes ? head.queries - first : kLanes;
      Tile query, out;
      query.Read(head.query + first * head.stride, head.stride, rows, head.scale * kLog2E);
      out.Read(gradient.out + first * head.out_stride, head.out_stride, rows, 1.0f);
      V largest = {}, inverse = {}, mean = {};  // Absent queries have probability 0.
      for (int64_t i = 0; i < rows; ++i) {
        largest[i] = head.largest[first + i];
        inverse[i] = head.inverse[first + i];
        float sum = 0;
        for (int d = 0; d < kWidth; ++d) {
          sum += out.row[i][d] * head.out[(first + i) * head.out_stride + d];
        }
        mean[i] = sum;
      }
      ForProducts(query, key, head.keys, [&](int64_t j, V s) {
        Store(probability + j * kLanes, Exp2(s - largest) * inverse);
      });
      ForProducts(out, value, head.keys, [&](int64_t j, V s) {
        Store(score + j * kLanes, Load(probability + j * kLanes) * (s - mean));
      });
      V to_query[kWidth] = {};
      for (int64_t j = 0; j < head.keys; ++j) {
        const V s = Load(score + j * kLanes);
#pragma GCC unroll 32
        for (int d = 0; d < kWidth; ++d) to_query[d] += s * key[j * kWidth + d];
      }
      WriteTransposed(to_query, V{} + head.scale, gradient.query + first * gradient.stride,
                      gradient.stride, rows);
      AddRows(score, query, head.keys, key_sum);
      AddRows(probability, out, head.keys, value_sum);
    }
    const int64_t memory = gradient.memory, own = head.keys - memory;
    Unpack(key_sum, memory, head.scale, gradient.memory_key, gradient.memory_stride);
    Unpack(value_sum, memory, 1.0f, gradient.memory_value, gradient.memory_stride);
    Unpack(key_sum + memory * kWidth, own, head.scale, gradient.key, gradient.stride);
    Unpack(value_sum + memory * kWidth, own, 1.0f, gradient.value, gradient.stride);
  }

  static constexpr AttentionKernel kKernel = {&Forward, &Backward};
};

}  // namespace
}  // namespace gopt

#endif  // GOPT_NN_ATTENTION_KERNEL_BODY_H_
