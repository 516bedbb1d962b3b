#include "src/rl/iteration_seed.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gopt {

std::vector<int> ChooseProblems(const std::vector<int64_t>& sizes, int batch, bool curriculum,
                                double progress, uint64_t seed) {
  constexpr double kFirstShare = 0.25;
  std::vector<int> order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  size_t in = order.size();
  if (curriculum) {
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return sizes[a] < sizes[b]; });
    const double share = std::min(1.0, kFirstShare + (1 - kFirstShare) * 2 * progress);
    in = std::min(in, std::max(static_cast<size_t>(batch),
                               static_cast<size_t>(std::ceil(share * static_cast<double>(in)))));
  }
  Random random(seed);
  const size_t chosen = std::min(in, static_cast<size_t>(batch));
  for (size_t i = 0; i < chosen; ++i) {
    std::swap(order[i], order[i + random.Below(static_cast<int64_t>(in - i))]);
  }
  order.resize(chosen);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace gopt
