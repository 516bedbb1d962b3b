#ifndef GOPT_SRC_SOLVE_RANK_SORT_H_
#define GOPT_SRC_SOLVE_RANK_SORT_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// Turns priorities into ranks 0 .. n-1: highest priority first, ties by lower index, NaN last. A
// stable radix sort in linear time; keeps its buffers between calls.
class RankSorter {
 public:
  void Sort(std::span<const double> priority, std::vector<int32_t>* rank);

 private:
  struct Item {
    uint64_t key;
    int32_t index;
  };
  std::vector<Item> items_, other_;
  std::vector<uint32_t> histogram_;
};

// Rank of each task in an order of all of them, first to last: the inverse permutation.
std::vector<int32_t> RanksOfOrder(std::span<const KernelId> order);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_RANK_SORT_H_
