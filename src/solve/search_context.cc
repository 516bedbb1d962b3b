#include "gopt/solve/search_context.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/fit_memory.h"
#include "src/solve/evaluator_guard.h"
#include "src/solve/plan_completer.h"

namespace gopt {
namespace {

// Scores from here on are over a memory limit: every objective value is below 2^63.
constexpr double kInfeasible = 0x1p64;
constexpr double kIllegal = 0x1p200;
constexpr double kFailed = std::numeric_limits<double>::infinity();
constexpr double kProgressSeconds = 0.25;
constexpr int64_t kFitSteps = 5'000'000;  // For each device over its limit, when nothing fits.
constexpr double kPricesOfFit = 4;        // Time that fitting needs at least.
constexpr double kForget =
    0.9;  // A slow evaluation counts for the deadline this much less each time.

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

int64_t LargestPeak(const CostReport& report) {
  return report.peak_bytes.empty()
             ? 0
             : *std::max_element(report.peak_bytes.begin(), report.peak_bytes.end());
}

int64_t BytesOver(const CostReport& report, const Objective& objective) {
  int64_t over = report.bytes_over_limit;
  if (objective.kind != Objective::Kind::kStepTimeUnderLimit) return over;
  for (int64_t peak : report.peak_bytes) {
    over = SaturatingAdd(over, std::max<int64_t>(0, peak - objective.byte_limit));
  }
  return over;
}

absl::Status CheckRequest(const SolveRequest& request) {
  if (request.problem == nullptr) {
    return absl::InvalidArgumentError("solve request: a problem is required");
  }
  if (request.backend == nullptr) {
    return absl::InvalidArgumentError("solve request: a cost backend is required");
  }
  if (request.budget.evaluations <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("solve request: budget.evaluations is ",
                                                   request.budget.evaluations, "; 1 is the least"));
  }
  if (request.objective.kind == Objective::Kind::kStepTimeUnderLimit &&
      request.objective.byte_limit <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("solve request: objective.byte_limit is ",
                                                   request.objective.byte_limit,
                                                   "; it must be positive"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SearchContext>> SearchContext::Create(const SolveRequest& request,
                                                                     std::string solver) {
  GOPT_RETURN_IF_ERROR(CheckRequest(request));
  std::unique_ptr<SearchContext> context(new SearchContext());
  context->start_ = Clock::now();
  context->last_progress_ = context->start_;
  context->request_ = request;
  context->solver_ = std::move(solver);
  GOPT_ASSIGN_OR_RETURN(context->completer_, PlanCompleter::CreateIfNeeded(*request.problem));
  GOPT_ASSIGN_OR_RETURN(context->evaluator_, BindGuarded(*request.backend, *request.problem));
  context->costs_ = context->evaluator_->op_costs();
  if (context->costs_ == nullptr) {
    context->own_costs_ = std::make_unique<RooflineCostModel>(*request.problem);
    context->costs_ = context->own_costs_.get();
  }
  return context;
}

SearchContext::~SearchContext() = default;

const CostReport& SearchContext::Evaluate(const Plan& plan, const EvaluateOptions& options,
                                          std::string_view who) {
  const Clock::time_point begin = Clock::now();
  const Plan& complete = Complete(plan);
  Price(complete, options);
  ++evaluations_;
  evaluation_seconds_ = std::max(Seconds(Clock::now() - begin), kForget * evaluation_seconds_);
  Consider(complete, who);
  ReportProgress();
  return report_;
}

const Plan& SearchContext::Complete(const Plan& plan) {
  if (completer_ == nullptr) return plan;
  completed_ = plan;
  completer_->Complete(&completed_);
  return completed_;
}

void SearchContext::Price(const Plan& plan, const EvaluateOptions& options) {
  if (completer_ != nullptr) {
    if (absl::Status legal = completer_->CheckLegal(plan); !legal.ok()) {
      MarkIllegal(legal, &report_);
      return;
    }
  }
  EvaluateGuarded(plan, options, evaluator_.get(), &report_);
}

void SearchContext::Consider(const Plan& plan, std::string_view who) {
  const double score = Score(report_);
  if (!(score < kIllegal)) {
    any_illegal_ = any_illegal_ || report_.outcome == Outcome::kInfeasible;
    why_none_ = report_.reason;
    return;
  }
  const bool better = !has_best_ || score < best_score_ ||
                      (score == best_score_ && report_.step_time < best_report_.step_time);
  if (!better) return;
  has_best_ = true;
  best_score_ = score;
  best_plan_ = plan;
  best_report_ = report_;
  best_who_ = who.empty() ? solver_ : std::string(who);
  AddCurvePoint();
}

void SearchContext::AddCurvePoint() {
  if (!Feasible(best_score_)) return;
  curve_.push_back({evaluations_, seconds(), best_report_.step_time});
}

double SearchContext::Score(const CostReport& report) const {
  if (report.outcome == Outcome::kFailed) return kFailed;
  const int64_t over = BytesOver(report, request_.objective);
  if (over > 0) return kInfeasible * (1.0 + static_cast<double>(over));
  if (!report.ok()) return kIllegal;
  const double step_time = static_cast<double>(report.step_time);
  if (request_.objective.kind != Objective::Kind::kPeakBytes) return step_time;
  return static_cast<double>(LargestPeak(report)) + step_time * 0x1p-63;
}

bool SearchContext::Feasible(double score) { return score < kInfeasible; }

bool SearchContext::Exhausted(double seconds_before) {
  if (evaluations_ == 0) return false;
  if (request_.budget.cancelled()) {
    stop_ = StopReason::kCancelled;
  } else if (evaluations_ >= request_.budget.evaluations) {
    stop_ = StopReason::kEvaluations;
  } else if (request_.budget.deadline.has_value() &&
             seconds_left() <= 2.0 * evaluation_seconds_ + seconds_before) {
    stop_ = StopReason::kDeadline;
  } else {
    return false;
  }
  return true;
}

double SearchContext::Used() const {
  double used = 0.0;
  if (request_.budget.evaluations < Budget::kUnlimited) {
    used = static_cast<double>(evaluations_) / static_cast<double>(request_.budget.evaluations);
  }
  if (request_.budget.deadline.has_value()) {
    const double allowed = Seconds(*request_.budget.deadline - start_);
    used = allowed > 0.0 ? std::max(used, seconds() / allowed) : 1.0;
  }
  return std::min(used, 1.0);
}

void SearchContext::LimitEvaluations(int64_t count) {
  request_.budget.evaluations = std::min(request_.budget.evaluations, std::max<int64_t>(1, count));
}

int64_t SearchContext::remaining() const {
  return std::max<int64_t>(0, request_.budget.evaluations - evaluations_);
}

double SearchContext::seconds() const { return Seconds(Clock::now() - start_); }

double SearchContext::seconds_left() const {
  if (!request_.budget.deadline.has_value()) return std::numeric_limits<double>::infinity();
  return Seconds(*request_.budget.deadline - Clock::now());
}

SolveRequest SearchContext::InnerRequest() const {
  SolveRequest inner = request_;
  if (inner.budget.evaluations < Budget::kUnlimited) inner.budget.evaluations = remaining();
  if (has_best_) inner.start_plans = {best_plan_};
  if (request_.progress) {
    inner.progress = [callback = request_.progress, spent = evaluations_,
                      before = seconds()](const Progress& progress) {
      Progress shifted = progress;
      shifted.evaluations += spent;
      shifted.seconds += before;
      callback(shifted);
    };
  }
  return inner;
}

void SearchContext::Absorb(const Solution& solution) {
  const int64_t spent = evaluations_;
  const double before = std::max(0.0, seconds() - solution.seconds);
  evaluations_ += solution.evaluations;
  ProveBound(solution.bounds.search);
  if (solution.stop != StopReason::kCompleted) stop_ = solution.stop;
  const double score = Score(solution.report);
  if (!(score < kIllegal) || (has_best_ && score >= best_score_)) return;
  for (const CurvePoint& point : solution.curve) {
    if (!curve_.empty() && point.best >= curve_.back().best) continue;
    curve_.push_back({spent + point.evaluations, before + point.seconds, point.best});
  }
  has_best_ = true;
  best_score_ = score;
  best_plan_ = solution.plan;
  best_report_ = solution.report;
  best_who_ = solution.solver;
}

void SearchContext::ReportProgress() {
  if (!request_.progress) return;
  const Clock::time_point now = Clock::now();
  if (evaluations_ > 1 && Seconds(now - last_progress_) < kProgressSeconds) return;
  last_progress_ = now;
  const bool feasible = has_best_ && Feasible(best_score_);
  request_.progress({.solver = solver_,
                     .evaluations = evaluations_,
                     .seconds = seconds(),
                     .best = feasible ? best_report_.step_time : 0});
}

absl::Status SearchContext::NothingFound(const LowerBounds& bounds) const {
  if (!has_best_ && any_illegal_) {
    return absl::FailedPreconditionError(
        absl::StrCat(solver_, ": no legal plan was found: ", why_none_));
  }
  if (!has_best_) {
    return absl::UnknownError(absl::StrCat(solver_, ": the backend priced no plan: ", why_none_));
  }
  std::string message = absl::StrCat(solver_, ": no plan fits in memory; the best is ",
                                     BytesOver(best_report_, request_.objective),
                                     " bytes over: ", best_report_.reason);
  if (bounds.memory_infeasible()) {
    absl::StrAppend(&message, "; none can: parameters and optimizer state need ",
                    bounds.persistent_bytes, " bytes, the devices have ", bounds.capacity_bytes);
  }
  return absl::ResourceExhaustedError(message);
}

// Nothing that was priced fits: what came nearest may, in another order.
void SearchContext::FitBest() {
  if (!problem().tasks().scheduling || request_.budget.cancelled()) return;
  if (seconds_left() <= kPricesOfFit * evaluation_seconds_) return;
  Price(best_plan_, {.start_order = true});
  FitMemoryOptions options;
  options.order.steps = kFitSteps;
  options.order.budget = request_.budget;
  if (request_.objective.kind == Objective::Kind::kStepTimeUnderLimit) {
    options.byte_limit = request_.objective.byte_limit;
  }
  const absl::StatusOr<Plan> fitted = FitMemory(problem(), best_plan_, report_, options);
  if (!fitted.ok() || fitted->sequence == best_plan_.sequence) return;
  Price(*fitted, {});
  Consider(*fitted, std::string(best_who_));
}

absl::StatusOr<Solution> SearchContext::Finish() {
  if (has_best_ && !Feasible(best_score_)) FitBest();
  LowerBounds bounds = ComputeLowerBounds(problem(), *costs_);
  bounds.search = proven_;
  if (!has_best_ || (!Feasible(best_score_) && !request_.best_effort)) return NothingFound(bounds);
  Price(best_plan_, {.start_order = true});
  // A measuring backend may fail now where it did not before: then the first report stands.
  const bool repriced =
      Score(report_) < kIllegal && Feasible(Score(report_)) == Feasible(best_score_);
  Solution solution;
  solution.plan = std::move(best_plan_);
  solution.report = repriced ? std::move(report_) : std::move(best_report_);
  solution.solver = best_who_;
  solution.plan.producer = best_who_;
  solution.bounds = bounds;
  solution.curve = std::move(curve_);
  solution.evaluations = evaluations_;
  solution.seconds = seconds();
  solution.stop = stop_;
  return solution;
}

}  // namespace gopt
