#include "gopt/solve/evolve.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/builtin.h"
#include "src/solve/carry.h"
#include "src/solve/fusion_moves.h"
#include "src/solve/inheritance.h"
#include "src/solve/moves.h"
#include "src/solve/rank_sort.h"
#include "src/solve/search_setup.h"
#include "src/solve/search_state.h"

namespace gopt {
namespace {

constexpr int kMostPopulation = 1'000'000;
constexpr int kMostMissedChildren = 1'000;  // In a row: then nothing can be changed.
constexpr int kReplacementTournament = 3;   // The worst of so many dies.
constexpr double kCriticalShare = 0.7;
constexpr double kSecondParentShare = 0.5;   // Of the genes.
constexpr double kFusionShare = 0.25;        // Of the mutations where fusion and more is open.
constexpr double kInheritFusionShare = 0.5;  // Of the crossings of parents fused in two ways.

struct Individual {
  std::shared_ptr<const TaskGraph> tasks;
  std::vector<DeviceId> device;
  std::vector<KernelId> order;
  Dispatch dispatch = Dispatch::kPriority;
  double score = 0.0;
  std::vector<KernelId> chain;  // Critical, where it is known.
};

class Evolution {
 public:
  Evolution(const StartPoint& start, const EvolveOptions& options, SearchContext* context)
      : options_(options),
        context_(*context),
        may_place_(context->problem().tasks().placement),
        may_order_(context->problem().tasks().scheduling),
        tournament_(Tournament(options)),
        random_(context->request().seed),
        moves_(kCriticalShare, &random_),
        child_(start.tasks, start.device, start.order) {
    if (context->problem().tasks().fusion) {
      fusion_.emplace(context->problem(), context->costs(), kCriticalShare, &random_);
    }
    if (!options.published && (may_place_ || fusion_)) {
      groupings_ = SearchGroups(*start.tasks, *context);
    }
  }

  void Run(std::vector<StartPoint> starts) {
    if (!may_place_ && !may_order_ && !fusion_) return;
    AddStarts(std::move(starts));
    for (int missed = 0; missed < kMostMissedChildren && !context_.Exhausted();) {
      const Individual& parent = population_[PickParent()];
      if (Breed(parent)) {
        missed = 0;
        EvaluateChild();
      } else {
        ++missed;
      }
    }
  }

 private:
  static int Tournament(const EvolveOptions& options) {
    if (options.tournament > 0) return options.tournament;
    return options.published ? 2 : std::max(1, options.population / 2);
  }

  bool PopulationIsFull() const {
    return population_.size() >= static_cast<size_t>(options_.population);
  }

  // The best first; its chain has not been asked for yet.
  void AddStarts(std::vector<StartPoint> starts) {
    std::stable_sort(starts.begin(), starts.end(),
                     [](const StartPoint& a, const StartPoint& b) { return a.score < b.score; });
    for (StartPoint& start : starts) {
      if (PopulationIsFull()) break;
      population_.push_back({.tasks = std::move(start.tasks),
                             .device = std::move(start.device),
                             .order = std::move(start.order),
                             .dispatch = start.dispatch,
                             .score = start.score,
                             .chain = {}});
    }
    Individual& best = population_.front();
    child_.Assign(best.tasks, best.device, best.order, best.dispatch);
    if (!context_.Exhausted()) best.chain = ChainKernels(Evaluate(), best.tasks->num_tasks());
  }

  const CostReport& Evaluate() {
    return context_.Evaluate(child_.plan(), {.critical_chain = !options_.published}, "evolve");
  }

  int PickIndividual() {
    return static_cast<int>(random_.Below(static_cast<int64_t>(population_.size())));
  }

  int PickParent() {
    int best = PickIndividual();
    for (int i = 1; i < tournament_; ++i) {
      const int other = PickIndividual();
      if (population_[other].score < population_[best].score) best = other;
    }
    return best;
  }

  int PickVictim() {
    int worst = PickIndividual();
    for (int i = 1; i < kReplacementTournament; ++i) {
      const int other = PickIndividual();
      if (population_[other].score > population_[worst].score) worst = other;
    }
    return worst;
  }

