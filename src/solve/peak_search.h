#ifndef GOPT_SRC_SOLVE_PEAK_SEARCH_H_
#define GOPT_SRC_SOLVE_PEAK_SEARCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "src/solve/peak_instance.h"
#include "src/solve/peak_lists.h"
#include "src/solve/peak_meter.h"

namespace gopt {

// Whether the items can be put in order within a budget of bytes.
struct FitAnswer {
  enum class Kind { kFits, kCannot, kUnknown };
  Kind kind = Kind::kUnknown;
  std::vector<int32_t> order;  // kFits.
  int64_t least_over = 0;      // kCannot: any order takes this much, more than the budget.
};

// Depth first over sets of finished items, each entered once; forced items go at once (see
// PeakState). kUnknown after `most_steps` or when the meter is out.
GOPT_API FitAnswer FitWithin(const PeakInstance& instance, int64_t budget, int64_t most_steps,
                             PeakMeter* meter);

// The largest of PeakInstance::PeakBound over all items, or over some where there are many: those
// with most alive in the order, which must be legal.
int64_t PeakBoundOf(const PeakInstance& instance, std::span<const int32_t> order);

// Narrows the peak from both sides by FitWithin under budgets in between (adaptive soft budgeting):
// improves *best and returns a bound, at least `bound`, which must be one. Stops at a peak of at
// most `enough`.
GOPT_API int64_t NarrowPeak(const PeakInstance& instance, int64_t bound, int64_t enough,
                            int64_t most_steps, PeakMeter* meter, OrderAndPeak* best);

// Positions in the order such that every order passes through the sets of items before them, ends
// included: the instance falls into independent parts. An item that takes nothing and that nobody
// waits for is first moved to where its last predecessor ends.
GOPT_API std::vector<int> CutPositions(const PeakInstance& instance, std::vector<int32_t>* order);

// Puts an order of PeakInstance::Window(order, first, ...) in its place.
void Splice(std::span<const int32_t> of_window, int first, std::vector<int32_t>* order);

// Solves windows around the peak again and again, wider ones when that no longer helps.
void ImproveByWindows(const PeakInstance& instance, int64_t enough, PeakMeter* meter,
                      OrderAndPeak* best);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PEAK_SEARCH_H_
