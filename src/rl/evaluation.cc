#include "src/rl/evaluation.h"

#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

absl::StatusOr<Nanoseconds> BestOf(TrainedProblem* problem, PolicyNetwork network,
                                   const SampleOptions& options, uint64_t seed,
                                   const Budget& budget) {
  GOPT_RETURN_IF_ERROR(problem->Draw(network, options, seed));
  GOPT_RETURN_IF_ERROR(problem->Price(budget));
  return problem->stats().best_time;
}

}  // namespace

absl::StatusOr<EvaluationResult> EvaluateOn(TrainedProblem* problem, PolicyNetwork network,
                                            const ExplorationOptions& exploration, uint64_t seed,
                                            const Budget& budget) {
  SampleOptions options = {.samples = 1, .exploration = exploration, .greedy = true};
  EvaluationResult result;
  GOPT_ASSIGN_OR_RETURN(result.greedy, BestOf(problem, network, options, seed, budget));
  options.samples = kEvaluationSamples;
  options.greedy = false;
  GOPT_ASSIGN_OR_RETURN(result.samples, BestOf(problem, network, options, seed, budget));
  return result;
}

}  // namespace gopt
