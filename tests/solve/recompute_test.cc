#include "gopt/solve/recompute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/solver.h"
#include "gopt/workloads/synthetic.h"
#include "src/solve/recompute_model.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/reference_simulator.h"
#include "tests/testing/report_compare.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Three layers; each backward op reads its layer's result. Alone on a device the step takes 12 ns
// and 31 bytes: all results and b3, while b3 runs.
constexpr std::string_view kThreeLayers =
    "x:input -> f1[time=2,bytes=10] -> f2[time=3,bytes=10] -> f3[time=4,bytes=10]"
    " -> b3[time=1,bytes=1,phase=b]; f2, b3 -> b2[time=1,bytes=1,phase=b];"
    "f1, b2 -> b1[time=1,bytes=1,phase=b]; b1 -> y:output";

struct Case {
  Problem problem;
  Plan plan;  // Singletons, in op order.
  std::vector<KernelId> order;
  std::shared_ptr<const Simulator> simulator = Simulator::Create().value();

  explicit Case(std::string_view text, int devices = 1, ProblemOptions options = {})
      : Case(ParseGraph(text).value(), testing::EqualDevices(devices), std::move(options)) {}

  Case(std::shared_ptr<const Graph> graph, const Machine& machine, ProblemOptions options = {})
      : problem(Problem::Create(std::move(graph), machine, std::move(options)).value()) {
    plan.kernels = problem.base_kernels();
    for (KernelId k = 0; k < plan.kernels->size(); ++k) plan.rank.push_back(k);
    plan.device.assign(plan.rank.size(), 0);
    order.assign(plan.rank.begin(), plan.rank.end());
  }

  std::vector<OpId> Ops(const std::vector<std::string>& names) const {
    std::vector<OpId> ops;
    for (OpId op = 0; op < problem.graph().num_ops(); ++op) {
      const std::string name(problem.graph().op_name(op));
      if (std::find(names.begin(), names.end(), name) != names.end()) ops.push_back(op);
    }
    return ops;
  }

  Plan Recomputed(const std::vector<std::string>& names) const {
    auto made = Recompute(problem, plan, order, Ops(names));
    EXPECT_OK(made);
    EXPECT_OK(ValidatePlan(problem, *made));
    return *made;
  }

  CostReport PriceOf(const Plan& other) const {
    const EvaluateOptions all = {.start_order = true, .timeline = true, .critical_chain = true};
    const CostReport report = Price(*simulator, problem, other, all).value();
    EXPECT_EQ(testing::FirstDifference(testing::ReferencePrice(problem, other, {}, all), report),
              "");
    return report;
  }

  // Names of the first ops of the kernels, in the order in which they start.
  std::vector<std::string> Starts(const Plan& other) const {
    std::vector<std::string> names;
    for (const KernelId k : PriceOf(other).start_order) {
      names.emplace_back(problem.graph().op_name(other.kernels->ops(k).front()));
    }
    return names;
  }

  Solution Solve(const std::string& spec, Objective objective) const {
    const auto solution = Solvers().Create(spec).value()->Solve({.problem = &problem,
                                                                 .backend = simulator.get(),
                                                                 .objective = objective,
                                                                 .start_plans = {plan}});
    EXPECT_OK(solution);
    return *solution;
  }
};

TEST(RecomputeTest, FreesALayersResultBetweenThePasses) {
  const Case c(kThreeLayers);
  EXPECT_EQ(c.PriceOf(c.plan).step_time, 12);
  EXPECT_THAT(c.PriceOf(c.plan).peak_bytes, ElementsAre(31));
  const Plan plan = c.Recomputed({"f1"});
  EXPECT_THAT(c.Starts(plan), ElementsAre("f1", "f2", "f3", "b3", "b2", "f1", "b1"));
  EXPECT_EQ(c.PriceOf(plan).step_time, 14);
  EXPECT_THAT(c.PriceOf(plan).peak_bytes, ElementsAre(21));
  EXPECT_THAT(plan.kernels->columns().recomputed_ops, ElementsAre(c.Ops({"f1"})[0]));
}

TEST(RecomputeTest, KeepsWhatACopyReadsUntilThen) {
  const Case c(kThreeLayers);
  const Plan plan = c.Recomputed({"f2"});
  EXPECT_THAT(c.Starts(plan), ElementsAre("f1", "f2", "f3", "b3", "f2", "b2", "b1"));
  EXPECT_EQ(c.PriceOf(plan).step_time, 15);
  EXPECT_THAT(c.PriceOf(plan).peak_bytes, ElementsAre(30));  // f1, f2, f3 while f3 runs.
}

TEST(RecomputeTest, CopiesReadCopies) {
  const Case c(kThreeLayers);
  const Plan plan = c.Recomputed({"f1", "f2"});
  EXPECT_THAT(c.Starts(plan), ElementsAre("f1", "f2", "f3", "b3", "f1", "f2", "b2", "b1"));
  EXPECT_EQ(c.PriceOf(plan).step_time, 17);
  EXPECT_THAT(c.PriceOf(plan).peak_bytes, ElementsAre(22));
}

