#include "gopt/rl/policy_solver.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/rl/decision_pass.h"
#include "gopt/rl/policy_problem.h"
#include "gopt/solve/anneal.h"
#include "gopt/solve/guidance.h"
#include "gopt/solve/plan_pool.h"
#include "gopt/solve/search_context.h"
#include "src/solve/local_search.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr char kPolicy[] = "policy";
constexpr int64_t kBatch = 16;  // Samples drawn at once.
// Features and the first draw, on one slow core: not begun where the deadline is nearer.
constexpr double kSecondsPerOp = 30e-6;

// Classical plans and what the policy begins at.
absl::Status PriceClassical(SearchContext* context) {
  GOPT_ASSIGN_OR_RETURN(const auto portfolio, Solvers().Create("portfolio(search=false)"));
  absl::StatusOr<Solution> solution = portfolio->Solve(context->InnerRequest());
  if (!solution.ok()) return solution.status();
  context->Absorb(*solution);
  return absl::OkStatus();
}

// Proposes the plans of a policy for one problem.
class PolicyPlans {
 public:
  PolicyPlans(const Policy& policy, SearchContext* context) : policy_(policy), context_(*context) {}

  // False where the backend could not price the plan to begin at once more.
  absl::StatusOr<bool> Prepare() {
    ReferencePlan reference = {.plan = context_.best_plan(), .solver = "portfolio"};
    reference.report = context_.Evaluate(
        reference.plan, {.start_order = true, .timeline = true, .critical_chain = true});
    if (reference.report.outcome == Outcome::kFailed) return false;
    GOPT_ASSIGN_OR_RETURN(problem_, PolicyProblem::Create(context_.problem(), std::move(reference),
                                                          context_.costs(), policy_.spec()));
    // Not owned: the request's backend outlives this.
    const std::shared_ptr<const CostBackend> backend(std::shared_ptr<const CostBackend>(),
                                                     context_.request().backend);
    GOPT_ASSIGN_OR_RETURN(pool_, PlanPool::Create(context_.problem(), backend));
    return true;
  }

  absl::Status PriceSamples(int64_t samples) {
    const at::Generator generator = at::detail::createCPUGenerator(context_.request().seed);
    double seconds = 0.0;
    for (int64_t priced = 0; priced < samples && !context_.Exhausted(seconds);) {
      const double start = context_.seconds();
      const SampleOptions options = {.samples = std::min(kBatch, samples - priced),
                                     .exploration = policy_.config().exploration,
                                     .first_greedy = priced == 0};
      GOPT_ASSIGN_OR_RETURN(
          SampledDecisions drawn,
          SampleDecisions(policy_.network(), *problem_, options, generator, pool_.get()));
      seconds = context_.seconds() - start;
      GOPT_RETURN_IF_ERROR(PriceAll(drawn));
      priced += options.samples;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status PriceAll(const SampledDecisions& drawn) {
    Plan plan;
    for (const PlanCandidate& candidate : drawn.candidates) {
      if (context_.Exhausted()) break;
      plan.producer = kPolicy;
      GOPT_RETURN_IF_ERROR(
          GuidanceDecoder(candidate.tasks, candidate.decoder).Decode(candidate.guidance, &plan));
      context_.Evaluate(plan, {}, kPolicy);
    }
    return absl::OkStatus();
  }

  const Policy& policy_;
  SearchContext& context_;
  std::shared_ptr<const PolicyProblem> problem_;
  std::unique_ptr<PlanPool> pool_;
};

// `allowed` evaluations, of which one is of the plan to begin at.
absl::Status PricePolicy(const Policy& policy, int64_t samples, int64_t allowed,
                         SearchContext* context) {
  PolicyPlans plans(policy, context);
  try {
    GOPT_ASSIGN_OR_RETURN(const bool ready, plans.Prepare());
    return ready ? plans.PriceSamples(std::min(samples, allowed - 1)) : absl::OkStatus();
  } catch (const c10::LinAlgError&) {  // Weights too large to count with: they have no plans.
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("policy: ", error.what()));
  }
}

// Both solvers up to the point where the policy has had its say.
absl::Status RunPolicy(const Policy& policy, int64_t samples, double share,
                       SearchContext* context) {
  GOPT_RETURN_IF_ERROR(PriceClassical(context));
  const auto allowed =
      static_cast<int64_t>(std::floor(share * static_cast<double>(context->remaining())));
  const double needed = kSecondsPerOp * context->problem().graph().num_ops();
  if (context->Exhausted() || allowed < 2 || context->seconds_left() < needed) {
    return absl::OkStatus();
  }
  return PricePolicy(policy, samples, allowed, context);
}

class PolicySolver final : public Solver {
 public:
  PolicySolver(std::shared_ptr<const Policy> policy, const PolicySolverOptions& options)
      : policy_(std::move(policy)), options_(options) {}

  std::string name() const override { return kPolicy; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    GOPT_RETURN_IF_ERROR(RunPolicy(*policy_, options_.samples, 1.0, context.get()));
    return context->Finish();
  }

 private:
  const std::shared_ptr<const Policy> policy_;
  const PolicySolverOptions options_;
};

class GoptSolver final : public Solver {
 public:
  GoptSolver(std::shared_ptr<const Policy> policy, const GoptSolverOptions& options)
      : policy_(std::move(policy)), options_(options) {}

  std::string name() const override { return "gopt"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    ApplyEvaluationsOption(options_.evaluations, context.get());
    GOPT_RETURN_IF_ERROR(
        RunPolicy(*policy_, options_.samples, options_.policy_share, context.get()));
    if (!context->Exhausted()) Anneal(context.get());
    return context->Finish();
  }

 private:
  static void Anneal(SearchContext* context) {
    StartPoint start;
    const Plan plan = context->best_plan();
    absl::StatusOr<std::shared_ptr<const TaskGraph>> tasks =
        ShareTasks(context->problem(), plan.kernels, context->costs());
    if (!tasks.ok()) return;  // Clones that depend on devices: the plan stays as it is.
    const CostReport report = context->Evaluate(plan, {.start_order = true});
    start.tasks = *std::move(tasks);
    start.device = plan.device;
    start.order = StartOrder(plan, report);
    start.score = context->Score(report);
    RunLocalSearch(start,
                   {.name = "anneal", .temperature = AnnealOptions().temperature, .guided = true},
                   context);
  }

  const std::shared_ptr<const Policy> policy_;
  const GoptSolverOptions options_;
};

}  // namespace

std::shared_ptr<const Solver> MakePolicySolver(std::shared_ptr<const Policy> policy,
                                               const PolicySolverOptions& options) {
  return std::make_shared<const PolicySolver>(std::move(policy), options);
}

std::shared_ptr<const Solver> MakeGoptSolver(std::shared_ptr<const Policy> policy,
                                             const GoptSolverOptions& options) {
  return std::make_shared<const GoptSolver>(std::move(policy), options);
}

}  // namespace gopt