  // Makes the child. False if it is its parent.
  bool Breed(const Individual& parent) {
    const Individual* second =
        random_.Uniform() < options_.crossover ? &population_[PickParent()] : nullptr;
    if (second == &parent) second = nullptr;
    if (second != nullptr) DrawInheritance(*parent.tasks->kernels());
    const bool reordered =
        may_order_ && parent.dispatch != Dispatch::kFifo && MergeOrders(parent, second);
    child_.Assign(parent.tasks, parent.device, reordered ? order_ : parent.order,
                  reordered ? Dispatch::kPriority : parent.dispatch);
    const bool moved = may_place_ && second != nullptr && TakeDevices(parent, *second);
    const bool mutated = options_.published && MutateDevices();
    // What was changed is not to be undone by a move that fails.
    child_.Keep();
    const bool fused = second != nullptr && TakeFusion(parent, *second);
    const bool crossed = moved || reordered || fused;
    if (options_.published) return PublishedFusion() || mutated || crossed;
    if (crossed && random_.Below(2) == 0) return true;
    return Move(parent) || crossed;
  }

  // One move of anneal's kind. False, and nothing changed, if it fails.
  bool Move(const Individual& parent) {
    const bool same = parent.tasks == child_.shared_tasks();
    const auto chain = same ? std::span<const KernelId>(parent.chain) : std::span<const KernelId>();
    if (fusion_ && ((!may_place_ && !may_order_) || random_.Uniform() < kFusionShare)) {
      fusion_->SetCriticalChain(chain);
      return fusion_->Any(groupings_, &child_);
    }
    moves_.SetCriticalChain(chain);
    return moves_.Any(groupings_, &child_);
  }

  bool PublishedFusion() {
    return fusion_ && random_.Uniform() < kFusionShare && fusion_->Single(&child_);
  }

  // The kernels of the second parent where the child takes after it.
  bool TakeFusion(const Individual& parent, const Individual& second) {
    if (!fusion_ || second.tasks == parent.tasks) return false;
    if (random_.Uniform() >= kInheritFusionShare) return false;
    const bool fused = fusion_->Inherit(
        *second.tasks->kernels(), [this](KernelId task) { return inheritance_.takes(task); },
        &child_);
    child_.Keep();
    return fused;
  }

  void DrawInheritance(const Kernels& kernels) {
    if (options_.published) {
      inheritance_.DrawTasks(kernels, kSecondParentShare, &random_);
    } else {
      inheritance_.DrawGroups(kernels, groupings_, kSecondParentShare, &random_);
    }
  }

  // order_: by the position in the parent that each task takes after, or by a new one. Its child is
  // dispatched by priority, as no such order need be a sequence. False if the order is the first
  // parent's.
  bool MergeOrders(const Individual& parent, const Individual* second) {
    if (second == nullptr && !options_.published) return false;
    const int n = parent.tasks->num_tasks();
    priority_.resize(n);
    for (int i = 0; i < n; ++i) priority_[parent.order[i]] = -i;
    if (second != nullptr) TakePositions(parent, *second);
    for (int i = 0; options_.published && i < n; ++i) {
      if (random_.Uniform() < options_.mutation) priority_[i] = -random_.Uniform() * n;
    }
    sorter_.Sort(priority_, &rank_);
    order_.resize(n);
    for (int i = 0; i < n; ++i) order_[rank_[i]] = i;
    return order_ != parent.order;
  }

  void TakePositions(const Individual& parent, const Individual& second) {
    const size_t n = second.order.size();
    position_.resize(n);
    for (size_t i = 0; i < n; ++i) position_[second.order[i]] = static_cast<double>(i);
    const double scale = static_cast<double>(parent.order.size()) / static_cast<double>(n);
    for (KernelId task = 0; task < parent.tasks->num_tasks(); ++task) {
      if (!inheritance_.takes(task)) continue;
      priority_[task] = -scale * position_[TaskOf(second, parent, task)];
    }
  }

