#include "gopt/plan/problem.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/plan/base_plan.h"
#include "src/plan/check_constraints.h"
#include "src/plan/colocation.h"
#include "src/plan/conflict.h"
#include "src/plan/device_rules.h"
#include "src/plan/keep_apart.h"
#include "src/plan/kernel_rules.h"

namespace gopt {
namespace {

absl::Status CheckFusionLimits(const FusionLimits& limits) {
  if (limits.max_ops >= 1 && limits.max_operands >= 0 && limits.on_chip_bytes >= 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "fusion limits: max_ops must be positive, max_operands and on_chip_bytes not negative");
}

absl::Status CheckTasks(const ProblemOptions& options) {
  if (options.base_plan != nullptr || (options.tasks.placement && options.tasks.scheduling)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "tasks: placement and scheduling can only be closed with a base plan");
}

}  // namespace

absl::StatusOr<Problem> Problem::Create(std::shared_ptr<const Graph> graph, Machine machine,
                                        ProblemOptions options) {
  if (graph == nullptr) return absl::InvalidArgumentError("problem: the graph is missing");
  if (machine.num_devices() == 0) {
    return absl::InvalidArgumentError("problem: the machine has no device");
  }
  GOPT_RETURN_IF_ERROR(CheckConstraints(*graph, machine, options.constraints));
  GOPT_RETURN_IF_ERROR(CheckFusionLimits(options.fusion_limits));
  GOPT_RETURN_IF_ERROR(CheckTasks(options));
  Problem problem;
  problem.graph_ = std::move(graph);
  problem.machine_ = std::make_shared<const Machine>(std::move(machine));
  problem.options_ = std::make_shared<const ProblemOptions>(std::move(options));
  problem.SetMemoryLimits();
  GOPT_RETURN_IF_ERROR(problem.ResolveDevices());
  GOPT_RETURN_IF_ERROR(problem.SetBaseKernels());
  return problem;
}

void Problem::SetMemoryLimits() {
  for (const Device& device : machine_->devices()) memory_limit_.push_back(device.memory_bytes);
  for (const Constraints::MemoryLimit& limit : constraints().memory_limits) {
    memory_limit_[limit.device] = std::min(memory_limit_[limit.device], limit.bytes);
  }
}

absl::Status Problem::ResolveDevices() {
  const Colocation colocation(*graph_, constraints());
  DeviceRules rules(*graph_, *machine_, constraints(), colocation);
  GOPT_RETURN_IF_ERROR(rules.Resolve());
  colocation_group_ = colocation.group();
  num_colocation_groups_ = colocation.num_groups();
  all_devices_.resize(machine_->num_devices());
  std::iota(all_devices_.begin(), all_devices_.end(), 0);
  allowed_sets_ = rules.sets();
  allowed_set_of_op_.resize(graph_->num_ops());
  for (OpId op = 0; op < graph_->num_ops(); ++op) allowed_set_of_op_[op] = rules.set_of(op);
  const auto allowed = [this](OpId op) { return allowed_devices(op); };
  GOPT_RETURN_IF_ERROR(
      CheckKeepApart(*graph_, constraints(), colocation, allowed, machine_->num_devices()));
  return constraints().forward_only_devices ? CheckForwardOnly() : absl::OkStatus();
}

// Along data between forward ops no device id may fall: walks the lowest device that each op can
// have, and remembers which op's rule made it so.
absl::Status Problem::CheckForwardOnly() const {
  std::vector<DeviceId> lowest(graph_->num_ops(), 0);
  std::vector<OpId> cause(graph_->num_ops(), kNone);
  for (const OpId op : graph_->kernel_ops()) {
    if (graph_->phase(op) != Phase::kForward) continue;
    for (const PortId port : graph_->operands(op)) {
      const OpId producer = graph_->producer(port);
      if (graph_->phase(producer) != Phase::kForward || !graph_->in_kernel(producer)) continue;
      if (lowest[producer] <= lowest[op]) continue;
      lowest[op] = lowest[producer];
      cause[op] = cause[producer];
    }
    const std::span<const DeviceId> allowed = allowed_devices(op);
    if (allowed.back() < lowest[op]) {
      const OpId before = cause[op];
      return ConflictError(std::vector<std::string>{
          "forward_only_devices: data never goes to a lower device",
          absl::StrCat(graph_->Describe(before), " may only be on ",
                       DescribeDevices(allowed_devices(before))),
          absl::StrCat(graph_->Describe(op), ", which comes after it, may only be on ",
                       DescribeDevices(allowed))});
    }
    const auto at_least = std::lower_bound(allowed.begin(), allowed.end(), lowest[op]);
    if (*at_least > lowest[op]) {
      lowest[op] = *at_least;
      cause[op] = op;
    }
  }
  return absl::OkStatus();
}

absl::Status Problem::SetBaseKernels() {
  const Plan* plan = base_plan();
  if (plan == nullptr) {
    base_kernels_ = Kernels::Singletons(graph_);
    return absl::OkStatus();
  }
  if (plan->kernels == nullptr) {
    return absl::InvalidArgumentError("base plan: the kernels are missing");
  }
  if (!SameGraph(*graph_, plan->kernels->graph())) {
    return absl::InvalidArgumentError("base plan: it was made for another graph");
  }
  base_kernels_ = plan->kernels;
  return CheckBasePlan(*this);
}

std::span<const DeviceId> Problem::allowed_devices(OpId op) const {
  const int32_t set = allowed_set_of_op_[op];
  return set == kNone ? std::span<const DeviceId>(all_devices_) : allowed_sets_[set];
}

bool Problem::is_allowed(OpId op, DeviceId device) const {
  const std::span<const DeviceId> devices = allowed_devices(op);
  return std::binary_search(devices.begin(), devices.end(), device);
}

}  // namespace gopt
