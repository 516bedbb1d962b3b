#include "src/solve/local_search.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "src/solve/groups.h"
#include "src/solve/moves.h"
#include "src/solve/search_state.h"

namespace gopt {
namespace {

constexpr int64_t kDefaultEvaluations = 10'000;
constexpr int64_t kStartShare = 10;      // One tenth of the evaluations finds the start.
constexpr int kMostMissedMoves = 1'000;  // In a row: then nothing can be changed.
constexpr double kCriticalShare = 0.7;
constexpr double kMetisSecondsPerTask = 2e-5;  // Less time than this left: groups without METIS.

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

// The backend may be anybody's: only kernels that exist count.
std::vector<KernelId> ChainKernels(const CostReport& report, int num_tasks) {
  std::vector<KernelId> kernels;
  kernels.reserve(report.critical_chain.size());
  for (const CriticalStep& step : report.critical_chain) {
    if (step.kernel >= 0 && step.kernel < num_tasks) kernels.push_back(step.kernel);
  }
  return kernels;
}

class LocalSearch {
 public:
  LocalSearch(const TaskGraph& tasks, const LocalSearchRule& rule, SearchContext* context)
      : context_(*context),
        rule_(rule),
        num_tasks_(tasks.num_tasks()),
        may_place_(context->problem().tasks().placement),
        may_order_(context->problem().tasks().scheduling),
        random_(context->request().seed),
        moves_(tasks, rule.guided ? kCriticalShare : 0.0, &random_) {
    if (rule.guided && may_place_) {
      const bool metis = context->seconds_left() > kMetisSecondsPerTask * tasks.num_tasks();
      groupings_ = NeighbourhoodGroups(tasks, context->request().seed, metis);
    }
  }

  void Run(SearchState* state) {
    if (!may_place_ && !may_order_) return;
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
    moves_.SetCriticalChain(ChainKernels(report, num_tasks_));
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
    if (rule_.guided) moves_.SetCriticalChain(ChainKernels(report, num_tasks_));
  }

  // Metropolis: with probability exp(-increase / T).
  bool Accept(double score) {
    if (score <= score_) return true;
    if (temperature_ <= 0.0) return false;
    const double left = (1.0 - context_.Used()) / (1.0 - used_before_);
    return score - score_ < temperature_ * left * left * Exponential(&random_);
  }

  bool Propose(SearchState* state) {
    if (!may_place_) return moves_.Jitter(state);
    if (!rule_.guided) return moves_.MoveOne(state);
    const double pick = random_.Uniform();
    if (pick < 0.25 && may_order_) return moves_.Jitter(state);
    if (pick < 0.30) return moves_.SwapGroups(groupings_, state);
    if (pick < 0.60) return moves_.MoveGroup(groupings_, state);
    return pick < 0.80 ? moves_.MoveOne(state) : moves_.MoveTwo(state);
  }

  SearchContext& context_;
  const LocalSearchRule& rule_;
  const int num_tasks_;
  const bool may_place_;
  const bool may_order_;
  Random random_;
  Moves moves_;
  std::vector<Grouping> groupings_;
  double used_before_ = 0.0;
  double score_ = 0.0;
  double temperature_ = 0.0;
};

}  // namespace

void RunLocalSearch(const TaskGraph& tasks, StartPoint start, const LocalSearchRule& rule,
                    SearchContext* context) {
  if (tasks.num_tasks() == 0 || context->Exhausted()) return;
  SearchState state(tasks, std::move(start.device), std::move(start.order), start.sequence);
  LocalSearch(tasks, rule, context).Run(&state);
}

absl::StatusOr<Solution> SolveByLocalSearch(const SolveRequest& request, int64_t evaluations,
                                            const LocalSearchRule& rule) {
  GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                        SearchContext::Create(request, rule.name));
  ApplyEvaluationsOption(evaluations, context.get());
  const Problem& problem = context->problem();
  GOPT_ASSIGN_OR_RETURN(const TaskGraph tasks,
                        TaskGraph::Create(problem, problem.base_kernels(), context->costs()));
  const int64_t for_start = std::max<int64_t>(1, context->remaining() / kStartShare);
  GOPT_ASSIGN_OR_RETURN(StartPoint start, PriceClassicalPlans(tasks, ClassicalSet::kListSchedulers,
                                                              for_start, context.get()));
  RunLocalSearch(tasks, std::move(start), rule, context.get());
  return context->Finish();
}

void ApplyEvaluationsOption(int64_t evaluations, SearchContext* context) {
  if (evaluations > 0) {
    context->LimitEvaluations(evaluations);
  } else if (!context->request().budget.bounded()) {
    context->LimitEvaluations(kDefaultEvaluations);
  }
}

absl::Status CheckEvaluationsOption(const std::string& solver, int64_t evaluations) {
  if (evaluations >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(solver, ": evaluations is ", evaluations, "; it must not be negative"));
}

}  // namespace gopt
