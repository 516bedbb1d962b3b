#include "src/plan/base_plan.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "src/plan/conflict.h"
#include "src/plan/describe.h"
#include "src/plan/device_rules.h"
#include "src/plan/kernel_rules.h"

namespace gopt {
namespace {

absl::Status WithPrefix(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("base ", status.message()));
}

int32_t Find(std::vector<int32_t>* parent, int32_t node) {
  while ((*parent)[node] != node) {
    (*parent)[node] = (*parent)[(*parent)[node]];
    node = (*parent)[node];
  }
  return node;
}

// Kernels that share a colocation group share a device. For each kernel, the lowest such kernel.
std::vector<int32_t> TiedKernels(const Problem& problem, const Kernels& kernels) {
  const std::span<const int32_t> group = problem.colocation_group();
  std::vector<int32_t> parent(kernels.size());
  std::iota(parent.begin(), parent.end(), 0);
  std::vector<KernelId> kernel_of_group(problem.num_colocation_groups(), kNone);
  for (KernelId k = 0; k < kernels.size(); ++k) {
    for (const OpId op : kernels.ops(k)) {
      if (group[op] == kNone) continue;
      KernelId& first = kernel_of_group[group[op]];
      if (first == kNone) first = k;
      const int32_t a = Find(&parent, first), b = Find(&parent, k);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  for (KernelId k = 0; k < kernels.size(); ++k) parent[k] = Find(&parent, k);
  return parent;
}

DeviceSet AllowedSet(const Problem& problem, OpId op) {
  DeviceSet set(problem.machine().num_devices());
  for (const DeviceId device : problem.allowed_devices(op)) set.Insert(device);
  return set;
}

absl::Status UnplaceableError(const Problem& problem, const Kernels& kernels,
                              const std::vector<int32_t>& tied, int32_t root) {
  std::vector<OpId> ops;
  std::vector<DeviceSet> sets;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    for (const OpId op : kernels.ops(k)) {
      if (tied[k] != root) continue;
      ops.push_back(op);
      sets.push_back(AllowedSet(problem, op));
    }
  }
  std::vector<std::string> texts = {
      absl::StrCat("the base plan's ", DescribeKernel(kernels, root),
                   " and what is colocated with it must be on one device")};
  const std::vector<size_t> smallest = SmallestDisjoint(sets).front();
  for (const size_t i : smallest) {
    texts.push_back(absl::StrCat(problem.graph().Describe(ops[i]), " may only be on ",
                                 DescribeDevices(problem.allowed_devices(ops[i]))));
  }
  return ConflictError(texts);
}

// Pins of ops that the base plan's kernels tie together may contradict each other.
absl::Status CheckPlaceable(const Problem& problem, const Kernels& kernels) {
  const std::vector<int32_t> tied = TiedKernels(problem, kernels);
  const size_t num_devices = problem.machine().devices().size();
  std::vector<int32_t> set_of(kernels.size(), kNone);
  std::vector<DeviceSet> sets;
  for (KernelId k = 0; k < kernels.size(); ++k) {
    for (const OpId op : kernels.ops(k)) {
      if (problem.allowed_devices(op).size() == num_devices) continue;
      int32_t& index = set_of[tied[k]];
      if (index == kNone) {
        index = static_cast<int32_t>(sets.size());
        sets.push_back(AllowedSet(problem, op));
        continue;
      }
      sets[index].IntersectWith(AllowedSet(problem, op));
      if (sets[index].empty()) return UnplaceableError(problem, kernels, tied, tied[k]);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRanks(const Plan& plan) {
  const size_t size = static_cast<size_t>(plan.kernels->size());
  if (plan.rank.size() != size) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan: rank has ", plan.rank.size(), " entries, expected ", size));
  }
  if (plan.dispatch != Dispatch::kSequence || plan.sequence.size() == size) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("plan: sequence has ", plan.sequence.size(), " entries, expected ", size));
}

absl::Status Check(const Problem& problem, const Plan& plan) {
  if (!problem.tasks().placement) return ValidatePlan(problem, plan);
  GOPT_RETURN_IF_ERROR(CheckKernelRules(problem, *plan.kernels));
  const std::vector<DeviceId> none;
  const bool clones = plan.kernels->has_clones();
  GOPT_RETURN_IF_ERROR(KernelGraph::Create(*plan.kernels, clones ? plan.device : none).status());
  if (!problem.tasks().scheduling) GOPT_RETURN_IF_ERROR(CheckRanks(plan));
  return problem.tasks().fusion ? absl::OkStatus() : CheckPlaceable(problem, *plan.kernels);
}

}  // namespace

absl::Status CheckBasePlan(const Problem& problem) {
  return WithPrefix(Check(problem, *problem.base_plan()));
}

}  // namespace gopt
