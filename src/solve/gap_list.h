#ifndef GOPT_SRC_SOLVE_GAP_LIST_H_
#define GOPT_SRC_SOLVE_GAP_LIST_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"

namespace gopt {

// The free time of one device: the gaps between its busy intervals, adjacent intervals merged, and
// everything after the last. A treap ordered by time whose nodes know the longest gap below them
// (Seidel and Aragon, Algorithmica 16, 1996): finding the first gap that fits and filling it take
// logarithmic time.
class GOPT_API GapList {
 public:
  // All time is free. Keeps buffers.
  void Clear();

  // Earliest start, not before `ready`, of `length` free nanoseconds.
  Nanoseconds Find(Nanoseconds ready, Nanoseconds length) const;

  // End of the last busy interval; everything after it is free.
  Nanoseconds tail() const { return tail_; }

  // Makes everything before `end` busy. For schedules that never look back.
  void Append(Nanoseconds end) { tail_ = end; }

  // Makes [start, start + length) busy; it must be free, as Find returns it.
  void Take(Nanoseconds start, Nanoseconds length);

 private:
  using Index = int32_t;
  struct Node {
    Nanoseconds begin, end;
    Nanoseconds longest;  // Of the gaps in this subtree.
    Index left, right;
    uint32_t priority;  // No smaller than those of the children.
  };

  Nanoseconds Longest(Index node) const { return node == kNone ? -1 : nodes_[node].longest; }
  void Update(Index node);
  Index FirstFit(Index root, Nanoseconds length) const;
  void FindPath(Nanoseconds time);
  void Insert(Nanoseconds begin, Nanoseconds end);
  void Rotate(size_t depth, Index node);
  uint32_t NextPriority();

  std::vector<Node> nodes_;
  Index root_ = kNone;
  Nanoseconds tail_ = 0;
  uint32_t random_ = 1;
  std::vector<Index> path_;           // From the root to the node in question.
  mutable std::vector<Index> later_;  // Nodes where Find went left.
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_GAP_LIST_H_
