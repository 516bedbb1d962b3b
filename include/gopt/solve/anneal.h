#ifndef GOPT_SOLVE_ANNEAL_H_
#define GOPT_SOLVE_ANNEAL_H_

#include <cstdint>

namespace gopt {

// "anneal": critical-path-guided, grouped simulated annealing at low temperature (Metropolis et
// al., J. Chem. Phys. 21, 1953; Kirkpatrick, Gelatt, Vecchi, Science 220, 1983; guidance, groups
// and temperature are our own measurements). Starts and obeys constraints as hill_climb does. A
// worse plan is kept with probability exp(-increase / T), T = temperature x makespan(0) x (1 - t)^2
// where t is the used share of the budget. Moves: 40 % one or two ops to another device (half the
// time that of a neighbour), 30 % a whole group, 25 % another priority, 5 % two groups trade
// devices. 70 % of the picks are on the critical chain of the current plan, where the backend
// reports one. Groups: heavy-edge clusters of n/6, n/24, 8P and 3P, METIS parts of 4P and 16P, and
// module scopes.
//
// With fusion open, 10 % of the moves are in fusion (all, if nothing else is open): 60 % of these
// merge, split or shift an op between kernels of one pattern wherever it occurs, in the whole
// graph, on a device or in a group; 30 % do so in one place or a few; 10 % fuse a group, a device
// or all anew by random priorities. With placement open too, up to four searches begin, at the best
// starts of different placements, half of them dispatched first in, first out, which follows a
// placement by itself. Each has 4 % of the budget; the one of either dispatch that does best if it
// goes on to gain as it did has 12 % more; then the better of the two, by half of such a gain, the
// rest. At 60 % a first-in, first-out order becomes one of priorities.
struct AnnealOptions {
  int64_t evaluations = 0;    // At most; 0: the request's budget, or 10,000 if it is unbounded.
  double temperature = 2e-4;  // Initial, over the makespan of the start.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_ANNEAL_H_
