#include "gopt/solve/peak_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/plan/kernel_graph.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

using ::testing::HasSubstr;
using testing::RandomCaseOptions;

CostReport PriceOf(const Problem& problem, const Plan& plan) {
  return Price(*Simulator::Create().value(), problem, plan, {.start_order = true}).value();
}

// A random problem with one device, with kernels of several ops and ops in several kernels.
testing::RandomCase OneDevice(uint64_t seed, int ops) {
  Random random(seed);
  RandomCaseOptions options;
  options.max_compute_ops = ops;
  options.max_devices = 1;
  options.tight_memory = false;
  return testing::MakeRandomCase(random, options);
}

// Least peak over all orders in which each kernel comes after those it reads, by the simulator.
class BruteForce {
 public:
  BruteForce(const Problem& problem, const Plan& plan)
      : plan_(plan),
        graph_(KernelGraph::Create(*plan.kernels, plan.device).value()),
        evaluator_(Simulator::Create().value()->Bind(problem).value()) {}

  int64_t LeastPeak() {
    std::vector<KernelId> order;
    std::vector<uint8_t> done(graph_.num_kernels, 0);
    Extend(&order, &done);
    return least_;
  }

 private:
  void Extend(std::vector<KernelId>* order, std::vector<uint8_t>* done) {
    if (static_cast<int>(order->size()) == graph_.num_kernels) {
      const Plan plan = WithSequence(plan_, *order);
      CostReport report;
      evaluator_->Evaluate({&plan, 1}, {}, {&report, 1});
      ASSERT_FALSE(report.peak_bytes.empty()) << report.reason;
      least_ = std::min(least_, report.peak_bytes[0]);
      return;
    }
    for (KernelId kernel = 0; kernel < graph_.num_kernels; ++kernel) {
      const auto before = KernelGraph::Row(graph_.predecessors, graph_.predecessor_begin, kernel);
      const bool ready = std::all_of(before.begin(), before.end(),
                                     [&](KernelId other) { return (*done)[other] != 0; });
      if (!ready || (*done)[kernel] != 0) continue;
      (*done)[kernel] = 1;
      order->push_back(kernel);
      Extend(order, done);
      order->pop_back();
      (*done)[kernel] = 0;
    }
  }

  const Plan plan_;
  const KernelGraph graph_;
  const std::unique_ptr<Evaluator> evaluator_;
  int64_t least_ = kSaturated;
};

TEST(PeakOrderTest, PredictsTheSimulatorsPeakOnOneDevice) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const testing::RandomCase random = OneDevice(seed, 24);
    const CostReport before = PriceOf(random.problem, random.plan);
    const PeakOrder found =
        OrderForPeak(random.problem, random.plan, before.start_order, 0).value();
    const CostReport after = PriceOf(random.problem, WithSequence(random.plan, found.sequence));
    ASSERT_EQ(after.peak_bytes[0], found.peak_bytes) << seed;
    EXPECT_LE(found.peak_bytes, before.peak_bytes[0]) << seed;
    EXPECT_LE(found.bound_bytes, found.peak_bytes) << seed;
    EXPECT_EQ(after.step_time, before.step_time) << seed;
  }
}

TEST(PeakOrderTest, IsTheLeastPeakOfAllOrders) {
  int improved = 0;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(testing::Scaled(400)); ++seed) {
    const testing::RandomCase random = OneDevice(1'000 + seed, 8);
    if (random.plan.kernels->size() > 8) continue;
    const CostReport before = PriceOf(random.problem, random.plan);
    const PeakOrder found =
        OrderForPeak(random.problem, random.plan, before.start_order, 0).value();
    ASSERT_EQ(found.peak_bytes, BruteForce(random.problem, random.plan).LeastPeak()) << seed;
    EXPECT_EQ(found.bound_bytes, found.peak_bytes) << seed;
    improved += found.peak_bytes < before.peak_bytes[0];
  }
  EXPECT_GT(improved, testing::Scaled(40));
}

// Two branches whose large tensors are alive together in program order.
constexpr char kBranches[] =
    "x:input -> a1[time=1,bytes=100] -> a2[time=1,bytes=10]; x -> b1[time=1,bytes=100] -> "
    "b2[time=1,bytes=10]; a2, b2 -> y[time=1,bytes=1] -> z:output";

TEST(PeakOrderTest, FinishesABranchBeforeItBeginsTheNext) {
  const testing::TaskProblem t(kBranches, 1);
  const Plan plan = t.tasks.MakePlan(std::vector<DeviceId>(5, 0), {0, 2, 1, 3, 4}, "");
  const CostReport report = PriceOf(t.problem, plan);
  EXPECT_EQ(report.peak_bytes[0], 210);
  const PeakOrder found = OrderForPeak(t.problem, plan, report.start_order, 0).value();
  EXPECT_EQ(found.peak_bytes, 120);
  EXPECT_TRUE(found.optimal());
  EXPECT_EQ(PriceOf(t.problem, WithSequence(plan, found.sequence)).peak_bytes[0], 120);
}

