#ifndef GOPT_SOLVE_RANDOM_PLACEMENT_H_
#define GOPT_SOLVE_RANDOM_PLACEMENT_H_

#include <cstdint>

namespace gopt {

// "random": the best of `samples` placements drawn uniformly from the allowed devices, colocation
// groups as one, in topological order. What any method must beat.
struct RandomPlacementOptions {
  int64_t samples = 100;  // Fewer where the budget is smaller.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_RANDOM_PLACEMENT_H_
