#include "gopt/solve/cpop.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "src/solve/priorities.h"
#include "src/solve/task_scheduler.h"

namespace gopt {
namespace {

// The successor through which the longest path to an exit goes; kNone for an exit.
std::vector<KernelId> CriticalSuccessors(const TaskGraph& tasks,
                                         const std::vector<double>& upward) {
  const KernelGraph& graph = tasks.kernel_graph();
  std::vector<KernelId> successor(tasks.num_tasks(), kNone);
  std::vector<double> longest(tasks.num_tasks(), -1.0);
  const auto consider = [&](KernelId source, KernelId reader, double transfer) {
    const double length = transfer + upward[reader];
    if (length <= longest[source]) return;
    longest[source] = length;
    successor[source] = reader;
  };
  for (KernelId reader = 0; reader < tasks.num_tasks(); ++reader) {
    for (int32_t e = graph.input_begin[reader]; e < graph.input_begin[reader + 1]; ++e) {
      if (graph.inputs[e].source == kNone) continue;
      consider(graph.inputs[e].source, reader, tasks.MeanTransfer(tasks.edge_bytes(e)));
    }
    for (KernelId source : KernelGraph::Row(graph.controls, graph.control_begin, reader)) {
      consider(source, reader, 0.0);
    }
  }
  return successor;
}

std::vector<KernelId> CriticalPath(const TaskGraph& tasks, const std::vector<double>& upward) {
  if (upward.empty()) return {};
  const std::vector<KernelId> successor = CriticalSuccessors(tasks, upward);
  std::vector<KernelId> path;
  const auto entry = std::max_element(upward.begin(), upward.end());
  for (auto task = static_cast<KernelId>(entry - upward.begin()); task != kNone;
       task = successor[task]) {
    path.push_back(task);
  }
  return path;
}

DeviceId FastestFor(const TaskGraph& tasks, const std::vector<KernelId>& path) {
  std::vector<Nanoseconds> total(tasks.num_devices(), 0);
  for (KernelId task : path) {
    for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
      total[d] = SaturatingAdd(total[d], tasks.time(task, d));
    }
  }
  return static_cast<DeviceId>(std::min_element(total.begin(), total.end()) - total.begin());
}

}  // namespace

TaskSchedule ScheduleCpop(const TaskGraph& tasks, const PlacementOptions& placement) {
  const std::vector<double> upward = UpwardRanks(tasks);
  std::vector<double> priority = DownwardRanks(tasks);
  for (size_t i = 0; i < priority.size(); ++i) priority[i] += upward[i];
  const std::vector<KernelId> path = CriticalPath(tasks, upward);
  std::vector<uint8_t> is_critical(tasks.num_tasks(), 0);
  for (KernelId task : path) is_critical[task] = 1;
  const DeviceId critical_device = FastestFor(tasks, path);

  TaskScheduler scheduler(tasks, {}, placement);
  for (KernelId task : ReadyOrder(tasks, priority)) {
    scheduler.Visit(task);
    const bool there = is_critical[task] != 0 && scheduler.is_open(critical_device);
    scheduler.Place(
        there ? TaskScheduler::Slot{critical_device, scheduler.EarliestStart(critical_device)}
              : scheduler.EarliestFinish());
  }
  return std::move(scheduler).Finish();
}

}  // namespace gopt
