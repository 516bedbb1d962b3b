#ifndef GOPT_SOLVE_SEARCH_CONTEXT_H_
#define GOPT_SOLVE_SEARCH_CONTEXT_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gopt/base/export.h"
#include "gopt/solve/solver.h"

namespace gopt {

class PlanCompleter;

// What every solver needs around its idea: an evaluator, the budget's bookkeeping, the best plan so
// far and its curve. A solver proposes plans by Evaluate() until Exhausted(), then returns
// Finish(). One thread uses it.
class GOPT_API SearchContext {
 public:
  // InvalidArgument when the request lacks a problem or a backend or allows no evaluation; the
  // backend's error if it cannot bind.
  static absl::StatusOr<std::unique_ptr<SearchContext>> Create(const SolveRequest& request,
                                                               std::string solver);
  ~SearchContext();

  const SolveRequest& request() const { return request_; }
  const Problem& problem() const { return *request_.problem; }
  const OpCostModel& costs() const { return *costs_; }

  // Prices a plan, remembers it if it is the best, and returns its report (valid until the next
  // call). Closed tasks are first replaced by the base plan's (op by op, for other kernels than its
  // own), homes of constrained parameters are filled in, and a placement that breaks a rule on
  // pairs of devices (keep apart, forward only, no route, ...) gives way to the one that
  // PlacementSolver::Fix finds near it: that is what is priced. The rest of the plan must be legal.
  // Where no such placement was found, the report is infeasible and never the best. A backend that
  // throws or answers nonsense gives a failed report.
  // `who` names the finder for Solution::solver; empty: this solver.
  const CostReport& Evaluate(const Plan& plan, const EvaluateOptions& options = {},
                             std::string_view who = {});

  // Scalar that searches minimise: the objective, with plans over a memory limit above every
  // feasible one and graded by the bytes over it, then illegal plans, then (+infinity) failed ones.
  double Score(const CostReport& report) const;
  // Whether a plan of this score is within all limits.
  static bool Feasible(double score);

  // False until a legal plan was priced. The best may exceed a memory limit; see Feasible().
  bool has_best() const { return has_best_; }
  const Plan& best_plan() const { return best_plan_; }
  double best_score() const { return best_score_; }

  // True when the budget is spent, the deadline is near (one more evaluation and the last
  // re-pricing would overrun it) or somebody cancelled. Searches check it before each evaluation.
  // Never true before the first evaluation, so that every solver has a plan to return.
  // seconds_before: what the caller needs until it has the next plan, if that is much.
  bool Exhausted(double seconds_before = 0.0);
  // How much of the budget is used, in [0, 1]: evaluations or wall clock, whichever is further. 0
  // when unbounded.
  double Used() const;
  // Lowers the budget to this many evaluations in all. For solvers with a default of their own.
  void LimitEvaluations(int64_t count);
  int64_t evaluations() const { return evaluations_; }
  // Evaluations still allowed.
  int64_t remaining() const;
  double seconds() const;
  // Until the deadline; infinite without one. A step that is predicted to take longer is not begun.
  double seconds_left() const;

  // The request for a solver that is to draw on what is left of this budget, from the best so far.
  SolveRequest InnerRequest() const;
  // Ends such a solver (portfolios): adds its evaluations, curve and best.
  void Absorb(const Solution& solution);

  // No plan within the request's limits is faster: raises LowerBounds::search.
  void ProveBound(Nanoseconds step_time) { proven_ = std::max(proven_, step_time); }

  // The solution: best plan, re-priced with its start order (not counted as an evaluation), and the
  // bounds. Where the best exceeds memory and scheduling is open, its orders of small peak are
  // tried first (FitMemory; not counted either). RESOURCE_EXHAUSTED when nothing feasible was found
  // and the request does not ask for best effort; it names the memory bound where that proves that
  // nothing fits. FAILED_PRECONDITION when no plan was legal, UNKNOWN when the backend priced none.
  absl::StatusOr<Solution> Finish();

 private:
  SearchContext() = default;

  const Plan& Complete(const Plan& plan);
  void Price(const Plan& plan, const EvaluateOptions& options);
  void Consider(const Plan& plan, std::string_view who);
  void AddCurvePoint();
  void ReportProgress();
  void FitBest();
  absl::Status NothingFound(const LowerBounds& bounds) const;

  SolveRequest request_;
  std::string solver_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<RooflineCostModel> own_costs_;  // When the evaluator has none.
  const OpCostModel* costs_ = nullptr;
  std::unique_ptr<PlanCompleter> completer_;  // Null: plans are complete as they are.
  Plan completed_;
  CostReport report_;
  Plan best_plan_;
  CostReport best_report_;
  double best_score_ = 0.0;
  bool has_best_ = false;
  std::string best_who_;
  std::string why_none_;      // Reason of the last plan that was failed or illegal,
  bool any_illegal_ = false;  // and whether some plan was priced but illegal.
  int64_t evaluations_ = 0;
  Clock::time_point start_;
  Clock::time_point last_progress_;
  double evaluation_seconds_ = 0.0;  // Of a slow recent evaluation: maximum, slowly forgotten.
  Nanoseconds proven_ = 0;
  StopReason stop_ = StopReason::kCompleted;
  std::vector<CurvePoint> curve_;
};

}  // namespace gopt

#endif  // GOPT_SOLVE_SEARCH_CONTEXT_H_
