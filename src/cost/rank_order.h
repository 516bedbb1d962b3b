#ifndef SRC_COST_RANK_ORDER_H_
#define SRC_COST_RANK_ORDER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// Sorts kernels by (rank, id), in linear time and without allocating once warm. Remembers the last
// ranks: searches that move kernels between devices keep them.
class RankOrder {
 public:
  // Valid until the next call.
  std::span<const KernelId> Sort(std::span<const int32_t> ranks);

 private:
  void RadixSort();

  std::vector<int32_t> ranks_;
  std::vector<KernelId> order_, scratch_;
};

}  // namespace gopt

#endif  // SRC_COST_RANK_ORDER_H_
