#include "gopt/solve/peak_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "gopt/solve/fit_memory.h"
#include "tests/solve/task_graphs.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/scale.h"

namespace gopt {
namespace {

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

}  // namespace
}  // namespace gopt
