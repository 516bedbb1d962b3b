#include "src/solve/classical_plans.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "src/solve/constructive.h"
#include "src/solve/placement_makers.h"
#include "src/solve/rank_sort.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

// Shares of the activations that must fit beside the parameters, tried in turn.
constexpr double kActivationWeights[] = {0.0, 0.3, 1.0};

// The order may come from a backend of anybody's.
bool IsPermutation(std::span<const KernelId> order, int num_tasks) {
  if (static_cast<int>(order.size()) != num_tasks) return false;
  std::vector<uint8_t> seen(num_tasks, 0);
  for (KernelId task : order) {
    if (task < 0 || task >= num_tasks || seen[task] != 0) return false;
    seen[task] = 1;
  }
  return true;
}

std::vector<KernelId> OrderOfRanks(std::span<const int32_t> rank) {
  std::vector<KernelId> order(rank.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](KernelId a, KernelId b) { return rank[a] < rank[b]; });
  return order;
}

}  // namespace

std::vector<KernelId> StartOrder(const Plan& plan, const CostReport& report) {
  const auto num_tasks = static_cast<int>(plan.rank.size());
  if (IsPermutation(report.start_order, num_tasks)) return report.start_order;
  return OrderOfRanks(plan.rank);
}

namespace {

// In which order the tasks of a placement run. kSequence: exactly the maker's order, if it has one.
enum class Order { kUpwardRank, kCriticalPath, kOwn, kFifo, kSequence };
constexpr Order kOrders[] = {Order::kUpwardRank, Order::kCriticalPath, Order::kOwn, Order::kFifo,
                             Order::kSequence};

const char* Name(Order order) {
  switch (order) {
    case Order::kUpwardRank:
      return "upward rank";
    case Order::kCriticalPath:
      return "critical path";
    case Order::kOwn:
      return "own";
    case Order::kFifo:
      return "first in, first out";
    case Order::kSequence:
      break;
  }
  return "own, as a sequence";
}

// Prices plans and keeps the order in which the best one started its tasks.
class ClassicalPricer {
 public:
  ClassicalPricer(std::shared_ptr<const TaskGraph> tasks, int64_t most_evaluations,
                  SearchContext* context, std::vector<StartPoint>* all)
      : shared_tasks_(std::move(tasks)),
        tasks_(*shared_tasks_),
        context_(*context),
        all_(all),
        limit_(context->evaluations() + most_evaluations),
        upward_(RanksByPriority(UpwardRanks(tasks_))),
        topological_(RanksOfOrder(tasks_.kernel_graph().topological_order)) {}

  bool Done() { return context_.Exhausted() || (priced_ > 0 && context_.evaluations() >= limit_); }

  // Of kernels that are not the first to be priced.
  void NothingIsOwed() { priced_ = 1; }

  absl::Status PriceStartPlans() {
    const std::vector<Plan>& plans = context_.request().start_plans;
    for (size_t i = 0; i < plans.size() && !Done(); ++i) {
      if (absl::Status legal = ValidatePlan(context_.problem(), plans[i]); !legal.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("start plan ", i, ": ", legal.message()));
      }
      Price(plans[i], plans[i].producer);
    }
    return absl::OkStatus();
  }

  void PriceInAllOrders(const PlacementMaker& maker, const PlacementOptions& options) {
    if (priced_ > 0 && context_.seconds_left() < slowest_maker_) return;
    const double begin = context_.seconds();
    const absl::StatusOr<ClassicalPlacement> placed = maker.make(tasks_, options);
    slowest_maker_ = std::max(slowest_maker_, context_.seconds() - begin);
    if (!placed.ok()) return;
    PriceOrders(maker.solver, maker.variant, *placed, /*topological=*/true);
  }

  void PriceOrders(const std::string& solver, const std::string& variant,
                   const ClassicalPlacement& placed, bool topological) {
    for (const Order order : kOrders) {
      if (priced_ > 0 && Done()) return;
      if (order == Order::kSequence && (placed.order.empty() || !topological)) continue;
      PriceOrder(solver, variant, placed, order);
    }
  }

  // While no plan fits in memory, stricter and stricter.
  void PriceMakers(const std::vector<PlacementMaker>& makers) {
    std::vector<DeviceId> fixed;
    PlacementOptions options = InitialOptions(context_.request(), tasks_, &fixed);
    for (double weight : kActivationWeights) {
      options.activation_weight = weight;
      for (const PlacementMaker& maker : makers) {
        if (Done()) break;
        PriceInAllOrders(maker, options);
      }
      if (FoundFeasible() || Done()) break;
    }
  }

  bool FoundFeasible() const {
    return context_.has_best() && SearchContext::Feasible(context_.best_score());
  }

  StartPoint Finish() && {
    start_.score = best_;
    if (start_.order.empty()) {  // No priced plan used the base kernels, or none was legal.
      start_.tasks = shared_tasks_;
      start_.order = tasks_.kernel_graph().topological_order;
      start_.device.assign(tasks_.num_tasks(), 0);
      for (KernelId t = 0; t < tasks_.num_tasks(); ++t) start_.device[t] = tasks_.allowed(t)[0];
    }
    return std::move(start_);
  }

