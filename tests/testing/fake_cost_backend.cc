#include "tests/testing/fake_cost_backend.h"

#include <algorithm>
#include <numeric>

namespace gopt::testing {

CostReport FakeCostBackend::KernelsOnBusiestDevice(const Problem& problem, const Plan& plan) {
  CostReport report;
  report.busy.assign(problem.machine().num_devices(), 0);
  report.peak_bytes.assign(problem.machine().num_devices(), 0);
  if (plan.kernels == nullptr || plan.device.size() != static_cast<size_t>(plan.kernels->size()) ||
      plan.rank.size() != plan.device.size()) {
    report.outcome = Outcome::kInfeasible;
    report.reason = "illegal plan: devices and ranks do not match the kernels";
    return report;
  }
  for (DeviceId device : plan.device) {
    if (device < 0 || device >= problem.machine().num_devices()) {
      report.outcome = Outcome::kInfeasible;
      report.reason = "illegal plan: a device does not exist";
      return report;
    }
    report.step_time = std::max(report.step_time, ++report.busy[device]);
  }
  report.outcome = Outcome::kOk;
  report.start_order.resize(plan.device.size());
  std::iota(report.start_order.begin(), report.start_order.end(), 0);
  return report;
}

}  // namespace gopt::testing
