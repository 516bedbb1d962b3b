// A policy on a graph of its own: alone, at the front door, and beside classical solvers.
#include <iostream>
#include <memory>
#include <string>

#include "gopt/base/status_macros.h"
#include "gopt/machine/presets.h"
#include "gopt/optimizer/optimizer.h"
#include "gopt/rl/policy.h"
#include "gopt/rl/register.h"
#include "gopt/rl/trainer.h"
#include "gopt/workloads/synthetic.h"

namespace {

// From a file, or after a few iterations of training.
absl::StatusOr<std::shared_ptr<const gopt::Policy>> GetPolicy(const std::string& path) {
  if (!path.empty()) return gopt::Policy::Load(path);
  gopt::TrainingConfig config;
  config.problem = {{.graph = "layered(ops=60)", .machine = "p100x2"}};
  config.iterations = 3;
  config.threads = 1;
  GOPT_ASSIGN_OR_RETURN(auto trainer, gopt::Trainer::Create(config));
  GOPT_ASSIGN_OR_RETURN(const gopt::TrainingResult result, trainer->Run());
  return result.policy;
}

absl::Status Run(const std::string& path) {
  gopt::RegisterAll();  // Once: the solvers "policy" and "gopt".
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const gopt::Policy> policy, GetPolicy(path));
  std::cout << policy->model_card << "\n";
  GOPT_RETURN_IF_ERROR(policy->Save("used.gopt"));

  GOPT_ASSIGN_OR_RETURN(gopt::Imported made, gopt::SyntheticFromSpec("layered(ops=200, seed=2)"));
  GOPT_ASSIGN_OR_RETURN(gopt::Machine machine, gopt::MachineFromPreset("p100x4"));
  GOPT_ASSIGN_OR_RETURN(gopt::Problem problem, gopt::Problem::Create(made.graph, machine));
  GOPT_ASSIGN_OR_RETURN(
      auto rows,
      gopt::Compare(problem, {"heft", "policy(path=used.gopt, samples=32)", "gopt(path=used.gopt)"},
                    gopt::Budget::Evaluations(1000)));
  for (const gopt::ComparisonRow& row : rows) {
    GOPT_RETURN_IF_ERROR(row.status);
    std::cout << row.solver << ": " << row.solution.report.step_time << " ns, found by "
              << row.solution.solver << "\n";
  }
  const bool good = rows[2].solution.report.step_time <= rows[0].solution.report.step_time;
  return good ? absl::OkStatus() : absl::InternalError("never worse than a classical plan");
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "");
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
