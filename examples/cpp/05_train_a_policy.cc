// A policy trained on two small graphs, tried on a third that it never saw, and saved.
#include <iostream>

#include "gopt/base/status_macros.h"
#include "gopt/rl/trainer.h"
#include "gopt/training/config.h"

namespace {

gopt::TrainingConfig Config() {
  gopt::TrainingConfig config;
  config.name = "first";
  config.problem = {{.graph = "layered(ops=60)", .machine = "p100x2"},
                    {.graph = "blocks(blocks=3, branches=4, depth=2)", .machine = "p100x2"}};
  config.evaluation = {{.graph = "layered(ops=80, seed=1)", .machine = "p100x2"}};
  config.iterations = 12;
  config.evaluate_every = 6;
  config.threads = 1;
  config.network.width = 32;
  config.network.attention_layers = 1;
  config.ppo.samples = 8;
  return config;
}

absl::Status Run() {
  gopt::TrainerOptions options;  // With a folder, the run is written there and can be resumed.
  options.on_line = [](std::string_view json) { std::cout << json.substr(0, 100) << "...\n"; };
  GOPT_ASSIGN_OR_RETURN(auto trainer, gopt::Trainer::Create(Config(), options));
  GOPT_ASSIGN_OR_RETURN(const gopt::TrainingResult result, trainer->Run());
  std::cout << result.policy->model_card << "\n";
  GOPT_RETURN_IF_ERROR(result.policy->Save("first.gopt"));
  return result.ratio_best <= 1.01
             ? absl::OkStatus()
             : absl::InternalError("samples around the reference should find one as good");
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
