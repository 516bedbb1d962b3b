#include "gopt/solve/exact.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/simulator.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/anneal.h"
#include "gopt/solve/search_context.h"
#include "src/solve/builtin.h"
#include "src/solve/classical_plans.h"
#include "src/solve/exact_instance.h"
#include "src/solve/exact_search.h"
#include "src/solve/exact_symmetry.h"
#include "src/solve/local_search.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr int64_t kDefaultNodes = 5'000'000;
constexpr int64_t kStartShare = 4;            // Of the evaluations: the classical plans,
constexpr int64_t kAnnealShare = 2;           // and of what is left then: annealing,
constexpr int64_t kAnnealEvaluations = 2000;  // which takes no more than these.
constexpr Nanoseconds kSmallGap =
    50;  // A gap below 1/50 is closed at once, a larger one by halves.
constexpr double kMarginSeconds = 2e-3;
constexpr double kProgressSeconds = 0.25;

// The longest makespan that doubles, in which scores are, hold exactly.
constexpr Nanoseconds kLongest = Nanoseconds{1} << 53;

// Searches one problem and keeps what is known of its optimum.
class Prover {
 public:
  Prover(const TaskGraph& tasks, const SimulatorOptions& simulator, int64_t nodes,
         SearchContext* context)
      : context_(*context),
        instance_(tasks, simulator.contention),
        memory_(simulator.memory),
        nodes_left_(nodes) {
    if (SearchContext::Feasible(context->best_score()) && context->has_best()) {
      upper_ = static_cast<Nanoseconds>(context->best_score());
    }
    lower_ = std::min(ComputeLowerBounds(context->problem(), context->costs()).step_time(), upper_);
  }

  void Run() {
    doubted_ = upper_ >= kLongest && upper_ < kSaturated;
    if (doubted_) return;
    SearchRelaxation();
    if (!stopped() && lower_ < upper_) SearchPlans();
  }

  // No plan within all limits is faster.
  Nanoseconds lower() const { return doubted_ ? 0 : lower_; }
  // Why the search ended before it had proven anything it could; none: it came to its end.
  std::optional<StopReason> stop() const { return stop_; }
  bool proven() const { return !doubted_ && lower_ >= upper_ && upper_ < kSaturated; }

 private:
  bool stopped() const { return stop_.has_value(); }

  // Makespans without memory limits and without contradictions among ranks. Its optimum is a bound,
  // and the optimum of all if a plan has it.
  void SearchRelaxation() {
    ExactSearch search(instance_, InterchangeableDevices(instance_, false),
                       {.relaxed = true, .memo = !GoesByAge()}, StopAfter(0));
    Nanoseconds best = upper_;
    while (lower_ < best && !stopped()) {
      const Nanoseconds gap = best - lower_;
      const bool at_once = best >= kLongest || gap <= best / kSmallGap;
      const Nanoseconds limit = at_once ? best - 1 : lower_ + gap / 2;
      Nanoseconds now = limit;
      const bool done = search.Run(limit, [&](const ExactState& state, const Trail& trail) {
        const Leaf leaf = Try(state, trail);
        if (leaf != Leaf::kIllegal) now = (best = state.makespan) - 1;
        return now;
      });
      const Nanoseconds reached = std::min(best, limit + 1);
      lower_ = std::max(lower_, done ? reached : std::min(reached, search.least_left()));
    }
    nodes_spent_ = search.nodes();
  }

  // The same on plans as they are: no shortcut that looks at makespans only.
  void SearchPlans() {
    const bool names_matter = instance_.contention && instance_.destinations_meet;
    std::vector<Bits> interchangeable = InterchangeableDevices(instance_, true);
    for (DeviceId d = 0; names_matter && d < instance_.num_devices; ++d)
      interchangeable[d] = Bit(d);
    const Objective& objective = context_.request().objective;
    const bool limited = objective.kind == Objective::Kind::kStepTimeUnderLimit;
    ExactSearch search(
        instance_, interchangeable,
        {.memory = memory_, .byte_limit = limited ? objective.byte_limit : kSaturated},
        StopAfter(nodes_spent_));
    Nanoseconds limit = upper_ - 1;
    const bool done = search.Run(limit, [&](const ExactState& state, const Trail& trail) {
      if (Try(state, trail) == Leaf::kPlan) limit = upper_ > lower_ ? upper_ - 1 : -1;
      return limit;
    });
    lower_ = std::max(lower_, done ? upper_ : std::min(upper_, search.least_left()));
  }

