#ifndef GOPT_SRC_PLAN_SHORTEST_CYCLE_H_
#define GOPT_SRC_PLAN_SHORTEST_CYCLE_H_

#include <cstdint>
#include <span>
#include <vector>

namespace gopt {

// Orders the nodes of a graph given by compressed successor rows, the smallest id first where free.
// The result is shorter than the number of nodes exactly when there is a cycle.
std::vector<int32_t> TopologicalOrder(std::span<const int32_t> successor_begin,
                                      std::span<const int32_t> successors);

// The nodes of a shortest cycle, in order, its smallest node first; empty if there is none. Looks
// at about `work` edges at most, so in a huge tangle it may be merely a short one.
std::vector<int32_t> ShortestCycle(std::span<const int32_t> successor_begin,
                                   std::span<const int32_t> successors,
                                   int64_t work = int64_t{20'000'000});

}  // namespace gopt

#endif  // GOPT_SRC_PLAN_SHORTEST_CYCLE_H_
