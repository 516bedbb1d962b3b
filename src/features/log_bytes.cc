#include "gopt/features/log_bytes.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

namespace gopt {

at::Tensor LogBytes(std::span<const int64_t> bytes) {
  at::Tensor result = at::empty({static_cast<int64_t>(bytes.size())}, at::kFloat);
  std::transform(bytes.begin(), bytes.end(), result.mutable_data_ptr<float>(), [](int64_t size) {
    return static_cast<float>(std::log1p(static_cast<double>(std::max<int64_t>(size, 0))));
  });
  return result;
}

}  // namespace gopt
