#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/kernel_graph.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/fit_memory.h"
#include "gopt/solve/peak_order.h"
#include "gopt/solve/recompute.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/builtin.h"
#include "src/solve/rank_sort.h"
#include "src/solve/recompute_model.h"
#include "src/solve/recompute_search.h"
#include "src/solve/search_setup.h"

namespace gopt {
namespace {

constexpr size_t kMostBases = 4;  // Plans that recomputation begins at.
constexpr int kMostAims = 4;      // Prices of a greedy set, each aimed lower than the last.
constexpr int64_t kOrderSteps = 5'000'000;

// A plan and the order in which its kernels started.
struct Base {
  Plan plan;
  CostReport report;
  double score = 0.0;
};

// One solve: plans to begin at, then sets for each.
class Recomputing {
 public:
  Recomputing(const RecomputeOptions& options, SearchContext* context)
      : options_(options), context_(*context), problem_(context->problem()) {}

  absl::Status Run() {
    GOPT_RETURN_IF_ERROR(PriceRequestedPlans());
    GOPT_RETURN_IF_ERROR(PriceClassical());
    SortBases();
    std::vector<Base> bases = std::move(bases_);
    for (Base& base : bases) {
      if (context_.Exhausted()) break;
      std::optional<Base> lean;
      if (options_.order) lean = InLeanOrder(base);
      if (lean.has_value()) GOPT_RETURN_IF_ERROR(Improve(*lean));
      GOPT_RETURN_IF_ERROR(Improve(base));
    }
    if (bases.empty() || !options_.order || Found()) return absl::OkStatus();
    return ImproveInProgramOrder(bases.front());
  }

 private:
  bool LeastPeak() const {
    return context_.request().objective.kind == Objective::Kind::kPeakBytes;
  }

  // Whether more orders are not worth their time.
  bool Found() const {
    return !LeastPeak() && context_.has_best() && SearchContext::Feasible(context_.best_score());
  }

  int64_t ByteLimit() const {
    const Objective& objective = context_.request().objective;
    return objective.kind == Objective::Kind::kStepTimeUnderLimit ? objective.byte_limit
                                                                  : kSaturated;
  }

  // Prices the plan; it is a base to begin at unless it is good as it is.
  Base Price(Plan plan) {
    Base base;
    base.report = context_.Evaluate(plan, {.start_order = true});
    base.score = context_.Score(base.report);
    base.plan = std::move(plan);
    return base;
  }

  bool IsUseful(const Base& base) const {
    const bool priced = base.report.start_order.size() == base.plan.device.size();
    return priced && (LeastPeak() || !SearchContext::Feasible(base.score));
  }

  void Keep(Base base) {
    if (IsUseful(base)) bases_.push_back(std::move(base));
  }

  absl::Status PriceRequestedPlans() {
    const std::vector<Plan>& plans = context_.request().start_plans;
    for (size_t i = 0; i < plans.size() && !context_.Exhausted(); ++i) {
      if (absl::Status legal = ValidatePlan(problem_, plans[i]); !legal.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("start plan ", i, ": ", legal.message()));
      }
      Keep(Price(plans[i]));
    }
    return absl::OkStatus();
  }

  // The best of them, and the one that most nearly fits if the best fits.
  absl::Status PriceClassical() {
    if (context_.Exhausted()) return absl::OkStatus();
    std::vector<StartPoint> all;
    GOPT_RETURN_IF_ERROR(PriceStarts(&context_, &all).status());
    const StartPoint* best = nullptr;
    for (const StartPoint& start : all) {
      if (SearchContext::Feasible(start.score) && !LeastPeak()) continue;
      if (best == nullptr || start.score < best->score) best = &start;
    }
    if (best == nullptr || context_.Exhausted()) return absl::OkStatus();
    Plan plan = best->tasks->MakePlan(best->device, RanksOfOrder(best->order), "recompute");
    plan.dispatch = best->dispatch;
    if (plan.dispatch == Dispatch::kSequence) plan.sequence = best->order;
    Keep(Price(std::move(plan)));
    return absl::OkStatus();
  }

  void SortBases() {
    std::stable_sort(bases_.begin(), bases_.end(),
                     [](const Base& a, const Base& b) { return a.score < b.score; });
    if (bases_.size() > kMostBases) bases_.resize(kMostBases);
  }

  // The base in an order of small peak; none if that is no help, or enough by itself.
  std::optional<Base> InLeanOrder(const Base& base) {
    FitMemoryOptions options;
    options.byte_limit = LeastPeak() ? 1 : ByteLimit();
    options.order.steps = kOrderSteps;
    options.order.budget = context_.request().budget;
    absl::StatusOr<Plan> lean = FitMemory(problem_, base.plan, base.report, options);
    if (!lean.ok()) return std::nullopt;
    lean->producer = "recompute";
    Base priced = Price(*std::move(lean));
    if (!IsUseful(priced) || priced.score >= base.score) return std::nullopt;
    return priced;
  }

