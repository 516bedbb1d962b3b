#ifndef GOPT_SRC_RL_TRAINING_LOOP_H_
#define GOPT_SRC_RL_TRAINING_LOOP_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/rl/policy.h"
#include "gopt/rl/ppo.h"
#include "gopt/rl/trainer.h"
#include "gopt/training/config.h"
#include "src/rl/prepared_run.h"
#include "src/rl/training_lines.h"
#include "src/rl/training_state.h"

namespace gopt {

// Takes a prepared run through its iterations, evaluations and checkpoints. Of several processes
// all go through the same steps.
class TrainingLoop {
 public:
  explicit TrainingLoop(std::unique_ptr<PreparedRun> run);

  // As Trainer::Run.
  absl::StatusOr<TrainingResult> Run();

  const PolicyNetwork& network() const { return policy_.network(); }

 private:
  // Why it ended.
  absl::StatusOr<std::string> RunToTheEnd();
  double progress() const;

  // False when it was cancelled: then nothing has changed.
  absl::StatusOr<bool> Iteration();
  // The problems of this process that the coming iteration trains on.
  std::vector<int> Batch() const;
  // Draws and prices; one problem's plans are priced while the next one's are drawn.
  absl::Status Collect(const std::vector<int>& batch, IterationTime* time);
  // Counts iterations that made no step since something was not finite, and goes back after a few.
  // What the problems remember stays. not_finite: of the outputs that samples are drawn around.
  absl::Status Guard(const PpoStats& stats, bool not_finite, const std::vector<int>& batch,
                     Snapshot before);
  // A checkpoint of the iteration whose weights were restored.
  absl::Status WriteReproducer(const std::vector<int>& batch);

  bool EvaluationIsDue() const;
  // False when it was cancelled.
  absl::StatusOr<bool> Evaluate();
  absl::StatusOr<bool> LogEvaluation(double greedy, double samples, nlohmann::ordered_json lines);

  // By the first process's clock: all of them write together.
  absl::StatusOr<bool> CheckpointIsDue() const;
  // Weights that are not finite are never written: they wait for Guard.
  absl::Status SaveCheckpoint();
  absl::StatusOr<std::string> SaveAndSay(std::string why);
  std::shared_ptr<const Policy> BestPolicy() const;

  absl::Status Log(const nlohmann::ordered_json& line) { return run_->log.Write(line); }

  const std::unique_ptr<PreparedRun> run_;
  // Parts of it.
  const TrainingConfig& config_;
  const Processes& processes_;
  Policy& policy_;
  PpoLearner& learner_;
  Problems& train_;
  Problems& evaluation_;
  TrainingState& state_;

  Clock::time_point last_checkpoint_ = Clock::now();
  double other_seconds_ = 0.0;  // Since the last iteration: evaluations and checkpoints.
};

}  // namespace gopt

#endif  // GOPT_SRC_RL_TRAINING_LOOP_H_
