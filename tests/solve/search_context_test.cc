#include "gopt/solve/search_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "tests/testing/fake_backend.h"

namespace gopt {
namespace {

using testing::FakeBackend;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Problem MakeProblem(const std::string& graph, ProblemOptions options = {}, int devices = 2,
                    int64_t memory = int64_t{1} << 40) {
  return *Problem::Create(*ParseGraph(graph),
                          *UniformMachine({.count = devices, .memory_bytes = memory}),
                          std::move(options));
}

Plan PlanOf(const Problem& problem, std::vector<DeviceId> device) {
  Plan plan;
  plan.kernels = problem.base_kernels();
  plan.rank.resize(device.size());
  for (size_t i = 0; i < device.size(); ++i) plan.rank[i] = static_cast<int32_t>(i);
  plan.device = std::move(device);
  return plan;
}

// Prices a plan at its number of kernels on device 1.
CostReport PriceByDeviceOne(const Problem&, const Plan& plan) {
  Nanoseconds count = 0;
  for (DeviceId d : plan.device) count += d == 1;
  return FakeBackend::Ok(count);
}

class SearchContextTest : public ::testing::Test {
 protected:
  SearchContextTest() : problem_(MakeProblem("a -> b -> c")), backend_(PriceByDeviceOne) {
    request_.problem = &problem_;
    request_.backend = &backend_;
  }

  std::unique_ptr<SearchContext> Context() { return *SearchContext::Create(request_, "test"); }
  void UseBackend(FakeBackend::PriceFn price) { backend_ = FakeBackend(std::move(price)); }

  Problem problem_;
  FakeBackend backend_;
  SolveRequest request_;
};

TEST_F(SearchContextTest, AsksForWhatItNeeds) {
  EXPECT_THAT(SearchContext::Create({}, "x").status().message(),
              HasSubstr("a problem is required"));
  SolveRequest no_backend = request_;
  no_backend.backend = nullptr;
  EXPECT_THAT(SearchContext::Create(no_backend, "x").status().message(),
              HasSubstr("a cost backend is required"));
  request_.budget = Budget::Evaluations(0);
  EXPECT_EQ(SearchContext::Create(request_, "x").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SearchContextTest, RemembersTheBestPlanAndWhoFoundIt) {
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {1, 1, 1}));
  context->Evaluate(PlanOf(problem_, {1, 0, 0}), {}, "somebody");
  context->Evaluate(PlanOf(problem_, {1, 1, 0}));
  const Solution solution = *context->Finish();
  EXPECT_EQ(solution.plan.device, (std::vector<DeviceId>{1, 0, 0}));
  EXPECT_EQ(solution.report.step_time, 1);
  EXPECT_EQ(solution.solver, "somebody");
  EXPECT_EQ(solution.evaluations, 3);
  EXPECT_EQ(solution.stop, StopReason::kCompleted);
}

TEST_F(SearchContextTest, TheCurveHoldsImprovementsOnly) {
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {1, 1, 1}));
  context->Evaluate(PlanOf(problem_, {1, 1, 1}));
  context->Evaluate(PlanOf(problem_, {0, 0, 1}));
  const Solution solution = *context->Finish();
  ASSERT_THAT(solution.curve, SizeIs(2));
  EXPECT_EQ(solution.curve[0].best, 3);
  EXPECT_EQ(solution.curve[1].best, 1);
  EXPECT_EQ(solution.curve[1].evaluations, 3);
}

TEST_F(SearchContextTest, IsExhaustedAtTheLastEvaluationAndNeverBeforeTheFirst) {
  request_.budget = Budget::Evaluations(2);
  auto context = Context();
  EXPECT_FALSE(context->Exhausted());
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_FALSE(context->Exhausted());
  EXPECT_EQ(context->remaining(), 1);
  EXPECT_DOUBLE_EQ(context->Used(), 0.5);
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_TRUE(context->Exhausted());
  EXPECT_EQ(context->Finish()->stop, StopReason::kEvaluations);
}

