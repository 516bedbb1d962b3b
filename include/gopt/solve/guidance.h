#ifndef GOPT_SOLVE_GUIDANCE_H_
#define GOPT_SOLVE_GUIDANCE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/cost_report.h"
#include "gopt/plan/plan.h"
#include "gopt/solve/task_graph.h"

namespace gopt {

// What a policy emits for given kernels. Knows nothing of cost, and may ask for what is not legal:
// a decoder makes the best of it. Any value is allowed.
struct Guidance {
  // Per kernel, higher first; NaN comes last, equals by lower kernel id. Empty: all are equal.
  std::vector<double> priority;
  // List decoder: per KernelGraph::inputs, how much the reader is drawn to where the tensor is; see
  // ListDecoder. NaN counts as 0, what is infinite as the largest finite value. Empty: all are 0.
  std::vector<float> stickiness;
  // Direct decoder: per kernel. A device that the kernel may not use stands for the nearest one by
  // id that it may, the lower one of two; kNone so means the lowest. Empty: all are kNone.
  std::vector<DeviceId> device;
};

// InvalidArgument when a field is neither empty nor of the task graph's size.
GOPT_API absl::Status CheckGuidance(const TaskGraph& tasks, const Guidance& guidance);

// Guidance to plan, for the kernels of one task graph. Deterministic; one thread at a time.
class GOPT_API GuidanceDecoder {
 public:
  enum class Kind : uint8_t {
    kList = 1,    // Priorities and stickiness steer contention-aware list scheduling (ListDecoder).
    kDirect = 2,  // Devices as given, those of a group by its first kernel; ranks by priority.
  };

  // tasks: required.
  GuidanceDecoder(std::shared_ptr<const TaskGraph> tasks, Kind kind);
  ~GuidanceDecoder();
  GuidanceDecoder(GuidanceDecoder&&) noexcept;
  GuidanceDecoder& operator=(GuidanceDecoder&&) noexcept;

  // Makes *plan what the guidance means; keeps its producer and metadata. A plan that was decoded
  // here before is filled without allocating. Closed tasks are the problem's base plan's (op by op,
  // for other kernels than its own), and list scheduling places kernels in that order. Every kernel
  // is on a device that it may use, groups are together. Rules on pairs of devices and the homes of
  // constrained parameters are not looked at: PlanPool and SearchContext see to those.
  // InvalidArgument as by CheckGuidance.
  absl::Status Decode(const Guidance& guidance, Plan* plan);

  const TaskGraph& tasks() const;
  Kind kind() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Priorities that start the tasks in the order in which the plan's kernels started: -start / step
// time, in [-1, 0], where the report has kernel_spans, else the position in start_order over the
// number of kernels, else by rank. Kernels that started together stay in start order by an ulp.
// With these and no stickiness the list decoder takes up kernels in the plan's own order. The task
// graph may have other kernels than the plan: a task is as early as the earliest of its ops. Of a
// report that contradicts itself the part that makes sense is used. The plan must be of the task
// graph's graph, with a rank per kernel.
GOPT_API std::vector<double> PrioritiesOf(const TaskGraph& tasks, const Plan& plan,
                                          const CostReport& report);

// Where the plan runs each task, for Guidance::device: where the kernel of its first op is, or,
// where the task may not run there, the first device allowed; groups by their first task.
GOPT_API std::vector<DeviceId> DevicesOf(const TaskGraph& tasks, const Plan& plan);

}  // namespace gopt

#endif  // GOPT_SOLVE_GUIDANCE_H_
