#include "gopt/solve/random_placement.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/base/random.h"
#include "gopt/base/status_macros.h"
#include "gopt/solve/search_context.h"
#include "gopt/solve/task_graph.h"
#include "src/solve/builtin.h"
#include "src/solve/priorities.h"
#include "src/solve/start_tasks.h"

namespace gopt {
namespace {

constexpr int64_t kSamplesWithoutBudget = 100;

std::vector<DeviceId> Draw(const TaskGraph& tasks, Random* random) {
  std::vector<DeviceId> placement(tasks.num_tasks());
  for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
    const int32_t group = tasks.group(task);
    const KernelId first = group == kNone ? task : tasks.group_tasks(group)[0];
    if (first < task) {
      placement[task] = placement[first];
      continue;
    }
    const auto allowed = tasks.allowed(task);
    placement[task] = allowed[random->Below(static_cast<int64_t>(allowed.size()))];
  }
  return placement;
}

class RandomPlacement final : public Solver {
 public:
  explicit RandomPlacement(const RandomPlacementOptions& options) : options_(options) {}

  std::string name() const override { return "random"; }

  absl::StatusOr<Solution> Solve(const SolveRequest& request) const override {
    GOPT_ASSIGN_OR_RETURN(const std::unique_ptr<SearchContext> context,
                          SearchContext::Create(request, name()));
    GOPT_ASSIGN_OR_RETURN(const std::shared_ptr<const TaskGraph> shared_tasks,
                          StartTasks(context->problem(), context->costs()));
    const TaskGraph& tasks = *shared_tasks;
    const std::vector<int32_t> rank = TopologicalRanks(tasks);
    Random random(request.seed);
    const int64_t samples = Samples(request.budget);
    for (int64_t i = 0; i < samples && !context->Exhausted(); ++i) {
      context->Evaluate(tasks.MakePlan(Draw(tasks, &random), rank, name()));
    }
    return context->Finish();
  }

 private:
  int64_t Samples(const Budget& budget) const {
    if (options_.samples > 0) return options_.samples;
    return budget.bounded() ? Budget::kUnlimited : kSamplesWithoutBudget;
  }

  const RandomPlacementOptions options_;
};

}  // namespace

SolverOr RandomPlacementFromSpec(const Spec& spec) {
  RandomPlacementOptions options;
  SpecReader reader(spec);
  reader.Read("samples", &options.samples);
  GOPT_RETURN_IF_ERROR(reader.Finish());
  if (options.samples < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("random: samples is ", options.samples, "; 0 is the least"));
  }
  return std::make_shared<const RandomPlacement>(options);
}

}  // namespace gopt
