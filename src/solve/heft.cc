#include "gopt/solve/heft.h"

#include <utility>
#include <vector>

#include "src/solve/task_scheduler.h"

namespace gopt {
namespace {

// Tasks by descending upward rank. A predecessor's rank is never smaller, so with ties in
// topological order the whole order is topological.
std::vector<KernelId> UpwardRankOrder(const TaskGraph& tasks) {
  const std::vector<double> upward = UpwardRanks(tasks);
  const std::vector<KernelId>& topological = tasks.kernel_graph().topological_order;
  std::vector<double> priority(upward.size());
  for (size_t i = 0; i < topological.size(); ++i) priority[i] = upward[topological[i]];
  const std::vector<int32_t> rank = RanksByPriority(priority);
  std::vector<KernelId> order(rank.size());
  for (size_t i = 0; i < rank.size(); ++i) order[rank[i]] = topological[i];
  return order;
}

}  // namespace

TaskSchedule ScheduleHeft(const TaskGraph& tasks, const HeftOptions& options,
                          const PlacementOptions& placement) {
  TaskScheduler scheduler(tasks, {.insertion = options.insertion, .contention = options.contention},
                          placement);
  for (KernelId task : UpwardRankOrder(tasks)) {
    scheduler.Visit(task);
    scheduler.Place(scheduler.EarliestFinish());
  }
  return std::move(scheduler).Finish();
}

}  // namespace gopt