  enum class Leaf { kPlan, kOverLimit, kIllegal };

  // Prices the plan behind the state. kOverLimit: no plan has this makespan by this way.
  Leaf Try(const ExactState& state, const Trail& trail) {
    Plan plan;
    if (!MakePlan(state, trail, &plan)) return Leaf::kOverLimit;
    if (instance_.places_matter && !ValidatePlan(context_.problem(), plan).ok()) {
      return Leaf::kIllegal;
    }
    if (stopped()) return Leaf::kOverLimit;
    if (context_.remaining() == 0) {
      stop_ = StopReason::kEvaluations;
      return Leaf::kOverLimit;
    }
    const CostReport& report = context_.Evaluate(plan, {}, "exact");
    const bool feasible = SearchContext::Feasible(context_.Score(report));
    if (!feasible) return Leaf::kOverLimit;
    upper_ = std::min(upper_, report.step_time);
    if (report.step_time != state.makespan) {  // Only times beyond measure saturate differently.
      doubted_ = true;
      stop_ = StopReason::kEvaluations;
    }
    return Leaf::kPlan;
  }

  // False where no ranks lead to the bookings.
  bool MakePlan(const ExactState& state, const Trail& trail, Plan* plan) const {
    std::vector<DeviceId> device;
    for (KernelId k = 0; k < instance_.num_tasks; ++k) device.push_back(state.place(k));
    std::vector<int32_t> rank(instance_.num_tasks);
    for (size_t i = 0; i < rank.size(); ++i) rank[trail.starts[i]] = static_cast<int32_t>(i);
    const std::vector<RankRule> rules(trail.rules.begin(), trail.rules.begin() + state.num_rules);
    if (!rules.empty()) rank = RanksByRules(instance_.num_tasks, rules);
    if (rank.empty() && instance_.num_tasks > 0) return false;
    *plan = instance_.tasks->MakePlan(std::move(device), std::move(rank), "exact");
    plan->dispatch = Dispatch::kSequence;
    plan->sequence = trail.starts;
    for (size_t p = 0; p < instance_.parameters.size(); ++p) {
      plan->parameter_home.push_back(HomeOf(state, static_cast<int32_t>(p)));
    }
    if (instance_.open_order) return true;
    plan->rank = instance_.base->rank;
    plan->dispatch = instance_.base->dispatch;
    plan->sequence = instance_.base->sequence;
    return true;
  }

  // Of parameters that nobody asked for, too.
  DeviceId HomeOf(const ExactState& state, int32_t p) const {
    const ExactInstance::Parameter& parameter = instance_.parameters[p];
    if (state.home[p] != kNone) return state.home[p];
    if (parameter.home_task != kNone) return state.place(parameter.home_task);
    if (state.home[parameter.leader] != kNone) return state.home[parameter.leader];
    return Lowest(parameter.homes);
  }

  // Under FIFO what is ready remembers since when: no state is like another.
  bool GoesByAge() const {
    return !instance_.open_order && instance_.base->dispatch == Dispatch::kFifo;
  }

  ExactSearch::Stop StopAfter(int64_t spent) {
    return [this, spent](int64_t nodes) {
      if (stopped()) return true;
      const Budget& budget = context_.request().budget;
      if (budget.cancelled()) {
        stop_ = StopReason::kCancelled;
      } else if (context_.seconds_left() <= kMarginSeconds) {
        stop_ = StopReason::kDeadline;
      } else if (spent + nodes >= nodes_left_) {
        stop_ = StopReason::kEvaluations;
      }
      ReportProgress();
      return stopped();
    };
  }

