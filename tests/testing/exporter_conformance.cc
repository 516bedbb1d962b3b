#include "tests/testing/exporter_conformance.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "gopt/base/check.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_builder.h"
#include "gtest/gtest.h"
#include "tests/testing/random_problem.h"

namespace gopt::testing {
namespace {

CostReport PriceWithTimeline(const Problem& problem, const Plan& plan) {
  const auto simulator = Simulator::Create();
  GOPT_CHECK(simulator.ok());
  const auto report = Price(**simulator, problem, plan,
                            {.start_order = true, .timeline = true, .critical_chain = true});
  GOPT_CHECK(report.ok());
  return *report;
}

ExportCase CaseOf(std::shared_ptr<const Graph> graph, Machine machine) {
  auto problem = Problem::Create(graph, std::move(machine));
  GOPT_CHECK(problem.ok());
  Plan plan;
  plan.kernels = Kernels::Singletons(graph);
  plan.device.assign(static_cast<size_t>(plan.kernels->size()), 0);
  plan.rank.assign(plan.device.size(), 0);
  CostReport report = PriceWithTimeline(*problem, plan);
  return {*std::move(problem), std::move(plan), std::move(report)};
}

Machine TwoDevices() {
  auto machine = UniformMachine({.count = 2});
  GOPT_CHECK(machine.ok());
  return *std::move(machine);
}

ExportCase EmptyCase() {
  auto graph = GraphBuilder("").Build();
  GOPT_CHECK(graph.ok());
  return CaseOf(*graph, TwoDevices());
}

ExportCase OddNamesCase() {
  GraphBuilder builder("a \"graph\"\n\\ of <b>&amp;</b> names");
  for (const char* name :
       {"quote\"", "back\\slash", "line\nend\ttab", "größe 重み 😀", "../etc", "}"}) {
    OpOptions options;
    options.name = name;
    options.type = name;
    options.scope = name;
    builder.AddPort(builder.AddOp(std::move(options)), PortOptions{});
  }
  auto graph = builder.Build();
  GOPT_CHECK(graph.ok());
  return CaseOf(*graph, TwoDevices());
}

void ExpectWellFormed(const Exporter& exporter, const std::string& text) {
  if (exporter.file_extension() != ".json") return;
  EXPECT_TRUE(nlohmann::json::accept(text)) << exporter.name() << ": " << text.substr(0, 1000);
}

// OK, or FailedPrecondition because something is not given.
void ExpectOkOrLacking(const Exporter& exporter, const ExportRequest& request) {
  const auto text = exporter.Export(request);
  if (text.ok()) {
    ExpectWellFormed(exporter, *text);
  } else {
    EXPECT_EQ(text.status().code(), absl::StatusCode::kFailedPrecondition) << text.status();
  }
}

void ExpectDeterministic(const Exporter& exporter, const ExportCase& one) {
  const auto first = exporter.Export(one.request());
  ASSERT_TRUE(first.ok()) << exporter.name() << ": " << first.status();
  ExpectWellFormed(exporter, *first);
  absl::StatusOr<std::string> other = "";
  std::thread thread([&] { other = exporter.Export(one.request()); });
  const auto again = exporter.Export(one.request());
  thread.join();
  ASSERT_TRUE(again.ok() && other.ok());
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(*first, *other);
}

void ExpectInvalid(const Exporter& exporter, const ExportRequest& request, const char* what) {
  EXPECT_EQ(exporter.Export(request).status().code(), absl::StatusCode::kInvalidArgument) << what;
}

void ExpectRefusesMismatches(const Exporter& exporter, const ExportCase& one) {
  ExpectInvalid(exporter, {}, "no problem");
  ExportCase bad = one;
  bad.plan.device.assign(bad.plan.device.size(), 99);
  ExpectInvalid(exporter, bad.request(), "devices that do not exist");
  bad = one;
  bad.plan.device.clear();
  ExpectInvalid(exporter, bad.request(), "no devices");
  bad = one;
  bad.plan.kernels = nullptr;
  ExpectInvalid(exporter, bad.request(), "no kernels");
  bad = one;
  bad.report.kernel_spans[0].device = 99;
  ExpectInvalid(exporter, bad.request(), "a report of another machine");
}

}  // namespace

std::vector<ExportCase> ExportCases(int count, uint64_t seed) {
  Random random(seed);
  std::vector<ExportCase> cases;
  while (static_cast<int>(cases.size()) < count) {
    RandomCaseOptions options;
    options.tight_memory = false;
    RandomCase one = MakeRandomCase(random, options);
    CostReport report = PriceWithTimeline(one.problem, one.plan);
    if (!report.ok() || report.kernel_spans.empty()) continue;
    cases.push_back({std::move(one.problem), std::move(one.plan), std::move(report)});
  }
  return cases;
}

void TestExporterConformance(const Exporter& exporter) {
  SCOPED_TRACE(exporter.name());
  EXPECT_FALSE(exporter.name().empty());
  EXPECT_EQ(exporter.file_extension().substr(0, 1), ".");
  for (const ExportCase& one : ExportCases(30, 17)) {
    ExpectDeterministic(exporter, one);
    ExpectOkOrLacking(exporter, {&one.problem, &one.plan, nullptr});
    ExpectOkOrLacking(exporter, {&one.problem, nullptr, nullptr});
    ExpectRefusesMismatches(exporter, one);
  }
  ExpectDeterministic(exporter, EmptyCase());
  ExpectDeterministic(exporter, OddNamesCase());
}

}  // namespace gopt::testing
