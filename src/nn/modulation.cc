#include "gopt/nn/modulation.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/init.h>

#include <vector>

#include "gopt/base/check.h"
#include "src/nn/linear_rows.h"

namespace gopt {
namespace {

// [rows, width] -> [sequences, width]; 0 for a sequence without rows.
at::Tensor SequenceMeans(const at::Tensor& h, const SegmentLayout& layout) {
  std::vector<at::Tensor> means;
  for (const at::Tensor& rows : at::split_with_sizes(h, layout.lengths())) {
    means.push_back(rows.size(0) > 0 ? rows.mean(0) : at::zeros({h.size(1)}, h.options()));
  }
  return at::stack(means);
}

}  // namespace

SuperpositionImpl::SuperpositionImpl(const SuperpositionOptions& options) : options_(options) {
  reset();
}

void SuperpositionImpl::reset() {
  if (options_.modulation == Modulation::kNone) return;
  if (options_.modulation == Modulation::kNode) {
    attention = register_module("attention", SegmentAttention(options_.attention));
  }
  const int64_t width = options_.attention.width;
  affine = register_module("affine", torch::nn::Linear(width, width));
  torch::nn::init::zeros_(affine->weight);
  torch::nn::init::zeros_(affine->bias);
}

at::Tensor SuperpositionImpl::forward(const at::Tensor& h, const SegmentLayout& layout) {
  GOPT_CHECK(h.size(0) == layout.rows());
  switch (options_.modulation) {
    case Modulation::kNone:
      return {};
    case Modulation::kNode:
      return LinearRows(
          {.in = attention(h, layout), .weight = affine->weight, .bias = 1 + affine->bias});
    case Modulation::kGraph:
      break;
  }
  if (layout.rows() == 0) return 1 + affine(h);
  const at::Tensor factors = 1 + affine(SequenceMeans(h, layout));  // [sequences, width]
  return layout.lengths().size() == 1 ? factors : at::index_select(factors, 0, layout.sequence());
}

at::Tensor Modulate(const at::Tensor& x, const at::Tensor& factor) {
  return factor.defined() ? x * factor : x;
}

}  // namespace gopt
