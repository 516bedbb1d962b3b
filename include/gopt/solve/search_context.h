#ifndef GOPT_SOLVE_SEARCH_CONTEXT_H_
#define GOPT_SOLVE_SEARCH_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/solve/solver.h"

namespace gopt {

// What every solver needs around its idea: an evaluator, the budget's bookkeeping, the best plan so
// far and its curve. A solver proposes plans by Evaluate() until Exhausted(), then returns
// Finish().
class GOPT_API SearchContext {
 public:
  // InvalidArgument when the request lacks a problem or a backend; the backend's error if it cannot
  // bind.
  static absl::StatusOr<std::unique_ptr<SearchContext>> Create(const SolveRequest& request,
                                                               std::string solver);

  const SolveRequest& request() const { return request_; }
  const Problem& problem() const { return *request_.problem; }
  const OpCostModel& costs() const { return *costs_; }

  // Prices a plan, remembers it if it is the best, and returns its report (valid until the next
  // call). The plan must be legal. `who` names the finder for Solution::solver; empty: this solver.
  const CostReport& Evaluate(const Plan& plan, const EvaluateOptions& options = {},
                             std::string_view who = {});

  // Scalar that searches minimise: the objective, with infeasible plans above every feasible one
  // and graded by the bytes over their limit. Failed: +infinity.
  double Score(const CostReport& report) const;

  bool has_best() const { return has_best_; }
  const Plan& best_plan() const { return best_plan_; }
  double best_score() const { return best_score_; }

  // True when the budget is spent, the deadline is near (one evaluation would overrun it) or
  // somebody cancelled. Searches check it before each evaluation.
  bool Exhausted();
  int64_t evaluations() const { return evaluations_; }
  // Evaluations still allowed.
  int64_t remaining() const;
  double seconds() const;

  // Ends a solver that draws on the same budget (portfolios): adds its evaluations, curve and best.
  void Absorb(const Solution& solution);

  // The solution: best plan, re-priced with its start order, and the bounds. RESOURCE_EXHAUSTED
  // when nothing feasible was found and the request does not ask for best effort.
  absl::StatusOr<Solution> Finish();

 private:
  SearchContext() = default;
  void Report(bool force);

  SolveRequest request_;
  std::string solver_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<RooflineCostModel> own_costs_;  // When the evaluator has none.
  const OpCostModel* costs_ = nullptr;
  CostReport report_;
  Plan best_plan_;
  double best_score_ = 0.0;
  bool has_best_ = false;
  std::string best_who_;
  int64_t evaluations_ = 0;
  Clock::time_point start_;
  Clock::time_point last_progress_;
  double slowest_evaluation_ = 0.0;  // Seconds.
  StopReason stop_ = StopReason::kCompleted;
  std::vector<CurvePoint> curve_;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_SEARCH_CONTEXT_H_
