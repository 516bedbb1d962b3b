#include "tests/testing/cost_backend_conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/graph/graph_text.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/report_compare.h"

namespace gopt::testing {
namespace {

constexpr int kCases = 25;

RandomCase MakeCase(int seed) {
  Random random(static_cast<uint64_t>(seed));
  return MakeRandomCase(random, {.max_compute_ops = 12});
}

CostReport PriceOne(Evaluator& evaluator, const Plan& plan, const EvaluateOptions& options = {}) {
  CostReport report;
  evaluator.Evaluate({&plan, 1}, options, {&report, 1});
  return report;
}

// A report in which every field holds something.
CostReport Rubbish() {
  CostReport report;
  report.reason = "rubbish";
  report.step_time = 123;
  report.busy = {1, 2, 3};
  report.peak_bytes = {4};
  report.bytes_over_limit = report.transfers = report.transfer_bytes = 99;
  report.unknown_flops_ops = report.unmodelled_collectives = 98;
  report.start_order = {7, 7};
  report.kernel_spans.resize(3);
  report.transfer_spans.resize(3);
  report.memory_samples.resize(9);
  report.critical_chain.resize(2);
  report.samples = {5};
  return report;
}

void CheckShape(const Problem& problem, const Plan& plan, const CostReport& report) {
  const size_t devices = static_cast<size_t>(problem.machine().num_devices());
  EXPECT_EQ(report.busy.size(), devices);
  EXPECT_EQ(report.peak_bytes.size(), devices);
  EXPECT_GE(report.step_time, 0);
  EXPECT_LE(report.step_time, kSaturated);
  EXPECT_EQ(report.reason.empty(), report.ok());
  if (!report.ok()) return;
  std::vector<KernelId> order = report.start_order;
  std::sort(order.begin(), order.end());
  ASSERT_EQ(order.size(), static_cast<size_t>(plan.kernels->size()));
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<KernelId>(i));
}

void CheckReports(const CostBackend& backend, const ConformanceOptions& options) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE(absl::StrCat("case ", seed));
    std::unique_ptr<Evaluator> evaluator;
    const RandomCase random_case = MakeCase(seed);
    {
      // The problem is copied: this one ends here.
      const Problem problem = random_case.problem;
      auto bound = backend.Bind(problem);
      ASSERT_TRUE(bound.ok()) << bound.status().message();
      evaluator = *std::move(bound);
    }
    const CostReport report = PriceOne(*evaluator, random_case.plan, {.start_order = true});
    CheckShape(random_case.problem, random_case.plan, report);
    if (!options.deterministic) continue;
    CostReport reused = Rubbish();
    evaluator->Evaluate({&random_case.plan, 1}, {.start_order = true}, {&reused, 1});
    EXPECT_EQ(FirstDifference(report, reused), "") << "a field was not overwritten";
  }
}

void CheckBatches(const CostBackend& backend) {
  const RandomCase random_case = MakeCase(1'000);
  Random random(1);
  std::vector<Plan> plans;
  for (int i = 0; i < 20; ++i) plans.push_back(RandomPlan(random, random_case.problem));
  const auto evaluator = *backend.Bind(random_case.problem);
  std::vector<CostReport> reports(plans.size());
  evaluator->Evaluate(plans, {}, reports);
  for (size_t i = 0; i < plans.size(); ++i) {
    const auto fresh = *backend.Bind(random_case.problem);
    EXPECT_EQ(FirstDifference(PriceOne(*fresh, plans[i]), reports[i]), "") << "plan " << i;
  }
  evaluator->Evaluate({}, {}, {});  // Nothing to do.
}

void CheckIllegalPlans(const CostBackend& backend) {
  const auto graph = ParseGraph("a[time=1] -> b[time=1]");
  ASSERT_TRUE(graph.ok());
  const Problem problem = *Problem::Create(*graph, *UniformMachine({.count = 2}));
  const Plan legal = LargePlan(Kernels::Singletons(*graph), 2, 1);
  const auto evaluator = *backend.Bind(problem);
  Plan no_kernels, short_device = legal, bad_device = legal, short_rank = legal;
  short_device.device.pop_back();
  bad_device.device[0] = 2;
  short_rank.rank.clear();
  for (const Plan& plan : {no_kernels, short_device, bad_device, short_rank}) {
    const CostReport report = PriceOne(*evaluator, plan);
    EXPECT_EQ(report.outcome, Outcome::kInfeasible);
    EXPECT_EQ(report.reason.rfind("illegal plan: ", 0), 0u) << report.reason;
    EXPECT_TRUE(PriceOne(*evaluator, legal).ok()) << "after: " << report.reason;
  }
}

void CheckThreads(const CostBackend& backend) {
  const RandomCase random_case = MakeCase(2'000);
  Random random(2);
  std::vector<Plan> plans;
  for (int i = 0; i < 20; ++i) plans.push_back(RandomPlan(random, random_case.problem));
  std::vector<std::vector<CostReport>> reports(3, std::vector<CostReport>(plans.size()));
  const auto price = [&](size_t i) {
    (*backend.Bind(random_case.problem))->Evaluate(plans, {}, reports[i]);
  };
  price(0);
  std::thread first(price, 1), second(price, 2);
  first.join();
  second.join();
  for (size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(FirstDifference(reports[0][i], reports[1][i]), "");
    EXPECT_EQ(FirstDifference(reports[0][i], reports[2][i]), "");
  }
}

void CheckOpCosts(const CostBackend& backend) {
  const RandomCase random_case = MakeCase(3'000);
  const auto evaluator = *backend.Bind(random_case.problem);
  const OpCostModel* const costs = evaluator->op_costs();
  if (costs == nullptr) return;
  const Machine& machine = random_case.problem.machine();
  for (OpId op : random_case.problem.graph().kernel_ops()) {
    for (DeviceId device = 0; device < machine.num_devices(); ++device) {
      EXPECT_GE(costs->KernelTime({&op, 1}, {}, device), 0);
    }
  }
  EXPECT_EQ(costs->TransferTime(1'000, 0, 0), 0);
}

}  // namespace

void CheckCostBackend(const CostBackend& backend, const ConformanceOptions& options) {
  EXPECT_FALSE(backend.name().empty());
  CheckReports(backend, options);
  if (options.deterministic) CheckBatches(backend);
  if (options.checks_plans) CheckIllegalPlans(backend);
  if (options.deterministic) CheckThreads(backend);
  CheckOpCosts(backend);
}

}  // namespace gopt::testing
