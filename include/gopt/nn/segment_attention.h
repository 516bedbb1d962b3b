#ifndef GOPT_NN_SEGMENT_ATTENTION_H_
#define GOPT_NN_SEGMENT_ATTENTION_H_

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "gopt/base/export.h"
#include "gopt/nn/segment_layout.h"

namespace gopt {

enum class FeedForwardActivation : uint8_t { kRelu = 1, kGelu = 2 };

struct SegmentAttentionOptions {
  int width = 64;          // Of a row.
  int heads = 4;           // Divides width.
  bool recurrence = true;  // Keys and values of the previous segment too.
  // Width of the hidden layer over width. 2, not the 4 of language models: at width 64 a hidden
  // layer of 4 costs more than the attention. 0: no feed-forward block, y_s = a_s.
  int feed_forward_ratio = 2;
  FeedForwardActivation activation = FeedForwardActivation::kRelu;
};

// A transformer layer without positions and with segment-level recurrence (Transformer-XL, Dai et
// al. 2019, section 3.2; GO, section 3.2). For each segment s of a sequence, with h_s its rows of
// x and sg() stopping the gradient:
//   c_s = [sg(h_(s-1)), h_s]                             the first segment: [h_s]
//   a_s = h_s + Out(Attention(Q(LN1(h_s)), K(LN1(c_s)), V(LN1(c_s))))
//   y_s = a_s + Down(activation(Up(LN2(a_s))))
// The weights do get the gradient that comes through the previous segment. Nothing here depends on
// the other segments' output, so all segments are one batched attention. Norms come before their
// block: the gradient has a path without any, and training needs no warm-up.
//
// Rows of one segment have no order: permuting them permutes the output.
class GOPT_API SegmentAttentionImpl : public torch::nn::Cloneable<SegmentAttentionImpl> {
 public:
  explicit SegmentAttentionImpl(const SegmentAttentionOptions& options = {});
  void reset() override;

  // x [layout.rows(), width] -> [rows, width], on the device and of the dtype of the parameters.
  at::Tensor forward(const at::Tensor& x, const SegmentLayout& layout);

  const SegmentAttentionOptions& options() const { return options_; }

  torch::nn::LayerNorm norm{nullptr};          // LN1
  torch::nn::Linear query_key_value{nullptr};  // Q, K and V, one over the other: [3 width, width].
  torch::nn::Linear out{nullptr};
  torch::nn::LayerNorm feed_forward_norm{nullptr};  // LN2
  torch::nn::Linear up{nullptr};
  torch::nn::Linear down{nullptr};

 private:
  SegmentAttentionOptions options_;
};
TORCH_MODULE(SegmentAttention);

}  // namespace gopt

#endif  // GOPT_NN_SEGMENT_ATTENTION_H_
