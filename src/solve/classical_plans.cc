#include "src/solve/classical_plans.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/status_macros.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/expert.h"
#include "gopt/solve/heft.h"
#include "gopt/solve/list_decoder.h"
#include "gopt/solve/metis.h"
#include "src/solve/admit.h"
#include "src/solve/constructive.h"
#include "src/solve/priorities.h"

namespace gopt {
namespace {

// Shares of the activations that must fit beside the parameters, tried in turn.
constexpr double kActivationWeights[] = {0.0, 0.3, 1.0};

using Placed = absl::StatusOr<ClassicalPlacement>;

// The device on which everything would be done first.
DeviceId FastestDevice(const TaskGraph& tasks) {
  std::vector<double> total(tasks.num_devices(), 0.0);
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
      total[d] += static_cast<double>(tasks.time(task, d));
    }
  }
  return static_cast<DeviceId>(std::min_element(total.begin(), total.end()) - total.begin());
}

Placed OnOneDevice(const TaskGraph& tasks, const PlacementOptions& options) {
  const std::vector<DeviceId> wish(tasks.num_tasks(), FastestDevice(tasks));
  return ClassicalPlacement{Admit(tasks, wish, options), {}};
}

// Consecutive tasks in topological order, as much work for each device as the others get.
Placed Chunks(const TaskGraph& tasks, const PlacementOptions& options) {
  double total = 0.0;
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) total += tasks.mean_time(task);
  const double share = std::max(total, 1.0) / tasks.num_devices();
  std::vector<DeviceId> wish(tasks.num_tasks());
  double before = 0.0;
  for (KernelId task : tasks.kernel_graph().topological_order) {
    const double middle = before + 0.5 * tasks.mean_time(task);
    wish[task] = std::min(static_cast<DeviceId>(middle / share), tasks.num_devices() - 1);
    before += tasks.mean_time(task);
  }
  return ClassicalPlacement{Admit(tasks, wish, options), {}};
}

Placed ByModules(const TaskGraph& tasks, const PlacementOptions& options) {
  return ClassicalPlacement{ExpertPlacement(tasks, options), {}};
}

PlacementMaker HeftMaker(bool insertion) {
  return {"heft", absl::StrCat("heft(insertion=", insertion ? "true" : "false", ")"),
          [insertion](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
            TaskSchedule schedule = ScheduleHeft(tasks, {.insertion = insertion}, options);
            return ClassicalPlacement{std::move(schedule.device), std::move(schedule.sequence)};
          }};
}

PlacementMaker MetisMaker(uint64_t seed) {
  return {
      "metis", "metis", [seed](const TaskGraph& tasks, const PlacementOptions& options) -> Placed {
        GOPT_ASSIGN_OR_RETURN(std::vector<DeviceId> device, MetisPlacement(tasks, seed, options));
        return ClassicalPlacement{std::move(device), {}};
      }};
}

// stickiness: how much of a transfer's time an input on the device counts for, beyond its arrival.
PlacementMaker ListMaker(double stickiness, bool bottom_level = false) {
  return {
      "list",
      absl::StrCat("list(stickiness=", stickiness, bottom_level ? ",priority=bottom_level)" : ")"),
      [stickiness, bottom_level](const TaskGraph& tasks,
                                 const PlacementOptions& options) -> Placed {
        const std::vector<float> kappa(tasks.kernel_graph().inputs.size(),
                                       static_cast<float>(stickiness));
        Plan plan;
        ListDecoder(tasks, options)
            .Decode(bottom_level ? BottomLevels(tasks) : UpwardRanks(tasks), kappa, &plan);
        return ClassicalPlacement{std::move(plan.device), {}};
      }};
}

