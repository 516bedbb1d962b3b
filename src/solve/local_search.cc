#include "src/solve/local_search.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/solve/fusion_moves.h"
#include "src/solve/fusion_starts.h"
#include "src/solve/groups.h"
#include "src/solve/moves.h"
#include "src/solve/search_state.h"

namespace gopt {
namespace {

constexpr int kMostMissedMoves = 1'000;  // In a row: then nothing can be changed.
constexpr double kCriticalShare = 0.7;
constexpr double kFusionShare = 0.1;  // Of the moves where fusion and more is open.
// Of the budget after the starts: for each of several searches at first, for each of the two that
// are left then, and until the best gives up first in, first out.
constexpr double kFirstShare = 0.04, kSecondShare = 0.12, kFifoShare = 0.6;
// How much of what a search gained in its last turn it is expected to gain in the next: a search
// first in, first out is ahead early and gains less later.
constexpr double kFirstOutlook = 1.0, kSecondOutlook = 0.5;
constexpr size_t kLanesPerDispatch = 2;

// Waiting time of rate 1, from comparisons alone (von Neumann, 1951), so that it has the same bits
// everywhere, which a library's logarithm has not.
double Exponential(Random* random) {
  for (double whole = 0.0;; whole += 1.0) {
    const double first = random->Uniform();
    double last = first;
    bool odd = false;
    for (bool falls = true; falls;) {
      const double next = random->Uniform();
      falls = next < last;
      last = next;
      odd = !odd;
    }
    if (odd) return whole + first;
  }
}

class LocalSearch {
 public:
  LocalSearch(const TaskGraph& tasks, const LocalSearchRule& rule, SearchContext* context)
      : context_(*context),
        rule_(rule),
        may_place_(context->problem().tasks().placement),
        may_order_(context->problem().tasks().scheduling),
        random_(context->request().seed),
        moves_(rule.guided ? kCriticalShare : 0.0, &random_) {
    const double share = rule.guided ? kCriticalShare : 0.0;
    if (context->problem().tasks().fusion) {
      fusion_.emplace(context->problem(), context->costs(), share, &random_);
    }
    if (rule.guided && (may_place_ || fusion_)) groupings_ = SearchGroups(tasks, *context);
  }

  // Goes on from the start until the budget is spent.
  void Run(const StartPoint& start) {
    if (NothingIsOpen()) return;
    used_before_ = context_.Used();
    std::vector<Lane> lanes = MakeLanes({start});
    Advance(1.0, &lanes.front());
  }

  // Goes on from each of the starts for a while, from the more promising of either dispatch for
  // longer, and from the better of these two to the end. They differ in their placements, and in
  // that orders follow placements by themselves, first in first out, or are searched.
  void RunLanes(const std::vector<StartPoint>& starts) {
    if (NothingIsOpen()) return;
    used_before_ = context_.Used();
    std::vector<Lane> lanes = MakeLanes(starts);
    double used = 0.0;
    const auto turn = [&](double share, double outlook) {
      if (lanes.size() == 1) return;
      for (Lane& lane : lanes) {
        lane.before = lane.score;
        Advance(used += share, &lane);
      }
      std::stable_sort(lanes.begin(), lanes.end(), [outlook](const Lane& a, const Lane& b) {
        return a.Expected(outlook) < b.Expected(outlook);
      });
    };
    turn(kFirstShare, kFirstOutlook);
    KeepBestOfEitherDispatch(&lanes);
    turn(kSecondShare, kSecondOutlook);
    Lane& best = lanes.front();
    Advance(std::max(used, kFifoShare), &best);
    TurnIntoPriorities(&best);
    Advance(1.0, &best);
  }

 private:
  struct Lane {
    SearchState state;
    double score = 0.0;
    double temperature = 0.0;
    std::vector<KernelId> chain = {};
    double before = 0.0;  // Score at the begin of its last turn.

    // The score after another turn if it gains this much of what the last one gained.
    double Expected(double outlook) const {
      return std::isfinite(score) ? score - outlook * (before - score) : score;
    }
    bool is_fifo() const { return state.plan().dispatch == Dispatch::kFifo; }
  };

  bool NothingIsOpen() const { return !may_place_ && !may_order_ && !fusion_; }

  std::vector<Lane> MakeLanes(const std::vector<StartPoint>& starts) {
    std::vector<Lane> lanes;
    for (const StartPoint& start : starts) {
      lanes.push_back({SearchState(start.tasks, start.device, start.order, start.dispatch)});
      EvaluateStart(&lanes.back());
      if (context_.Exhausted()) break;
    }
    return lanes;
  }

  // Of lanes in order.
  static void KeepBestOfEitherDispatch(std::vector<Lane>* lanes) {
    const bool fifo = lanes->front().is_fifo();
    const auto other = std::find_if(lanes->begin(), lanes->end(),
                                    [fifo](const Lane& lane) { return lane.is_fifo() != fifo; });
    if (other == lanes->end()) {
      lanes->erase(lanes->begin() + std::min<ptrdiff_t>(2, std::ssize(*lanes)), lanes->end());
      return;
    }
    std::iter_swap(lanes->begin() + 1, other);
    lanes->erase(lanes->begin() + 2, lanes->end());
  }

