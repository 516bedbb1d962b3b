#include <algorithm>
#include <memory>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/solve/solver.h"
#include "src/rl/device_order.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

// Where they put an op says which ops belong together.
constexpr const char* kPlacers[] = {"expert", "metis(order=program)", "m_etf(order=program)"};

// Kernels of one op each: what every op takes by itself.
absl::StatusOr<std::shared_ptr<const TaskGraph>> SingleOps(const Problem& problem,
                                                           const OpCostModel& costs) {
  return ShareTasks(problem, Kernels::Singletons(problem.shared_graph()), costs);
}

void FillTimes(const TaskGraph& singles, const RooflineCostModel& classes,
               FeatureContext* context) {
  const Graph& graph = singles.problem().graph();
  const int devices = singles.num_devices();
  for (DeviceId d = 0; d < devices; ++d) context->device_kind.push_back(classes.device_class(d));
  for (int kind = 0; kind < classes.num_device_classes(); ++kind) {
    const DeviceId device = classes.class_representative(kind);
    std::vector<Nanoseconds>& times = context->times.emplace_back(graph.num_ops(), 0);
    for (const OpId op : graph.kernel_ops()) {
      times[op] = singles.time(singles.kernels()->kernel_of(op), device);
    }
  }
  context->mean_latency = singles.MeanTransfer(0);
  constexpr int64_t kMegabyte = int64_t{1} << 20;
  context->mean_inverse_bandwidth =
      (singles.MeanTransfer(kMegabyte) - context->mean_latency) / kMegabyte;
}

// Spans where the backend reports them, else places in the order of starts.
std::vector<KernelSpan> SpansOf(const ReferencePlan& reference) {
  const CostReport& report = reference.report;
  const size_t kernels = static_cast<size_t>(reference.plan.kernels->size());
  if (report.kernel_spans.size() == kernels) return report.kernel_spans;
  std::vector<KernelSpan> spans(kernels);
  const double slot = static_cast<double>(report.step_time) / std::max<size_t>(kernels, 1);
  for (size_t i = 0; i < kernels; ++i) {
    const KernelId kernel =
        report.start_order.size() == kernels ? report.start_order[i] : static_cast<KernelId>(i);
    spans[kernel] = {.kernel = kernel,
                     .device = reference.plan.device[kernel],
                     .start = static_cast<Nanoseconds>(slot * static_cast<double>(i)),
                     .end = static_cast<Nanoseconds>(slot * static_cast<double>(i + 1))};
  }
  return spans;
}

// kNone where the op is nowhere.
std::vector<DeviceId> DevicesOfOps(const Graph& graph, const Plan& plan) {
  std::vector<DeviceId> device(graph.num_ops(), kNone);
  for (const OpId op : graph.kernel_ops()) device[op] = plan.device[plan.kernels->kernel_of(op)];
  for (size_t i = 0; i < plan.parameter_home.size(); ++i) {
    device[graph.parameters()[i]] = plan.parameter_home[i];
  }
  return device;
}

IncumbentPlan IncumbentOf(const Graph& graph, const ReferencePlan& reference) {
  IncumbentPlan incumbent;
  const Plan& plan = reference.plan;
  incumbent.device = DevicesOfOps(graph, plan);
  incumbent.start.assign(graph.num_ops(), 0);
  incumbent.finish.assign(graph.num_ops(), 0);
  incumbent.critical.assign(graph.num_ops(), 0);
  incumbent.makespan = reference.report.step_time;
  const std::vector<KernelSpan> spans = SpansOf(reference);
  for (const OpId op : graph.kernel_ops()) {
    const KernelSpan& span = spans[plan.kernels->kernel_of(op)];
    incumbent.start[op] = span.start;
    incumbent.finish[op] = span.end;
  }
  for (const CriticalStep& step : reference.report.critical_chain) {
    for (const OpId op : plan.kernels->ops(step.kernel)) incumbent.critical[op] = 1;
  }
  return incumbent;
}

// The placements of quick solvers, those that find one: they are hints, not promises. Solvers break
// ties by the numbers of devices, hence the order.
absl::StatusOr<std::vector<std::vector<DeviceId>>> QuickPlacements(const Problem& given) {
  std::vector<std::vector<DeviceId>> placements;
  const absl::StatusOr<std::shared_ptr<const CostBackend>> simulator =
      CostBackends().Create("simulator");
  if (!simulator.ok() || !given.tasks().placement) return placements;
  const std::vector<DeviceId> order = DeviceOrder(given);
  GOPT_ASSIGN_OR_RETURN(const Problem problem, WithDevicesInOrder(given, order));
  for (const char* spec : kPlacers) {
    const absl::StatusOr<std::shared_ptr<const Solver>> solver = Solvers().Create(spec);
    if (!solver.ok()) continue;  // Built without METIS.
    SolveRequest request;
    request.problem = &problem;
    request.backend = simulator->get();
    request.budget = Budget::Evaluations(1);
    request.best_effort = true;
    const absl::StatusOr<Solution> solution = (*solver)->Solve(request);
    if (!solution.ok()) continue;
    placements.push_back(DevicesOfOps(problem.graph(), solution->plan));
    for (DeviceId& device : placements.back()) {
      if (device != kNone) device = order[device];
    }
  }
  return placements;
}

}  // namespace

absl::StatusOr<FeatureContext> MakeFeatureContext(const Problem& problem,
                                                  const ReferencePlan& reference,
                                                  const OpCostModel& costs) {
  FeatureContext context;
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const TaskGraph> singles, SingleOps(problem, costs));
  FillTimes(*singles, RooflineCostModel(problem), &context);
  context.incumbent = IncumbentOf(problem.graph(), reference);
  GOPT_ASSIGN_OR_RETURN(context.placements, QuickPlacements(problem));
  return context;
}

}  // namespace gopt
