#include "src/solve/plan_completer.h"

#include <algorithm>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "src/solve/carry.h"
#include "src/solve/rank_sort.h"

namespace gopt {
namespace {

bool SomeRouteIsMissing(const Machine& machine) {
  for (DeviceId from = 0; from < machine.num_devices(); ++from) {
    for (DeviceId to = 0; to < machine.num_devices(); ++to) {
      if (from != to && !machine.has_route(from, to)) return true;
    }
  }
  return false;
}

bool HasRulesOnPairs(const Problem& problem) {
  const Constraints& constraints = problem.constraints();
  return !constraints.keep_apart.empty() || constraints.forward_only_devices ||
         constraints.no_skipped_devices || constraints.triangle_free_devices ||
         SomeRouteIsMissing(problem.machine());
}

bool HasClosedTasks(const Problem& problem) {
  return problem.base_plan() != nullptr &&
         (!problem.tasks().placement || !problem.tasks().scheduling);
}

// An op in a kernel that shares the parameter's colocation group; kNone: there is none.
std::vector<OpId> FirstKernelOpOfGroups(const Problem& problem) {
  const Graph& graph = problem.graph();
  std::vector<OpId> first(problem.num_colocation_groups(), kNone);
  for (OpId op : graph.kernel_ops()) {
    const int32_t group = problem.colocation_group()[op];
    if (group != kNone && first[group] == kNone) first[group] = op;
  }
  return first;
}

void CarrySequenceOfBasePlan(const Problem& problem, Plan* plan) {
  const Plan& base = *problem.base_plan();
  const auto graph = KernelGraph::Create(*plan->kernels, plan->device);
  if (!graph.ok()) return;  // A cycle: the plan is illegal, whatever its sequence.
  plan->sequence =
      CarrySequence(*base.kernels, RanksOfOrder(base.sequence), *plan->kernels, *graph);
}

// Fused anew: a kernel is where its ops are in the base plan (fusion is within devices then), and
// as early as the earliest of them.
void CarryBasePlan(const Problem& problem, Plan* plan) {
  const Plan& base = *problem.base_plan();
  const Kernels& kernels = *plan->kernels;
  if (!problem.tasks().placement) {
    plan->parameter_home = base.parameter_home;
    plan->device.resize(kernels.size());
    for (KernelId k = 0; k < kernels.size(); ++k) {
      plan->device[k] = base.device[base.kernels->kernel_of(kernels.ops(k).front())];
    }
  }
  if (problem.tasks().scheduling) return;
  plan->rank = CarryRanks(*base.kernels, base.rank, kernels);
  plan->dispatch = base.dispatch;
  if (base.dispatch == Dispatch::kSequence) CarrySequenceOfBasePlan(problem, plan);
}

}  // namespace

void UseBasePlan(const Problem& problem, Plan* plan) {
  if (!HasClosedTasks(problem)) return;
  const Plan& base = *problem.base_plan();
  if (plan->kernels != base.kernels) return CarryBasePlan(problem, plan);
  if (!problem.tasks().placement) {
    plan->device = base.device;
    plan->parameter_home = base.parameter_home;
  }
  if (!problem.tasks().scheduling) {
    plan->rank = base.rank;
    plan->dispatch = base.dispatch;
    plan->sequence = base.sequence;
  }
}

absl::StatusOr<std::unique_ptr<PlanCompleter>> PlanCompleter::CreateIfNeeded(
    const Problem& problem) {
  std::unique_ptr<PlanCompleter> completer(new PlanCompleter(problem));
  const bool needed = completer->rules_on_pairs_ || HasClosedTasks(problem) ||
                      !completer->constrained_parameters_.empty();
  if (!needed) return nullptr;
  GOPT_RETURN_IF_ERROR(completer->MakeSolver());
  return completer;
}

PlanCompleter::PlanCompleter(const Problem& problem)
    : problem_(problem), rules_on_pairs_(HasRulesOnPairs(problem)) {
  const Graph& graph = problem.graph();
  const std::vector<OpId> companions = FirstKernelOpOfGroups(problem);
  const auto num_devices = static_cast<size_t>(problem.machine().num_devices());
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const OpId parameter = graph.parameters()[i];
    const int32_t group = problem.colocation_group()[parameter];
    const bool restricted = problem.allowed_devices(parameter).size() < num_devices;
    if (group == kNone && !restricted) continue;
    constrained_parameters_.push_back(static_cast<int>(i));
    parameter_companion_.push_back(group == kNone ? kNone : companions[group]);
  }
}