std::vector<int32_t> RanksOfOrder(std::span<const KernelId> order) {
  std::vector<int32_t> rank(order.size());
  for (size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<int32_t>(i);
  return rank;
}

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

// By the report, or by rank where the backend reports none.
std::vector<KernelId> StartOrder(const Plan& plan, const CostReport& report) {
  const auto num_tasks = static_cast<int>(plan.rank.size());
  if (IsPermutation(report.start_order, num_tasks)) return report.start_order;
  std::vector<KernelId> order(num_tasks);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](KernelId a, KernelId b) { return plan.rank[a] < plan.rank[b]; });
  return order;
}

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
  ClassicalPricer(const TaskGraph& tasks, int64_t most_evaluations, SearchContext* context,
                  std::vector<StartPoint>* all)
      : tasks_(tasks),
        context_(*context),
        all_(all),
        limit_(context->evaluations() + most_evaluations),
        upward_(RanksByPriority(UpwardRanks(tasks))),
        topological_(RanksOfOrder(tasks.kernel_graph().topological_order)) {}

  bool Done() { return context_.Exhausted() || (priced_ > 0 && context_.evaluations() >= limit_); }

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
    const Placed placed = maker.make(tasks_, options);
    slowest_maker_ = std::max(slowest_maker_, context_.seconds() - begin);
    if (!placed.ok()) return;
    for (const Order order : kOrders) {
      if (priced_ > 0 && Done()) return;
      if (order == Order::kSequence && placed->order.empty()) continue;
      PriceOrder(maker, *placed, order);
    }
  }

  bool FoundFeasible() const {
    return context_.has_best() && SearchContext::Feasible(context_.best_score());
  }

  StartPoint Finish() && {
    start_.score = best_;
    if (start_.order.empty()) {  // No priced plan used the base kernels, or none was legal.
      start_.order = tasks_.kernel_graph().topological_order;
      start_.device.assign(tasks_.num_tasks(), 0);
      for (KernelId t = 0; t < tasks_.num_tasks(); ++t) start_.device[t] = tasks_.allowed(t)[0];
    }
    return std::move(start_);
  }

 private:
  void PriceOrder(const PlacementMaker& maker, const ClassicalPlacement& placed, Order order) {
    Plan plan = tasks_.MakePlan(placed.device, Ranks(placed, order),
                                absl::StrCat(maker.variant, ", order: ", Name(order)));
    if (order == Order::kFifo) plan.dispatch = Dispatch::kFifo;
    if (order == Order::kSequence) {
      plan.dispatch = Dispatch::kSequence;
      plan.sequence = placed.order;
    }
    Price(plan, maker.solver);
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
    if (plan.kernels != tasks_.kernels() || !(score < best_ || all_ != nullptr)) return;
    StartPoint point = {.device = plan.device, .order = {}, .score = score};
    point.sequence = plan.dispatch == Dispatch::kSequence;
    point.order = point.sequence ? plan.sequence : StartOrder(plan, report);
    if (all_ != nullptr) all_->push_back(point);
    if (!(score < best_)) return;
    best_ = score;
    start_ = std::move(point);
  }

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

std::vector<PlacementMaker> PlacementMakers(ClassicalSet set, uint64_t seed) {
  std::vector<PlacementMaker> makers = {
      {"single_device", "single_device", OnOneDevice}, HeftMaker(true), ListMaker(0.0)};
  if (set == ClassicalSet::kListSchedulers) return makers;
  // METIS's seeds 0 and 1 are the same.
  makers.insert(makers.end(), {ListMaker(0.5), HeftMaker(false), ListMaker(0.2), ListMaker(1.0),
                               ListMaker(0.0, true), ListMaker(0.3, true), MetisMaker(2 * seed + 2),
                               MetisMaker(2 * seed + 3)});
  makers.push_back({"expert", "expert", ByModules});
  makers.push_back({"chunks", "chunks", Chunks});
  return makers;
}

absl::StatusOr<StartPoint> PriceClassicalPlans(const TaskGraph& tasks, ClassicalSet set,
                                               int64_t most_evaluations, SearchContext* context,
                                               std::vector<StartPoint>* all) {
  ClassicalPricer pricer(tasks, most_evaluations, context, all);
  GOPT_RETURN_IF_ERROR(pricer.PriceStartPlans());
  PlacementOptions options = InitialOptions(context->request());
  for (double weight : kActivationWeights) {
    options.activation_weight = weight;
    for (const PlacementMaker& maker : PlacementMakers(set, context->request().seed)) {
      if (pricer.Done()) break;
      pricer.PriceInAllOrders(maker, options);
    }
    if (pricer.FoundFeasible() || pricer.Done()) break;
  }
  return std::move(pricer).Finish();
}

}  // namespace gopt
