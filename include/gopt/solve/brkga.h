#ifndef GOPT_SOLVE_BRKGA_H_
#define GOPT_SOLVE_BRKGA_H_

#include <cstdint>

namespace gopt {

// "brkga": biased random-key genetic algorithm (Goncalves and Resende, Journal of Heuristics 17,
// 2011), the search that REGAL steers for this task (Paliwal et al., ICLR 2020). Individuals are
// numbers in [0, 1), decoded into plans: each generation keeps its elites, adds mutants, and fills
// up with children of an elite and another, which take a key from the elite with a probability
// above 1/2. Starts and obeys constraints as evolve does; a start becomes the keys that decode to
// its placement and order. Decoding is not an evaluation, but takes time.
//
// By default, since measured to be better (benchmarks/README.md), keys steer contention-aware list
// scheduling: a priority for each task, and whether list scheduling is to place it (and how much it
// sticks to its inputs) or on which device it is. Some of the first individuals leave all tasks to
// list scheduling. Children inherit whole groups, as anneal's groups are, and one change of all
// keys of a group or of one task, near the elite's critical chain, sets them off; mutants are
// elites with several such changes.
//
// `published`: REGAL's keys, an affinity per task and device, of which the highest wins, and a
// priority per task; every key is inherited by itself; mutants are drawn uniformly. Its priorities
// of single transfers are left out: the simulator books transfers by the ranks of their producers.
//
// With fusion open an individual's keys are of kernels of its own, a child's those of its elite. A
// fifth of the changes are anneal's moves in fusion; a new kernel has the keys of its first op.
struct BrkgaOptions {
  int64_t evaluations = 0;  // At most; 0: the request's budget, or 10,000 if it is unbounded.
  // Individuals, at least 2; 0: 20, or 100 if `published`. Each takes 6 bytes a task (`published`:
  // 4, and 2 for each device) and its chain, twice if it is no elite.
  int population = 0;
  double elites = 0.2;     // Share of the population that lives on.
  double mutants = 0.1;    // Share that is new in each generation. elites + mutants < 1.
  double bias = 0.7;       // Probability that a child of two takes a key from the elite.
  double crossover = 0.2;  // Share of the children that have two parents; 1 if `published`.
  bool published = false;  // As in the papers; see above.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_BRKGA_H_
