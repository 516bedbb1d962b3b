#include "gopt/solve/round_robin.h"

#include "src/solve/admit.h"
#include "src/solve/segments.h"

namespace gopt {

std::vector<DeviceId> RoundRobinPlacement(const TaskGraph& tasks, RoundRobinUnit unit,
                                          const PlacementOptions& placement) {
  std::vector<DeviceId> wish(tasks.num_tasks());
  if (unit == RoundRobinUnit::kOps) {
    int32_t next = 0;
    for (KernelId task : tasks.kernel_graph().topological_order) {
      wish[task] = next++ % tasks.num_devices();
    }
    return Admit(tasks, wish, placement);
  }
  Segments segments(tasks);
  if (segments.deepest() == 0) {
    segments.BuildDepth(0);
  } else if (unit == RoundRobinUnit::kLayers) {
    segments.Build(LayerOfScope);
  } else {
    segments.BuildDepth(segments.deepest());
  }
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    wish[task] = segments.of(task) % tasks.num_devices();
  }
  return Admit(tasks, wish, placement);
}

}  // namespace gopt
