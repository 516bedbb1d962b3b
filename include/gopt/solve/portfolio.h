#ifndef GOPT_SOLVE_PORTFOLIO_H_
#define GOPT_SOLVE_PORTFOLIO_H_

#include <cstdint>

namespace gopt {

// "portfolio": the best of the classical plans, by the backend's price: single device, HEFT with
// and without insertion, list scheduling with several stickinesses, METIS twice, expert and
// contiguous chunks, each under four orders (upward rank, critical path at the placement, the
// scheduler's own start order, first in first out). Solution::solver says whose plan it is.
// With `search` what is left of the budget then goes to anneal, from the best plan.
// `portfolio(search=false)` is the fixed reference B that learned policies are measured against:
// `version` changes when its set of plans does.
struct PortfolioOptions {
  bool search = true;
  int64_t evaluations = 0;  // At most; 0: the request's budget, or 10,000 if it is unbounded.
  int version = 1;          // The only one so far.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_PORTFOLIO_H_
