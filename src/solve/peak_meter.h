#ifndef GOPT_SRC_SOLVE_PEAK_METER_H_
#define GOPT_SRC_SOLVE_PEAK_METER_H_

#include <algorithm>
#include <cstdint>

#include "gopt/base/budget.h"

namespace gopt {

// What is left of the steps that a search for a peak may take, and whether somebody ended it.
class PeakMeter {
 public:
  PeakMeter(int64_t steps, const Budget& budget) : steps_(steps), budget_(budget) {}

  void Spend(int64_t steps) { spent_ += steps; }
  int64_t spent() const { return spent_; }
  int64_t total() const { return steps_; }
  int64_t left() const { return std::max<int64_t>(0, steps_ - spent_); }
  // By the deadline or the token; looks at the clock.
  bool Cut() {
    cut_ = cut_ || budget_.cancelled() || budget_.past_deadline();
    return cut_;
  }
  bool was_cut() const { return cut_; }
  bool Out() { return left() == 0 || Cut(); }

 private:
  const int64_t steps_;
  const Budget budget_;
  int64_t spent_ = 0;
  bool cut_ = false;
};

}  // namespace gopt

#endif  // GOPT_SRC_SOLVE_PEAK_METER_H_
