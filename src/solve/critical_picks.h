#ifndef GOPT_SRC_SOLVE_CRITICAL_PICKS_H_
#define GOPT_SRC_SOLVE_CRITICAL_PICKS_H_

#include <span>

#include "gopt/base/random.h"
#include "gopt/base/types.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// Random tasks where a change may count: on the critical chain more often than elsewhere.
class CriticalPicks {
 public:
  // share: how often a pick is on the chain, where one is known. random must outlive this.
  CriticalPicks(double share, Random* random) : share_(share), random_(*random) {}

  // The chain from now on, which must outlive its picks; empty: none.
  void SetChain(std::span<const KernelId> chain) { chain_ = chain; }

  KernelId Pick(const TaskGraph& tasks) {
    if (!chain_.empty() && random_.Uniform() < share_) {
      return chain_[random_.Below(static_cast<int64_t>(chain_.size()))];
    }
    return static_cast<KernelId>(random_.Below(tasks.num_tasks()));
  }

  // One of those that feed the task or read from it; kNone if there is none.
  KernelId Neighbour(const TaskGraph& tasks, KernelId task) {
    const KernelGraph& graph = tasks.kernel_graph();
    const auto before = KernelGraph::Row(graph.predecessors, graph.predecessor_begin, task);
    const auto after = KernelGraph::Row(graph.successors, graph.successor_begin, task);
    const auto count = static_cast<int64_t>(before.size() + after.size());
    if (count == 0) return kNone;
    const auto i = static_cast<size_t>(random_.Below(count));
    return i < before.size() ? before[i] : after[i - before.size()];
  }

 private:
  const double share_;
  Random& random_;
  std::span<const KernelId> chain_;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_CRITICAL_PICKS_H_
