#ifndef GOPT_SOLVE_TASK_GRAPH_H_
#define GOPT_SOLVE_TASK_GRAPH_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/kernels.h"
#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// A problem with fixed kernels, seen as a scheduling problem: tasks (= kernels) with a time per
// device, edges (= KernelGraph::inputs, by index) that carry tensors. Solvers work on this instead
// of asking the cost model again and again. Immutable; const calls are thread-safe.
class GOPT_API TaskGraph {
 public:
  // InvalidArgument for a cycle among kernels, and for clones of which a reader chooses one by
  // devices (Kernels::copies_depend_on_device) where there is more than one device;
  // FailedPrecondition when fusion ties together ops that share no allowed device. similar:
  // null, or made of the same problem and costs; where neither has clones, kernels of the same ops
  // have their times from there.
  static absl::StatusOr<TaskGraph> Create(const Problem& problem,
                                          std::shared_ptr<const Kernels> kernels,
                                          const OpCostModel& costs,
                                          const TaskGraph* similar = nullptr);

  int num_tasks() const { return kernel_graph_.num_kernels; }
  int num_devices() const { return num_devices_; }
  const KernelGraph& kernel_graph() const { return kernel_graph_; }
  std::shared_ptr<const Kernels> kernels() const { return kernels_; }
  const Problem& problem() const { return problem_; }

  Nanoseconds time(KernelId task, DeviceId device) const {
    return time_[static_cast<size_t>(task) * num_devices_ + device];
  }
  std::span<const Nanoseconds> times(KernelId task) const {
    return {time_.data() + static_cast<size_t>(task) * num_devices_,
            static_cast<size_t>(num_devices_)};
  }
  double mean_time(KernelId task) const { return mean_time_[task]; }  // Over allowed devices.
  Nanoseconds best_time(KernelId task) const { return best_time_[task]; }

  // Mean over ordered pairs of distinct devices of latency + bytes / bandwidth; 0 with one device.
  double MeanTransfer(int64_t bytes) const {
    return mean_latency_ + bytes * mean_inverse_bandwidth_;
  }
  // Bytes of the tensor on KernelGraph::inputs[edge].
  int64_t edge_bytes(int32_t edge) const { return edge_bytes_[edge]; }
  // Which tensor KernelGraph::inputs[edge] reads: an index into KernelGraph::outputs, or that size
  // + position in Graph::parameters(). Readers of one tensor share it.
  int32_t edge_tensor(int32_t edge) const { return edge_tensor_[edge]; }
  int num_tensors() const {
    return static_cast<int>(kernel_graph_.outputs.size() + parameter_bytes_.size());
  }

  // Parameters, by position in Graph::parameters(): bytes with optimizer state, and the task whose
  // device is its home by the default rule (kNone: nobody reads it; home is device 0).
  int num_parameters() const { return static_cast<int>(parameter_bytes_.size()); }
  int64_t parameter_bytes(int parameter) const { return parameter_bytes_[parameter]; }
  KernelId home_task(int parameter) const { return home_task_[parameter]; }
  // Sum of parameter_bytes over the parameters whose home the task decides.
  int64_t persistent_bytes(KernelId task) const { return persistent_bytes_[task]; }
  // Storage bytes of all ports that the task's ops make and others read.
  int64_t activation_bytes(KernelId task) const { return activation_bytes_[task]; }

  // Tasks of one group must share a device (colocation closed transitively, through kernels); -1:
  // none.
  int32_t group(KernelId task) const { return group_[task]; }
  int num_groups() const { return static_cast<int>(group_tasks_.size()); }
  std::span<const KernelId> group_tasks(int32_t group) const { return group_tasks_[group]; }
  // Devices the task (and its group) may use, ascending, never empty.
  std::span<const DeviceId> allowed(KernelId task) const;
  bool is_allowed(KernelId task, DeviceId device) const;

  // A plan with these devices and ranks (one per task), dispatch PRIORITY, homes by the default
  // rule.
  Plan MakePlan(std::vector<DeviceId> device, std::vector<int32_t> rank,
                std::string producer) const;

 private:
  explicit TaskGraph(const Problem& problem) : problem_(problem) {}
  void FillTimes(const OpCostModel& costs, const TaskGraph* similar);
  bool CopyTimes(const TaskGraph& similar, KernelId task);
  void FillEdges();
  int32_t OutputIndex(const KernelGraph::Input& input) const;
  void FillGroups();
  absl::Status FillAllowed();
  void FillMeans();
  void FillParameters();

  Problem problem_;
  std::shared_ptr<const Kernels> kernels_;
  KernelGraph kernel_graph_;
  int num_devices_ = 0;
  std::vector<Nanoseconds> time_;  // [task, device]
  std::vector<double> mean_time_;
  std::vector<Nanoseconds> best_time_;
  std::vector<int64_t> edge_bytes_;
  std::vector<int32_t> edge_tensor_;
  std::vector<int64_t> parameter_bytes_, persistent_bytes_, activation_bytes_;
  std::vector<KernelId> home_task_;
  double mean_latency_ = 0.0, mean_inverse_bandwidth_ = 0.0;
  std::vector<int32_t> group_;
  std::vector<std::vector<KernelId>> group_tasks_;
  std::vector<DeviceId> all_devices_;
  std::vector<std::vector<DeviceId>> allowed_sets_;
  std::vector<int32_t> allowed_set_;  // Per task; -1: all devices.
};

// Ranks 0 .. n-1 by descending priority, ties by lower task id. NaN comes last.
GOPT_API std::vector<int32_t> RanksByPriority(std::span<const double> priority);

// Upward rank of Topcuoglu, Hariri, Wu (IEEE TPDS 13(3), 2002): mean time + longest mean path to an
// exit.
GOPT_API std::vector<double> UpwardRanks(const TaskGraph& tasks);

// Longest path to an exit for given devices: task times there, transfers between different devices.
GOPT_API std::vector<double> CriticalPathPriorities(const TaskGraph& tasks,
                                                    std::span<const DeviceId> device);

}  // namespace gopt

#endif  // GOPT_SOLVE_TASK_GRAPH_H_
