#ifndef GOPT_RL_POLICY_SOLVER_H_
#define GOPT_RL_POLICY_SOLVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "gopt/base/export.h"
#include "gopt/rl/policy.h"
#include "gopt/solve/solver.h"

namespace gopt {

// "policy": prices the classical plans (`portfolio(search=false)`), then plans that the policy
// draws from the best of these: one without noise, then noisy ones. Zero-shot: it learns nothing of
// the problem. Solution::solver says whose plan it is.
struct PolicySolverOptions {
  int64_t samples = 64;  // Plans of the policy, at most.
};

// "gopt", the front door: the classical plans, the policy's for at most `policy_share` of the
// budget, then annealing from the best of all. Never worse than the classical plans.
struct GoptSolverOptions {
  int64_t samples = 64;
  double policy_share = 0.3;  // Of the evaluations left after the classical plans.
  int64_t evaluations = 0;    // At most; 0: the request's budget, or 10,000 if it is unbounded.
};

GOPT_API std::shared_ptr<const Solver> MakePolicySolver(std::shared_ptr<const Policy> policy,
                                                        const PolicySolverOptions& options = {});
GOPT_API std::shared_ptr<const Solver> MakeGoptSolver(std::shared_ptr<const Policy> policy,
                                                      const GoptSolverOptions& options = {});

}  // namespace gopt

#endif  // GOPT_RL_POLICY_SOLVER_H_
