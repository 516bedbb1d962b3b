#include "src/solve/constructive.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/solve/search_context.h"

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

PlacementOptions InitialOptions(const SolveRequest& request) {
  PlacementOptions options;
  const Problem& problem = *request.problem;
  if (!problem.tasks().placement && problem.base_plan() != nullptr) {
    options.fixed = problem.base_plan()->device;
  }
  if (request.objective.kind == Objective::Kind::kStepTimeUnderLimit) {
    options.byte_limit = request.objective.byte_limit;
  }
  return options;
}

absl::StatusOr<Solution> ConstructiveSolver::Solve(const SolveRequest& request) const {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                        SearchContext::Create(request, name_));
  const Problem& problem = context->problem();
  GOPT_ASSIGN_OR_RETURN(const TaskGraph tasks,
                        TaskGraph::Create(problem, problem.base_kernels(), context->costs()));
  PlacementOptions options = InitialOptions(request);
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
