#ifndef GOPT_FEATURES_LOG_BYTES_H_
#define GOPT_FEATURES_LOG_BYTES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "gopt/base/export.h"

namespace gopt {

// log(1 + bytes), the scale on which features give sizes. Shape [bytes.size()], float32, on the
// CPU. Negative sizes mean "unknown" and become 0.
GOPT_API at::Tensor LogBytes(std::span<const int64_t> bytes);

}  // namespace gopt

#endif  // GOPT_FEATURES_LOG_BYTES_H_