  // The graph's own order makes values near their readers, which leaves more to be freed.
  absl::Status ImproveInProgramOrder(const Base& base) {
    if (context_.Exhausted() || !problem_.tasks().scheduling) return absl::OkStatus();
    GOPT_ASSIGN_OR_RETURN(const KernelGraph graph,
                          KernelGraph::Create(*base.plan.kernels, base.plan.device));
    const Base priced = Price(WithSequence(base.plan, graph.topological_order));
    return IsUseful(priced) ? Improve(priced) : absl::OkStatus();
  }

  // What the simulator finds beyond the model's peaks, which are estimates on several devices, is
  // taken off the limits.
  RecomputeGoal Goal(const std::vector<int64_t>& margin) const {
    RecomputeGoal goal = {.limit = {}, .least_peak = LeastPeak()};
    for (DeviceId d = 0; d < problem_.machine().num_devices(); ++d) {
      goal.limit.push_back(std::min(problem_.memory_limit(d), ByteLimit()) - margin[d]);
    }
    return goal;
  }

  absl::Status Improve(const Base& base) {
    absl::StatusOr<RecomputeModel> made =
        RecomputeModel::Create(problem_, base.plan, base.report.start_order, context_.costs());
    if (absl::IsOutOfRange(made.status())) return absl::OkStatus();
    GOPT_RETURN_IF_ERROR(made.status());
    const RecomputeModel model = *std::move(made);
    std::vector<int64_t> margin(problem_.machine().num_devices(), 0);
    const auto stop = [this] { return context_.Exhausted(); };
    RecomputeSearch search(model, *base.plan.kernels, Goal(margin), context_.request().seed, stop);
    RecomputeSet best = search.Nothing();
    for (int aim = 0; aim < kMostAims && !context_.Exhausted(); ++aim) {
      best = BestStart(&search);
      GOPT_ASSIGN_OR_RETURN(const bool fits, PriceSet(base, model, best, &margin));
      if (fits || best.over > 0) break;
      search.SetGoal(Goal(margin));
    }
    if (context_.Exhausted() || options_.moves == 0) return absl::OkStatus();
    for (int aim = 0; aim < kMostAims && !context_.Exhausted(); ++aim) {
      const RecomputeSet annealed = search.Anneal(best, options_.moves / (aim + 1));
      if (!annealed.BetterThan(best)) break;
      GOPT_ASSIGN_OR_RETURN(const bool fits, PriceSet(base, model, annealed, &margin));
      if (fits || annealed.over > 0) break;
      search.SetGoal(Goal(margin));
    }
    return absl::OkStatus();
  }

  static RecomputeSet BestStart(RecomputeSearch* search) {
    RecomputeSet best = search->Greedy(true);
    for (RecomputeSet other : {search->Greedy(false), search->Segments()}) {
      if (other.BetterThan(best)) best = std::move(other);
    }
    return best;
  }

  // Whether the plan is within all limits. Raises the margins by what the model missed.
  absl::StatusOr<bool> PriceSet(const Base& base, const RecomputeModel& model,
                                const RecomputeSet& set, std::vector<int64_t>* margin) {
    RecomputeModel::State state = model.MakeState();
    state.chosen = set.chosen;
    GOPT_ASSIGN_OR_RETURN(
        Plan plan, Recompute(problem_, base.plan, base.report.start_order, model.Ops(state)));
    plan.producer = "recompute";
    const Base priced = Price(std::move(plan));
    if (SearchContext::Feasible(priced.score)) return true;
    if (options_.order && !context_.Exhausted()) InLeanOrder(priced);
    const CostReport& report = priced.report;
    for (size_t d = 0; d < report.peak_bytes.size(); ++d) {
      const int64_t limit = std::min(problem_.memory_limit(static_cast<DeviceId>(d)), ByteLimit());
      (*margin)[d] =
          SaturatingAdd((*margin)[d], std::max<int64_t>(0, report.peak_bytes[d] - limit));
    }
    return false;
  }

  const RecomputeOptions& options_;
  SearchContext& context_;
  const Problem& problem_;
  std::vector<Base> bases_;
};

class RecomputeSolver final : public Solver {
 public:
  explicit RecomputeSolver(const RecomputeOptions& options) : options_(options) {}

  std::string name() const override { return "recompute"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    ApplyEvaluationsOption(options_.evaluations, context.get());
    GOPT_RETURN_IF_ERROR(Recomputing(options_, context.get()).Run());
    return context->Finish();
  }

 private:
  const RecomputeOptions options_;
};

}  // namespace

SolverOr RecomputeFromSpec(const Spec& spec) {
  RecomputeOptions options;
  SpecReader reader(spec);
  reader.Read("moves", &options.moves);
  reader.Read("order", &options.order);
  reader.Read("evaluations", &options.evaluations);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.moves < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("recompute: moves is ", options.moves, "; it must not be negative"));
  }
  GOPT_RETURN_IF_ERROR(CheckEvaluationsOption("recompute", options.evaluations));
  return std::make_shared<const RecomputeSolver>(options);
}

}  // namespace gopt
