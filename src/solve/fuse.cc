#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/fusion_heuristics.h"
#include "src/plan/given_devices.h"
#include "src/solve/admit.h"
#include "src/solve/builtin.h"
#include "src/solve/carry.h"
#include "src/solve/constructive.h"
#include "src/solve/priorities.h"
#include "src/solve/rank_sort.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

// The plan whose placement and order are kept; null: there is none.
const Plan* GivenPlan(const SolveRequest& request) {
  const Plan* base = request.problem->base_plan();
  if (base != nullptr) return base;
  return request.start_plans.empty() ? nullptr : &request.start_plans.front();
}

absl::StatusOr<std::shared_ptr<const TaskGraph>> FusedTasks(const SolveRequest& request,
                                                            const OpCostModel& costs,
                                                            FusionHeuristic heuristic) {
  const Problem& problem = *request.problem;
  if (!problem.tasks().fusion) return ShareTasks(problem, problem.base_kernels(), costs);
  std::vector<DeviceId> device;
  if (const Plan* given = GivenPlan(request); given != nullptr) {
    GOPT_RETURN_IF_ERROR(ValidatePlan(problem, *given));
    device = DeviceOfOps(*given);
  }
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernels> kernels,
                        MakeFusion(problem, costs, heuristic, device));
  return ShareTasks(problem, std::move(kernels), costs);
}

// The given plan's placement and order, of these tasks.
Plan CarriedPlan(const TaskGraph& tasks, const Plan& given) {
  const Kernels& from = *given.kernels;
  Plan plan = tasks.MakePlan(CarryDevices(from, given.device, tasks),
                             CarryRanks(from, given.rank, *tasks.kernels()), "");
  plan.dispatch = given.dispatch;
  if (given.dispatch == Dispatch::kSequence) {
    plan.sequence =
        CarrySequence(from, RanksOfOrder(given.sequence), *tasks.kernels(), tasks.kernel_graph());
  }
  return plan;
}

}  // namespace

SolverOr FuseFromSpec(const Spec& spec) {
  std::string by = "default";
  SpecReader reader(spec);
  reader.Read("by", &by);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_ASSIGN_OR_RETURN(const FusionHeuristic heuristic, FusionHeuristicFromName(by));
  const auto construct = [by](
                             const SolveRequest& request, const TaskGraph& tasks,
                             const PlacementOptions& options) -> absl::StatusOr<std::vector<Plan>> {
    const Plan* given = GivenPlan(request);
    Plan plan = given != nullptr ? CarriedPlan(tasks, *given)
                                 : tasks.MakePlan(AdmitOnFastestDevice(tasks, options),
                                                  TopologicalRanks(tasks), "");
    plan.metadata["fusion"] =
        request.problem->tasks().fusion ? by : "closed: the kernels are the base plan's";
    return std::vector<Plan>{std::move(plan)};
  };
  const auto make_tasks = [heuristic](const SolveRequest& request, const OpCostModel& costs) {
    return FusedTasks(request, costs, heuristic);
  };
  return std::make_shared<const ConstructiveSolver>("fuse", construct, make_tasks);
}

}  // namespace gopt
