// Solvers that decide the order of a placement that is given.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/fit_memory.h"
#include "gopt/solve/peak_order.h"
#include "gopt/solve/search_context.h"
#include "src/solve/builtin.h"
#include "src/solve/orders.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr char kBestOrder[] = "best";     // Each of OrderNames(), in turn.
constexpr double kPricesAfterSearch = 4;  // Time that is left for them before a deadline.

struct Start {
  std::unique_ptr<SearchContext> context;
  std::shared_ptr<const TaskGraph> tasks;
  std::vector<DeviceId> device;
};

absl::StatusOr<Start> Begin(const SolveRequest& request, std::string solver) {
  Start start;
  GOPT_ASSIGN_OR_RETURN(start.context, SearchContext::Create(request, std::move(solver)));
  GOPT_ASSIGN_OR_RETURN(start.tasks, StartTasks(start.context->problem(), start.context->costs()));
  start.device = GivenOrSinglePlacement(request, *start.tasks);
  return start;
}

// Prices the placement under one order or under all.
class OrderSolver final : public Solver {
 public:
  explicit OrderSolver(std::string by) : by_(std::move(by)) {}

  std::string name() const override { return "order"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const Start start, Begin(request, name()));
    const auto& [context, tasks, device] = start;
    const std::vector<std::string> orders =
        by_ == kBestOrder ? OrderNames() : std::vector<std::string>{by_};
    for (const std::string& order : orders) {
      if (context->Exhausted()) break;
      GOPT_ASSIGN_OR_RETURN(Plan plan, PlanInOrder(*tasks, device, order, request.seed));
      plan.metadata["order"] = order;
      context->Evaluate(plan);
    }
    return context->Finish();
  }

 private:
  const std::string by_;
};

// The order of smallest peak, for the device that needs most: see OrderForPeak.
class PeakOrderSolver final : public Solver {
 public:
  explicit PeakOrderSolver(const PeakOrderOptions& options) : options_(options) {}

  std::string name() const override { return "peak_order"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const Start start, Begin(request, name()));
    const auto& [context, tasks, device] = start;
    GOPT_ASSIGN_OR_RETURN(const Plan program, PlanInOrder(*tasks, device, "program", 0));
    CostReport report = context->Evaluate(program, {.start_order = true});
    const double seconds = context->seconds();
    for (int round = 0; round < 2 * tasks->num_devices() && !context->Exhausted(); ++round) {
      if (!context->has_best() || !MayImprove(*context, report)) break;
      const Plan before = context->best_plan();
      GOPT_ASSIGN_OR_RETURN(const Plan plan,
                            Reordered(*context, before, report, Within(request.budget, seconds)));
      if (plan.sequence == before.sequence) break;
      CostReport after = context->Evaluate(plan, {.start_order = true});
      if (!(context->Score(after) < context->Score(report))) break;
      report = std::move(after);
    }
    return context->Finish();
  }

 private:
  // A step within its memory limits takes no longer in another order as far as this can tell.
  static bool MayImprove(const SearchContext& context, const CostReport& report) {
    if (report.peak_bytes.empty() || report.start_order.empty()) return false;
    if (!context.problem().tasks().scheduling) return false;
    return context.request().objective.kind == Objective::Kind::kPeakBytes ||
           !SearchContext::Feasible(context.Score(report));
  }

  PeakOrderOptions Within(const Budget& budget, double seconds_per_price) const {
    PeakOrderOptions options = options_;
    options.budget = budget;
    if (budget.deadline.has_value()) {
      *options.budget.deadline -= std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double>(kPricesAfterSearch * seconds_per_price));
    }
    return options;
  }

  static absl::StatusOr<Plan> Reordered(const SearchContext& context, const Plan& plan,
                                        const CostReport& report, const PeakOrderOptions& options) {
    const Objective& objective = context.request().objective;
    if (objective.kind != Objective::Kind::kPeakBytes) {
      FitMemoryOptions fit = {.order = options};
      if (objective.kind == Objective::Kind::kStepTimeUnderLimit) {
        fit.byte_limit = objective.byte_limit;
      }
      return FitMemory(context.problem(), plan, report, fit);
    }
    const auto worst = std::max_element(report.peak_bytes.begin(), report.peak_bytes.end());
    GOPT_ASSIGN_OR_RETURN(
        PeakOrder found,
        OrderForPeak(context.problem(), plan, report.start_order,
                     static_cast<DeviceId>(worst - report.peak_bytes.begin()), options));
    Plan result = WithSequence(plan, std::move(found.sequence));
    result.metadata["peak_order.bound_bytes"] = absl::StrCat(found.bound_bytes);
    return result;
  }

  const PeakOrderOptions options_;
};

}  // namespace

SolverOr OrderFromSpec(const Spec& spec) {
  std::string by = kBestOrder;
  SpecReader reader(spec);
  reader.Read("by", &by);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  std::vector<std::string> known = OrderNames();
  known.push_back(kBestOrder);
  GOPT_RETURN_IF_ERROR(CheckChoice("order", "by", by, known));
  return std::make_shared<const OrderSolver>(by);
}

SolverOr PeakOrderFromSpec(const Spec& spec) {
  PeakOrderOptions options;
  SpecReader reader(spec);
  reader.Read("steps", &options.steps);
  reader.Read("beam", &options.beam);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.steps < 0 || options.beam < 0) {
    return absl::InvalidArgumentError(absl::StrCat("peak_order: steps is ", options.steps,
                                                   " and beam ", options.beam,
                                                   "; neither may be negative"));
  }
  return std::make_shared<const PeakOrderSolver>(options);
}

}  // namespace gopt