 private:
  void PriceOrder(const std::string& solver, const std::string& variant,
                  const ClassicalPlacement& placed, Order order) {
    Plan plan = tasks_.MakePlan(placed.device, Ranks(placed, order),
                                absl::StrCat(variant, ", order: ", Name(order)));
    if (order == Order::kFifo) plan.dispatch = Dispatch::kFifo;
    if (order == Order::kSequence) {
      plan.dispatch = Dispatch::kSequence;
      plan.sequence = placed.order;
    }
    Price(plan, solver);
  }

  std::vector<int32_t> Ranks(const ClassicalPlacement& placed, Order order) const {
    switch (order) {
      case Order::kUpwardRank:
        return upward_;
      case Order::kCriticalPath:
        return RanksByPriority(CriticalPathPriorities(tasks_, placed.device));
      case Order::kOwn:
      case Order::kSequence:
        return placed.order.empty() ? topological_ : RanksOfOrder(placed.order);
      case Order::kFifo:
        break;
    }
    return topological_;
  }

  void Price(const Plan& plan, const std::string& who) {
    const CostReport& report = context_.Evaluate(plan, {.start_order = true}, who);
    ++priced_;
    const double score = context_.Score(report);
    if (!(score < best_ || all_ != nullptr)) return;
    std::shared_ptr<const TaskGraph> tasks = TasksOf(plan);
    if (tasks == nullptr) return;
    StartPoint point = {
        .tasks = std::move(tasks), .device = plan.device, .order = {}, .score = score};
    SetOrder(plan, report, &point);
    if (all_ != nullptr) all_->push_back(point);
    if (!(score < best_)) return;
    best_ = score;
    start_ = std::move(point);
  }

  // First in, first out becomes priorities but where kernels and placements change at once.
  void SetOrder(const Plan& plan, const CostReport& report, StartPoint* point) const {
    const Tasks& open = context_.problem().tasks();
    const bool fifo = plan.dispatch == Dispatch::kFifo;
    const bool stays = !fifo || (open.fusion && open.placement);
    point->dispatch = stays ? plan.dispatch : Dispatch::kPriority;
    point->order = point->dispatch == Dispatch::kSequence ? plan.sequence
                   : point->dispatch == Dispatch::kFifo   ? OrderOfRanks(plan.rank)
                                                          : StartOrder(plan, report);
  }

  // Null for kernels that a search cannot start from: others than the base plan's where fusion is
  // closed, or with clones.
  std::shared_ptr<const TaskGraph> TasksOf(const Plan& plan) const {
    if (plan.kernels == tasks_.kernels()) return shared_tasks_;
    if (!context_.problem().tasks().fusion || plan.kernels->has_clones()) return nullptr;
    auto tasks = ShareTasks(context_.problem(), plan.kernels, context_.costs(), &tasks_);
    return tasks.ok() ? *std::move(tasks) : nullptr;
  }

  const std::shared_ptr<const TaskGraph> shared_tasks_;
  const TaskGraph& tasks_;
  SearchContext& context_;
  std::vector<StartPoint>* const all_;  // May be null.
  const int64_t limit_;
  const std::vector<int32_t> upward_;
  const std::vector<int32_t> topological_;
  int64_t priced_ = 0;
  double slowest_maker_ = 0.0;  // Seconds.
  double best_ = std::numeric_limits<double>::infinity();
  StartPoint start_;
};

}  // namespace

absl::StatusOr<StartPoint> PriceClassicalPlans(std::shared_ptr<const TaskGraph> tasks,
                                               std::string_view set, int64_t most_evaluations,
                                               SearchContext* context,
                                               std::vector<StartPoint>* all) {
  GOPT_ASSIGN_OR_RETURN(const std::vector<PlacementMaker> makers,
                        PlacementMakers(set, context->request().seed));
  ClassicalPricer pricer(tasks, most_evaluations, context, all);
  GOPT_RETURN_IF_ERROR(pricer.PriceStartPlans());
  pricer.PriceMakers(makers);
  return std::move(pricer).Finish();
}

absl::Status PricePlacements(std::shared_ptr<const TaskGraph> tasks, std::string_view set,
                             int64_t most_evaluations, SearchContext* context,
                             std::vector<StartPoint>* all) {
  GOPT_ASSIGN_OR_RETURN(const std::vector<PlacementMaker> makers,
                        PlacementMakers(set, context->request().seed));
  ClassicalPricer pricer(std::move(tasks), most_evaluations, context, all);
  pricer.NothingIsOwed();
  pricer.PriceMakers(makers);
  return absl::OkStatus();
}

void PriceInAllOrders(const StartPoint& start, int64_t most_evaluations, SearchContext* context,
                      std::vector<StartPoint>* all) {
  ClassicalPricer pricer(start.tasks, most_evaluations, context, all);
  pricer.NothingIsOwed();
  pricer.PriceOrders("", "fused anew", {.device = start.device, .order = start.order},
                     start.dispatch == Dispatch::kSequence);
}

}  // namespace gopt
