#include "gopt/rl/policy_solver.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/io/training_file.h"
#include "gopt/rl/register.h"
#include "gopt/rl/trained_problem.h"
#include "tests/rl/training_runs.h"
#include "tests/testing/solver_conformance.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::HookedBackend;
using testing::NewFolder;
using testing::SmallTraining;
using testing::TrainIn;

std::shared_ptr<const Solver> SolverOf(const std::string& spec) {
  RegisterAll();
  absl::StatusOr<std::shared_ptr<const Solver>> solver = Solvers().Create(spec);
  EXPECT_OK(solver);
  return *std::move(solver);
}

std::string FreshPolicy(DecoderKind decoder) {
  TrainingConfig config = SmallTraining();
  config.network.decoder = decoder;
  const std::string path = NewFolder() + "/fresh.gopt";
  EXPECT_OK(Policy::Create(config)->Save(path));
  return path;
}

std::string TrainedPolicy(DecoderKind decoder) {
  TrainingConfig config = SmallTraining(4);
  config.network.decoder = decoder;
  config.network.rounds = 2;
  config.fusion = true;
  config.ppo.learning_rate = config.ppo.learning_rate_end = 0.03;
  const std::string folder = NewFolder();
  EXPECT_OK(TrainIn(folder, config));
  return folder + "/policy.gopt";
}

Problem SomeProblem(const std::string& graph = "layered(ops=300,width=12,seed=4)",
                    bool fusion = false) {
  return *LoadProblem({graph, "p100x3", ""}, fusion, true, true);
}

SolveRequest RequestFor(const Problem& problem) {
  static const std::shared_ptr<const Simulator> simulator = *Simulator::Create();
  SolveRequest request;
  request.problem = &problem;
  request.backend = simulator.get();
  request.seed = 5;
  return request;
}

// --- The suite that all registered solvers pass.

struct Kind {
  std::string name;
  bool trained;
  DecoderKind decoder;
  std::string solver;
};
std::string NameOf(const ::testing::TestParamInfo<Kind>& info) { return info.param.name; }

class PolicySolverConformanceTest : public ::testing::TestWithParam<Kind> {};

TEST_P(PolicySolverConformanceTest, Conforms) {
  at::set_num_threads(1);
  const Kind& kind = GetParam();
  const std::string path = kind.trained ? TrainedPolicy(kind.decoder) : FreshPolicy(kind.decoder);
  testing::CheckSolverConforms(*SolverOf(kind.solver + "(samples=8,path=" + path + ")"));
}

INSTANTIATE_TEST_SUITE_P(
    All, PolicySolverConformanceTest,
    ::testing::Values(Kind{"FreshList", false, DecoderKind::kList, "policy"},
                      Kind{"TrainedList", true, DecoderKind::kList, "policy"},
                      Kind{"FreshDirect", false, DecoderKind::kDirect, "policy"},
                      Kind{"TrainedDirect", true, DecoderKind::kDirect, "policy"},
                      Kind{"GoptList", true, DecoderKind::kList, "gopt"},
                      Kind{"GoptDirect", false, DecoderKind::kDirect, "gopt"}),
    NameOf);

// --- Budgets, and what is promised beyond them.

class PolicySolverTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Solver> solver() const {
    static const std::string path = TrainedPolicy(DecoderKind::kList);
    return SolverOf(GetParam() + "(path=" + path + ")");
  }
};

TEST_P(PolicySolverTest, IsNeverWorseThanTheClassicalPlans) {
  for (const bool fusion : {false, true}) {
    for (const char* graph :
         {"layered(ops=80,width=6,seed=7)", "layered(ops=120,width=20,seed=8)"}) {
      const Problem problem = SomeProblem(graph, fusion);
      SolveRequest request = RequestFor(problem);
      ASSERT_OK_AND_ASSIGN(const Solution classical,
                           SolverOf("portfolio(search=false)")->Solve(request));
      request.budget = Budget::Evaluations(classical.evaluations + 40);
      ASSERT_OK_AND_ASSIGN(const Solution solution, solver()->Solve(request));
      EXPECT_LE(solution.report.step_time, classical.report.step_time);
      EXPECT_GT(solution.evaluations, classical.evaluations);
    }
  }
}

// Evaluations below what the classical plans need, just there, and above.
TEST_P(PolicySolverTest, KeepsEvaluationBudgets) {
  const Problem problem = SomeProblem();
  std::atomic<int64_t> calls = 0;
  const HookedBackend counting([&](const Plan&, CostReport*) { ++calls; });
  SolveRequest request = RequestFor(problem);
  request.backend = &counting;
  ASSERT_OK_AND_ASSIGN(const Solution classical,
                       SolverOf("portfolio(search=false)")->Solve(request));
  for (const int64_t budget :
       {int64_t{1}, int64_t{2}, int64_t{10}, classical.evaluations - 1, classical.evaluations,
        classical.evaluations + 1, classical.evaluations + 2, classical.evaluations + 30}) {
    calls = 0;
    request.budget = Budget::Evaluations(budget);
    ASSERT_OK_AND_ASSIGN(const Solution solution, solver()->Solve(request));
    EXPECT_LE(solution.evaluations, budget);
    EXPECT_GE(solution.evaluations, std::min(budget, classical.evaluations));
    // What is priced again for its order is not counted: by the portfolio, as reference, at the
    // end.
    EXPECT_LE(calls, budget + 3) << budget;
  }
}

