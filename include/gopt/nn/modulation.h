#ifndef GOPT_NN_MODULATION_H_
#define GOPT_NN_MODULATION_H_

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "gopt/base/export.h"
#include "gopt/nn/segment_attention.h"
#include "gopt/nn/segment_layout.h"
#include "gopt/training/config.h"

namespace gopt {

struct SuperpositionOptions {
  Modulation modulation = Modulation::kNode;
  SegmentAttentionOptions attention = {};  // Of kNode's layer; its width is that of the factors.
};

// Parameter modulation (GO, section 3.3; superposition, Cheung et al. 2019): what the inputs of
// the layers are multiplied by, element by element, so that unlike graphs of one batch need not
// share every direction. With h the node embeddings:
//   kNone:  no factor
//   kGraph: 1 + FC(mean of h over the graph's nodes)
//   kNode:  1 + FC(SegmentAttention(h))
// FC starts at 0: an untrained factor is 1.
class GOPT_API SuperpositionImpl : public torch::nn::Cloneable<SuperpositionImpl> {
 public:
  explicit SuperpositionImpl(const SuperpositionOptions& options = {});
  void reset() override;

  // h [rows, width] -> [rows, width], [1, width] (a single graph's, for all rows), or undefined.
  // Each sequence of the layout is a graph.
  at::Tensor forward(const at::Tensor& h, const SegmentLayout& layout);

  const SuperpositionOptions& options() const { return options_; }

  SegmentAttention attention{nullptr};  // kNode only.
  torch::nn::Linear affine{nullptr};    // Not with kNone.

 private:
  SuperpositionOptions options_;
};
TORCH_MODULE(Superposition);

// x * factor; x itself if there is no factor.
GOPT_API at::Tensor Modulate(const at::Tensor& x, const at::Tensor& factor);

}  // namespace gopt

#endif  // GOPT_NN_MODULATION_H_
