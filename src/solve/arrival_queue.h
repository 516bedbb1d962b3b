#ifndef GOPT_SRC_SOLVE_ARRIVAL_QUEUE_H_
#define GOPT_SRC_SOLVE_ARRIVAL_QUEUE_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "gopt/base/types.h"

namespace gopt {

// The tasks that one device could run next. Those whose inputs have arrived compete by rank, lowest
// first; the others by arrival. Every operation takes logarithmic time, amortised.
class ArrivalQueue {
 public:
  struct Entry {
    Nanoseconds start = kSaturated;  // On the device, if that is free by then.
    int32_t rank = 0;
    KernelId task = kNone;
  };

  void Push(KernelId task, int32_t rank, Nanoseconds arrival) {
    waiting_.push({arrival, rank, task});
  }

  // Who starts first on a device that is free from `free` on, which never becomes less; ties by
  // rank. Forgets tasks for which `gone` holds. Task kNone: nobody.
  template <typename Gone>
  Entry Best(Nanoseconds free, Gone gone) {
    for (; !waiting_.empty(); waiting_.pop()) {
      const Entry& next = waiting_.top();
      if (gone(next.task)) continue;
      if (next.start > free) break;
      arrived_.push(next);
    }
    while (!arrived_.empty() && gone(arrived_.top().task)) arrived_.pop();
    if (!arrived_.empty()) return {free, arrived_.top().rank, arrived_.top().task};
    return waiting_.empty() ? Entry{} : waiting_.top();
  }

  // Removes what Best returned last.
  void PopBest() {
    if (!arrived_.empty()) {
      arrived_.pop();
    } else {
      waiting_.pop();
    }
  }

 private:
  struct LaterArrival {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.start != b.start ? a.start > b.start : a.rank > b.rank;
    }
  };
  struct HigherRank {
    bool operator()(const Entry& a, const Entry& b) const { return a.rank > b.rank; }
  };

  std::priority_queue<Entry, std::vector<Entry>, LaterArrival> waiting_;
  std::priority_queue<Entry, std::vector<Entry>, HigherRank> arrived_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_ARRIVAL_QUEUE_H_
