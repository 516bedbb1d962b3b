#ifndef GOPT_SRC_RL_TRAINING_STATE_H_
#define GOPT_SRC_RL_TRAINING_STATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gopt/io/bundle.h"
#include "gopt/rl/policy.h"
#include "gopt/rl/ppo.h"
#include "gopt/rl/trained_problem.h"

namespace gopt {

// What of a run changes from one iteration to the next, the learner and the problems aside. Random
// numbers have no state: each problem's come from the run's seed, the iteration and its index.
struct TrainingState {
  int64_t iteration = 0;                   // Done.
  int64_t evaluations = 0;                 // Plans priced.
  double seconds = 0.0;                    // Of training, before a resume too.
  double best_evaluation = 0.0;            // Smallest ratio_samples; 0: none yet.
  int64_t last_evaluation = 0;             // Iteration of the last evaluation.
  int64_t best_iteration = 0;              // When that was.
  int consecutive_skips = 0;               // Iterations in a row that made no step.
  int restores = 0;                        // In a row.
  std::vector<BundleTensor> best_weights;  // Of the best evaluation.
};

// A bundle of kind "checkpoint": the policy, Adam's moments, the state, and what the problems
// remember.
Bundle MakeCheckpoint(const Policy& policy, PpoLearner& learner, const TrainingState& state,
                      const std::vector<std::unique_ptr<TrainedProblem>>& problems);

// Puts a checkpoint back. InvalidArgument, with nothing changed, for tensors that do not fit, and
// for state that is of other problems.
absl::Status RestoreCheckpoint(const Bundle& bundle, std::string_view source, const Policy& policy,
                               PpoLearner* learner, TrainingState* state,
                               std::vector<std::unique_ptr<TrainedProblem>>* problems);

}  // namespace gopt

#endif  // GOPT_SRC_RL_TRAINING_STATE_H_
