#include "gopt/solve/peak_order.h"

#include <utility>

#include "gopt/base/status_macros.h"
#include "src/solve/peak_lists.h"

namespace gopt {

absl::StatusOr<PeakOrder> OrderForPeak(const Problem& problem, const Plan& plan,
                                       std::span<const KernelId> order, DeviceId device,
                                       const PeakOrderOptions& options) {
  GOPT_ASSIGN_OR_RETURN(const PeakInstance instance,
                        MakePeakInstance(problem, plan, order, device));
  PeakMeter meter(options.steps, options.budget);
  OrderAndPeak best = BestListOrder(instance, options.enough_bytes, &meter);
  PeakOrder result;
  result.sequence = std::move(best.order);
  result.peak_bytes = best.peak;
  result.bound_bytes = instance.base_bytes;
  result.steps = meter.spent();
  result.cut = meter.was_cut();
  return result;
}

Plan WithSequence(const Plan& plan, std::vector<KernelId> sequence) {
  Plan result = plan;
  for (size_t i = 0; i < sequence.size(); ++i) result.rank[sequence[i]] = static_cast<int32_t>(i);
  result.dispatch = Dispatch::kSequence;
  result.sequence = std::move(sequence);
  return result;
}

}  // namespace gopt
