#ifndef GOPT_RL_TRAINER_H_
#define GOPT_RL_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/budget.h"
#include "gopt/base/export.h"
#include "gopt/cost/cost_backend.h"
#include "gopt/rl/policy.h"
#include "gopt/rl/ppo.h"
#include "gopt/training/config.h"

namespace gopt {

class TrainingLoop;

struct TrainerOptions {
  // Where metrics.jsonl, config.txtpb, checkpoint.gopt and policy.gopt go; made if it is missing.
  // Empty: nothing is written.
  std::string folder;
  // Goes on from the folder's checkpoint if there is one; equal to the bit to a run that was never
  // stopped, wall-clock figures aside. Else a folder with a run in it is refused.
  bool resume = false;
  std::shared_ptr<const CostBackend> backend;  // In place of config.backend.
  // Ends the run after a checkpoint. While references are still sought there is nothing to keep but
  // the configuration: Create ends soon, Run at once, and a resume seeks them again.
  std::shared_ptr<const CancelToken> cancel;
  // Every line of metrics.jsonl as it is written (docs/metrics.md), from the training thread.
  std::function<void(std::string_view json)> on_line;
  std::string device = "cpu";  // Of the network: "cpu", "cuda", "cuda:1".

  // Data-parallel training: this process trains on the problems whose index modulo `processes` is
  // `process`; the gradients of all are summed. Process 0 writes the files; all name the folder,
  // for a resume.
  int process = 0;
  int processes = 1;
  SumOverProcesses sum;  // Required with more than one.
};

struct TrainingResult {
  // The weights of the best evaluation; of the end where there was none.
  std::shared_ptr<const Policy> policy;
  int64_t iterations = 0;   // Done in all, before a resume too.
  int64_t evaluations = 0;  // Plans priced in all.
  // Why it ended: "completed", "cancelled", or "no better evaluation for N iterations".
  std::string stopped;
  // Geometric mean over problems of best step time / reference; 0: no plan was feasible, or the run
  // was cancelled before the references were found.
  double ratio_best = 0.0;
};

// Trains one policy on the problems of a configuration. One thread at a time.
class GOPT_API Trainer {
 public:
  // Loads the problems and finds their references. InvalidArgument for a bad configuration or
  // device; the errors of problems, with their names; FailedPrecondition for a folder that holds
  // another run; DataLoss and others for a checkpoint that cannot be read.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(const TrainingConfig& config,
                                                         TrainerOptions options = {});
  ~Trainer();

  // Runs to the end. The error of the disk or the backend that stopped it: what was written before
  // stays whole, and a resume goes on from there.
  absl::StatusOr<TrainingResult> Run();

  const PolicyNetwork& network() const;

 private:
  explicit Trainer(std::unique_ptr<TrainingLoop> loop);

  std::unique_ptr<TrainingLoop> loop_;
};

}  // namespace gopt

#endif  // GOPT_RL_TRAINER_H_
