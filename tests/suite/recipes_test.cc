#include "benchmarks/suite/recipes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/suite/rows.h"
#include "gopt/plan/validate.h"
#include "tests/testing/status.h"

namespace gopt::suite {
namespace {

constexpr int64_t kEvaluations = 90;

class RecipesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const absl::Status registered = RegisterRecipes(&Solvers());
    ASSERT_OK(registered);
  }

  void SetUp() override {
    const absl::StatusOr<std::vector<Workload>> workloads = LoadWorkloads({"txl2"}, 0);
    ASSERT_OK(workloads.status());
    row_ = std::make_unique<Row>(*MakeRow(workloads->front(), "p100", {.fusion = true}));
  }

  absl::StatusOr<Solution> Solve(const std::string& recipe) {
    const auto solver = Solvers().Create(recipe);
    const auto backend = CostBackends().Create("simulator");
    if (!solver.ok()) return solver.status();
    SolveRequest request;
    request.problem = &row_->problem;
    request.backend = backend->get();
    request.budget = Budget::Evaluations(kEvaluations);
    return (*solver)->Solve(request);
  }

  std::unique_ptr<Row> row_;
};

std::vector<DeviceId> DeviceOfOps(const Plan& plan) {
  const Graph& graph = plan.kernels->graph();
  std::vector<DeviceId> device(graph.num_ops(), kNone);
  for (OpId op = 0; op < graph.num_ops(); ++op) {
    const KernelId kernel = plan.kernels->kernel_of(op);
    if (kernel != kNone) device[op] = plan.device[kernel];
  }
  return device;
}

TEST_F(RecipesTest, EachGivesALegalPlanWithinTheBudgetAndNoneIsWorseThanItsStart) {
  const absl::StatusOr<Solution> start = Solve("default");
  ASSERT_OK(start.status());
  for (const std::string& recipe : RecipeNames()) {
    SCOPED_TRACE(recipe);
    const absl::StatusOr<Solution> solution = Solve(recipe);
    ASSERT_OK(solution.status());
    EXPECT_OK(ValidatePlan(row_->problem, solution->plan));
    EXPECT_LE(solution->evaluations, kEvaluations);
    if (!RecipeSearches(recipe)) continue;
    EXPECT_LE(solution->report.step_time, start->report.step_time);
    EXPECT_GT(solution->evaluations, kEvaluations * 9 / 10);
  }
}

TEST_F(RecipesTest, DecisionsThatAreNotSearchedStayTheDefaults) {
  const absl::StatusOr<Solution> start = Solve("default");
  ASSERT_OK(start.status());
  EXPECT_LT(start->plan.kernels->size(), row_->problem.base_kernels()->size()) << "nothing fused";

  const absl::StatusOr<Solution> fusion = Solve("fusion");
  ASSERT_OK(fusion.status());
  EXPECT_EQ(DeviceOfOps(fusion->plan), DeviceOfOps(start->plan));
  EXPECT_EQ(fusion->plan.dispatch, Dispatch::kFifo);

  const absl::StatusOr<Solution> placement = Solve("placement");
  ASSERT_OK(placement.status());
  EXPECT_EQ(placement->plan.kernels->columns().ops, start->plan.kernels->columns().ops);
  EXPECT_EQ(placement->plan.kernels->columns().begin, start->plan.kernels->columns().begin);
  EXPECT_EQ(placement->plan.rank, start->plan.rank);

  const absl::StatusOr<Solution> scheduling = Solve("scheduling");
  ASSERT_OK(scheduling.status());
  EXPECT_EQ(scheduling->plan.kernels->columns().ops, start->plan.kernels->columns().ops);
  EXPECT_EQ(scheduling->plan.device, start->plan.device);
}

TEST_F(RecipesTest, TheSearchAndTheFirstFusionAreOptions) {
  const absl::StatusOr<Solution> unfused = Solve("placement(start=none, solver=hill_climb)");
  ASSERT_OK(unfused.status());
  EXPECT_EQ(unfused->plan.kernels->size(), row_->problem.base_kernels()->size());
  EXPECT_THAT(Solve("joint(start=everything)").status(),
              Fails(absl::StatusCode::kInvalidArgument, "everything"));
  EXPECT_THAT(Solve("joint(solver=nobody)").status(), Fails(absl::StatusCode::kNotFound, "nobody"));
}

}  // namespace
}  // namespace gopt::suite
