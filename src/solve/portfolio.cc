#include "gopt/solve/portfolio.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/anneal.h"
#include "src/solve/builtin.h"
#include "src/solve/classical_plans.h"
#include "src/solve/local_search.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

// Empty: no such version.
std::string_view PlacementsOfVersion(int version) {
  if (version == 1) return kPortfolioVersion1;
  return version == 2 ? kPortfolioVersion2 : std::string_view();
}

class Portfolio final : public Solver {
 public:
  explicit Portfolio(const PortfolioOptions& options) : options_(options) {}

  std::string name() const override { return "portfolio"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    ApplyEvaluationsOption(options_.evaluations, context.get());
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const TaskGraph> tasks,
                          StartTasks(context->problem(), context->costs()));
    GOPT_ASSIGN_OR_RETURN(
        StartPoint start,
        PriceClassicalPlans(std::move(tasks), PlacementsOfVersion(options_.version),
                            context->remaining(), context.get()));
    if (options_.search) {
      const LocalSearchRule anneal = {
          .name = "anneal", .temperature = AnnealOptions().temperature, .guided = true};
      RunLocalSearch(std::move(start), anneal, context.get());
    }
    return context->Finish();
  }

 private:
  const PortfolioOptions options_;
};

}  // namespace

SolverOr PortfolioFromSpec(const Spec& spec) {
  PortfolioOptions options;
  SpecReader reader(spec);
  reader.Read("search", &options.search);
  reader.Read("evaluations", &options.evaluations);
  reader.Read("version", &options.version);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckEvaluationsOption("portfolio", options.evaluations));
  if (PlacementsOfVersion(options.version).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("portfolio: version ", options.version, " is unknown; it must be 1 or 2"));
  }
  return std::make_shared<const Portfolio>(options);
}

}  // namespace gopt
