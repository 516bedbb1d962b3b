#include "src/solve/search_setup.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "src/solve/fusion_starts.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr int64_t kDefaultEvaluations = 10'000;
constexpr int64_t kStartShare = 10;            // One tenth of the evaluations finds the start.
constexpr double kMetisSecondsPerTask = 2e-5;  // Less time than this left: groups without METIS.

}  // namespace

void ApplyEvaluationsOption(int64_t evaluations, SearchContext* context) {
  if (evaluations > 0) {
    context->LimitEvaluations(evaluations);
  } else if (!context->request().budget.bounded()) {
    context->LimitEvaluations(kDefaultEvaluations);
  }
}

absl::Status CheckEvaluationsOption(const std::string& solver, int64_t evaluations) {
  if (evaluations >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(solver, ": evaluations is ", evaluations, "; it must not be negative"));
}

absl::Status CheckShareOption(const std::string& option, double share) {
  if (share >= 0.0 && share <= 1.0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, " is ", share, "; it must be in [0, 1]"));
}

absl::StatusOr<StartPoint> PriceStarts(SearchContext* context, std::vector<StartPoint>* all) {
  const int64_t most = std::max<int64_t>(1, context->remaining() / kStartShare);
  if (context->problem().tasks().fusion) return PriceFusedStarts(most, context, all);
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const TaskGraph> tasks,
                        StartTasks(context->problem(), context->costs()));
  return PriceClassicalPlans(std::move(tasks), ClassicalSet::kPortfolio, most, context, all);
}

absl::StatusOr<Solution> SolveByPopulation(const SolveRequest& request, const std::string& solver,
                                           int64_t evaluations, const PopulationSearch& search) {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                        SearchContext::Create(request, solver));
  ApplyEvaluationsOption(evaluations, context.get());
  std::vector<StartPoint> starts;
  GOPT_ASSIGN_OR_RETURN(StartPoint best, PriceStarts(context.get(), &starts));
  if (starts.empty()) starts.push_back(std::move(best));
  if (starts.front().tasks->num_tasks() > 0 && !context->Exhausted()) {
    search(std::move(starts), context.get());
  }
  return context->Finish();
}

std::vector<Grouping> SearchGroups(const TaskGraph& tasks, const SearchContext& context) {
  const bool metis = context.seconds_left() > kMetisSecondsPerTask * tasks.num_tasks();
  return NeighbourhoodGroups(tasks, context.request().seed, metis);
}

}  // namespace gopt