  // Until this share of the budget after the starts is used.
  void Advance(double until, Lane* lane) {
    SetCriticalChain(*lane);
    const double end = used_before_ + until * (1.0 - used_before_);
    for (int missed = 0; missed < kMostMissedMoves && !context_.Exhausted(fusing_seconds_);) {
      if (until < 1.0 && context_.Used() >= end) return;
      if (Propose(&lane->state)) {
        missed = 0;
        EvaluateMove(lane);
      } else {
        lane->state.Undo();
        ++missed;
      }
    }
  }

  const CostReport& Evaluate(const SearchState& state, bool start_order = false) {
    return context_.Evaluate(
        state.plan(), {.start_order = start_order, .critical_chain = rule_.guided}, rule_.name);
  }

  void EvaluateStart(Lane* lane) {
    const CostReport& report = Evaluate(lane->state);
    lane->score = context_.Score(report);
    lane->temperature = rule_.temperature * static_cast<double>(report.step_time);
    if (rule_.guided) lane->chain = ChainKernels(report, lane->state.tasks().num_tasks());
  }

  void EvaluateMove(Lane* lane) {
    const CostReport& report = Evaluate(lane->state);
    const double score = context_.Score(report);
    if (!Accept(score, *lane)) {
      lane->state.Undo();
      return;
    }
    lane->score = score;
    lane->state.Keep();
    if (!rule_.guided) return;
    lane->chain = ChainKernels(report, lane->state.tasks().num_tasks());
    SetCriticalChain(*lane);
  }

  void SetCriticalChain(const Lane& lane) {
    moves_.SetCriticalChain(lane.chain);
    if (fusion_) fusion_->SetCriticalChain(lane.chain);
  }

  // The same plan, with the order in which its kernels start as priorities.
  void TurnIntoPriorities(Lane* lane) {
    SearchState& state = lane->state;
    if (!may_order_ || state.plan().dispatch != Dispatch::kFifo || context_.Exhausted()) return;
    const CostReport& report = Evaluate(state, /*start_order=*/true);
    const std::vector<KernelId> order = StartOrder(state.plan(), report);
    const std::vector<DeviceId> device = state.plan().device;
    state.Assign(state.shared_tasks(), device, order, Dispatch::kPriority);
    if (!context_.Exhausted()) EvaluateStart(lane);
  }

  // Metropolis: with probability exp(-increase / T).
  bool Accept(double score, const Lane& lane) {
    if (score <= lane.score) return true;
    if (lane.temperature <= 0.0) return false;
    const double left = (1.0 - context_.Used()) / (1.0 - used_before_);
    return score - lane.score < lane.temperature * left * left * Exponential(&random_);
  }

  bool Propose(SearchState* state) {
    if (fusion_ && ((!may_place_ && !may_order_) || random_.Uniform() < kFusionShare)) {
      const double begin = context_.seconds();
      const bool changed = fusion_->Any(groupings_, state);
      fusing_seconds_ = std::max(fusing_seconds_, context_.seconds() - begin);
      return changed;
    }
    if (may_place_ && !rule_.guided) return moves_.MoveOne(state);
    return moves_.Any(groupings_, state);
  }

  SearchContext& context_;
  const LocalSearchRule& rule_;
  const bool may_place_;
  const bool may_order_;
  Random random_;
  Moves moves_;
  std::optional<FusionMoves> fusion_;  // Where fusion is open.
  std::vector<Grouping> groupings_;
  double used_before_ = 0.0;
  double fusing_seconds_ = 0.0;  // The longest move in fusion so far.
};

// The best starts of different placements; where orders are open, of either dispatch.
std::vector<StartPoint> SelectLanes(std::vector<StartPoint> starts, bool may_order) {
  std::stable_sort(starts.begin(), starts.end(),
                   [](const StartPoint& a, const StartPoint& b) { return a.score < b.score; });
  std::vector<StartPoint> lanes;
  std::vector<std::vector<DeviceId>> placements[2];
  for (StartPoint& start : starts) {
    auto& known = placements[may_order && start.dispatch == Dispatch::kFifo ? 1 : 0];
    if (known.size() == kLanesPerDispatch) continue;
    std::vector<DeviceId> device = DevicesOfOps(start);
    if (std::find(known.begin(), known.end(), device) != known.end()) continue;
    known.push_back(std::move(device));
    lanes.push_back(std::move(start));
  }
  return lanes;
}

}  // namespace

void RunLocalSearch(const StartPoint& start, const LocalSearchRule& rule, SearchContext* context) {
  if (start.tasks->num_tasks() == 0 || context->Exhausted()) return;
  LocalSearch(*start.tasks, rule, context).Run(start);
}

absl::StatusOr<Solution> SolveByLocalSearch(const SolveRequest& request, int64_t evaluations,
                                            const LocalSearchRule& rule) {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                        SearchContext::Create(request, rule.name));
  ApplyEvaluationsOption(evaluations, context.get());
  const Tasks& open = context->problem().tasks();
  if (!open.fusion || !open.placement || !rule.guided) {
    GOPT_ASSIGN_OR_RETURN(const StartPoint start, PriceStarts(context.get()));
    RunLocalSearch(start, rule, context.get());
    return context->Finish();
  }
  std::vector<StartPoint> starts;
  GOPT_ASSIGN_OR_RETURN(const StartPoint best, PriceStarts(context.get(), &starts));
  if (best.tasks->num_tasks() > 0 && !context->Exhausted()) {
    LocalSearch(*best.tasks, rule, context.get())
        .RunLanes(SelectLanes(std::move(starts), open.scheduling));
  }
  return context->Finish();
}

}  // namespace gopt