  bool TakeDevices(const Individual& parent, const Individual& second) {
    bool moved = false;
    for (KernelId task = 0; task < child_.tasks().num_tasks(); ++task) {
      if (!inheritance_.takes(task)) continue;
      moved |= child_.MoveTask(task, second.device[TaskOf(second, parent, task)]);
    }
    return moved;
  }

  static KernelId TaskOf(const Individual& in, const Individual& of, KernelId task) {
    return CarriedFrom(*in.tasks->kernels(), *of.tasks->kernels(), task);
  }

  bool MutateDevices() {
    bool moved = false;
    for (KernelId task = 0; may_place_ && task < child_.tasks().num_tasks(); ++task) {
      if (random_.Uniform() >= options_.mutation) continue;
      const auto allowed = child_.tasks().allowed(task);
      moved |= child_.MoveTask(task, allowed[random_.Below(static_cast<int64_t>(allowed.size()))]);
    }
    return moved;
  }

  void EvaluateChild() {
    const CostReport& report = Evaluate();
    const double score = context_.Score(report);
    if (!PopulationIsFull()) {
      population_.emplace_back();
      return Become(report, score, &population_.back());
    }
    Individual& victim = population_[PickVictim()];
    if (score <= victim.score) Become(report, score, &victim);
  }

  void Become(const CostReport& report, double score, Individual* individual) {
    const Plan& plan = child_.plan();
    individual->tasks = child_.shared_tasks();
    individual->device = plan.device;
    individual->order.assign(child_.order().begin(), child_.order().end());
    individual->dispatch = plan.dispatch;
    individual->score = score;
    individual->chain = ChainKernels(report, child_.tasks().num_tasks());
  }

  const EvolveOptions& options_;
  SearchContext& context_;
  const bool may_place_;
  const bool may_order_;
  const int tournament_;
  Random random_;
  Moves moves_;
  std::optional<FusionMoves> fusion_;  // Where fusion is open.
  Inheritance inheritance_;
  SearchState child_;
  std::vector<Grouping> groupings_;
  std::vector<Individual> population_;
  RankSorter sorter_;
  std::vector<double> priority_, position_;
  std::vector<int32_t> rank_;
  std::vector<KernelId> order_;
};

class Evolve final : public Solver {
 public:
  explicit Evolve(const EvolveOptions& options) : options_(options) {}

  std::string name() const override { return "evolve"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    return SolveByPopulation(request, name(), options_.evaluations,
                             [this](std::vector<StartPoint> starts, SearchContext* context) {
                               Evolution(starts.front(), options_, context).Run(std::move(starts));
                             });
  }

 private:
  const EvolveOptions options_;
};

absl::Status CheckOptions(const EvolveOptions& options) {
  GOPT_RETURN_IF_ERROR(CheckEvaluationsOption("evolve", options.evaluations));
  if (options.population < 1 || options.population > kMostPopulation) {
    return absl::InvalidArgumentError(absl::StrCat("evolve: population is ", options.population,
                                                   "; it must be in [1, ", kMostPopulation, "]"));
  }
  if (options.tournament < 0 || options.tournament > options.population) {
    return absl::InvalidArgumentError(absl::StrCat("evolve: tournament is ", options.tournament,
                                                   "; it must be in [0, population]"));
  }
  GOPT_RETURN_IF_ERROR(CheckShareOption("evolve: crossover", options.crossover));
  return CheckShareOption("evolve: mutation", options.mutation);
}

}  // namespace

SolverOr EvolveFromSpec(const Spec& spec) {
  EvolveOptions options;
  SpecReader reader(spec);
  reader.Read("evaluations", &options.evaluations);
  reader.Read("population", &options.population);
  reader.Read("crossover", &options.crossover);
  reader.Read("mutation", &options.mutation);
  reader.Read("tournament", &options.tournament);
  reader.Read("published", &options.published);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_RETURN_IF_ERROR(CheckOptions(options));
  return std::make_shared<const Evolve>(options);
}

}  // namespace gopt
