#ifndef SRC_COST_MIN_TREE_H_
#define SRC_COST_MIN_TREE_H_

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// No event is due.
inline constexpr Nanoseconds kNever = std::numeric_limits<Nanoseconds>::max();

// The next event of each device, in a tournament tree: the earliest in constant time, an update in
// log(devices).
class MinTree {
 public:
  void Reset(int size) {
    leaves_ = 1;
    while (leaves_ < static_cast<size_t>(size)) leaves_ *= 2;
    node_.assign(2 * leaves_, kNever);
  }

  Nanoseconds top() const { return node_[1]; }

  void Set(int leaf, Nanoseconds time) {
    size_t i = leaves_ + static_cast<size_t>(leaf);
    node_[i] = time;
    while (i > 1) {
      time = std::min(time, node_[i ^ 1]);
      i /= 2;
      if (node_[i] == time) return;
      node_[i] = time;
    }
  }

  // The lowest leaf whose event is the earliest; takes the event away.
  int PopTop() {
    const Nanoseconds time = top();
    size_t i = 1;
    while (i < leaves_) {
      i *= 2;
      if (node_[i] != time) ++i;
    }
    const int leaf = static_cast<int>(i - leaves_);
    Set(leaf, kNever);
    return leaf;
  }

 private:
  size_t leaves_ = 1;
  std::vector<Nanoseconds> node_;  // Root at 1, leaves from leaves_.
};

}  // namespace gopt

#endif  // SRC_COST_MIN_TREE_H_
