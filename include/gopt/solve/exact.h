#ifndef GOPT_SOLVE_EXACT_H_
#define GOPT_SOLVE_EXACT_H_

#include <cstdint>

namespace gopt {

// "exact": branch and bound that proves how good the best plan is, for small problems priced by
// the simulator. Begins with the plans of portfolio(search=false) and a short anneal. Then it runs
// docs/simulator.md in time and asks, wherever plans may differ, which way: the device of a task
// when the first tensor for it is sent (or, where nobody can tell the difference, when it starts),
// the home of a parameter when somebody asks for it, what an idle device starts or that it waits
// for another task than those that are ready, and the order of the bookings of one pass, as far as
// they share channels.
//
// Why that contains an optimal plan. A plan is a placement, homes, ranks and a dispatch rule, and
// runs as the same plan with dispatch SEQUENCE and its own start order does. Under SEQUENCE a
// kernel starts as soon as it is ready and its turn has come, so a plan has no times to choose: a
// delay that helps, because it moves a transfer behind another, is a sequence in which the device
// waits. So the search has to meet every placement with every sequence; a device that waits refuses
// all that is ready, because what is ready would start. Ranks matter only for the order of bookings
// of one pass, and each order met is a set of rules of the form "the lowest rank of these is below
// that of those". The search drops these rules first, which gives a bound and nearly always plans;
// where rules contradict each other, or plans do not fit in memory, it searches again without
// shortcuts. Shortcuts are: bounds (the longest path left, loads of devices); one of several
// untouched interchangeable devices stands for all; a state that was searched stands for those that
// cannot become better.
//
// With the bound at the step time the plan is optimal and the stop reason is kCompleted; else
// Solution::bounds.search is what was proven. Kernels are those of the base plan, or with fusion
// open the default heuristic's: then nothing is proven, as other kernels may be faster, and
// kCompleted says that these have no faster plan. Neither is it for other backends than the
// simulator, for the objective kPeakBytes, or above 64 kernels or devices, where portfolio's plan
// is the answer. (Fernandez, Bussell, IEEE Trans. Computers C-22(8), 1973, for the idea of the
// bounds; Kohler, Steiglitz, J. ACM 21(1), 1974, for branch and bound with dominance.)
struct ExactOptions {
  // Search nodes (choices made, about a microsecond each) at most; they are no evaluations. 0: as
  // many as the request's deadline allows, or 5,000,000 without one.
  int64_t nodes = 0;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_EXACT_H_