TEST_F(SearchContextTest, APastDeadlineStillAllowsOnePlan) {
  request_.budget.deadline = Clock::now() - std::chrono::hours(1);
  auto context = Context();
  EXPECT_FALSE(context->Exhausted());
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_TRUE(context->Exhausted());
  EXPECT_EQ(context->Finish()->stop, StopReason::kDeadline);
}

TEST_F(SearchContextTest, LeavesTimeForWhatComesBeforeAnEvaluation) {
  request_.budget.deadline = Clock::now() + std::chrono::hours(1);
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_FALSE(context->Exhausted(60.0));
  EXPECT_TRUE(context->Exhausted(2.0 * 3600.0));
  EXPECT_EQ(context->Finish()->stop, StopReason::kDeadline);
}

TEST_F(SearchContextTest, ACancelledSearchStillAllowsOnePlan) {
  auto cancel = std::make_shared<CancelToken>();
  cancel->Cancel();
  request_.budget.cancel = cancel;
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_TRUE(context->Exhausted());
  EXPECT_EQ(context->Finish()->stop, StopReason::kCancelled);
}

TEST_F(SearchContextTest, LeavesTimeForOneEvaluationAndTheRepricing) {
  UseBackend([](const Problem&, const Plan&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return FakeBackend::Ok(1);
  });
  request_.budget = Budget::Seconds(0.15);
  auto context = Context();
  while (!context->Exhausted()) context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  const Solution solution = *context->Finish();
  EXPECT_GT(solution.evaluations, 1);
  EXPECT_LT(solution.seconds, 0.25);
}

TEST_F(SearchContextTest, GradesPlansThatExceedMemory) {
  auto context = Context();
  const double feasible = context->Score(FakeBackend::Ok(kSaturated));
  const double little = context->Score(FakeBackend::OverMemory(1, 10));
  const double much = context->Score(FakeBackend::OverMemory(1, 1'000'000));
  CostReport illegal = FakeBackend::OverMemory(1, 0);
  EXPECT_LT(feasible, little);
  EXPECT_LT(little, much);
  EXPECT_LT(much, context->Score(illegal));
  EXPECT_LT(context->Score(illegal), context->Score(FakeBackend::Failed("")));
  EXPECT_TRUE(SearchContext::Feasible(feasible));
  EXPECT_FALSE(SearchContext::Feasible(little));
}

TEST_F(SearchContextTest, PeakBytesRankPlansAndStepTimeBreaksTies) {
  request_.objective.kind = Objective::Kind::kPeakBytes;
  UseBackend([](const Problem&, const Plan& plan) {
    CostReport report = FakeBackend::Ok(plan.device[0] == 0 ? 7 : 5);
    report.peak_bytes = {plan.device[1] == 0 ? int64_t{1} << 60 : int64_t{1} << 61, 3};
    return report;
  });
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {1, 1, 0}));
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  context->Evaluate(PlanOf(problem_, {1, 0, 0}));
  EXPECT_EQ(context->Finish()->plan.device, (std::vector<DeviceId>{1, 0, 0}));
}

TEST_F(SearchContextTest, AByteLimitMakesPlansInfeasible) {
  request_.objective = {.kind = Objective::Kind::kStepTimeUnderLimit, .byte_limit = 100};
  auto context = Context();
  CostReport report = FakeBackend::Ok(1);
  report.peak_bytes = {100, 100};
  EXPECT_DOUBLE_EQ(context->Score(report), 1.0);
  report.peak_bytes = {100, 101};
  EXPECT_FALSE(SearchContext::Feasible(context->Score(report)));
}

TEST_F(SearchContextTest, SaysWhyNothingFitsAndNamesTheBoundThatProvesIt) {
  const Problem problem = MakeProblem("w:parameter[bytes=100] -> a", {}, 2, 40);
  request_.problem = &problem;
  UseBackend([](const Problem&, const Plan&) { return FakeBackend::OverMemory(5, 60); });
  auto context = Context();
  context->Evaluate(PlanOf(problem, {0}));
  const absl::Status status = context->Finish().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("60 bytes over"));
  EXPECT_THAT(status.message(), HasSubstr("need 100 bytes, the devices have 80"));
}

