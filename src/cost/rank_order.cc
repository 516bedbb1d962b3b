#include "src/cost/rank_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <numeric>

namespace gopt {

std::span<const KernelId> RankOrder::Sort(std::span<const int32_t> ranks) {
  if (ranks.size() == ranks_.size() && std::equal(ranks.begin(), ranks.end(), ranks_.begin())) {
    return order_;
  }
  ranks_.assign(ranks.begin(), ranks.end());
  order_.resize(ranks.size());
  std::iota(order_.begin(), order_.end(), 0);
  if (!std::is_sorted(ranks_.begin(), ranks_.end())) RadixSort();
  return order_;
}

// Stable, least significant digit first, over the digits that differ.
void RankOrder::RadixSort() {
  constexpr int kDigitBits = 11;
  constexpr uint32_t kDigits = 1u << kDigitBits;
  const auto [low, high] = std::minmax_element(ranks_.begin(), ranks_.end());
  const uint32_t base = static_cast<uint32_t>(*low);
  const int bits = std::bit_width(static_cast<uint32_t>(*high) - base);
  scratch_.resize(order_.size());
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    const auto digit = [&](KernelId kernel) {
      return ((static_cast<uint32_t>(ranks_[kernel]) - base) >> shift) & (kDigits - 1);
    };
    std::array<int32_t, kDigits> next = {};
    for (KernelId kernel : order_) ++next[digit(kernel)];
    std::exclusive_scan(next.begin(), next.end(), next.begin(), 0);
    for (KernelId kernel : order_) scratch_[next[digit(kernel)]++] = kernel;
    order_.swap(scratch_);
  }
}

}  // namespace gopt
