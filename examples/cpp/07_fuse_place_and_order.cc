// A training step on two GPUs: placed and ordered, then fused where it is, then all at once.
#include <iostream>
#include <memory>
#include <string>

#include "gopt/base/status_macros.h"
#include "gopt/machine/presets.h"
#include "gopt/optimizer/optimizer.h"
#include "gopt/workloads/stored.h"

namespace {

// Anneals what `options` leaves open, and prints what came of it.
absl::StatusOr<gopt::Solution> Anneal(const std::string& what,
                                      std::shared_ptr<const gopt::Graph> graph,
                                      gopt::ProblemOptions options) {
  GOPT_ASSIGN_OR_RETURN(gopt::Machine machine, gopt::MachineFromPreset("p100x2"));
  GOPT_ASSIGN_OR_RETURN(gopt::Problem problem,
                        gopt::Problem::Create(std::move(graph), machine, std::move(options)));
  GOPT_ASSIGN_OR_RETURN(auto anneal, gopt::Optimizer::Create({.solver = "anneal", .seed = 1}));
  GOPT_ASSIGN_OR_RETURN(gopt::Solution solution,
                        anneal->Optimize(problem, gopt::Budget::Evaluations(1000)));
  std::cout << what << ": " << solution.report.step_time << " ns, " << solution.plan.kernels->size()
            << " kernels\n";
  return solution;
}

absl::Status Run() {
  GOPT_ASSIGN_OR_RETURN(const auto graph, gopt::LoadWorkload("rnnlm2"));
  GOPT_ASSIGN_OR_RETURN(const gopt::Solution placed, Anneal("placed and ordered", graph, {}));
  // What is not decided stands in a base plan: its devices and ranks hold op by op.
  GOPT_ASSIGN_OR_RETURN(const gopt::Solution fused,
                        Anneal("fused where it is", graph,
                               {.tasks = {.fusion = true, .placement = false, .scheduling = false},
                                .base_plan = std::make_shared<gopt::Plan>(placed.plan)}));
  GOPT_ASSIGN_OR_RETURN(const gopt::Solution joint,
                        Anneal("all at once", graph, {.tasks = {.fusion = true}}));
  const bool better = fused.report.step_time <= placed.report.step_time &&
                      joint.report.step_time < fused.report.step_time;
  return better ? absl::OkStatus() : absl::InternalError("the three together should be fastest");
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
