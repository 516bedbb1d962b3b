#include "src/solve/constructive.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/solve/search_context.h"
#include "src/solve/carry.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

// Share of the activations on a device that must fit beside the parameters: first what the last
// plan turned out to need, then more.
constexpr double kGrowth = 1.5;
constexpr int kMostAttempts = 5;

// The largest share, over devices, of what its tasks make that was alive beside the parameters.
double LiveShare(const TaskGraph& tasks, const Plan& plan, const CostReport& report) {
  std::vector<double> parameters(tasks.num_devices(), 0.0), activations(tasks.num_devices(), 0.0);
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    parameters[plan.device[task]] += static_cast<double>(tasks.persistent_bytes(task));
    activations[plan.device[task]] += static_cast<double>(tasks.activation_bytes(task));
  }
  double share = 0.0;
  for (size_t d = 0; d < report.peak_bytes.size() && d < activations.size(); ++d) {
    const double live = static_cast<double>(report.peak_bytes[d]) - parameters[d];
    if (activations[d] > 0.0) share = std::max(share, live / activations[d]);
  }
  return share;
}

}  // namespace

PlacementOptions InitialOptions(const SolveRequest& request, const TaskGraph& tasks,
                                std::vector<DeviceId>* fixed) {
  PlacementOptions options;
  const Problem& problem = *request.problem;
  if (!problem.tasks().placement && problem.base_plan() != nullptr) {
    const Plan& base = *problem.base_plan();
    *fixed = CarryDevices(*base.kernels, base.device, tasks);
    options.fixed = *fixed;
  }
  if (request.objective.kind == Objective::Kind::kStepTimeUnderLimit) {
    options.byte_limit = request.objective.byte_limit;
  }
  return options;
}

absl::StatusOr<Solution> ConstructiveSolver::Solve(const SolveRequest& request) const {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                        SearchContext::Create(request, name_));
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const TaskGraph> shared_tasks,
                        make_tasks_ != nullptr ? make_tasks_(request, context->costs())
                                               : StartTasks(context->problem(), context->costs()));
  const TaskGraph& tasks = *shared_tasks;
  std::vector<DeviceId> fixed;
  PlacementOptions options = InitialOptions(request, tasks, &fixed);
  for (int attempt = 0; attempt < kMostAttempts && !context->Exhausted(); ++attempt) {
    GOPT_ASSIGN_OR_RETURN(std::vector<Plan> plans, construct_(request, tasks, options));
    double live_share = std::numeric_limits<double>::infinity();  // Of the form that needs least.
    bool done = false;
    for (Plan& plan : plans) {
      if (context->Exhausted()) break;
      plan.producer = name_;
      const CostReport& report = context->Evaluate(plan);
      done |= SearchContext::Feasible(context->Score(report)) || report.peak_bytes.empty();
      live_share = std::min(live_share, LiveShare(tasks, plan, report));
    }
    if (done || !options.fixed.empty()) break;  // Nothing to place otherwise if fixed.
    options.activation_weight = std::max(options.activation_weight * kGrowth, live_share);
    if (options.activation_weight <= 0.0) break;
  }
  return context->Finish();
}

}  // namespace gopt
