#ifndef GOPT_NN_ATTEND_SEGMENTS_H_
#define GOPT_NN_ATTEND_SEGMENTS_H_

#include <ATen/core/Tensor.h>

#include "gopt/base/export.h"
#include "gopt/nn/segment_layout.h"

namespace gopt {

// Heads side by side of softmax(q k' / sqrt(width / heads)) v with [q k v] = norm(x) weight' +
// bias, the norm without weights; q of each segment, k and v of the segment and, if `recurrence`,
// of the one before, through which no gradient reaches x, but it does reach weight and bias.
//   x [rows, width], weight [3 width, width], bias [3 width] -> [rows, width]
// On the CPU a segment is projected when its turn comes, with the one before it kept, and once more
// for the gradient.
GOPT_API at::Tensor AttendSegments(const at::Tensor& x, const at::Tensor& weight,
                                   const at::Tensor& bias, double epsilon, int heads,
                                   bool recurrence, const SegmentLayout& layout);

// The same of differentiable ops, for any device.
GOPT_API at::Tensor AttendSegmentsOfOps(const at::Tensor& x, const at::Tensor& weight,
                                        const at::Tensor& bias, double epsilon, int heads,
                                        bool recurrence, const SegmentLayout& layout);

}  // namespace gopt

#endif  // GOPT_NN_ATTEND_SEGMENTS_H_
