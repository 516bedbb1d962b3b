#include "gopt/rl/policy_problem.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/solver.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

at::Tensor LongTensor(const std::vector<int64_t>& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor;
}

at::Tensor FloatTensor(const std::vector<float>& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

// The places of kernels in the order by rank.
std::vector<KernelId> OrderByRank(const Plan& plan) {
  std::vector<KernelId> order(plan.rank.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = static_cast<KernelId>(k);
  std::stable_sort(order.begin(), order.end(),
                   [&](KernelId a, KernelId b) { return plan.rank[a] < plan.rank[b]; });
  return order;
}

// What a plan decided of each op, in the order of starts.
DecisionState StateInOrder(const Graph& graph, const Plan& plan, const std::vector<KernelId>& order,
                           const std::vector<int32_t>& picks) {
  const int ops = graph.num_ops();
  DecisionState state = {.device = at::full({1, ops}, -1, at::kLong),
                         .position = at::zeros({1, ops}, at::kFloat),
                         .pick = at::zeros({1, ops}, at::kFloat)};
  auto* device = state.device.mutable_data_ptr<int64_t>();
  auto* position = state.position.mutable_data_ptr<float>();
  auto* pick = state.pick.mutable_data_ptr<float>();
  // From the last to the first, so that of clones the earliest counts.
  for (size_t i = order.size(); i-- > 0;) {
    for (const OpId op : plan.kernels->ops(order[i])) {
      device[op] = plan.device[order[i]];
      position[op] = static_cast<float>(i) / static_cast<float>(order.size());
    }
  }
  for (size_t i = 0; i < plan.parameter_home.size(); ++i) {
    if (plan.parameter_home[i] != kNone) device[graph.parameters()[i]] = plan.parameter_home[i];
  }
  for (size_t op = 0; op < picks.size(); ++op) pick[op] = std::clamp(picks[op], -8, 8) / 8.0f;
  return state;
}

void FillMembers(const Kernels& kernels, KernelSet* set) {
  std::vector<int64_t> op, kernel, first;
  std::vector<float> share;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    const auto ops = kernels.ops(k);
    first.push_back(ops.empty() ? 0 : ops[0]);
    for (const OpId member : ops) {
      op.push_back(member);
      kernel.push_back(k);
      share.push_back(1.0f / static_cast<float>(ops.size()));
    }
  }
  set->member_op = LongTensor(op);
  set->member_kernel = LongTensor(kernel);
  set->share = FloatTensor(share);
  set->first_op = LongTensor(first);
}

void FillEdges(const TaskGraph& tasks, const std::vector<DeviceId>& incumbent, KernelSet* set) {
  const KernelGraph& graph = tasks.kernel_graph();
  double sum = 0.0;
  for (KernelId k = 0; k < tasks.num_tasks(); ++k) sum += tasks.mean_time(k);
  const double mean_time = std::max(sum / std::max(tasks.num_tasks(), 1), 1.0);
  std::vector<int32_t> readers(tasks.num_tensors(), 0);
  for (size_t e = 0; e < graph.inputs.size(); ++e) ++readers[tasks.edge_tensor(e)];
  std::vector<int64_t> source, target, input;
  std::vector<float> edge;
  for (KernelId reader = 0; reader < tasks.num_tasks(); ++reader) {
    for (int32_t e = graph.input_begin[reader]; e < graph.input_begin[reader + 1]; ++e) {
      const KernelId maker = graph.inputs[e].source;
      if (maker == kNone) continue;  // A parameter: no kernel to stick to.
      source.push_back(maker);
      target.push_back(reader);
      input.push_back(e);
      const double transfer = tasks.MeanTransfer(tasks.edge_bytes(e)) / mean_time;
      edge.push_back(static_cast<float>(std::log1p(transfer)));
      edge.push_back(incumbent[maker] == incumbent[reader] ? 1.0f : 0.0f);
      edge.push_back(1.0f / std::sqrt(static_cast<float>(readers[tasks.edge_tensor(e)])));
    }
  }
  set->inputs = static_cast<int64_t>(graph.inputs.size());
  set->edge_source = LongTensor(source);
  set->edge_target = LongTensor(target);
  set->edge_input = LongTensor(input);
  set->edge = FloatTensor(edge).view({-1, kKernelEdgeWidth});
}

// Where every kernel may be anywhere: undefined.
at::Tensor AllowedDevices(const TaskGraph& tasks) {
  const int n = tasks.num_tasks(), devices = tasks.num_devices();
  at::Tensor allowed = at::zeros({n, devices}, at::kBool);
  auto* row = allowed.mutable_data_ptr<bool>();
  int64_t count = 0;
  for (KernelId k = 0; k < n; ++k, row += devices) {
    for (const DeviceId device : tasks.allowed(k)) row[device] = true;
    count += static_cast<int64_t>(tasks.allowed(k).size());
  }
  return count == static_cast<int64_t>(n) * devices ? at::Tensor() : allowed;
}

}  // namespace

