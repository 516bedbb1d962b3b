#ifndef TESTS_TESTING_COST_BACKEND_CONFORMANCE_H_
#define TESTS_TESTING_COST_BACKEND_CONFORMANCE_H_

#include "gopt/cost/cost_backend.h"

namespace gopt::testing {

struct ConformanceOptions {
  // Equal plans get equal reports; false for backends that measure.
  bool deterministic = true;
  // Illegal plans are infeasible, with a reason that begins with "illegal plan: ".
  bool checks_plans = true;
};

// What every cost backend promises (docs/extending/cost_backend.md), as gtest expectations on small
// random problems: reports of the right shape, infeasible plans with a reason, every field
// overwritten, batches equal to single plans, evaluators of several threads that do not disturb one
// another, problems that outlive nothing.
void CheckCostBackend(const CostBackend& backend, const ConformanceOptions& options = {});

}  // namespace gopt::testing

#endif  // TESTS_TESTING_COST_BACKEND_CONFORMANCE_H_
