#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gopt/base/status_macros.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/builtin.h"
#include "src/solve/priorities.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

double TotalTime(const TaskGraph& tasks, DeviceId device) {
  double total = 0.0;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    total += static_cast<double>(tasks.time(task, device));
  }
  return total;
}

// Whether what the other device can do, this one can do alike: then one of them is enough.
bool Alike(const TaskGraph& tasks, DeviceId a, DeviceId b) {
  if (tasks.problem().memory_limit(a) != tasks.problem().memory_limit(b)) return false;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    if (tasks.time(task, a) != tasks.time(task, b)) return false;
    if (tasks.is_allowed(task, a) != tasks.is_allowed(task, b)) return false;
  }
  return true;
}

// Devices in ascending total time, one of each kind.
std::vector<DeviceId> Candidates(const TaskGraph& tasks) {
  std::map<std::pair<double, int64_t>, std::vector<DeviceId>> by_key;
  for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
    std::vector<DeviceId>& like = by_key[{TotalTime(tasks, d), tasks.problem().memory_limit(d)}];
    const bool known = std::any_of(like.begin(), like.end(),
                                   [&](DeviceId other) { return Alike(tasks, d, other); });
    if (!known) like.push_back(d);
  }
  std::vector<DeviceId> candidates;
  for (const auto& [key, like] : by_key) {
    candidates.insert(candidates.end(), like.begin(), like.end());
  }
  return candidates;
}

DeviceId BestAllowed(const TaskGraph& tasks, KernelId task) {
  const auto allowed = tasks.allowed(task);
  return *std::min_element(allowed.begin(), allowed.end(), [&](DeviceId a, DeviceId b) {
    return tasks.time(task, a) < tasks.time(task, b);
  });
}

// Colocation groups share their allowed devices, so they stay together when their first task
// decides.
std::vector<DeviceId> PlaceOn(const TaskGraph& tasks, DeviceId device) {
  std::vector<DeviceId> placement(tasks.num_tasks(), device);
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    if (tasks.is_allowed(task, device)) continue;
    const int32_t group = tasks.group(task);
    placement[task] = BestAllowed(tasks, group == kNone ? task : tasks.group_tasks(group)[0]);
  }
  return placement;
}

// Everything that may be on one device is; the best feasible device wins. The fastest is tried
// first, and devices that are equal in all respects only once. Ops that may not be there go to the
// allowed device on which they take least time.
class SingleDevice final : public Solver {
 public:
  std::string name() const override { return "single_device"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const TaskGraph> shared_tasks,
                          StartTasks(context->problem(), context->costs()));
    const TaskGraph& tasks = *shared_tasks;
    const std::vector<int32_t> rank = TopologicalRanks(tasks);
    for (DeviceId device : Candidates(tasks)) {
      if (context->Exhausted()) break;
      context->Evaluate(tasks.MakePlan(PlaceOn(tasks, device), rank, name()));
    }
    return context->Finish();
  }
};

}  // namespace

SolverOr SingleDeviceFromSpec(const Spec& spec) {
  SpecReader reader(spec);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  return std::make_shared<const SingleDevice>();
}

}  // namespace gopt
