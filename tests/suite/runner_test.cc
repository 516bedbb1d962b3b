#include "benchmarks/suite/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "benchmarks/suite/rows.h"
#include "gopt/graph/graph_text.h"
#include "gopt/io/graph_file.h"
#include "gopt/machine/presets.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const nlohmann::json kNoSummary = nlohmann::json::object();

// Two generated graphs, through files as a user would name them.
std::vector<Row> TwoRows(const std::string& setting = "p100") {
  std::vector<std::string> paths;
  for (int seed : {1, 2}) {
    paths.push_back(::testing::TempDir() + "/suite_runner_" + std::to_string(seed) + ".gopt");
    const auto graph =
        gopt::testing::LargeGraph({.ops = 60, .window = 10, .seed = static_cast<uint64_t>(seed)});
    EXPECT_OK(WriteGraphFile(*graph, paths.back()));
  }
  std::vector<Row> rows;
  const absl::StatusOr<std::vector<Workload>> workloads = LoadWorkloads(paths, 2);
  EXPECT_OK(workloads.status());
  for (const Workload& workload : *workloads) rows.push_back(*MakeRow(workload, setting));
  return rows;
}

RunOptions SomeOptions() {
  RunOptions options;
  options.solvers = {"single_device", "heft", "anneal"};
  options.seeds = 2;
  options.evaluations = 60;
  return options;
}

// What a run wrote, without how long it took.
std::string WithoutSeconds(const SuiteResults& results) {
  nlohmann::json json = nlohmann::json::parse(results.ToText(kNoSummary));
  for (nlohmann::json& cell : json["cells"]) {
    cell["seconds"] = 0;
    for (nlohmann::json& point : cell["curve"]) point[1] = 0;
  }
  return json.dump(1);
}

absl::Status Ignore(const RunProgress&) { return absl::OkStatus(); }

TEST(RunnerTest, FillsEveryCell) {
  SuiteResults results;
  size_t calls = 0;
  ASSERT_OK(RunCells(TwoRows(), SomeOptions(), &results, [&](const RunProgress& progress) {
    EXPECT_EQ(progress.done, ++calls);
    EXPECT_EQ(progress.all, 8u);
    return absl::OkStatus();
  }));
  EXPECT_EQ(calls, 8u) << "two rows of two constructions and two seeds of annealing";
  for (const RowFacts& row : results.rows()) {
    ASSERT_THAT(results.Seeds(row, "anneal"), SizeIs(2));
    for (const Cell* cell : results.Seeds(row, "anneal")) {
      EXPECT_TRUE(cell->ok()) << cell->reason;
      EXPECT_EQ(cell->evaluations, 60);
      EXPECT_GE(cell->step_time, row.lower_bound);
      EXPECT_GT(cell->peak_bytes, 0);
      EXPECT_EQ(cell->curve.back().best, cell->step_time);
    }
    EXPECT_THAT(results.Seeds(row, "heft"), SizeIs(1));
  }
}