TEST(RecomputeTest, WhatOnlyTheBackwardPassReadsIsMadeOnceAndLater) {
  const Case c(
      "f[time=1] -> g[time=2]; f -> m[time=4]; g -> b[time=1,phase=b] -> e[time=1,phase=b];"
      "m -> e");
  const Plan plan = c.Recomputed({"m"});
  EXPECT_THAT(c.Starts(plan), ElementsAre("f", "g", "b", "m", "e"));
  EXPECT_EQ(c.PriceOf(plan).step_time, 9);
  EXPECT_THAT(plan.kernels->columns().recomputed_ops, IsEmpty());
}

TEST(RecomputeTest, WhatNoBackwardOpReadsIsLeftAlone) {
  const Case c("f -> g -> h; g -> b[phase=b]");
  EXPECT_EQ(c.Recomputed({"f", "h"}).kernels, c.plan.kernels);
}

TEST(RecomputeTest, ComesBeforeTheUpdateOfAParameterThatItReads) {
  const Case c(
      "w:parameter[bytes=8]; w -> f[time=1,bytes=9] -> g[time=1]; f, g -> b[time=1,phase=b];"
      "b, w -> u:optimizer[time=1]; f => u; f -> late[time=1,phase=b]; b -> late");
  const Plan plan = c.Recomputed({"f"});
  const auto starts = c.Starts(plan);
  EXPECT_LT(std::find(starts.begin() + 1, starts.end(), "f") - starts.begin(),
            std::find(starts.begin(), starts.end(), "u") - starts.begin());
}

TEST(RecomputeTest, ACopyRunsWhereItsReadersAre) {
  Case c("f[time=2,bytes=10] -> h[time=1,bytes=1]; f -> g[time=1,phase=b]; h -> g", 2);
  c.plan.device = {0, 0, 1};
  const Plan plan = c.Recomputed({"f"});
  EXPECT_EQ(plan.device[plan.kernels->kernels_of(0).back()], 1);
  EXPECT_EQ(c.PriceOf(plan).transfers, 1);  // h alone.
}

TEST(RecomputeTest, FusedOpsAreCopiedAsFarAsTheBackwardPassNeedsThem) {
  Case c(
      "x:input -> a:relu[bytes=8] -> b:relu[bytes=8] -> d:relu[bytes=8] -> e;"
      "b -> g[phase=b]; e -> g");
  auto kernels =
      Kernels::Create(c.problem.shared_graph(), {.begin = {0, 3, 4, 5}, .ops = {1, 2, 3, 4, 5}});
  ASSERT_OK(kernels);
  c.plan = {.kernels = *kernels, .device = {0, 0, 0}, .rank = {0, 1, 2}};
  c.order = {0, 1, 2};
  const Plan plan = c.Recomputed({"a", "b", "d"});
  ASSERT_EQ(plan.kernels->size(), 4);
  EXPECT_THAT(plan.kernels->ops(3), ElementsAre(1, 2));
  EXPECT_TRUE(plan.kernels->is_backward(3));
}

TEST(RecomputeTest, RefusesWhatMustRunOnceAndWhatDrawsRandomNumbers) {
  const Case c("f -> d:dropout[bytes=1] -> o -> y:output; d -> b[phase=b]");
  const Graph& graph = c.problem.graph();
  EXPECT_OK(CheckRecomputable(graph, c.Ops({"f"})[0]));
  EXPECT_THAT(CheckRecomputable(graph, c.Ops({"d"})[0]).message(), HasSubstr("random"));
  EXPECT_THAT(CheckRecomputable(graph, c.Ops({"o"})[0]).message(), HasSubstr("output"));
  EXPECT_THAT(CheckRecomputable(graph, c.Ops({"b"})[0]).message(), HasSubstr("backward"));
  const auto refused = Recompute(c.problem, c.plan, c.order, c.Ops({"d"}));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("'d'"));
}

