#include "src/solve/plan_completer.h"

#include <algorithm>

#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "src/solve/carry.h"

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

std::vector<OpId> LeastFreeFirst(const Problem& problem, const std::vector<OpId>& ops) {
  std::vector<OpId> result;
  for (OpId op : ops) {
    if (problem.graph().in_kernel(op)) result.push_back(op);
  }
  std::stable_sort(result.begin(), result.end(), [&](OpId a, OpId b) {
    return problem.allowed_devices(a).size() < problem.allowed_devices(b).size();
  });
  return result;
}

}  // namespace

std::unique_ptr<const PlanCompleter> PlanCompleter::CreateIfNeeded(const Problem& problem) {
  std::unique_ptr<const PlanCompleter> completer(new PlanCompleter(problem));
  const bool needed = completer->rules_on_pairs_ || HasClosedTasks(problem) ||
                      !completer->constrained_parameters_.empty();
  return needed ? std::move(completer) : nullptr;
}

PlanCompleter::PlanCompleter(const Problem& problem)
    : problem_(problem), rules_on_pairs_(HasRulesOnPairs(problem)) {
  const Graph& graph = problem.graph();
  for (const Constraints::Group& group : problem.constraints().keep_apart) {
    apart_.push_back(LeastFreeFirst(problem, group.ops));
  }
  if (!apart_.empty()) {
    group_ops_.resize(problem.num_colocation_groups());
    for (OpId op : graph.kernel_ops()) {
      const int32_t group = problem.colocation_group()[op];
      if (group != kNone) group_ops_[group].push_back(op);
    }
  }
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

void PlanCompleter::Complete(Plan* plan) const {
  if (HasClosedTasks(problem_)) UseBasePlan(plan);
  if (problem_.tasks().placement) KeepApart(plan);
  const bool homes_are_given = !problem_.tasks().placement && problem_.base_plan() != nullptr;
  if (!constrained_parameters_.empty() && !homes_are_given) FillHomes(plan);
}

absl::Status PlanCompleter::CheckLegal(const Plan& plan) const {
  return rules_on_pairs_ ? ValidatePlan(problem_, plan) : absl::OkStatus();
}

void PlanCompleter::UseBasePlan(Plan* plan) const {
  const Plan& base = *problem_.base_plan();
  if (plan->kernels != base.kernels) return CarryBasePlan(plan);
  if (!problem_.tasks().placement) {
    plan->device = base.device;
    plan->parameter_home = base.parameter_home;
  }
  if (!problem_.tasks().scheduling) {
    plan->rank = base.rank;
    plan->dispatch = base.dispatch;
    plan->sequence = base.sequence;
  }
}

// Fused anew: a kernel is where its ops are in the base plan (fusion is within devices then), and
// as early as the earliest of them.
void PlanCompleter::CarryBasePlan(Plan* plan) const {
  const Plan& base = *problem_.base_plan();
  const Kernels& kernels = *plan->kernels;
  if (!problem_.tasks().placement) {
    plan->parameter_home = base.parameter_home;
    plan->device.resize(kernels.size());
    for (KernelId k = 0; k < kernels.size(); ++k) {
      plan->device[k] = base.device[base.kernels->kernel_of(kernels.ops(k).front())];
    }
  }
  if (problem_.tasks().scheduling) return;
  plan->rank = CarryRanks(*base.kernels, base.rank, kernels);
  plan->dispatch = base.dispatch;
  if (base.dispatch == Dispatch::kSequence) CarrySequenceOfBasePlan(plan);
}

void PlanCompleter::CarrySequenceOfBasePlan(Plan* plan) const {
  const Plan& base = *problem_.base_plan();
  const auto graph = KernelGraph::Create(*plan->kernels, plan->device);
  if (!graph.ok()) return;  // A cycle: the plan is illegal, whatever its sequence.
  std::vector<int32_t> position(base.sequence.size());
  for (size_t i = 0; i < position.size(); ++i) position[base.sequence[i]] = static_cast<int32_t>(i);
  plan->sequence = CarrySequence(*base.kernels, position, *plan->kernels, *graph);
}

// Op by op, the first free device that it may use; colocated ops go along. A group that this
// cannot part stays as it is and is reported by CheckLegal.
void PlanCompleter::KeepApart(Plan* plan) const {
  const Kernels& kernels = *plan->kernels;
  std::vector<uint8_t> taken(problem_.machine().num_devices());
  for (const std::vector<OpId>& ops : apart_) {
    std::fill(taken.begin(), taken.end(), 0);
    for (OpId op : ops) {
      const std::span<const KernelId> copies = kernels.kernels_of(op);
      const auto is_taken = [&](KernelId copy) { return taken[plan->device[copy]] != 0; };
      if (std::any_of(copies.begin(), copies.end(), is_taken)) {
        const auto allowed = problem_.allowed_devices(op);
        const auto free =
            std::find_if(allowed.begin(), allowed.end(), [&](DeviceId d) { return taken[d] == 0; });
        if (free != allowed.end()) MoveUnit(kernels, op, *free, &plan->device);
      }
      for (const KernelId copy : copies) taken[plan->device[copy]] = 1;
    }
  }
}

void PlanCompleter::MoveUnit(const Kernels& kernels, OpId op, DeviceId device,
                             std::vector<DeviceId>* devices) const {
  for (KernelId kernel : kernels.kernels_of(op)) (*devices)[kernel] = device;
  const int32_t group = problem_.colocation_group()[op];
  if (group == kNone) return;
  for (OpId other : group_ops_[group]) {
    for (KernelId kernel : kernels.kernels_of(other)) (*devices)[kernel] = device;
  }
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