  void ReportProgress() {
    const ProgressCallback& progress = context_.request().progress;
    if (!progress || context_.seconds() - last_progress_ < kProgressSeconds) return;
    last_progress_ = context_.seconds();
    progress({.solver = "exact",
              .evaluations = context_.evaluations(),
              .seconds = last_progress_,
              .best = upper_ < kSaturated ? upper_ : 0});
  }

  SearchContext& context_;
  const ExactInstance instance_;
  const bool memory_;  // Limits hold.
  const int64_t nodes_left_;
  int64_t nodes_spent_ = 0;
  Nanoseconds lower_ = 0, upper_ = kSaturated;
  bool doubted_ = false;  // A plan's price was not what the search had foreseen.
  std::optional<StopReason> stop_;
  double last_progress_ = 0.0;
};

// The base plan's devices and ranks are of its own kernels: with fusion open of no use here.
bool CarriesDecisions(const Problem& problem) {
  const Tasks& open = problem.tasks();
  return open.fusion && problem.base_plan() != nullptr && !(open.placement && open.scheduling);
}

class Exact final : public Solver {
 public:
  explicit Exact(const ExactOptions& options) : options_(options) {}

  std::string name() const override { return "exact"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    const Problem& problem = context->problem();
    GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const TaskGraph> tasks,
                          StartTasks(problem, context->costs()));
    const auto* simulator = dynamic_cast<const Simulator*>(request.backend);
    const bool provable = simulator != nullptr && ExactInstance::Fits(*tasks) &&
                          request.objective.kind != Objective::Kind::kPeakBytes &&
                          !CarriesDecisions(problem);
    GOPT_RETURN_IF_ERROR(Begin(tasks, provable, context.get()));
    std::optional<StopReason> stop;
    if (provable && !context->Exhausted()) {
      Prover prover(*tasks, simulator->options(), Nodes(request), context.get());
      prover.Run();
      if (!problem.tasks().fusion) context->ProveBound(prover.lower());
      stop = prover.proven() ? StopReason::kCompleted : prover.stop();
    }
    GOPT_ASSIGN_OR_RETURN(Solution solution, context->Finish());
    if (stop.has_value()) solution.stop = *stop;
    return solution;
  }

 private:
  // The classical plans and some annealing; all of it where nothing can be proven.
  static absl::Status Begin(std::shared_ptr<const TaskGraph> tasks, bool provable,
                            SearchContext* context) {
    const int64_t most = std::max<int64_t>(1, context->remaining() / kStartShare);
    GOPT_RETURN_IF_ERROR(
        PriceClassicalPlans(std::move(tasks), ClassicalSet::kPortfolio, most, context).status());
    if (!context->has_best() || context->Exhausted()) return absl::OkStatus();
    const int64_t evaluations =
        provable ? std::min(kAnnealEvaluations, context->remaining() / kAnnealShare) : 0;
    if (provable && evaluations == 0) return absl::OkStatus();
    SolveRequest request = context->InnerRequest();
    request.best_effort = true;  // The best may not fit yet.
    GOPT_ASSIGN_OR_RETURN(
        const Solution annealed,
        SolveByLocalSearch(
            request, evaluations,
            {.name = "anneal", .temperature = AnnealOptions().temperature, .guided = true}));
    context->Absorb(annealed);
    return absl::OkStatus();
  }

  int64_t Nodes(const SolveRequest& request) const {
    if (options_.nodes > 0) return options_.nodes;
    return request.budget.deadline.has_value() ? Budget::kUnlimited : kDefaultNodes;
  }

  const ExactOptions options_;
};

}  // namespace

SolverOr ExactFromSpec(const Spec& spec) {
  ExactOptions options;
  SpecReader reader(spec);
  reader.Read("nodes", &options.nodes);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.nodes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("exact: nodes is ", options.nodes, "; it must not be negative"));
  }
  return std::make_shared<const Exact>(options);
}

}  // namespace gopt
