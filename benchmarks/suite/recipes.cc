#include "benchmarks/suite/recipes.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gopt/base/spec.h"
#include "gopt/base/status_macros.h"
#include "gopt/cost/op_cost_model.h"
#include "gopt/solve/fusion_heuristics.h"

namespace gopt::suite {
namespace {

constexpr Tasks kFusion{.fusion = true, .placement = false, .scheduling = false};
constexpr Tasks kPlacement{.fusion = false, .placement = true, .scheduling = false};
constexpr Tasks kScheduling{.fusion = false, .placement = false, .scheduling = true};

struct Recipe {
  std::string name;
  std::string summary;
  std::string start = "default";  // Who fuses the kernels that it starts from.
  std::vector<Tasks> stages;
};

const std::vector<Recipe>& Recipes() {
  static const auto* const recipes = new std::vector<Recipe>{
      {"default", "expert placement, default fusion, first in first out", "default", {}},
      {"no_fusion", "the default without fusion", "none", {}},
      {"fusion_bytes", "the default with kernels fused by bytes saved", "bytes", {}},
      {"fusion_queue", "the default with kernels fused by estimated benefit", "queue", {}},
      {"fusion", "fusion is searched", "default", {kFusion}},
      {"placement", "placement is searched", "default", {kPlacement}},
      {"scheduling", "order is searched", "default", {kScheduling}},
      {"fusion_placement",
       "fusion and placement together",
       "default",
       {{.fusion = true, .placement = true, .scheduling = false}}},
      {"fusion_scheduling",
       "fusion and order together",
       "default",
       {{.fusion = true, .placement = false, .scheduling = true}}},
      {"placement_scheduling",
       "placement and order together",
       "default",
       {{.fusion = false, .placement = true, .scheduling = true}}},
      {"one_after_the_other",
       "fusion, then placement, then order",
       "default",
       {kFusion, kPlacement, kScheduling}},
      {"placement_first",
       "placement, then fusion, then order",
       "default",
       {kPlacement, kFusion, kScheduling}},
      {"joint",
       "the three together",
       "default",
       {{.fusion = true, .placement = true, .scheduling = true}}},
  };
  return *recipes;
}

// The problem with other decisions open; `base` stands for the closed ones.
absl::StatusOr<Problem> WithTasks(const Problem& problem, const Tasks& tasks, Plan base) {
  return Problem::Create(problem.shared_graph(), problem.machine(),
                         {.constraints = problem.constraints(),
                          .tasks = tasks,
                          .fusion_limits = problem.fusion_limits(),
                          .base_plan = std::make_shared<const Plan>(std::move(base))});
}

class RecipeSolver final : public Solver {
 public:
  RecipeSolver(const Recipe& recipe, FusionHeuristic start, std::shared_ptr<const Solver> solver)
      : recipe_(recipe), start_(start), solver_(std::move(solver)) {}

  std::string name() const override { return recipe_.name; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    const Clock::time_point begin = Clock::now();
    GOPT_ASSIGN_OR_RETURN(Solution solution, SolveDefault(request));
    for (size_t i = 0; i < recipe_.stages.size(); ++i) {
      const int64_t left = request.budget.evaluations - solution.evaluations;
      const auto stages_left = static_cast<int64_t>(recipe_.stages.size() - i);
      SolveRequest stage = request;
      stage.budget.evaluations = std::max<int64_t>(1, left / stages_left);
      stage.start_plans = {solution.plan};
      GOPT_RETURN_IF_ERROR(Advance(recipe_.stages[i], stage, &solution));
    }
    solution.solver = recipe_.name;
    solution.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return solution;
  }

 private:
  absl::StatusOr<Solution> SolveDefault(const SolveRequest& request) const {
    GOPT_ASSIGN_OR_RETURN(const auto evaluator, request.backend->Bind(*request.problem));
    Plan base;
    GOPT_ASSIGN_OR_RETURN(base.kernels, Kernels(*request.problem, *evaluator));
    base.device.assign(base.kernels->size(), 0);
    base.rank.resize(base.kernels->size());
    std::iota(base.rank.begin(), base.rank.end(), 0);
    base.dispatch = Dispatch::kFifo;
    GOPT_ASSIGN_OR_RETURN(const Problem problem,
                          WithTasks(*request.problem, kPlacement, std::move(base)));
    GOPT_ASSIGN_OR_RETURN(const auto expert, Solvers().Create("expert_paper(order=fifo)"));
    SolveRequest placed = request;
    placed.problem = &problem;
    placed.budget.evaluations = 1;
    placed.best_effort = true;
    return expert->Solve(placed);
  }

  absl::StatusOr<std::shared_ptr<const gopt::Kernels>> Kernels(const Problem& problem,
                                                               const Evaluator& evaluator) const {
    const OpCostModel* costs = evaluator.op_costs();
    if (costs != nullptr) return MakeFusion(problem, *costs, start_);
    return MakeFusion(problem, RooflineCostModel(problem), start_);
  }

  // Makes *solution what the stage made of it.
  absl::Status Advance(const Tasks& tasks, SolveRequest stage, Solution* solution) const {
    GOPT_ASSIGN_OR_RETURN(const Problem problem, WithTasks(*stage.problem, tasks, solution->plan));
    stage.problem = &problem;
    GOPT_ASSIGN_OR_RETURN(Solution next, solver_->Solve(stage));
    for (CurvePoint& point : next.curve) {
      point.evaluations += solution->evaluations;
      point.seconds += solution->seconds;
    }
    next.curve.insert(next.curve.begin(), solution->curve.begin(), solution->curve.end());
    next.evaluations += solution->evaluations;
    next.seconds += solution->seconds;
    *solution = std::move(next);
    return absl::OkStatus();
  }

  const Recipe recipe_;
  const FusionHeuristic start_;
  const std::shared_ptr<const Solver> solver_;
};

absl::StatusOr<std::shared_ptr<const Solver>> RecipeFromSpec(const Recipe& recipe,
                                                             const Spec& spec) {
  std::string start = recipe.start, searcher = "anneal";
  SpecReader reader(spec);
  reader.Read("start", &start);
  reader.Read("solver", &searcher);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  GOPT_ASSIGN_OR_RETURN(const FusionHeuristic heuristic, FusionHeuristicFromName(start));
  GOPT_ASSIGN_OR_RETURN(std::shared_ptr<const Solver> solver, Solvers().Create(searcher));
  return std::make_shared<const RecipeSolver>(recipe, heuristic, std::move(solver));
}

}  // namespace

absl::Status RegisterRecipes(Registry<Solver>* solvers) {
  for (const Recipe& recipe : Recipes()) {
    GOPT_RETURN_IF_ERROR(
        solvers->Register({recipe.name, recipe.summary,
                           [&recipe](const Spec& spec) { return RecipeFromSpec(recipe, spec); }}));
  }
  return absl::OkStatus();
}

bool RecipeSearches(std::string_view name) {
  return std::any_of(Recipes().begin(), Recipes().end(), [&](const Recipe& recipe) {
    return recipe.name == name && !recipe.stages.empty();
  });
}

std::vector<std::string> RecipeNames() {
  std::vector<std::string> names;
  for (const Recipe& recipe : Recipes()) names.push_back(recipe.name);
  return names;
}

}  // namespace gopt::suite
