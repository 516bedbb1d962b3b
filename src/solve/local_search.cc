#include "src/solve/local_search.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/solve/fusion_moves.h"
#include "src/solve/groups.h"
#include "src/solve/moves.h"
#include "src/solve/search_state.h"

namespace gopt {
namespace {

constexpr int kMostMissedMoves = 1'000;  // In a row: then nothing can be changed.
constexpr double kCriticalShare = 0.7;
constexpr double kFusionShare = 0.25;  // Of the moves where fusion and more is open.

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

  void Run(SearchState* state) {
    if (!may_place_ && !may_order_ && !fusion_) return;
    used_before_ = context_.Used();
    EvaluateStart(state);
    for (int missed = 0; missed < kMostMissedMoves && !context_.Exhausted();) {
      if (Propose(state)) {
        missed = 0;
        EvaluateMove(state);
      } else {
        state->Undo();
        ++missed;
      }
    }
  }

 private:
  const CostReport& Evaluate(const SearchState& state) {
    return context_.Evaluate(state.plan(), {.critical_chain = rule_.guided}, rule_.name);
  }

  void EvaluateStart(SearchState* state) {
    const CostReport& report = Evaluate(*state);
    score_ = context_.Score(report);
    temperature_ = rule_.temperature * static_cast<double>(report.step_time);
    SetCriticalChain(report, *state);
  }

  void EvaluateMove(SearchState* state) {
    const CostReport& report = Evaluate(*state);
    const double score = context_.Score(report);
    if (!Accept(score)) {
      state->Undo();
      return;
    }
    score_ = score;
    state->Keep();
    if (rule_.guided) SetCriticalChain(report, *state);
  }

  void SetCriticalChain(const CostReport& report, const SearchState& state) {
    chain_ = ChainKernels(report, state.tasks().num_tasks());
    moves_.SetCriticalChain(chain_);
    if (fusion_) fusion_->SetCriticalChain(chain_);
  }

  // Metropolis: with probability exp(-increase / T).
  bool Accept(double score) {
    if (score <= score_) return true;
    if (temperature_ <= 0.0) return false;
    const double left = (1.0 - context_.Used()) / (1.0 - used_before_);
    return score - score_ < temperature_ * left * left * Exponential(&random_);
  }

  bool Propose(SearchState* state) {
    if (fusion_ && ((!may_place_ && !may_order_) || random_.Uniform() < kFusionShare)) {
      return fusion_->Any(groupings_, state);
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
  std::vector<KernelId> chain_;
  std::vector<Grouping> groupings_;
  double used_before_ = 0.0;
  double score_ = 0.0;
  double temperature_ = 0.0;
};

}  // namespace

void RunLocalSearch(StartPoint start, const LocalSearchRule& rule, SearchContext* context) {
  if (start.tasks->num_tasks() == 0 || context->Exhausted()) return;
  LocalSearch search(*start.tasks, rule, context);
  SearchState state(std::move(start.tasks), start.device, start.order, start.sequence);
  search.Run(&state);
}

absl::StatusOr<Solution> SolveByLocalSearch(const SolveRequest& request, int64_t evaluations,
                                            const LocalSearchRule& rule) {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                        SearchContext::Create(request, rule.name));
  ApplyEvaluationsOption(evaluations, context.get());
  GOPT_ASSIGN_OR_RETURN(StartPoint start, PriceStarts(context.get()));
  RunLocalSearch(std::move(start), rule, context.get());
  return context->Finish();
}

}  // namespace gopt
