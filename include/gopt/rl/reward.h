#ifndef GOPT_RL_REWARD_H_
#define GOPT_RL_REWARD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gopt/base/export.h"
#include "gopt/base/types.h"
#include "gopt/cost/cost_report.h"
#include "gopt/training/config.h"

namespace gopt {

// -sqrt(step_time / reference) (GO, section 2) or -log(step_time / reference); always finite. A
// step time below 1 ns counts as 1.
GOPT_API double RewardOfTime(const RewardOptions& options, Nanoseconds step_time,
                             Nanoseconds reference);

// The rewards of one problem's samples. Remembers the worst feasible reward, which graded rewards
// of plans over a memory limit stay below.
class GOPT_API RewardScale {
 public:
  // memory: sum of the devices' limits, in bytes.
  RewardScale(const RewardOptions& options, Nanoseconds reference, int64_t memory)
      : options_(options),
        reference_(reference),
        memory_(memory),
        worst_feasible_(RewardOfTime(options, reference, reference)) {}

  // One per report. A failed report (the backend could not tell) has none: it says nothing of the
  // plan, and its sample is left out.
  std::vector<std::optional<double>> Rewards(std::span<const CostReport> reports);

  // For checkpoints.
  double worst_feasible() const { return worst_feasible_; }
  void set_worst_feasible(double reward) { worst_feasible_ = reward; }

 private:
  RewardOptions options_;
  Nanoseconds reference_;
  int64_t memory_;
  double worst_feasible_;  // The reference is feasible.
};

// reward_i - mean of the others' rewards; 0 for a single one.
GOPT_API std::vector<double> LeaveOneOut(std::span<const double> rewards);

// Divided by the root mean square, and clipped to +- limit if that is positive. All zero stays
// zero.
GOPT_API void NormalizeAdvantages(double limit, std::vector<double>* advantages);

}  // namespace gopt

#endif  // GOPT_RL_REWARD_H_
