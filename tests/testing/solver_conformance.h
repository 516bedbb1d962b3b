#ifndef TESTS_TESTING_SOLVER_CONFORMANCE_H_
#define TESTS_TESTING_SOLVER_CONFORMANCE_H_

#include <string>

#include "gopt/solve/solver.h"

namespace gopt::testing {

// What every solver must do, as gtest expectations. Run it over a new solver before registering it:
//   TEST(MySolver, Conforms) { testing::CheckSolverConforms(MySolver()); }
//
// On small problems with pins, allowed devices, colocation, ops to keep apart, memory limits,
// closed tasks, fusion open, alone and with others, unequal devices, missing routes, one op, no
// kernels, many components and no time at all:
// - the plan is legal, what is closed is as in the base plan, op by op; its report is what pricing
//   it again gives, and no bound is above it;
// - the same request gives the same plan, also from two threads on one solver;
// - the budget holds, down to one evaluation, a deadline in the past and a cancelled token;
// - what cannot be solved is an error that says so: RESOURCE_EXHAUSTED when nothing fits.
void CheckSolverConforms(const Solver& solver);

}  // namespace gopt::testing

#endif  // TESTS_TESTING_SOLVER_CONFORMANCE_H_
