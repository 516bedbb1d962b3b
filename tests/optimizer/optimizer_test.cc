#include "gopt/optimizer/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Problem SomeProblem() {
  return *Problem::Create(testing::LargeGraph({.ops = 200, .window = 20}),
                          *UniformMachine({.count = 3, .bandwidth = 1e10}));
}

TEST(OptimizerTest, SolvesWithThePortfolioByDefault) {
  const Problem problem = SomeProblem();
  ASSERT_OK_AND_ASSIGN(const auto optimizer, Optimizer::Create());
  ASSERT_OK_AND_ASSIGN(const Solution solution,
                       optimizer->Optimize(problem, Budget::Evaluations(300)));
  EXPECT_TRUE(solution.report.ok());
  EXPECT_EQ(solution.evaluations, 300);
  EXPECT_EQ(solution.stop, StopReason::kEvaluations);
}

TEST(OptimizerTest, IsNeverWorseThanTheBasePlan) {
  const Problem problem = SomeProblem();
  ASSERT_OK_AND_ASSIGN(const auto search, Optimizer::Create({.solver = "anneal"}));
  ASSERT_OK_AND_ASSIGN(const Solution good, search->Optimize(problem, Budget::Evaluations(500)));
  ASSERT_OK_AND_ASSIGN(const Problem based,
                       Problem::Create(problem.shared_graph(), problem.machine(),
                                       {.base_plan = std::make_shared<const Plan>(good.plan)}));
  ASSERT_OK_AND_ASSIGN(const Solution again, search->Optimize(based, Budget::Evaluations(1)));
  EXPECT_LE(again.report.step_time, good.report.step_time);
}

TEST(OptimizerTest, RejectsUnknownNamesAndListsTheKnownOnes) {
  EXPECT_THAT(Optimizer::Create({.solver = "oracle"}),
              Fails(absl::StatusCode::kNotFound, "portfolio"));
  EXPECT_THAT(Optimizer::Create({.backend = "oracle"}),
              Fails(absl::StatusCode::kNotFound, "simulator"));
  EXPECT_THAT(Optimizer::Create({.solver = "anneal(temperature=7)"}), IsInvalid("temperature"));
  EXPECT_THAT(Optimizer::Create({.threads = 0}), IsInvalid("threads"));
}

TEST(CompareTest, HasARowForEachSolverInOrder) {
  const Problem problem = SomeProblem();
  ASSERT_OK_AND_ASSIGN(const std::vector<ComparisonRow> rows,
                       Compare(problem, {"heft", "single_device"}, Budget::Evaluations(50)));
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].solver, "heft");
  EXPECT_EQ(rows[1].solver, "single_device");
  EXPECT_LT(rows[0].solution.report.step_time, rows[1].solution.report.step_time);
}

TEST(CompareTest, RejectsABadSpecBeforeItSolvesAnything) {
  const Problem problem = SomeProblem();
  int calls = 0;
  EXPECT_FALSE(
      Compare(problem, {"heft", "oracle"}, Budget::Evaluations(50), {}, [&calls](const Progress&) {
        ++calls;
      }).ok());
  EXPECT_EQ(calls, 0);
}

TEST(CompareTest, GivesEachSolverTheWholeTime) {
  const Problem problem = SomeProblem();
  ASSERT_OK_AND_ASSIGN(const std::vector<ComparisonRow> rows,
                       Compare(problem, {"anneal", "hill_climb"}, Budget::Seconds(0.2)));
  for (const ComparisonRow& row : rows) {
    ASSERT_OK(row.status);
    EXPECT_EQ(row.solution.stop, StopReason::kDeadline);
    EXPECT_GT(row.solution.seconds, 0.1);
    EXPECT_LT(row.solution.seconds, 0.6);
  }
}

TEST(CompareTest, PortfolioIsNeverWorseThanItsMembers) {
  const Problem problem = SomeProblem();
  ASSERT_OK_AND_ASSIGN(
      const std::vector<ComparisonRow> rows,
      Compare(problem, {"portfolio(search=false)", "heft", "list", "expert", "single_device"},
              Budget::Evaluations(100)));
  for (const ComparisonRow& row : rows) {
    ASSERT_OK(row.status);
    EXPECT_LE(rows[0].solution.report.step_time, row.solution.report.step_time) << row.solver;
  }
}

TEST(CompareTest, SaysInTheRowWhyThereIsNoSolution) {
  const Problem problem = *Problem::Create(*ParseGraph("w:parameter[bytes=100] -> a[time=1]"),
                                           *UniformMachine({.count = 2, .memory_bytes = 10}));
  ASSERT_OK_AND_ASSIGN(const std::vector<ComparisonRow> rows,
                       Compare(problem, {"heft"}, Budget::Evaluations(5)));
  EXPECT_THAT(rows[0].status, Fails(absl::StatusCode::kResourceExhausted, "none can"));
}

}  // namespace
}  // namespace gopt
