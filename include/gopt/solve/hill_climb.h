#ifndef GOPT_SOLVE_HILL_CLIMB_H_
#define GOPT_SOLVE_HILL_CLIMB_H_

#include <cstdint>

namespace gopt {

// "hill_climb": the plainest local search, which others are measured against. Starts at the best of
// the request's start plans and of the portfolio's plans (at most a tenth of the evaluations). Then
// one op, picked uniformly, gets another
// device (half the time that of a neighbour) and keeps it if the plan is not worse; the order stays
// the start's unless only the order is open. (Changing it too makes the result slightly worse.)
// Keeps the start's dispatch, PRIORITY or SEQUENCE, and the base kernels. Allowed devices hold,
// colocation groups move as one, memory counts through the score.
struct HillClimbOptions {
  int64_t evaluations = 0;  // At most; 0: the request's budget, or 10,000 if it is unbounded.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_HILL_CLIMB_H_
