#ifndef GOPT_SOLVE_EVOLVE_H_
#define GOPT_SOLVE_EVOLVE_H_

#include <cstdint>

namespace gopt {

// "evolve": evolutionary search over a device and a priority per task, with the population and
// rates that GO and XTAT state for their evolutionary baseline (Zhou et al., NeurIPS 2020;
// Phothilimthana et al., PACT 2021). Starts as hill_climb does, but from all of these plans, and
// obeys constraints likewise. Steady state: each child is priced, and replaces the worst of three
// individuals if it is not worse, once the population is full.
//
// By default, since measured to be better (benchmarks/README.md), a child takes whole groups from
// its second parent, as anneal's groups are, and instead of scattered genes one move of anneal's
// kind, near its parent's critical chain, mutates it; parents win tournaments of half the
// population. `published`: genes are inherited and mutated one by one, tournaments of two.
//
// With fusion open each individual has kernels of its own: a child's are its parent's, in half of
// the crossings those of the second parent where it takes after it, as far as that is legal; a
// quarter of the mutations are anneal's moves in fusion (`published`: single ones).
struct EvolveOptions {
  int64_t evaluations = 0;  // At most; 0: the request's budget, or 10,000 if it is unbounded.
  // Individuals, at least 1. Each takes 8 bytes a task and its chain, and with fusion open some 300
  // a task for kernels that no other has.
  int population = 100;
  double crossover = 0.2;  // Share of the children that have a second parent.
  double mutation = 0.01;  // `published`: the probability that a gene is drawn anew.
  int tournament = 0;      // The best of so many becomes a parent. 0: as above.
  bool published = false;  // As in the papers; see above.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_EVOLVE_H_