TEST_F(SearchContextTest, ReturnsTheLeastBadPlanOnRequest) {
  request_.best_effort = true;
  UseBackend([](const Problem&, const Plan& plan) {
    return FakeBackend::OverMemory(5, plan.device[0] == 0 ? 60 : 50);
  });
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  context->Evaluate(PlanOf(problem_, {1, 0, 0}));
  const Solution solution = *context->Finish();
  EXPECT_EQ(solution.plan.device[0], 1);
  EXPECT_EQ(solution.report.outcome, Outcome::kInfeasible);
  EXPECT_TRUE(solution.curve.empty());
}

TEST_F(SearchContextTest, ABackendThatThrowsFailsThePlanOnly) {
  UseBackend([](const Problem&, const Plan& plan) {
    if (plan.device[0] == 1) throw std::runtime_error("no such kernel");
    return FakeBackend::Ok(3);
  });
  auto context = Context();
  const CostReport& report = context->Evaluate(PlanOf(problem_, {1, 0, 0}));
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_THAT(report.reason, HasSubstr("no such kernel"));
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_EQ(context->Finish()->report.step_time, 3);
}

TEST_F(SearchContextTest, ABackendThatPricesNothingIsAnError) {
  UseBackend([](const Problem&, const Plan&) { return FakeBackend::Ok(-1); });
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  const absl::Status status = context->Finish().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(status.message(), HasSubstr("step time of -1 ns"));
}

TEST_F(SearchContextTest, TheFirstPriceStandsWhenRepricingFails) {
  int calls = 0;
  UseBackend([&calls](const Problem&, const Plan&) {
    return ++calls == 1 ? FakeBackend::Ok(3) : FakeBackend::Failed("unplugged");
  });
  auto context = Context();
  context->Evaluate(PlanOf(problem_, {0, 0, 0}));
  EXPECT_EQ(context->Finish()->report.step_time, 3);
}

TEST_F(SearchContextTest, SearchesBeginAtTheBestPlanEvenWithoutAStartOrder) {
  request_.start_plans = {PlanOf(problem_, {0, 0, 0})};
  request_.budget = Budget::Evaluations(30);
  std::vector<DeviceId> second;
  int calls = 0;
  UseBackend([&](const Problem& problem, const Plan& plan) {
    if (++calls == 4) second = plan.device;  // The start plan, two more starts, then the search.
    return PriceByDeviceOne(problem, plan);
  });
  ASSERT_TRUE((*Solvers().Create("hill_climb"))->Solve(request_).ok());
  EXPECT_EQ(second, (std::vector<DeviceId>{0, 0, 0}));
}

TEST_F(SearchContextTest, SearchesSurviveABackendThatAnswersNonsense) {
  int calls = 0;
  UseBackend([&calls](const Problem&, const Plan&) {
    CostReport report = FakeBackend::Ok(1000 - calls++ % 7);
    report.start_order = {5, -1, 5};
    report.critical_chain = {{77, CriticalStep::Reason::kStart, -9}};
    report.peak_bytes = {-1};
    return report;
  });
  request_.budget = Budget::Evaluations(200);
  for (const char* name : {"anneal", "hill_climb", "portfolio", "heft"}) {
    const absl::StatusOr<Solution> solution = (*Solvers().Create(name))->Solve(request_);
    ASSERT_TRUE(solution.ok()) << solution.status();
    EXPECT_TRUE(ValidatePlan(problem_, solution->plan).ok());
  }
}

TEST_F(SearchContextTest, ClosedTasksComeFromTheBasePlan) {
  auto base = std::make_shared<Plan>(PlanOf(problem_, {1, 0, 1}));
  const Problem problem = *Problem::Create(problem_.shared_graph(), problem_.machine(),
                                           {.tasks = {.placement = false}, .base_plan = base});
  request_.problem = &problem;
  auto context = Context();
  Plan plan = PlanOf(problem, {0, 0, 0});
  plan.rank = {2, 1, 0};
  context->Evaluate(plan);
  const Solution solution = *context->Finish();
  EXPECT_EQ(solution.plan.device, base->device);
  EXPECT_EQ(solution.plan.rank, plan.rank);
}