TEST(RunnerTest, ResultsDoNotDependOnThreads) {
  std::string texts[2];
  for (int threads : {1, 2}) {
    RunOptions options = SomeOptions();
    options.threads = threads;
    SuiteResults results;
    ASSERT_OK(RunCells(TwoRows(), options, &results, Ignore));
    texts[threads - 1] = WithoutSeconds(results);
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST(RunnerTest, ContinuesWhereItStopped) {
  const std::vector<Row> rows = TwoRows();
  RunOptions options = SomeOptions();
  options.threads = 1;
  SuiteResults results;
  int before = 0;
  const absl::Status stopped =
      RunCells(rows, options, &results, [&](const RunProgress&) -> absl::Status {
        return ++before == 3 ? absl::CancelledError("enough") : absl::OkStatus();
      });
  EXPECT_THAT(stopped, Fails(absl::StatusCode::kCancelled, "enough"));
  EXPECT_EQ(before, 3);
  ASSERT_OK_AND_ASSIGN(results, SuiteResults::FromText(results.ToText(kNoSummary), "kept"));
  int after = 0;
  ASSERT_OK(RunCells(rows, options, &results, [&](const RunProgress&) {
    ++after;
    return absl::OkStatus();
  }));
  EXPECT_EQ(after, 5);
  SuiteResults at_once;
  ASSERT_OK(RunCells(rows, options, &at_once, Ignore));
  EXPECT_EQ(WithoutSeconds(results), WithoutSeconds(at_once));
}

TEST(RunnerTest, AnotherBudgetIsAnotherRun) {
  const std::vector<Row> rows = TwoRows();
  SuiteResults results;
  RunOptions options = SomeOptions();
  ASSERT_OK(RunCells(rows, options, &results, Ignore));
  options.evaluations = 70;
  size_t again = 0;
  ASSERT_OK(RunCells(rows, options, &results, [&](const RunProgress& progress) {
    again = progress.all;
    return absl::OkStatus();
  }));
  EXPECT_EQ(again, 8u);
  EXPECT_THAT(results.Seeds(rows[0].facts, "anneal"), SizeIs(2)) << "the old ones are gone";
}

TEST(RunnerTest, StartsAreGivenToSearches) {
  const std::vector<Row> rows = TwoRows();
  RunOptions options = SomeOptions();
  options.solvers = {"portfolio(search=false)", "anneal"};
  options.starts = {"portfolio(search=false)"};
  options.seeds = 1;
  options.evaluations = 1'000;
  SuiteResults results;
  ASSERT_OK(RunCells(rows, options, &results, Ignore));
  const Cell* start = results.Seeds(rows[0].facts, "portfolio(search=false)").front();
  const Cell* anneal = results.Seeds(rows[0].facts, "anneal").front();
  EXPECT_LE(anneal->step_time, start->step_time);
  EXPECT_EQ(anneal->conditions.starts, "portfolio(search=false)");
}

TEST(RunnerTest, WhatDoesNotFitIsACellThatSaysSo) {
  std::vector<Workload> workloads;
  const auto graph = gopt::testing::LargeGraph({.ops = 60, .window = 10});
  const Workload workload{"tight", "", "file", 2, graph};
  ASSERT_OK_AND_ASSIGN(Row row, MakeRow(workload, "p100"));
  ASSERT_OK_AND_ASSIGN(Machine machine, MachineFromPreset("p100x2(memory=1)"));
  row.problem = *Problem::Create(graph, machine);
  RunOptions options = SomeOptions();
  options.solvers = {"single_device"};
  SuiteResults results;
  ASSERT_OK(RunCells({row}, options, &results, Ignore));
  const Cell* cell = results.Seeds(row.facts, "single_device").front();
  EXPECT_EQ(cell->outcome, CellOutcome::kOutOfMemory);
  EXPECT_THAT(cell->reason, HasSubstr("over its limit"));
}

TEST(RunnerTest, RejectsABadSpecBeforeItRuns) {
  RunOptions options = SomeOptions();
  options.solvers.push_back("oracle");
  SuiteResults results;
  EXPECT_THAT(RunCells(TwoRows(), options, &results, Ignore),
              Fails(absl::StatusCode::kNotFound, "oracle"));
}

TEST(RowsTest, TheTightSettingLeavesThreeTenthsAboveTheExpert) {
  const std::vector<Row> roomy = TwoRows("p100"), tight = TwoRows("p100mem");
  RunOptions options = SomeOptions();
  options.solvers = {"expert(order=critical_path)"};
  SuiteResults results;
  ASSERT_OK(RunCells(roomy, options, &results, Ignore));
  const int64_t peak = results.Seeds(roomy[0].facts, options.solvers[0]).front()->peak_bytes;
  EXPECT_EQ(tight[0].facts.memory_limit_bytes, SaturatingFloor(1.3 * static_cast<double>(peak)));
  EXPECT_EQ(tight[0].problem.memory_limit(1), tight[0].facts.memory_limit_bytes);
}

TEST(RowsTest, StoredWorkloadsStandOnAsManyDevicesAsInThePaper) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, StoredNames({"paper"}));
  EXPECT_THAT(names, SizeIs(15));
  EXPECT_THAT(StoredNames({"paper", "papr"}),
              Fails(absl::StatusCode::kNotFound, "no workload of suite 'papr' is stored"));
  ASSERT_OK_AND_ASSIGN(const std::vector<Workload> workloads, LoadWorkloads({"wavenet4"}, 0));
  ASSERT_OK_AND_ASSIGN(const Row row, MakeRow(workloads[0], "a100"));
  EXPECT_EQ(row.facts.machine, "a100x4");
  EXPECT_EQ(row.facts.suite, "paper");
  EXPECT_THAT(LoadWorkloads({"wavenet99"}, 0), Fails(absl::StatusCode::kNotFound, "wavenet4"));
}

TEST(RowsTest, GraphsThatDifferInScopesOnlyAreDifferentRows) {
  const std::shared_ptr<const Graph> left = *ParseGraph("a[scope=x] -> b[scope=y]");
  const std::shared_ptr<const Graph> right = *ParseGraph("a[scope=x] -> b[scope=z]");
  EXPECT_EQ(left->fingerprint(), right->fingerprint());
  EXPECT_NE(GraphHash(*left), GraphHash(*right));
  EXPECT_EQ(GraphHash(*left), GraphHash(**ParseGraph("a[scope=x] -> b[scope=y]")));
}

TEST(RowsTest, UnknownSettingsAndFilesWithoutADeviceCountAreErrors) {
  const std::string path = ::testing::TempDir() + "/suite_rows.gopt";
  const auto graph = gopt::testing::LargeGraph({.ops = 60, .window = 10});
  ASSERT_OK(WriteGraphFile(*graph, path));
  EXPECT_THAT(LoadWorkloads({path}, 0), IsInvalid("--devices"));
  ASSERT_OK_AND_ASSIGN(const std::vector<Workload> workloads, LoadWorkloads({path}, 4));
  EXPECT_EQ(workloads[0].name, "suite_rows");
  EXPECT_THAT(MakeRow(workloads[0], "tpu"), IsInvalid("p100, a100 and p100mem"));
}

}  // namespace
}  // namespace gopt::suite
