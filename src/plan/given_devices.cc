#include "src/plan/given_devices.h"

#include "gopt/base/check.h"

namespace gopt {

std::vector<DeviceId> DeviceOfOps(const Plan& plan) {
  const Kernels& kernels = *plan.kernels;
  std::vector<DeviceId> device(kernels.graph().num_ops(), kNone);
  for (const OpId op : kernels.graph().kernel_ops()) {
    device[op] = plan.device[kernels.kernel_of(op)];
  }
  return device;
}

std::vector<DeviceId> GivenDevices(const Problem& problem, std::span<const DeviceId> device) {
  if (!device.empty()) {
    GOPT_CHECK(device.size() == static_cast<size_t>(problem.graph().num_ops()));
    return {device.begin(), device.end()};
  }
  const Plan* base = problem.base_plan();
  if (problem.tasks().placement || base == nullptr) return {};
  return DeviceOfOps(*base);
}

}  // namespace gopt
