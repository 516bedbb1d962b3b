#include "benchmarks/suite/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/suite/suite_test_util.h"
#include "tests/testing/status.h"

namespace gopt::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNull;
using ::testing::NotNull;
using ::testing::SizeIs;

const nlohmann::json kNoSummary = nlohmann::json::object();

TEST(SuiteResultsTest, TextGivesBackEveryField) {
  SuiteResults results;
  results.PutRow(SomeRow("rnn"));
  results.OrderSolvers({"heft", "anneal"});
  results.Put(SomeCell("rnn", "anneal", 70, 1));
  results.Put(OutOfMemoryCell("rnn", "heft"));
  const std::string text = results.ToText(kNoSummary);
  ASSERT_OK_AND_ASSIGN(const SuiteResults again, SuiteResults::FromText(text, "x.json"));
  EXPECT_EQ(again.ToText(kNoSummary), text);
  EXPECT_THAT(again.solvers(), ElementsAre("heft", "anneal"));
  const Cell expected = SomeCell("rnn", "anneal", 70, 1);
  const Cell* cell = again.Find(expected.place, expected.conditions);
  ASSERT_THAT(cell, NotNull());
  EXPECT_EQ(cell->step_time, 70);
  EXPECT_EQ(cell->curve.back().evaluations, 60);
  EXPECT_EQ(again.FindRow("p100", "rnn")->graph_hash, 0xfedcba9876543210);
}

TEST(SuiteResultsTest, TextIsTheSameInWhateverOrderCellsCame) {
  SuiteResults forward, backward;
  for (SuiteResults* results : {&forward, &backward}) {
    results->PutRow(SomeRow("rnn"));
    results->OrderSolvers({"heft", "anneal"});
  }
  for (int seed : {0, 1, 2}) forward.Put(SomeCell("rnn", "anneal", 70, seed));
  for (int seed : {2, 0, 1}) backward.Put(SomeCell("rnn", "anneal", 70, seed));
  EXPECT_EQ(forward.ToText(kNoSummary), backward.ToText(kNoSummary));
}

TEST(SuiteResultsTest, ACellIsFoundOnlyUnderItsOwnConditions) {
  SuiteResults results;
  const Cell cell = SomeCell("rnn", "anneal", 70);
  results.Put(cell);
  EXPECT_THAT(results.Find(cell.place, cell.conditions), NotNull());
  for (const auto& change : std::initializer_list<void (*)(Conditions*)>{
           [](Conditions* c) { c->evaluations = 200; }, [](Conditions* c) { c->graph_hash ^= 1; },
           [](Conditions* c) { c->machine = "p100x4"; }, [](Conditions* c) { c->version = "2.0"; },
           [](Conditions* c) { c->starts = "heft"; },
           [](Conditions* c) { c->deadline_seconds = 9.0; }}) {
    Conditions other = cell.conditions;
    change(&other);
    EXPECT_THAT(results.Find(cell.place, other), IsNull());
  }
}

TEST(SuiteResultsTest, ANewCellTakesThePlaceOfTheOldOneUnlessBothAreToBeKept) {
  Cell longer = SomeCell("rnn", "anneal", 60);
  longer.conditions.evaluations = 1'000;
  SuiteResults results;
  results.Put(SomeCell("rnn", "anneal", 70));
  results.Put(longer);
  EXPECT_THAT(results.Seeds(SomeRow("rnn"), "anneal"), SizeIs(1));
  results.Put(SomeCell("rnn", "anneal", 70), /*only_one=*/false);
  EXPECT_THAT(results.Seeds(SomeRow("rnn"), "anneal"), SizeIs(2));
}

TEST(SuiteResultsTest, CellsOfAnotherGraphOrMachineDoNotCount) {
  SuiteResults results;
  results.Put(SomeCell("rnn", "anneal", 70));
  RowFacts changed = SomeRow("rnn");
  changed.graph_hash = 1;
  EXPECT_THAT(results.Seeds(changed, "anneal"), IsEmpty());
  EXPECT_THAT(results.Fastest(changed), IsNull());
  changed = SomeRow("rnn");
  changed.machine = "p100x2(memory=1000)";
  EXPECT_THAT(results.Seeds(changed, "anneal"), IsEmpty());
}