TEST_F(SearchContextTest, MovesKeptApartOpsApart) {
  ProblemOptions options;
  options.constraints.keep_apart = {{{0, 1}, "test"}};
  options.constraints.pins = {{1, 0, "test"}};
  const Problem problem = MakeProblem("a -> b -> c", options);
  request_.problem = &problem;
  auto context = Context();
  context->Evaluate(PlanOf(problem, {0, 0, 0}));
  const Solution solution = *context->Finish();
  EXPECT_EQ(solution.plan.device, (std::vector<DeviceId>{1, 0, 0}));
  EXPECT_TRUE(ValidatePlan(problem, solution.plan).ok());
}

TEST_F(SearchContextTest, PricesTheLegalPlacementNearAnIllegalOne) {
  ProblemOptions options;
  options.constraints.forward_only_devices = true;
  const Problem problem = MakeProblem("a -> b -> c", options);
  request_.problem = &problem;
  auto context = Context();
  context->Evaluate(PlanOf(problem, {1, 0, 0}));
  const Solution solution = *context->Finish();
  EXPECT_EQ(solution.plan.device, (std::vector<DeviceId>{0, 0, 0}));
  EXPECT_TRUE(ValidatePlan(problem, solution.plan).ok());
}

TEST_F(SearchContextTest, NamesConstraintsThatContradictEachOther) {
  ProblemOptions options;
  options.constraints.no_skipped_devices = true;
  options.constraints.pins = {{0, 1, "one"}, {1, 1, "two"}, {2, 1, "three"}};
  const Problem problem = MakeProblem("a -> b -> c", options);
  request_.problem = &problem;
  const absl::Status status = SearchContext::Create(request_, "test").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("no_skipped_devices"), std::string::npos) << status;
  EXPECT_NE(status.message().find("pinned to device 1 (three)"), std::string::npos) << status;
}

TEST_F(SearchContextTest, AConstrainedParameterGetsAHome) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "weights live there"}};
  const Problem problem = MakeProblem("w:parameter[bytes=100] -> a", options);
  request_.problem = &problem;
  auto context = Context();
  context->Evaluate(PlanOf(problem, {0}));
  const Solution solution = *context->Finish();
  EXPECT_EQ(solution.plan.parameter_home, (std::vector<DeviceId>{1}));
}

TEST_F(SearchContextTest, ReportsProgressNowAndThen) {
  std::vector<Progress> seen;
  request_.progress = [&seen](const Progress& progress) { seen.push_back(progress); };
  auto context = Context();
  for (int i = 0; i < 1000; ++i) context->Evaluate(PlanOf(problem_, {1, 0, 0}));
  ASSERT_FALSE(seen.empty());
  EXPECT_LT(seen.size(), 20u);
  EXPECT_EQ(seen[0].best, 1);
  EXPECT_EQ(seen[0].evaluations, 1);
}

TEST_F(SearchContextTest, AnInnerSolverSpendsTheSameBudget) {
  request_.budget = Budget::Evaluations(10);
  auto outer = Context();
  outer->Evaluate(PlanOf(problem_, {1, 1, 1}));
  const SolveRequest inner_request = outer->InnerRequest();
  EXPECT_EQ(inner_request.budget.evaluations, 9);
  ASSERT_THAT(inner_request.start_plans, SizeIs(1));
  auto inner = *SearchContext::Create(inner_request, "inner");
  inner->Evaluate(PlanOf(problem_, {1, 1, 0}));
  inner->Evaluate(PlanOf(problem_, {1, 0, 0}));
  outer->Absorb(*inner->Finish());
  const Solution solution = *outer->Finish();
  EXPECT_EQ(solution.solver, "inner");
  EXPECT_EQ(solution.evaluations, 3);
  ASSERT_THAT(solution.curve, SizeIs(3));
  EXPECT_EQ(solution.curve[2].evaluations, 3);
}

}  // namespace
}  // namespace gopt
