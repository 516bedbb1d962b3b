#ifndef GOPT_PLAN_PROBLEM_H_
#define GOPT_PLAN_PROBLEM_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/graph/graph.h"
#include "gopt/machine/machine.h"
#include "gopt/plan/constraints.h"
#include "gopt/plan/fusion_rules.h"
#include "gopt/plan/plan.h"

namespace gopt {

// Which decisions are open; the others are taken from the base plan.
struct Tasks {
  bool fusion = false;
  bool placement = true;
  bool scheduling = true;
};

struct ProblemOptions {
  Constraints constraints;
  Tasks tasks;
  FusionLimits fusion_limits;
  // Its kernels, devices, ranks and dispatch stand for closed tasks. Without one: singleton
  // kernels; placement and scheduling must then be open.
  std::shared_ptr<const Plan> base_plan;
};

// One graph, one machine, what is open and what must be obeyed. Says nothing of how to solve it.
// Immutable; copying shares the graph.
class GOPT_API Problem {
 public:
  // InvalidArgument for constraints that name what does not exist; FailedPrecondition with the
  // conflicting set for contradictory ones (structural contradictions between pins, allowed
  // devices, colocation and keep-apart).
  static absl::StatusOr<Problem> Create(std::shared_ptr<const Graph> graph, Machine machine,
                                        ProblemOptions options = {});

  const Graph& graph() const { return *graph_; }
  std::shared_ptr<const Graph> shared_graph() const { return graph_; }
  const Machine& machine() const { return *machine_; }
  const Constraints& constraints() const { return options_->constraints; }
  const Tasks& tasks() const { return options_->tasks; }
  const FusionLimits& fusion_limits() const { return options_->fusion_limits; }
  // The base plan's kernels, or singletons.
  std::shared_ptr<const Kernels> base_kernels() const { return base_kernels_; }
  const Plan* base_plan() const { return options_->base_plan.get(); }

  // Limit of a device: the machine's, lowered by constraints.
  int64_t memory_limit(DeviceId device) const { return memory_limit_[device]; }

  // Ops that must share a device (graph colocation, optimizer ops of one parameter, constraints),
  // closed transitively: group id per op, dense, -1 for ops in no group of two or more.
  std::span<const int32_t> colocation_group() const { return colocation_group_; }
  int num_colocation_groups() const { return num_colocation_groups_; }
  // Devices an op may use, ascending, its group's and pins' restrictions included. Never empty.
  std::span<const DeviceId> allowed_devices(OpId op) const;
  bool is_allowed(OpId op, DeviceId device) const;

 private:
  Problem() = default;
  void SetMemoryLimits();
  absl::Status ResolveDevices();
  absl::Status CheckForwardOnly() const;
  absl::Status SetBaseKernels();

  std::shared_ptr<const Graph> graph_;
  std::shared_ptr<const Machine> machine_;
  std::shared_ptr<const ProblemOptions> options_;
  std::shared_ptr<const Kernels> base_kernels_;
  std::vector<int64_t> memory_limit_;
  std::vector<int32_t> colocation_group_;
  int num_colocation_groups_ = 0;
  std::vector<DeviceId> all_devices_;
  std::vector<std::vector<DeviceId>> allowed_sets_;  // Distinct restricted sets.
  std::vector<int32_t> allowed_set_of_op_;           // -1: all devices.
};

}  // namespace gopt

#endif  // GOPT_PLAN_PROBLEM_H_
