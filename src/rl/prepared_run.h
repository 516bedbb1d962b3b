#ifndef GOPT_SRC_RL_PREPARED_RUN_H_
#define GOPT_SRC_RL_PREPARED_RUN_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/worker_threads.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/rl/policy.h"
#include "gopt/rl/ppo.h"
#include "gopt/rl/trainer.h"
#include "gopt/training/config.h"
#include "src/rl/metrics_log.h"
#include "src/rl/processes.h"
#include "src/rl/run_folder.h"
#include "src/rl/training_lines.h"
#include "src/rl/training_state.h"

namespace gopt {

// What a training run works with: as it begins, or as it was when the checkpoint was written that
// it goes on from.
struct PreparedRun {
  PreparedRun(const TrainingConfig& config, TrainerOptions options);

  const TrainingConfig config;
  const TrainerOptions options;
  const RunFolder folder;
  const Processes processes;
  std::shared_ptr<WorkerThreads> threads;
  std::shared_ptr<const CostBackend> backend;
  std::shared_ptr<Policy> policy;
  std::optional<PpoLearner> learner;
  Problems train, evaluation;  // Null where they are another process's.
  TrainingState state;
  MetricsLog log;
  // Cancelled, here or in another process, before all references were found: no problems are there
  // and no log, and there is nothing to run.
  bool cut_short = false;

  // Whether this process writes the files of the folder, if there is one.
  bool is_writer() const { return options.process == 0 && !options.folder.empty(); }
  // Whether checkpoints are made; of all processes alike: they make them together.
  bool writes() const { return !processes.alone() || !options.folder.empty(); }
  bool cancelled() const { return options.cancel != nullptr && options.cancel->cancelled(); }
  Budget budget() const;
  // Several threads on one operation change its last bits.
  int tensor_threads() const { return config.deterministic ? 1 : config.threads; }
};

// Makes the folder, policy and problems ready, with references and baselines, puts a checkpoint
// back and begins the log. Where it is cut short the folder holds what a resume needs. The errors
// of Trainer::Create.
absl::StatusOr<std::unique_ptr<PreparedRun>> PrepareRun(const TrainingConfig& config,
                                                        TrainerOptions options);

}  // namespace gopt

#endif  // GOPT_SRC_RL_PREPARED_RUN_H_
