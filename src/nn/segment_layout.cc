#include "gopt/nn/segment_layout.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "gopt/base/check.h"

namespace gopt {
namespace {

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

SegmentLayout SegmentLayout::Create(std::vector<int64_t> lengths, int segment, at::Device device) {
  return SegmentLayout(std::move(lengths), segment, device);
}

SegmentLayout::SegmentLayout(std::vector<int64_t> lengths, int segment, at::Device device)
    : lengths_(std::move(lengths)), segment_(segment), device_(device) {
  GOPT_CHECK(segment > 0);
  for (int64_t length : lengths_) {
    GOPT_CHECK(length >= 0);
    if (length > 0 && rows_ != num_segments_ * segment) contiguous_ = false;
    rows_ += length;
    num_segments_ += CeilDiv(length, segment);
  }

  at::Tensor gather = at::zeros({padded_rows()}, at::kLong);
  at::Tensor inverse = at::empty({rows_}, at::kLong);
  at::Tensor previous = at::empty({num_segments_}, at::kLong);
  at::Tensor padding = at::zeros({num_segments_, segment}, at::kBool);
  at::Tensor sequence = at::empty({rows_}, at::kLong);
  int64_t* gather_data = gather.mutable_data_ptr<int64_t>();
  int64_t* inverse_data = inverse.mutable_data_ptr<int64_t>();
  int64_t* previous_data = previous.mutable_data_ptr<int64_t>();
  at::Tensor spans = at::empty({num_segments_, 3}, at::kLong);
  int64_t* span = spans.mutable_data_ptr<int64_t>();
  bool* padding_data = padding.mutable_data_ptr<bool>();
  int64_t* sequence_data = sequence.mutable_data_ptr<int64_t>();
  int64_t row = 0, s = 0;
  for (size_t i = 0; i < lengths_.size(); ++i) {
    const int64_t first = s;
    int64_t padded = s * segment;
    for (const int64_t end = row + lengths_[i]; row < end; ++row, ++padded) {
      gather_data[padded] = row;
      inverse_data[row] = padded;
      sequence_data[row] = static_cast<int64_t>(i);
    }
    const int64_t sequence_begin = row - lengths_[i];
    for (; s < first + CeilDiv(lengths_[i], segment); ++s, span += 3) {
      previous_data[s] = s == first ? -1 : s - 1;
      span[0] = sequence_begin + (s - first) * segment;
      span[1] = std::min<int64_t>(segment, row - span[0]);
      span[2] = s == first ? 0 : segment;
    }
    for (; padded < s * segment; ++padded) padding_data[padded] = true;
  }
  gather_ = gather.to(device);
  inverse_ = inverse.to(device);
  previous_ = previous.to(device);
  padding_ = padding.to(device);
  sequence_ = sequence.to(device);
  spans_ = spans;
}

at::Tensor SegmentLayout::Pad(const at::Tensor& x) const {
  GOPT_CHECK(x.size(0) == rows_);
  if (!contiguous_) return at::index_select(x, 0, gather_);
  if (rows_ == padded_rows()) return x;
  return at::constant_pad_nd(x, {0, 0, 0, padded_rows() - rows_});
}

at::Tensor SegmentLayout::Unpad(const at::Tensor& x) const {
  GOPT_CHECK(x.size(0) == padded_rows());
  return contiguous_ ? x.narrow(0, 0, rows_) : at::index_select(x, 0, inverse_);
}

at::Tensor SegmentLayout::KeyBias(bool recurrence, at::ScalarType dtype) const {
  at::Tensor hidden = padding_;
  if (recurrence) {
    // A segment that another follows is full.
    const at::Tensor first = previous_.lt(0).unsqueeze(1).expand({num_segments_, segment_});
    hidden = at::cat({first, padding_}, 1);
  }
  const int64_t keys = recurrence ? 2 * segment_ : segment_;
  at::Tensor bias = at::zeros({num_segments_, 1, 1, keys}, padding_.options().dtype(dtype));
  return bias.masked_fill_(hidden.view({num_segments_, 1, 1, hidden.size(1)}),
                           -std::numeric_limits<double>::infinity());
}

}  // namespace gopt
