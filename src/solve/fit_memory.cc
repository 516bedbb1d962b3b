#include "gopt/solve/fit_memory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gopt/base/status_macros.h"

namespace gopt {
namespace {

// Devices over their limit, by how much, the worst first.
std::vector<std::pair<int64_t, DeviceId>> DevicesOver(const Problem& problem,
                                                      const CostReport& report,
                                                      int64_t byte_limit) {
  std::vector<std::pair<int64_t, DeviceId>> over;
  const int devices =
      std::min(problem.machine().num_devices(), static_cast<int>(report.peak_bytes.size()));
  for (DeviceId device = 0; device < devices; ++device) {
    const int64_t limit = std::min(problem.memory_limit(device), byte_limit);
    const int64_t room = limit - report.peak_bytes[device];
    if (room < 0) over.emplace_back(room, device);
  }
  std::sort(over.begin(), over.end());
  return over;
}

}  // namespace

absl::StatusOr<Plan> FitMemory(const Problem& problem, const Plan& plan, const CostReport& report,
                               const FitMemoryOptions& options) {
  const auto over = DevicesOver(problem, report, options.byte_limit);
  if (over.empty() || !problem.tasks().scheduling) return plan;
  if (report.start_order.size() != plan.rank.size()) {
    return absl::InvalidArgumentError("fit memory: the report has no start order");
  }
  std::vector<KernelId> sequence = report.start_order;
  for (const auto& [bytes, device] : over) {
    PeakOrderOptions order = options.order;
    order.enough_bytes = std::min(problem.memory_limit(device), options.byte_limit);
    GOPT_ASSIGN_OR_RETURN(PeakOrder found, OrderForPeak(problem, plan, sequence, device, order));
    sequence = std::move(found.sequence);
  }
  Plan fitted = WithSequence(plan, std::move(sequence));
  fitted.metadata["order"] = "fit_memory";
  return fitted;
}

}  // namespace gopt
