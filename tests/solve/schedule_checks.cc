#include "tests/solve/schedule_checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace gopt::testing {

Nanoseconds Makespan(const TaskSchedule& schedule) {
  return schedule.finish.empty()
             ? 0
             : *std::max_element(schedule.finish.begin(), schedule.finish.end());
}

void ExpectLegalSchedule(const TaskGraph& tasks, const TaskSchedule& schedule) {
  const KernelGraph& graph = tasks.kernel_graph();
  const Machine& machine = tasks.problem().machine();
  std::vector<int32_t> position(tasks.num_tasks(), -1);
  std::vector<Nanoseconds> busy_until(tasks.num_devices(), 0);
  ASSERT_EQ(static_cast<int>(schedule.sequence.size()), tasks.num_tasks());
  for (size_t i = 0; i < schedule.sequence.size(); ++i) {
    const KernelId task = schedule.sequence[i];
    const DeviceId device = schedule.device[task];
    ASSERT_EQ(position[task], -1);
    position[task] = static_cast<int32_t>(i);
    ASSERT_TRUE(tasks.is_allowed(task, device)) << task;
    ASSERT_GE(schedule.start[task], busy_until[device]) << task;
    ASSERT_EQ(schedule.finish[task], schedule.start[task] + tasks.time(task, device));
    busy_until[device] = schedule.finish[task];
  }
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    for (KernelId p : KernelGraph::Row(graph.predecessors, graph.predecessor_begin, task)) {
      ASSERT_LT(position[p], position[task]);
      ASSERT_LE(schedule.finish[p], schedule.start[task]);
    }
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      const KernelId source = graph.inputs[e].source;
      if (source == kNone || schedule.device[source] == schedule.device[task]) continue;
      const DeviceId from = schedule.device[source], to = schedule.device[task];
      ASSERT_GE(schedule.start[task], schedule.finish[source] +
                                          machine.TransferDuration(tasks.edge_bytes(e), from, to) +
                                          machine.route_latency(from, to));
    }
  }
}

Plan SequencePlan(const TaskGraph& tasks, const TaskSchedule& schedule) {
  std::vector<int32_t> rank(schedule.sequence.size());
  for (size_t i = 0; i < rank.size(); ++i) rank[schedule.sequence[i]] = static_cast<int32_t>(i);
  Plan plan = tasks.MakePlan(schedule.device, rank, "");
  plan.dispatch = Dispatch::kSequence;
  plan.sequence = schedule.sequence;
  return plan;
}

}  // namespace gopt::testing
