#ifndef GOPT_SRC_PLAN_GROUP_ORDER_H_
#define GOPT_SRC_PLAN_GROUP_ORDER_H_

#include <cstdint>
#include <span>
#include <vector>

namespace gopt {

// A total order of some of the items 0 .. n-1 in which any two are compared, and one is put next to
// another, in (amortized logarithmic) constant time: a linked list with a label per item, spread
// out where they become dense (Bender, Cole, Demaine, Farach-Colton, Zito: Two Simplified
// Algorithms for Maintaining Order in a List, ESA 2002).
class GroupOrder {
 public:
  explicit GroupOrder(int capacity);

  // Holds exactly these items, in this order.
  void Assign(std::span<const int32_t> items);

  bool Before(int32_t a, int32_t b) const { return label_[a] < label_[b]; }
  // Grows along the order; changes when items are put in.
  int64_t label(int32_t item) const { return label_[item]; }

  void InsertAfter(int32_t at, int32_t item);
  void InsertBefore(int32_t at, int32_t item);
  void Erase(int32_t item);
  // `item` takes the place of `old`, which is no longer in the order.
  void Replace(int32_t old, int32_t item);

 private:
  void Link(int32_t before, int32_t item, int32_t after);
  void SpreadAround(int32_t item);

  const int32_t end_;  // Stands before the first and after the last item.
  std::vector<int32_t> next_, previous_;
  std::vector<int64_t> label_;  // In [0, 2^62).
};

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_GROUP_ORDER_H_