// What holds for singletons holds for every fusion of them; other kernels may be fused anew.
absl::Status PlanCompleter::MakeSolver() {
  if (!rules_on_pairs_ || !problem_.tasks().placement) return absl::OkStatus();
  const bool final = !problem_.tasks().fusion || problem_.base_plan() == nullptr;
  absl::StatusOr<PlacementSolver> solver = PlacementSolver::Create(
      problem_, problem_.base_kernels(), {.memory = false, .explain = final});
  if (final && absl::IsFailedPrecondition(solver.status())) return solver.status();
  solver_kernels_ = problem_.base_kernels();
  if (solver.ok()) solver_.emplace(*std::move(solver));
  return absl::OkStatus();
}

const PlacementSolver* PlanCompleter::SolverFor(const std::shared_ptr<const Kernels>& kernels) {
  if (kernels != solver_kernels_) {
    absl::StatusOr<PlacementSolver> solver =
        PlacementSolver::Create(problem_, kernels, {.memory = false, .explain = false});
    solver_.reset();
    if (solver.ok()) solver_.emplace(*std::move(solver));
    solver_kernels_ = kernels;
  }
  return solver_.has_value() ? &*solver_ : nullptr;
}

void PlanCompleter::Complete(Plan* plan) {
  UseBasePlan(problem_, plan);
  CompleteOpenTasks(plan);
}

void PlanCompleter::CompleteOpenTasks(Plan* plan) {
  const bool homes_are_given = !problem_.tasks().placement && problem_.base_plan() != nullptr;
  if (!constrained_parameters_.empty() && !homes_are_given) FillHomes(plan);
  surely_legal_ = !rules_on_pairs_;
  if (rules_on_pairs_ && problem_.tasks().placement) Repair(plan);
}

void PlanCompleter::Repair(Plan* plan) {
  const PlacementSolver* solver = SolverFor(plan->kernels);
  if (solver == nullptr) return;
  absl::StatusOr<Placement> placement = solver->Fix(plan->device, plan->parameter_home);
  if (!placement.ok()) return;
  const bool moved = placement->device != plan->device;
  plan->device = std::move(placement->device);
  plan->parameter_home = std::move(placement->parameter_home);
  surely_legal_ = !moved || (plan->dispatch != Dispatch::kSequence &&
                             !plan->kernels->copies_depend_on_device());
}

absl::Status PlanCompleter::CheckLegal(const Plan& plan) const {
  return surely_legal_ ? absl::OkStatus() : ValidatePlan(problem_, plan);
}

void PlanCompleter::FillHomes(Plan* plan) const {
  const Graph& graph = problem_.graph();
  const std::vector<DeviceId> default_home = ParameterHomes(graph, *plan);
  plan->parameter_home.resize(default_home.size(), kNone);
  for (size_t i = 0; i < constrained_parameters_.size(); ++i) {
    const int parameter = constrained_parameters_[i];
    const OpId op = graph.parameters()[parameter];
    const OpId companion =
        parameter_companion_[i] != kNone ? parameter_companion_[i] : graph.optimizer_op(parameter);
    DeviceId home = default_home[parameter];
    if (companion != kNone) home = plan->device[plan->kernels->kernel_of(companion)];
    if (!problem_.is_allowed(op, home)) home = problem_.allowed_devices(op).front();
    plan->parameter_home[parameter] = home;
  }
}

}  // namespace gopt
