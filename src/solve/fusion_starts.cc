#include "src/solve/fusion_starts.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "gopt/base/status_macros.h"
#include "gopt/plan/fuse.h"
#include "src/solve/carry.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr int64_t kDefaultShare = 2;   // One half of the evaluations: the default's kernels.
constexpr int64_t kSinglesShare = 4;   // One quarter: single ops.
constexpr size_t kMostPlacements = 4;  // That are fused anew.

std::vector<DeviceId> DevicesOfOps(const StartPoint& start) {
  const Kernels& kernels = *start.tasks->kernels();
  std::vector<DeviceId> device(kernels.graph().num_ops(), 0);
  for (KernelId k = 0; k < kernels.size(); ++k) {
    for (const OpId op : kernels.ops(k)) device[op] = start.device[k];
  }
  return device;
}

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
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const TaskGraph> fused,
                          StartTasks(problem_, context_.costs()));
    GOPT_ASSIGN_OR_RETURN(StartPoint first,
                          PriceClassicalPlans(std::move(fused), ClassicalSet::kPortfolio,
                                              Most(kDefaultShare), &context_, &starts_));
    if (starts_.empty()) starts_.push_back(std::move(first));  // None could be priced.
    if (problem_.tasks().placement) GOPT_RETURN_IF_ERROR(PriceSingles());
    for (const StartPoint& start : BestPlacements(starts_)) GOPT_RETURN_IF_ERROR(FuseAnew(start));
    return absl::OkStatus();
  }

  std::vector<StartPoint>& starts() { return starts_; }

 private:
  // Of what is left; where nothing but fusion is open, all plans of some kernels are one.
  int64_t Most(int64_t share) const {
    const bool alone = !problem_.tasks().placement && !problem_.tasks().scheduling;
    return alone ? 1 : std::max<int64_t>(1, most_ / share);
  }
  bool Done() { return context_.Exhausted() || context_.evaluations() >= limit_; }

  absl::Status PriceSingles() {
    if (Done()) return absl::OkStatus();
    GOPT_ASSIGN_OR_RETURN(
        std::shared_ptr<const TaskGraph> singles,
        ShareTasks(problem_, Kernels::Singletons(problem_.shared_graph()), context_.costs()));
    return PricePlacements(std::move(singles), ClassicalSet::kPortfolio, Most(kSinglesShare),
                           &context_, &starts_);
  }

  // A placement's ops, fused within devices.
  absl::Status FuseAnew(const StartPoint& start) {
    const std::vector<DeviceId> device = DevicesOfOps(start);
    if (Done()) return absl::OkStatus();
    GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernels> kernels,
                          Fuse(problem_, {}, {.device = device}));
    return Price(start, std::move(kernels));
  }

  absl::Status Price(const StartPoint& start, std::shared_ptr<const Kernels> kernels) {
    GOPT_ASSIGN_OR_RETURN(
        std::shared_ptr<const TaskGraph> tasks,
        ShareTasks(problem_, std::move(kernels), context_.costs(), start.tasks.get()));
    StartPoint fused = start;
    const Kernels& from = *start.tasks->kernels();
    std::vector<int32_t> position(start.order.size());
    for (size_t i = 0; i < position.size(); ++i) position[start.order[i]] = static_cast<int32_t>(i);
    const auto carry = start.sequence ? CarrySequence : CarryOrder;
    fused.device = CarryDevices(from, start.device, *tasks);
    fused.order = carry(from, position, *tasks->kernels(), tasks->kernel_graph());
    fused.tasks = std::move(tasks);
    PriceInAllOrders(fused, limit_ - context_.evaluations(), &context_, &starts_);
    return absl::OkStatus();
  }

  SearchContext& context_;
  const Problem& problem_;
  const int64_t most_;
  const int64_t limit_;
  std::vector<StartPoint> starts_;
};

}  // namespace

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
