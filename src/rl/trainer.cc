#include "gopt/rl/trainer.h"

#include <utility>

#include "gopt/base/status_macros.h"
#include "src/rl/prepared_run.h"
#include "src/rl/training_loop.h"

namespace gopt {

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const TrainingConfig& config,
                                                         TrainerOptions options) {
  GOPT_ASSIGN_OR_RETURN(std::unique_ptr<PreparedRun> run, PrepareRun(config, std::move(options)));
  return std::unique_ptr<Trainer>(new Trainer(std::make_unique<TrainingLoop>(std::move(run))));
}

Trainer::Trainer(std::unique_ptr<TrainingLoop> loop) : loop_(std::move(loop)) {}
Trainer::~Trainer() = default;

absl::StatusOr<TrainingResult> Trainer::Run() { return loop_->Run(); }

const PolicyNetwork& Trainer::network() const { return loop_->network(); }

}  // namespace gopt