TEST(RecomputeTest, RefusesAnOrderThatIsNone) {
  Case c("f -> g[phase=b]");
  c.order = {0, 0};
  EXPECT_EQ(Recompute(c.problem, c.plan, c.order, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Random sets on training steps, alone on a device: legal, and worth what the model says.
TEST(RecomputeTest, TheModelIsTheSimulatorOnOneDevice) {
  for (const char* spec :
       {"rnn(layers=2,steps=3)", "gnmt(layers=2,encoder_steps=2,decoder_steps=2)"}) {
    const std::shared_ptr<const Graph> graph = SyntheticFromSpec(spec).value().graph;
    const Case c(graph, testing::EqualDevices(1));
    const RooflineCostModel costs(c.problem);
    const RecomputeModel model = RecomputeModel::Create(c.problem, c.plan, c.order, costs).value();
    const Nanoseconds before = c.PriceOf(c.plan).step_time;
    Random random(7);
    for (int i = 0; i < 30; ++i) {
      RecomputeModel::State state = model.MakeState();
      const double share = random.Uniform();
      for (int32_t spot = 0; spot < model.size(); ++spot) {
        state.chosen[spot] = model.may_choose(spot) && random.Uniform() < share;
      }
      model.Evaluate(&state);
      const Plan plan = Recompute(c.problem, c.plan, c.order, model.Ops(state)).value();
      ASSERT_OK(ValidatePlan(c.problem, plan));
      const CostReport report = c.PriceOf(plan);
      ASSERT_EQ(report.step_time, before + state.added);
      ASSERT_EQ(report.peak_bytes[0], state.peak[0]) << spec << ", set " << i;
    }
  }
}

TEST(RecomputeTest, PlansOnSeveralDevicesStayLegal) {
  const std::shared_ptr<const Graph> graph = SyntheticFromSpec("rnn(layers=2,steps=3)")->graph;
  Case c(graph, testing::EqualDevices(3));
  Random random(11);
  for (int i = 0; i < 30; ++i) {
    std::vector<DeviceId> of_group(c.problem.num_colocation_groups());
    for (DeviceId& d : of_group) d = static_cast<DeviceId>(random.Below(3));
    for (KernelId k = 0; k < c.plan.kernels->size(); ++k) {
      const int32_t group = c.problem.colocation_group()[c.plan.kernels->ops(k).front()];
      c.plan.device[k] = group == kNone ? static_cast<DeviceId>(random.Below(3)) : of_group[group];
    }
    c.order = c.PriceOf(c.plan).start_order;
    std::vector<OpId> ops;
    for (const OpId op : graph->kernel_ops()) {
      if (IsRecomputable(*graph, op) && random.Below(2) == 0) ops.push_back(op);
    }
    const Plan plan = Recompute(c.problem, c.plan, c.order, ops).value();
    ASSERT_OK(ValidatePlan(c.problem, plan));
    ASSERT_NE(c.PriceOf(plan).step_time, 0);
  }
}

// Eight layers of different sizes and times: the best of all 256 sets, for each limit.
TEST(RecomputeSolverTest, FindsTheBestSetOfEightLayers) {
  std::string text = "x:input -> f0[time=3,bytes=20]";
  const int bytes[] = {20, 35, 10, 50, 15, 40, 25, 30}, time[] = {3, 9, 2, 5, 7, 4, 11, 6};
  for (int i = 1; i < 8; ++i) {
    text += " -> f" + std::to_string(i) + "[time=" + std::to_string(time[i]) +
            ",bytes=" + std::to_string(bytes[i]) + "]";
  }
  text += " -> b7[time=1,bytes=5,phase=b]";
  for (int i = 6; i >= 0; --i) {
    text += "; f" + std::to_string(i) + ", b" + std::to_string(i + 1) + " -> b" +
            std::to_string(i) + "[time=1,bytes=5,phase=b]";
  }
  const Case c(text + "; b0 -> y:output");
  std::map<int64_t, Nanoseconds> best;  // Least time for each peak.
  for (int set = 0; set < 256; ++set) {
    std::vector<std::string> names;
    for (int i = 0; i < 8; ++i) {
      if ((set >> i & 1) != 0) names.push_back("f" + std::to_string(i));
    }
    const CostReport report = c.PriceOf(c.Recomputed(names));
    const auto [it, added] = best.try_emplace(report.peak_bytes[0], report.step_time);
    if (!added) it->second = std::min(it->second, report.step_time);
  }
  for (const auto& [peak, time_at_peak] : best) {
    Nanoseconds least = time_at_peak;
    for (auto it = best.begin(); it->first < peak; ++it) least = std::min(least, it->second);
    const Solution solution =
        c.Solve("recompute(order=false)",
                {.kind = Objective::Kind::kStepTimeUnderLimit, .byte_limit = peak});
    EXPECT_EQ(solution.report.step_time, least) << "at most " << peak << " bytes";
    EXPECT_LE(solution.report.peak_bytes[0], peak);
  }
  const Solution least = c.Solve("recompute", {.kind = Objective::Kind::kPeakBytes});
  EXPECT_EQ(least.report.peak_bytes[0], best.begin()->first);
}

TEST(RecomputeSolverTest, ChangesNothingWhereThePlanFits) {
  const Case c(kThreeLayers);
  const Solution solution = c.Solve("recompute", {});
  EXPECT_EQ(solution.report.step_time, 12);
  EXPECT_FALSE(solution.plan.kernels->has_clones());
}

TEST(RecomputeSolverTest, IsTheSameForTheSameSeed) {
  const Case c(SyntheticFromSpec("rnn(layers=2,steps=4)")->graph, testing::EqualDevices(1));
  const int64_t peak = c.PriceOf(c.plan).peak_bytes[0];
  const Objective objective = {.kind = Objective::Kind::kStepTimeUnderLimit,
                               .byte_limit = peak * 9 / 10};
  const Solution one = c.Solve("recompute", objective), two = c.Solve("recompute", objective);
  EXPECT_EQ(one.plan.sequence, two.plan.sequence);
  EXPECT_LE(one.report.peak_bytes[0], objective.byte_limit);
}

}  // namespace
}  // namespace gopt
