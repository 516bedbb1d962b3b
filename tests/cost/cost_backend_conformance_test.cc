#include "tests/testing/cost_backend_conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gopt/cost/cost_backend.h"
#include "gopt/cost/simulator.h"
#include "tests/testing/fake_cost_backend.h"
#include "tests/testing/reference_simulator.h"

namespace gopt::testing {
namespace {

using ::testing::HasSubstr;

TEST(CostBackendConformanceTest, EveryRegisteredBackendConforms) {
  for (const auto& [name, summary] : CostBackends().NamesAndSummaries()) {
    SCOPED_TRACE(name);
    const auto backend = CostBackends().Create(name);
    ASSERT_TRUE(backend.ok()) << backend.status().message();
    EXPECT_EQ((*backend)->name(), name);
    EXPECT_FALSE(summary.empty());
    CheckCostBackend(**backend);
  }
}

TEST(CostBackendConformanceTest, SimulatorConformsWithEveryOption) {
  for (const char* spec : {"simulator(contention=false)", "simulator(memory=false)",
                           "simulator(contention=false,memory=false)"}) {
    SCOPED_TRACE(spec);
    CheckCostBackend(**CostBackends().Create(spec));
  }
}

TEST(CostBackendConformanceTest, FakeAndPlainSimulatorConform) {
  CheckCostBackend(FakeCostBackend());
  CheckCostBackend(ReferenceSimulator(), {.checks_plans = false});
}

TEST(CostBackendConformanceTest, FakeFailsWhenTold) {
  const FakeCostBackend fake = FakeCostBackend::Failing("no luck");
  const auto evaluator = *fake.Bind(*Problem::Create(
      *Graph::Create({.strings = {""}, .ungroup_begin = {}}), *UniformMachine({.count = 1})));
  const Plan plan;
  CostReport report;
  evaluator->Evaluate({&plan, 1}, {}, {&report, 1});
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_EQ(report.reason, "no luck");
  EXPECT_EQ(fake.evaluations(), 1);
}

TEST(CostBackendsTest, RejectsUnknownNamesAndOptions) {
  const auto missing = CostBackends().Create("simulater");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("simulator"));
  const auto option = CostBackends().Create("simulator(contenton=true)");
  EXPECT_EQ(option.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(option.status().message()), HasSubstr("contenton"));
  EXPECT_FALSE(CostBackends().Create("simulator(memory=5)").ok());
}

}  // namespace
}  // namespace gopt::testing
