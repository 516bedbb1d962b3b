#include "src/solve/admit.h"

#include <algorithm>
#include <cmath>

#include "src/solve/placement_state.h"

namespace gopt {
namespace {

DeviceId LeastLoaded(const double* bias, const std::vector<double>& load) {
  DeviceId best = kNone;
  for (size_t d = 0; d < load.size(); ++d) {
    if (std::isinf(bias[d])) continue;
    if (best == kNone || load[d] + bias[d] < load[best] + bias[best]) {
      best = static_cast<DeviceId>(d);
    }
  }
  return best;
}

}  // namespace

std::vector<DeviceId> Admit(const TaskGraph& tasks, std::span<const DeviceId> wish,
                            const PlacementOptions& options) {
  PlacementState state(tasks, tasks.num_devices());
  state.Reset(options);
  std::vector<DeviceId> device(wish.begin(), wish.end());
  std::vector<double> load(tasks.num_devices(), 0.0);
  for (KernelId task : tasks.kernel_graph().topological_order) {
    const double* bias = state.Bias(task);
    if (bias != nullptr && std::isinf(bias[wish[task]])) device[task] = LeastLoaded(bias, load);
    state.Place(task, device[task]);
    load[device[task]] += static_cast<double>(tasks.time(task, device[task]));
  }
  return device;
}

std::vector<DeviceId> AdmitOnFastestDevice(const TaskGraph& tasks,
                                           const PlacementOptions& options) {
  std::vector<double> total(tasks.num_devices(), 0.0);
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
      total[d] += static_cast<double>(tasks.time(task, d));
    }
  }
  const auto best = std::min_element(total.begin(), total.end());
  const std::vector<DeviceId> wish(tasks.num_tasks(), static_cast<DeviceId>(best - total.begin()));
  return Admit(tasks, wish, options);
}

}  // namespace gopt
