#ifndef GOPT_SRC_SOLVE_MOVES_H_
#define GOPT_SRC_SOLVE_MOVES_H_

#include <span>
#include <utility>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/random.h"
#include "gopt/base/types.h"
#include "gopt/cost/cost_report.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/critical_picks.h"
#include "src/solve/groups.h"
#include "src/solve/search_state.h"

namespace gopt {

// Random changes of a SearchState. Each returns whether it changed anything.
class GOPT_API Moves {
 public:
  // critical_share: how often a pick is on the critical chain, where one is known.
  Moves(double critical_share, Random* random);

  // The chain that picks prefer from now on, which must outlive them; empty: none.
  void SetCriticalChain(std::span<const KernelId> chain) { picks_.SetChain(chain); }

  // One task to another device.
  bool MoveOne(SearchState* state);
  // A task and one of its neighbours to one device.
  bool MoveTwo(SearchState* state);
  // A whole group to another device.
  bool MoveGroup(std::span<const Grouping> groupings, SearchState* state);
  // Two groups of one grouping trade devices.
  bool SwapGroups(std::span<const Grouping> groupings, SearchState* state);
  // Another priority, near the old one more often than far.
  bool Jitter(SearchState* state);
  // One of these where both placement and order are open: 40 % one or two tasks, 30 % a group, 25 %
  // a priority, 5 % two groups. Placements only if the order is closed; a priority if placement is.
  bool Any(std::span<const Grouping> groupings, SearchState* state);

 private:
  struct Target {
    KernelId task;
    DeviceId device;  // Another than the task's.
  };

  // Half the time a task that has a neighbour elsewhere, and that device; else any task and any
  // device. False if none was met in a few picks.
  bool PickTarget(const SearchState& state, Target* target);
  const Grouping& PickGrouping(std::span<const Grouping> groupings);

  Random* const random_;
  CriticalPicks picks_;
};

// The kernels of the report's critical chain. The backend may be anybody's: only those that exist.
std::vector<KernelId> ChainKernels(const CostReport& report, int num_tasks);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_MOVES_H_
