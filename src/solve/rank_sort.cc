#include "src/solve/rank_sort.h"

#include <bit>
#include <cmath>

namespace gopt {
namespace {

constexpr int kBits = 11;
constexpr int kPasses = 6;
constexpr uint64_t kBuckets = uint64_t{1} << kBits;

// Ascending keys are descending priorities.
uint64_t DescendingKey(double priority) {
  if (std::isnan(priority)) return ~uint64_t{0};
  const uint64_t bits = std::bit_cast<uint64_t>(priority + 0.0);  // -0.0 becomes 0.0
  const uint64_t sign = uint64_t{1} << 63;
  const uint64_t ascending = (bits & sign) ? ~bits : bits | sign;
  return ~ascending;
}

uint64_t Digit(uint64_t key, int pass) { return (key >> (pass * kBits)) & (kBuckets - 1); }

}  // namespace

void RankSorter::Sort(std::span<const double> priority, std::vector<int32_t>* rank) {
  const size_t n = priority.size();
  items_.resize(n);
  other_.resize(n);
  histogram_.assign(kPasses * kBuckets, 0);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t key = DescendingKey(priority[i]);
    items_[i] = {key, static_cast<int32_t>(i)};
    for (int pass = 0; pass < kPasses; ++pass) ++histogram_[pass * kBuckets + Digit(key, pass)];
  }
  for (int pass = 0; pass < kPasses; ++pass) {
    uint32_t* count = &histogram_[pass * kBuckets];
    if (n == 0 || count[Digit(items_[0].key, pass)] == n) continue;  // All in one bucket.
    uint32_t begin = 0;
    for (uint64_t bucket = 0; bucket < kBuckets; ++bucket) {
      const uint32_t size = count[bucket];
      count[bucket] = begin;
      begin += size;
    }
    for (const Item& item : items_) other_[count[Digit(item.key, pass)]++] = item;
    items_.swap(other_);
  }
  rank->resize(n);
  for (size_t i = 0; i < n; ++i) (*rank)[items_[i].index] = static_cast<int32_t>(i);
}

std::vector<int32_t> RanksOfOrder(std::span<const KernelId> order) {
  std::vector<int32_t> rank(order.size());
  for (size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<int32_t>(i);
  return rank;
}

}  // namespace gopt
