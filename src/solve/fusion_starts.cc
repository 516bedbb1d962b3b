#include "src/solve/fusion_starts.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/solve/fusion_heuristics.h"
#include "src/solve/carry.h"
#include "src/solve/rank_sort.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr double kDefaultShare = 0.8;   // Of the evaluations: the default heuristic's kernels.
constexpr double kSecondsPerOp = 3e-5;  // Less time than this left: no further fusion.
constexpr size_t kMostPlacements = 4;   // That are fused anew,
constexpr FusionHeuristic kAnew[] = {FusionHeuristic::kQueue, FusionHeuristic::kDefault};
// Fused by these if there are evaluations left.
constexpr FusionHeuristic kFurther[] = {FusionHeuristic::kQueue, FusionHeuristic::kNone};

// The best starts of different placements, best first.
std::vector<StartPoint> BestPlacements(const std::vector<StartPoint>& starts) {
  std::vector<const StartPoint*> sorted;
  for (const StartPoint& start : starts) sorted.push_back(&start);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const StartPoint* a, const StartPoint* b) { return a->score < b->score; });
  std::vector<StartPoint> best;
  std::vector<std::vector<DeviceId>> known;
  for (const StartPoint* start : sorted) {
    if (best.size() == kMostPlacements) break;
    std::vector<DeviceId> device = DevicesOfOps(*start);
    if (std::find(known.begin(), known.end(), device) != known.end()) continue;
    known.push_back(std::move(device));
    best.push_back(*start);
  }
  return best;
}

class FusedStarts {
 public:
  FusedStarts(int64_t most_evaluations, SearchContext* context)
      : context_(*context),
        problem_(context->problem()),
        most_(most_evaluations),
        limit_(context->evaluations() + most_evaluations) {}

  absl::Status Price() {
    GOPT_RETURN_IF_ERROR(PriceAll(FusionHeuristic::kDefault, Most(kDefaultShare)));
    GOPT_RETURN_IF_ERROR(FuseBestAnew());
    for (const FusionHeuristic heuristic : kFurther) {
      if (!Done()) GOPT_RETURN_IF_ERROR(PriceAll(heuristic, Most(1.0)));
    }
    return FuseBestAnew();
  }

  std::vector<StartPoint>& starts() { return starts_; }

 private:
  // Where nothing but fusion is open, all plans of some kernels are one.
  int64_t Most(double share) const {
    const bool alone = !problem_.tasks().placement && !problem_.tasks().scheduling;
    return alone ? 1 : std::max<int64_t>(1, static_cast<int64_t>(share * most_));
  }
  bool Done() {
    const double fusing = kSecondsPerOp * problem_.graph().num_ops();
    return context_.Exhausted() || context_.seconds_left() < fusing ||
           context_.evaluations() >= limit_;
  }

  // The portfolio's placements of the kernels, at first with the request's start plans.
  absl::Status PriceAll(FusionHeuristic heuristic, int64_t most) {
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernels> kernels,
                          MakeFusion(problem_, context_.costs(), heuristic));
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const TaskGraph> tasks,
                          ShareTasks(problem_, std::move(kernels), context_.costs()));
    if (!starts_.empty()) {
      most = std::min(most, limit_ - context_.evaluations());
      return PricePlacements(std::move(tasks), ClassicalSet::kPortfolio, most, &context_, &starts_);
    }
    GOPT_ASSIGN_OR_RETURN(
        StartPoint first,
        PriceClassicalPlans(std::move(tasks), ClassicalSet::kPortfolio, most, &context_, &starts_));
    if (starts_.empty()) starts_.push_back(std::move(first));  // None could be priced.
    return absl::OkStatus();
  }

  // Each placement once.
  absl::Status FuseBestAnew() {
    for (const StartPoint& start : BestPlacements(starts_)) {
      std::vector<DeviceId> device = DevicesOfOps(start);
      if (std::find(fused_.begin(), fused_.end(), device) != fused_.end()) continue;
      for (const FusionHeuristic heuristic : kAnew) {
        GOPT_RETURN_IF_ERROR(FuseAnew(start, device, heuristic));
      }
      fused_.push_back(std::move(device));
    }
    return absl::OkStatus();
  }

  // A placement's ops, fused within devices.
  absl::Status FuseAnew(const StartPoint& start, std::span<const DeviceId> device,
                        FusionHeuristic heuristic) {
    if (Done()) return absl::OkStatus();
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernels> kernels,
                          MakeFusion(problem_, context_.costs(), heuristic, device));
    return Price(start, std::move(kernels));
  }

  absl::Status Price(const StartPoint& start, std::shared_ptr<const Kernels> kernels) {
    GOPT_ASSIGN_OR_RETURN(
        std::shared_ptr<const TaskGraph> tasks,
        ShareTasks(problem_, std::move(kernels), context_.costs(), start.tasks.get()));
    StartPoint fused = start;
    const Kernels& from = *start.tasks->kernels();
    const auto carry = start.dispatch == Dispatch::kSequence ? CarrySequence : CarryOrder;
    fused.device = CarryDevices(from, start.device, *tasks);
    fused.order = carry(from, RanksOfOrder(start.order), *tasks->kernels(), tasks->kernel_graph());
    fused.tasks = std::move(tasks);
    PriceInAllOrders(fused, limit_ - context_.evaluations(), &context_, &starts_);
    return absl::OkStatus();
  }

  SearchContext& context_;
  const Problem& problem_;
  const int64_t most_;
  const int64_t limit_;
  std::vector<StartPoint> starts_;
  std::vector<std::vector<DeviceId>> fused_;  // Placements of ops that were fused anew.
};

}  // namespace

std::vector<DeviceId> DevicesOfOps(const StartPoint& start) {
  const Kernels& kernels = *start.tasks->kernels();
  std::vector<DeviceId> device(kernels.graph().num_ops(), 0);
  for (KernelId k = 0; k < kernels.size(); ++k) {
    for (const OpId op : kernels.ops(k)) device[op] = start.device[k];
  }
  return device;
}

absl::StatusOr<StartPoint> PriceFusedStarts(int64_t most_evaluations, SearchContext* context,
                                            std::vector<StartPoint>* all) {
  FusedStarts fused(most_evaluations, context);
  GOPT_RETURN_IF_ERROR(fused.Price());
  std::vector<StartPoint>& starts = fused.starts();
  const auto best =
      std::min_element(starts.begin(), starts.end(),
                       [](const StartPoint& a, const StartPoint& b) { return a.score < b.score; });
  StartPoint start = *best;
  if (all != nullptr) *all = std::move(starts);
  return start;
}

}  // namespace gopt
