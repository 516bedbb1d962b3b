#include "gopt/solve/peft.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "src/solve/priorities.h"
#include "src/solve/task_scheduler.h"

namespace gopt {
namespace {

class OptimisticCostTable {
 public:
  explicit OptimisticCostTable(const TaskGraph& tasks)
      : tasks_(tasks),
        graph_(tasks.kernel_graph()),
        devices_(tasks.num_devices()),
        costs_(devices_ * tasks.num_tasks(), 0.0),
        from_here_(devices_) {}

  std::vector<double> Fill() && {
    const std::vector<KernelId>& order = graph_.topological_order;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      BeginReader(*it);
      for (int32_t e = graph_.input_begin[*it]; e < graph_.input_begin[*it + 1]; ++e) {
        const KernelId source = graph_.inputs[e].source;
        if (source != kNone) Raise(source, tasks_.MeanTransfer(tasks_.edge_bytes(e)));
      }
      for (KernelId source : KernelGraph::Row(graph_.controls, graph_.control_begin, *it)) {
        Raise(source, 0.0);
      }
    }
    return std::move(costs_);
  }

 private:
  double* Row(KernelId task) { return &costs_[static_cast<size_t>(task) * devices_]; }

  // What is left from the reader's start on each device; infinite where it may not run.
  void BeginReader(KernelId reader) {
    std::fill(from_here_.begin(), from_here_.end(), std::numeric_limits<double>::infinity());
    best_ = std::numeric_limits<double>::infinity();
    for (DeviceId d : tasks_.allowed(reader)) {
      from_here_[d] = Row(reader)[d] + static_cast<double>(tasks_.time(reader, d));
      best_ = std::min(best_, from_here_[d]);
    }
  }

  // The reader stays on the source's device, or goes to its best one after a transfer.
  void Raise(KernelId source, double transfer) {
    double* row = Row(source);
    for (size_t d = 0; d < devices_; ++d) {
      row[d] = std::max(row[d], std::min(from_here_[d], best_ + transfer));
    }
  }

  const TaskGraph& tasks_;
  const KernelGraph& graph_;
  const size_t devices_;
  std::vector<double> costs_;
  std::vector<double> from_here_;  // Of the current reader, per device; `best_` is the least.
  double best_ = 0.0;
};

}  // namespace

std::vector<double> OptimisticCosts(const TaskGraph& tasks) {
  return OptimisticCostTable(tasks).Fill();
}

TaskSchedule SchedulePeft(const TaskGraph& tasks, const PlacementOptions& placement) {
  const size_t devices = tasks.num_devices();
  const std::vector<double> costs = OptimisticCosts(tasks);
  std::vector<double> mean(tasks.num_tasks());
  for (size_t task = 0; task < mean.size(); ++task) {
    const double* row = &costs[task * devices];
    mean[task] = std::accumulate(row, row + devices, 0.0) / static_cast<double>(devices);
  }
  TaskScheduler scheduler(tasks, {}, placement);
  std::vector<Nanoseconds> penalty(devices);
  for (KernelId task : ReadyOrder(tasks, mean)) {
    const double* row = &costs[task * devices];
    std::transform(row, row + devices, penalty.begin(), SaturatingCeil);
    scheduler.Visit(task);
    scheduler.Place(scheduler.EarliestFinish(penalty));
  }
  return std::move(scheduler).Finish();
}

}  // namespace gopt
