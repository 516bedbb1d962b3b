#ifndef SRC_COST_PLAN_CHECKS_H_
#define SRC_COST_PLAN_CHECKS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gopt/plan/plan.h"
#include "gopt/plan/problem.h"

namespace gopt {

// The part of a plan's legality that every evaluation looks at: sizes, ranges, the sequence being a
// permutation. Constraints and fusion limits are ValidatePlan's. Keeps its memory between calls.
class PlanChecks {
 public:
  // Why the plan cannot be priced, or "".
  std::string Check(const Problem& problem, const Plan& plan);

 private:
  std::string CheckSequence(const Plan& plan);

  std::vector<uint8_t> seen_;
};

// Homes where the plan's own rule is broken: an optimizer op that runs elsewhere. "" if none.
std::string CheckHomes(const Problem& problem, const Plan& plan, std::span<const DeviceId> homes);

}  // namespace gopt

#endif  // SRC_COST_PLAN_CHECKS_H_
