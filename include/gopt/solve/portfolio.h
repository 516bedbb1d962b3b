#ifndef GOPT_SOLVE_PORTFOLIO_H_
#define GOPT_SOLVE_PORTFOLIO_H_

#include <cstdint>
#include <string_view>

namespace gopt {

// The placements that each version of the portfolio makes, by solver specs ("chunks": consecutive
// ops of equal work; metis(seed=k): the k-th seed derived from the request's). Frozen: a set that
// differs in any way is a new version.
inline constexpr std::string_view kPortfolioVersion1 =
    "single_device,heft,list,list(stickiness=0.5),heft(insertion=false),list(stickiness=0.2),"
    "list(stickiness=1),list(priority=bottom_level),list(stickiness=0.3,priority=bottom_level),"
    "metis(seed=0),metis(seed=1),expert(trust_twins=true),chunks";
inline constexpr std::string_view kPortfolioVersion2 =
    "single_device,heft(contention=true),list,expert_paper,heft,etf,list(stickiness=0.5),peft,"
    "cpop,heft(insertion=false),m_sct(contention=false),list(stickiness=0.2),list(stickiness=1),"
    "list(priority=bottom_level),list(stickiness=0.3,priority=bottom_level),metis(seed=0),"
    "metis(seed=1),metis(seed=2),metis(seed=3),expert,chunks";

// "portfolio": the best of the classical plans, by the backend's price. Each of the placements of
// its version is priced under four orders (upward rank, critical path at the placement, the
// scheduler's own start order, first in first out) and, where it has an order of its own, as that
// sequence. Solution::solver says whose plan it is. With `search` what is left of the budget then
// goes to anneal, from the best plan.
// `portfolio(search=false)` is the fixed reference B that learned policies are measured against.
struct PortfolioOptions {
  bool search = true;
  int64_t evaluations = 0;  // At most; 0: the request's budget, or 10,000 if it is unbounded.
  int version = 2;          // 1 or 2.
};

}  // namespace gopt

#endif  // GOPT_SOLVE_PORTFOLIO_H_
