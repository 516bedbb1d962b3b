#include "gopt/solve/peak_order.h"

#include <algorithm>
#include <utility>

#include "gopt/base/status_macros.h"
#include "src/solve/peak_lists.h"
#include "src/solve/peak_search.h"
#include "src/solve/peak_state.h"
#include "src/solve/rank_sort.h"

namespace gopt {
namespace {

constexpr int kMostBeamItems = 5'000;  // Beam search takes time quadratic in them.
constexpr int kWiden = 4;              // While steps are left, by this factor,
constexpr int kWidestBeam = 4'096;     // up to this width.

class PeakOrderSearch {
 public:
  PeakOrderSearch(const PeakInstance& instance, const PeakOrderOptions& options)
      : instance_(instance), options_(options), meter_(options.steps, options.budget) {}

  PeakOrder Run() {
    best_ = BestListOrder(instance_, options_.enough_bytes, &meter_);
    bound_ = PeakBoundOf(instance_, best_.order);
    if (!Done(best_.peak) && !meter_.Out()) SolveParts();
    PeakOrder result;
    result.sequence = std::move(best_.order);
    result.peak_bytes = best_.peak;
    result.bound_bytes = std::min(bound_, best_.peak);
    result.steps = meter_.spent();
    result.cut = meter_.was_cut();
    return result;
  }

 private:
  // Independent of all others: items at positions [first, last), and their peak.
  struct Part {
    int first, last;
    int64_t peak;
  };

  int64_t Enough() const { return std::max(bound_, options_.enough_bytes); }
  bool Done(int64_t peak) const { return peak <= Enough(); }

  std::vector<Part> PartsByPeak() {
    const std::vector<int> cuts = CutPositions(instance_, &best_.order);
    const std::vector<int64_t> bytes = RunBytesAlong(instance_, best_.order);
    std::vector<Part> parts;
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      parts.push_back({cuts[i], cuts[i + 1],
                       *std::max_element(bytes.begin() + cuts[i], bytes.begin() + cuts[i + 1])});
    }
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& a, const Part& b) { return a.peak > b.peak; });
    return parts;
  }

  // The peak is that of the worst part, so no part need be better than another's bound.
  void SolveParts() {
    for (const Part& part : PartsByPeak()) {
      if (Done(part.peak) || meter_.Out()) break;
      const PeakInstance window = instance_.Window(best_.order, part.first, part.last);
      OrderAndPeak best = {.order = window.program, .peak = part.peak};
      bound_ = std::max(bound_, SolvePart(window, &best));
      Splice(best.order, part.first, &best_.order);
    }
    best_.peak = instance_.Peak(best_.order);
  }

  // Improves *best; returns a bound.
  int64_t SolvePart(const PeakInstance& part, OrderAndPeak* best) {
    KeepBetter(BestListOrder(part, Enough(), &meter_), best);
    int64_t bound = PeakBoundOf(part, best->order);
    bound = NarrowPeak(part, bound, Enough(), meter_.left() / 2, &meter_, best);
    for (int width = options_.beam; !Solved(*best, bound); width *= kWiden) {
      ImproveByWindows(part, std::max(bound, Enough()), &meter_, best);
      if (width == 0 || width > kWidestBeam || part.num_items() > kMostBeamItems) break;
      if (Solved(*best, bound)) break;
      KeepBetter(BeamOrder(part, width, std::max(bound, Enough()), &meter_), best);
    }
    return bound;
  }

  bool Solved(const OrderAndPeak& best, int64_t bound) {
    return best.peak <= std::max(bound, Enough()) || meter_.Out();
  }

  static void KeepBetter(OrderAndPeak candidate, OrderAndPeak* best) {
    if (!candidate.order.empty() && candidate.peak < best->peak) *best = std::move(candidate);
  }

  const PeakInstance& instance_;
  const PeakOrderOptions& options_;
  PeakMeter meter_;
  OrderAndPeak best_;
  int64_t bound_ = 0;
};

}  // namespace

absl::StatusOr<PeakOrder> OrderForPeak(const Problem& problem, const Plan& plan,
                                       std::span<const KernelId> order, DeviceId device,
                                       const PeakOrderOptions& options) {
  GOPT_ASSIGN_OR_RETURN(const PeakInstance instance,
                        MakePeakInstance(problem, plan, order, device));
  return PeakOrderSearch(instance, options).Run();
}

Plan WithSequence(const Plan& plan, std::vector<KernelId> sequence) {
  Plan result = plan;
  result.rank = RanksOfOrder(sequence);
  result.dispatch = Dispatch::kSequence;
  result.sequence = std::move(sequence);
  return result;
}

}  // namespace gopt