TEST(PeakOrderTest, BoundsHoldHoweverFewTheSteps) {
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(testing::Scaled(100)); ++seed) {
    const testing::RandomCase random = OneDevice(2'000 + seed, 20);
    const CostReport report = PriceOf(random.problem, random.plan);
    const auto solve = [&](int64_t steps) {
      return OrderForPeak(random.problem, random.plan, report.start_order, 0, {.steps = steps})
          .value();
    };
    const PeakOrder best = solve(20'000'000);
    ASSERT_TRUE(best.optimal()) << seed;
    for (int64_t steps : {0, 10, 100, 1'000}) {
      const PeakOrder found = solve(steps);
      EXPECT_LE(found.bound_bytes, best.peak_bytes) << seed;
      EXPECT_GE(found.peak_bytes, best.peak_bytes) << seed;
      EXPECT_EQ(PriceOf(random.problem, WithSequence(random.plan, found.sequence)).peak_bytes[0],
                found.peak_bytes);
    }
  }
}

TEST(PeakOrderTest, IsLegalOnSeveralDevices) {
  RandomCaseOptions options;
  options.tight_memory = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const testing::RandomCase given = testing::MakeRandomCase(random, options);
    const CostReport report = PriceOf(given.problem, given.plan);
    for (DeviceId device = 0; device < given.problem.machine().num_devices(); ++device) {
      const PeakOrder found =
          OrderForPeak(given.problem, given.plan, report.start_order, device).value();
      EXPECT_LE(found.bound_bytes, found.peak_bytes);
      const CostReport after = PriceOf(given.problem, WithSequence(given.plan, found.sequence));
      EXPECT_EQ(after.reason, "") << seed;
    }
  }
}

TEST(PeakOrderTest, ManyKernelsTakeSecondsAndNoMoreMemory) {
  const auto graph = testing::LargeGraph({.ops = testing::Scaled(20'000), .window = 200});
  const testing::TaskProblem t(graph, testing::EqualDevices(1));
  const auto& program = t.tasks.kernel_graph().topological_order;
  Plan plan = WithSequence(testing::LargePlan(t.tasks.kernels(), 1, 0), program);
  const CostReport before = PriceOf(t.problem, plan);
  const PeakOrder found = OrderForPeak(t.problem, plan, program, 0, {.steps = 1'000'000}).value();
  EXPECT_LT(found.peak_bytes, before.peak_bytes[0]);
  EXPECT_EQ(PriceOf(t.problem, WithSequence(plan, found.sequence)).peak_bytes[0], found.peak_bytes);
}

TEST(PeakOrderTest, TheSameRequestGivesTheSameOrder) {
  const testing::TaskProblem t(testing::LayeredGraph(200, 20, 3), testing::EqualDevices(1));
  const Plan plan = testing::LargePlan(t.tasks.kernels(), 1, 0);
  const auto& program = t.tasks.kernel_graph().topological_order;
  const PeakOrderOptions options = {.steps = 100'000};
  const PeakOrder one = OrderForPeak(t.problem, plan, program, 0, options).value();
  const PeakOrder two = OrderForPeak(t.problem, plan, program, 0, options).value();
  EXPECT_EQ(one.sequence, two.sequence);
  EXPECT_EQ(one.bound_bytes, two.bound_bytes);
  EXPECT_FALSE(one.cut);
}

TEST(PeakOrderTest, ACancelledOrLateSearchStillGivesALegalOrder) {
  const testing::TaskProblem t(testing::LayeredGraph(2'000, 50, 3), testing::EqualDevices(1));
  const Plan plan = testing::LargePlan(t.tasks.kernels(), 1, 0);
  const auto& program = t.tasks.kernel_graph().topological_order;
  const auto cancelled = std::make_shared<CancelToken>();
  cancelled->Cancel();
  for (const Budget& budget : {Budget{.cancel = cancelled}, Budget::Seconds(-1.0)}) {
    const PeakOrder found = OrderForPeak(t.problem, plan, program, 0, {.budget = budget}).value();
    EXPECT_TRUE(found.cut);
    EXPECT_EQ(PriceOf(t.problem, WithSequence(plan, found.sequence)).peak_bytes[0],
              found.peak_bytes);
  }
}

TEST(PeakOrderTest, EnoughBytesEndTheSearch) {
  const testing::TaskProblem t(testing::LayeredGraph(300, 30, 5), testing::EqualDevices(1));
  const Plan plan = testing::LargePlan(t.tasks.kernels(), 1, 0);
  const auto& program = t.tasks.kernel_graph().topological_order;
  const PeakOrder found =
      OrderForPeak(t.problem, plan, program, 0, {.enough_bytes = kSaturated}).value();
  EXPECT_EQ(found.steps, 0);
  EXPECT_EQ(found.sequence, program);
}

TEST(PeakOrderTest, RejectsWhatDoesNotFitTogether) {
  const testing::TaskProblem t(kBranches, 1);
  const Plan plan = t.tasks.MakePlan(std::vector<DeviceId>(5, 0), {0, 1, 2, 3, 4}, "");
  const auto message = [&](const Plan& given, std::vector<KernelId> order, DeviceId device) {
    return std::string(OrderForPeak(t.problem, given, order, device).status().message());
  };
  EXPECT_THAT(message(plan, {0, 1}, 0), HasSubstr("an order of 2 for 5 kernels"));
  EXPECT_THAT(message(plan, {0, 1, 2, 3, 3}, 0), HasSubstr("no permutation"));
  EXPECT_THAT(message(plan, {0, 1, 2, 3, 4}, 1), HasSubstr("device 1 does not exist"));
  Plan elsewhere = plan;
  elsewhere.device[2] = 7;
  EXPECT_THAT(message(elsewhere, {0, 1, 2, 3, 4}, 0), HasSubstr("device 7 does not exist"));
  EXPECT_THAT(message({}, {}, 0), HasSubstr("not of the problem's graph"));
}

TEST(PeakOrderTest, RejectsBytesBeyondTheSimulatorsRange) {
  const testing::TaskProblem t(
      "a[time=1,bytes=4000000000000000000] -> b[time=1,bytes=4000000000000000000] -> c[time=1]", 1);
  const Plan plan = t.tasks.MakePlan({0, 0, 0}, {0, 1, 2}, "");
  EXPECT_EQ(OrderForPeak(t.problem, plan, std::vector<KernelId>{0, 1, 2}, 0).status().code(),
            absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace gopt