TEST_P(PolicySolverTest, KeepsDeadlines) {
  const Problem problem = SomeProblem("layered(ops=4000,width=40,seed=3)");
  for (const double seconds : {0.0, 0.02, 0.3}) {
    SolveRequest request = RequestFor(problem);
    request.budget = Budget::Seconds(seconds);
    ASSERT_OK_AND_ASSIGN(const Solution solution, solver()->Solve(request));
    EXPECT_OK(solution.report.ok() ? absl::OkStatus() : absl::InternalError("infeasible"));
    RecordProperty("overrun_ms_at_" + std::to_string(static_cast<int>(seconds * 1000)),
                   static_cast<int>((solution.seconds - seconds) * 1000));
  }
}

TEST_P(PolicySolverTest, CancelEndsItSoon) {
  const Problem problem = SomeProblem();
  auto cancel = std::make_shared<CancelToken>();
  std::atomic<int> after = 0, calls = 0;
  const HookedBackend backend([&](const Plan&, CostReport*) {
    if (cancel->cancelled()) ++after;
    if (++calls == 90) cancel->Cancel();
  });
  SolveRequest request = RequestFor(problem);
  request.backend = &backend;
  request.budget.cancel = cancel;
  ASSERT_OK_AND_ASSIGN(const Solution solution, solver()->Solve(request));
  EXPECT_EQ(solution.stop, StopReason::kCancelled);
  EXPECT_LE(after, 4);
}

TEST_P(PolicySolverTest, SameSeedSamePlan) {
  const Problem problem = SomeProblem();
  std::vector<Nanoseconds> priced;
  const HookedBackend backend(
      [&](const Plan&, CostReport* report) { priced.push_back(report->step_time); });
  SolveRequest request = RequestFor(problem);
  request.backend = &backend;
  request.budget = Budget::Evaluations(150);
  ASSERT_OK_AND_ASSIGN(const Solution a, solver()->Solve(request));
  const std::vector<Nanoseconds> priced_before = std::exchange(priced, {});
  ASSERT_OK_AND_ASSIGN(const Solution b, solver()->Solve(request));
  EXPECT_EQ(a.plan.device, b.plan.device);
  EXPECT_EQ(a.plan.rank, b.plan.rank);
  EXPECT_EQ(a.solver, b.solver);
  EXPECT_EQ(priced, priced_before);
  request.seed = 6;
  priced.clear();
  ASSERT_OK(solver()->Solve(request));
  EXPECT_NE(priced, priced_before);
}

TEST_P(PolicySolverTest, ABackendThatThrowsSometimesIsSurvived) {
  const Problem problem = SomeProblem();
  for (const int healthy : {1, 5, 40, 84, 85, 86, 87, 100}) {
    std::atomic<int> calls = 0;
    const HookedBackend backend([&](const Plan&, CostReport*) {
      if (++calls > healthy) throw std::runtime_error("boom");
    });
    SolveRequest request = RequestFor(problem);
    request.backend = &backend;
    request.budget = Budget::Evaluations(120);
    ASSERT_OK_AND_ASSIGN(const Solution solution, solver()->Solve(request));
    EXPECT_TRUE(solution.report.ok());
  }
}

// Finite, so that it loads, but nothing computed with it is.
TEST_P(PolicySolverTest, HugeWeightsLeaveTheClassicalPlans) {
  for (const DecoderKind decoder : {DecoderKind::kList, DecoderKind::kDirect}) {
    TrainingConfig config = SmallTraining();
    config.network.decoder = decoder;
    const std::shared_ptr<Policy> policy = Policy::Create(config);
    for (const at::Tensor& parameter : policy->network()->parameters()) {
      const at::NoGradGuard no_grad;
      at::Tensor(parameter).fill_(1e30);
    }
    const std::string path = NewFolder() + "/huge.gopt";
    ASSERT_OK(policy->Save(path));
    const Problem problem = SomeProblem();
    SolveRequest request = RequestFor(problem);
    request.budget = Budget::Evaluations(120);
    ASSERT_OK_AND_ASSIGN(const Solution classical,
                         SolverOf("portfolio(search=false)")->Solve(request));
    ASSERT_OK_AND_ASSIGN(const Solution solution,
                         SolverOf(GetParam() + "(path=" + path + ")")->Solve(request));
    EXPECT_LE(solution.report.step_time, classical.report.step_time);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, PolicySolverTest, ::testing::Values("policy", "gopt"),
                         [](const auto& info) { return info.param; });

TEST(RegisterAllTest, RegistersOnceAndSaysWhatIsMissing) {
  RegisterAll();
  RegisterAll();
  for (const std::string name : {"policy", "gopt"}) {
    EXPECT_THAT(Solvers().Create(name), IsInvalid("give the policy's file"));
    EXPECT_FALSE(Solvers().Create(name + "(path=/none.gopt)").ok());
    EXPECT_THAT(Solvers().Create(name + "(samples=0,path=x)"), IsInvalid("samples"));
    EXPECT_FALSE(Solvers().Create(name + "(colour=red)").ok());
  }
  EXPECT_THAT(Solvers().Create("gopt(policy_share=1.5,path=x)"), IsInvalid("policy_share"));
  EXPECT_THAT(Solvers().Create("gopt(evaluations=-1,path=x)"), IsInvalid("evaluations"));
}

}  // namespace
}  // namespace gopt
