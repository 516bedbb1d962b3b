#ifndef GOPT_SOLVE_RANDOM_PLACEMENT_H_
#define GOPT_SOLVE_RANDOM_PLACEMENT_H_

#include <cstdint>

namespace gopt {

// "random": the best of `samples` placements drawn uniformly from the allowed devices, colocation
// groups as one, in topological order. What any method must beat.
struct RandomPlacementOptions {
  // Placements drawn at most. 0: as many as the budget allows, 100 without a budget.
  int64_t samples = 0;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_RANDOM_PLACEMENT_H_
