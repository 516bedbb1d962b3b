#include "src/plan/given_devices.h"

#include "gopt/base/check.h"

namespace gopt {

std::vector<DeviceId> GivenDevices(const Problem& problem, std::span<const DeviceId> device) {
  const Graph& graph = problem.graph();
  if (!device.empty()) {
    GOPT_CHECK(device.size() == static_cast<size_t>(graph.num_ops()));
    return {device.begin(), device.end()};
  }
  const Plan* base = problem.base_plan();
  if (problem.tasks().placement || base == nullptr) return {};
  std::vector<DeviceId> result(graph.num_ops(), kNone);
  for (const OpId op : graph.kernel_ops()) result[op] = base->device[base->kernels->kernel_of(op)];
  return result;
}

}  // namespace gopt