absl::StatusOr<ReferencePlan> PolicyProblem::FindReference(const Problem& problem,
                                                           const CostBackend& backend,
                                                           const std::string& solver,
                                                           const Budget& budget) {
  GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const Solver> found, Solvers().Create(solver));
  SolveRequest request;
  request.problem = &problem;
  request.backend = &backend;
  request.budget = budget;
  const absl::Status cancelled = absl::CancelledError("cancelled while a reference was sought");
  if (budget.cancelled()) return cancelled;
  absl::StatusOr<Solution> solution = found->Solve(request);
  if (budget.cancelled()) return cancelled;  // What was found till then depends on when that was.
  if (!solution.ok()) return solution.status();
  ReferencePlan reference = {
      .plan = std::move(solution->plan), .report = {}, .solver = solution->solver};
  GOPT_ASSIGN_OR_RETURN(reference.report,
                        Price(backend, problem, reference.plan,
                              {.start_order = true, .timeline = true, .critical_chain = true}));
  if (!reference.report.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the reference plan of ", solver, ": ", reference.report.reason));
  }
  return reference;
}

absl::StatusOr<std::shared_ptr<const PolicyProblem>> PolicyProblem::Create(
    Problem problem, ReferencePlan reference, const OpCostModel& costs, const FeatureSpec& spec) {
  GOPT_RETURN_IF_ERROR(ValidatePlan(problem, reference.plan));
  std::shared_ptr<PolicyProblem> made(new PolicyProblem(std::move(problem), std::move(reference)));
  GOPT_ASSIGN_OR_RETURN(const FeatureContext context,
                        MakeFeatureContext(made->problem_, made->reference_, costs));
  GOPT_ASSIGN_OR_RETURN(made->features_, MakeGraphFeatures(made->problem_, context, spec));
  const Plan& plan = made->reference_.plan;
  const CostReport& report = made->reference_.report;
  const bool ordered = report.start_order.size() == static_cast<size_t>(plan.kernels->size());
  made->initial_state_ = StateInOrder(made->problem_.graph(), plan,
                                      ordered ? report.start_order : OrderByRank(plan), {});
  const auto kernels = made->problem_.tasks().fusion ? plan.kernels : made->problem_.base_kernels();
  GOPT_ASSIGN_OR_RETURN(made->base_tasks_, ShareTasks(made->problem_, kernels, costs));
  made->base_priorities_ = PrioritiesOf(*made->base_tasks_, plan, report);
  made->base_kernels_ = std::make_shared<const KernelSet>(made->MakeKernelSet(*made->base_tasks_));
  return std::shared_ptr<const PolicyProblem>(std::move(made));
}

std::vector<double> PolicyProblem::BasePriorities(const TaskGraph& tasks) const {
  if (&tasks == base_tasks_.get()) return base_priorities_;
  return PrioritiesOf(tasks, reference_.plan, reference_.report);
}

KernelSet PolicyProblem::MakeKernelSet(const TaskGraph& tasks) const {
  KernelSet set;
  set.kernels = tasks.num_tasks();
  FillMembers(*tasks.kernels(), &set);
  FillEdges(tasks, DevicesOf(tasks, reference_.plan), &set);
  set.allowed = AllowedDevices(tasks);
  return set;
}

DecisionState PolicyProblem::StateOf(const Plan& plan, const std::vector<int32_t>& picks) const {
  return StateInOrder(problem_.graph(), plan, OrderByRank(plan), picks);
}

}  // namespace gopt
