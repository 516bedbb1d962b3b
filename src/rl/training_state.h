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
#include "src/rl/processes.h"

namespace gopt {

// Weights and Adam's moments, to go back to.
struct Snapshot {
  int64_t iteration = 0;  // Done when it was taken.
  std::vector<BundleTensor> tensors;
  std::string adam_steps = "{}";
};
Snapshot TakeSnapshot(const Policy& policy, PpoLearner& learner, int64_t iteration);
void RestoreSnapshot(const Snapshot& snapshot, const Policy& policy, PpoLearner* learner);

// Whether all weights and moments are finite.
bool IsFinite(const Policy& policy, PpoLearner& learner);

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
  Snapshot good;                           // Before the last iteration that made a step.
};

// Keeps the weights if this is the best evaluation so far, and they are finite.
void RememberBest(const Policy& policy, PpoLearner& learner, double evaluation,
                  TrainingState* state);
// What the policy file holds: the weights of the best evaluation, or those there are.
std::shared_ptr<const Policy> MakeBestPolicy(const Policy& policy, const TrainingState& state,
                                             std::string model_card);

// A bundle of kind "checkpoint": the policy, Adam's moments, the state, and what the problems of
// all processes remember. Gather's errors.
absl::StatusOr<Bundle> MakeCheckpoint(const Policy& policy, PpoLearner& learner,
                                      const TrainingState& state,
                                      const std::vector<std::unique_ptr<TrainedProblem>>& problems,
                                      const Processes& processes);

// Puts a checkpoint back. InvalidArgument for tensors that do not fit, and for state that is of
// other problems; weights, optimizer and state are unchanged then.
absl::Status RestoreCheckpoint(const Bundle& bundle, std::string_view source, const Policy& policy,
                               PpoLearner* learner, TrainingState* state,
                               std::vector<std::unique_ptr<TrainedProblem>>* problems);

}  // namespace gopt

#endif  // GOPT_SRC_RL_TRAINING_STATE_H_
