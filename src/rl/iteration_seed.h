#ifndef GOPT_SRC_RL_ITERATION_SEED_H_
#define GOPT_SRC_RL_ITERATION_SEED_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/random.h"

namespace gopt {

// What random numbers are for; kinds never share a stream.
enum class SeedPurpose : uint64_t { kSamples = 1, kMinibatches = 2, kBatch = 3, kEvaluation = 4 };

// A stream of its own for each purpose, iteration and problem, so that random numbers have no state
// to store and do not depend on which process draws them.
inline uint64_t IterationSeed(uint64_t seed, SeedPurpose purpose, int64_t iteration,
                              int64_t problem) {
  uint64_t mixed = seed;
  for (const uint64_t part : {static_cast<uint64_t>(purpose), static_cast<uint64_t>(iteration),
                              static_cast<uint64_t>(problem)}) {
    mixed = Random(mixed ^ (part * 0x9e3779b97f4a7c15u)).Next();
  }
  return mixed;
}

// Which of the problems an iteration trains on: `batch` different ones, ascending. With a
// curriculum, only the smallest ones are in at first, a quarter of them; all from the middle of the
// run on. sizes: ops per problem; progress in [0, 1].
GOPT_API std::vector<int> ChooseProblems(const std::vector<int64_t>& sizes, int batch,
                                         bool curriculum, double progress, uint64_t seed);

}  // namespace gopt

#endif  // GOPT_SRC_RL_ITERATION_SEED_H_