TEST(SuiteResultsTest, TheFastestIsOverAllSolversThatFit) {
  SuiteResults results;
  results.Put(SomeCell("rnn", "heft", 80));
  results.Put(SomeCell("rnn", "anneal", 75, 0));
  results.Put(SomeCell("rnn", "anneal", 70, 1));
  Cell too_large = OutOfMemoryCell("rnn", "list");
  too_large.step_time = 10;
  results.Put(too_large);
  ASSERT_THAT(results.Fastest(SomeRow("rnn")), NotNull());
  EXPECT_EQ(results.Fastest(SomeRow("rnn"))->step_time, 70);
}

TEST(SuiteResultsTest, AnAbsentFileIsAnEmptySuiteAndABadOneIsAnError) {
  ASSERT_OK_AND_ASSIGN(const SuiteResults none,
                       SuiteResults::Load(::testing::TempDir() + "/no_such_suite.json"));
  EXPECT_THAT(none.rows(), IsEmpty());
  EXPECT_THAT(SuiteResults::FromText("{", "x.json"), IsInvalid("x.json"));
  EXPECT_THAT(SuiteResults::FromText("[1]", "x.json"), IsInvalid("no file of suite results"));
  EXPECT_THAT(SuiteResults::FromText(R"({"format": 7})", "x.json"), IsInvalid("x.json"));
  EXPECT_THAT(SuiteResults::FromText(R"({"format": "gopt_suite", "format_version": 9})", "x.json"),
              IsInvalid("another version"));
  std::string text = [] {
    SuiteResults results;
    results.Put(SomeCell("rnn", "anneal", 70));
    return results.ToText(kNoSummary);
  }();
  text.replace(text.find("\"budget\""), 8, "\"badget\"");
  EXPECT_THAT(SuiteResults::FromText(text, "x.json"), IsInvalid("budget"));
}

TEST(SuiteResultsTest, SavesAndLoads) {
  const std::string path = ::testing::TempDir() + "/suite_results_test.json";
  SuiteResults results;
  results.PutRow(SomeRow("rnn"));
  results.Put(SomeCell("rnn", "anneal", 70));
  ASSERT_OK(results.Save(path, {{"figures", {1, 2}}}));
  ASSERT_OK_AND_ASSIGN(const SuiteResults again, SuiteResults::Load(path));
  EXPECT_EQ(again.ToText(kNoSummary), results.ToText(kNoSummary));
}

TEST(ThinnedTest, KeepsTheEndsAndAtMostSoManyEvenlyInTheLogarithm) {
  std::vector<CurvePoint> curve;
  for (int i = 0; i < 1'234; ++i) curve.push_back({i + 1, 0.0, 5'000 - i});
  const std::vector<CurvePoint> thin = Thinned(curve, 100);
  EXPECT_LE(thin.size(), 100u);
  EXPECT_GT(thin.size(), 60u);
  EXPECT_EQ(thin.front().evaluations, 1);
  EXPECT_EQ(thin.back().evaluations, 1'234);
  for (size_t i = 1; i < thin.size(); ++i) {
    EXPECT_LT(thin[i].best, thin[i - 1].best);
    EXPECT_LE(thin[i].evaluations,
              std::max<int64_t>(thin[i - 1].evaluations + 2, thin[i - 1].evaluations * 12 / 10));
  }
  EXPECT_EQ(Thinned(thin, 100).size(), thin.size());
}

TEST(ThinnedTest, KeepsALateJump) {
  std::vector<CurvePoint> curve;
  for (int i = 0; i < 200; ++i) curve.push_back({i < 199 ? i + 1 : 10'000, 0.0, 5'000 - i});
  const std::vector<CurvePoint> thin = Thinned(curve, 50);
  EXPECT_EQ(thin.back().evaluations, 10'000);
  EXPECT_EQ(thin[thin.size() - 2].evaluations, 199);
}

}  // namespace
}  // namespace gopt::suite
