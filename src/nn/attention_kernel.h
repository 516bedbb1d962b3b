#ifndef GOPT_NN_ATTENTION_KERNEL_H_
#define GOPT_NN_ATTENTION_KERNEL_H_

#include <cstdint>

namespace gopt {

// Softmax attention of one head of one segment, forward and backward, for narrow heads: between
// 8 and 32 columns libraries spend more time on copies and calls than on products. Rows of a matrix
// are `stride` floats apart; those of a head are `head width` neighbours.
struct AttentionHead {
  int64_t queries = 0, keys = 0;
  const float* query = nullptr;  // [queries, head width]
  const float* key = nullptr;    // [keys, head width]
  const float* value = nullptr;  // [keys, head width]
  int64_t stride = 0;            // Of all three.
  float scale = 1;               // Of the scores.
  // Written forward, read backward. Scores are in units of log 2.
  float* out = nullptr;  // [queries, head width]
  int64_t out_stride = 0;
  float* largest = nullptr;  // [queries] largest score.
  float* inverse = nullptr;  // [queries] 1 / sum of 2^(score - largest).
};

// Gradients. Those of keys and values, [keys, head width], are of the `memory` rows of the segment
// before and then of the own.
struct AttentionHeadGradient {
  const float* out = nullptr;  // [queries, head width], out_stride apart.
  float* query = nullptr;
  int64_t memory = 0;
  float* memory_key = nullptr;
  float* memory_value = nullptr;
  int64_t memory_stride = 0;
  float* key = nullptr;
  float* value = nullptr;
  int64_t stride = 0;  // Of query, key and value.
};

struct AttentionKernel {
  void (*forward)(const AttentionHead& head, float* scratch);
  void (*backward)(const AttentionHead& head, const AttentionHeadGradient& gradient,
                   float* scratch);
};

// Floats of scratch memory, which is 64-byte aligned.
inline int64_t AttentionScratch(int64_t keys, int64_t head_width) {
  constexpr int64_t kMostLanes = 16;
  return keys * (4 * head_width + 2 * kMostLanes);
}

// Null if there is none for this head width on this processor.
const AttentionKernel* FindAttentionKernel(int64_t head_width);

}  // namespace gopt

#endif  // GOPT_NN_ATTENTION_KERNEL_H_
