#ifndef GOPT_SRC_SOLVE_PEAK_LISTS_H_
#define GOPT_SRC_SOLVE_PEAK_LISTS_H_

#include <cstdint>
#include <vector>

#include "gopt/base/export.h"
#include "src/solve/peak_instance.h"
#include "src/solve/peak_meter.h"

namespace gopt {

// Orders of small peak in time near linear, for instances of any size.

struct OrderAndPeak {
  std::vector<int32_t> order;
  int64_t peak = 0;
};

// Which item is next where none is forced: the first of the program, the one that became ready last
// (one micro-batch is followed to its end before the next begins), the one that adds least to what
// is alive, or the one with least alive while it runs; ties by the program.
enum class PeakRule { kProgram, kNewest, kNetBytes, kRunBytes };
inline constexpr PeakRule kPeakRules[] = {PeakRule::kProgram, PeakRule::kNewest,
                                          PeakRule::kNetBytes, PeakRule::kRunBytes};

// Always what is forced within `budget` or within the peak so far, else by the rule among the items
// that stay within that, else the item that exceeds it least; kNewest follows its rule even so.
// Ends with what is left of the program when the meter is cut.
GOPT_API OrderAndPeak ListOrder(const PeakInstance& instance, PeakRule rule, int64_t budget,
                                PeakMeter* meter);

// The same, given up with no order as soon as the budget is exceeded. There is at least one item.
std::vector<int32_t> ListOrderWithin(const PeakInstance& instance, PeakRule rule, int64_t budget,
                                     PeakMeter* meter);

// The best of the program, of ListOrder by each rule, and of passes over the best of these lists,
// and over the others while the meter has many steps left, by turns backwards and forwards, while
// they pay: backwards items that add go as late as they can, forwards those that give back as
// early. budget: as for ListOrder; a peak so small ends it.
GOPT_API OrderAndPeak BestListOrder(const PeakInstance& instance, int64_t budget, PeakMeter* meter);

// Keeps `width` sets of finished items of each size, those of least peak so far, then of least live
// bytes. Time is quadratic in items.
GOPT_API OrderAndPeak BeamOrder(const PeakInstance& instance, int width, int64_t budget,
                                PeakMeter* meter);

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PEAK_LISTS_H_
