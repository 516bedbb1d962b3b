#ifndef GOPT_NN_SEGMENT_LAYOUT_H_
#define GOPT_NN_SEGMENT_LAYOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"

namespace gopt {

// How sequences that are packed one after the other in rows are cut into segments of equal size.
//
// Padded rows are num_segments() * segment() rows: each sequence starts on a new segment and its
// last segment is filled up. Segments are in the order of the rows, so that the segment before s,
// if it is of the same sequence, is s - 1.
//
// Immutable. Const calls are thread-safe.
class GOPT_API SegmentLayout {
 public:
  // Of no rows.
  SegmentLayout() : SegmentLayout({}, 1, at::kCPU) {}

  // Lengths may be 0, and there may be none. Index tensors lie on `device`. `segment` is positive
  // and no length negative.
  static SegmentLayout Create(std::vector<int64_t> lengths, int segment, at::Device device);

  const std::vector<int64_t>& lengths() const { return lengths_; }
  int segment() const { return segment_; }
  at::Device device() const { return device_; }
  int64_t rows() const { return rows_; }
  int64_t num_segments() const { return num_segments_; }
  int64_t padded_rows() const { return num_segments_ * segment_; }

  // Whether row r is padded row r, for all r: one sequence, or all but the last of full segments.
  bool contiguous() const { return contiguous_; }

  const at::Tensor& gather() const { return gather_; }      // [padded rows] int64: row; 0: padding.
  const at::Tensor& inverse() const { return inverse_; }    // [rows] int64: padded row.
  const at::Tensor& previous() const { return previous_; }  // [segments] int64; -1: the first.
  const at::Tensor& padding() const { return padding_; }    // [segments, segment] bool: true.
  const at::Tensor& sequence() const { return sequence_; }  // [rows] int64: sequence.

  // [segments, 3] int64, on the CPU: first row, rows, and rows of the segment before (0: the
  // first). The segment before is always full and ends at the first row.
  const at::Tensor& spans() const { return spans_; }

  // [rows, width] -> [padded rows, width]; what stands in the padding is unspecified, but finite
  // where x is. Differentiable, as is Unpad.
  at::Tensor Pad(const at::Tensor& x) const;
  // [padded rows, width] -> [rows, width].
  at::Tensor Unpad(const at::Tensor& x) const;

  // What is added to the scores of the keys of each segment, the previous segment's first if
  // `recurrence`: 0, or -infinity for padding and for the segment before a sequence's first.
  // [segments, 1, 1, keys] with keys = segment or 2 * segment, of x's dtype.
  at::Tensor KeyBias(bool recurrence, at::ScalarType dtype) const;

 private:
  SegmentLayout(std::vector<int64_t> lengths, int segment, at::Device device);

  std::vector<int64_t> lengths_;
  int segment_;
  at::Device device_;
  int64_t rows_ = 0;
  int64_t num_segments_ = 0;
  bool contiguous_ = true;
  at::Tensor gather_, inverse_, previous_, padding_, sequence_, spans_;
};

}  // namespace gopt

#endif  // GOPT_NN_SEGMENT_LAYOUT_H_
