#include "benchmarks/suite/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/suite/suite_test_util.h"
#include "tests/testing/paths.h"
#include "tests/testing/status.h"

namespace gopt::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(CheckTest, TheReferenceFiguresAreThoseOfThePaperRows) {
  ASSERT_OK_AND_ASSIGN(
      const ReferenceFigures figures,
      ReadReferenceFigures(gopt::testing::SourcePath("benchmarks/suite_reference.json")));
  EXPECT_THAT(figures.at("p100"), SizeIs(14));
  EXPECT_EQ(figures.at("p100").at("gnmt8").at("one_device"), 1064.0);
  EXPECT_EQ(figures.at("a100").at("txl8").at("expert_over_best"), 3.29);
}

TEST(CheckTest, ComparesWhatBothSidesKnowAndMarksWhatIsFarOff) {
  SuiteResults results, best;
  results.PutRow(SomeRow("rnn"));
  results.PutRow(SomeRow("unknown"));
  results.Put(SomeCell("rnn", kCheckedExpert, 80'000'000));
  best.Put(SomeCell("rnn", "anneal", 64'000'000));
  const ReferenceFigures reference = {{"p100",
                                       {{"rnn",
                                         {{"one_device", 100.0},
                                          {"critical_path", 41.0},
                                          {"expert", 60.0},
                                          {"expert_over_best", 1.25}}}}}};
  const std::vector<Comparison> comparisons = CompareWithReference(results, best, reference);
  ASSERT_THAT(comparisons, SizeIs(3)) << "one device was not run";
  EXPECT_EQ(comparisons[0].quantity, "critical_path");
  EXPECT_EQ(comparisons[1].quantity, "expert");
  EXPECT_NEAR(comparisons[1].difference(), 1.0 / 3.0, 1e-12);
  EXPECT_EQ(comparisons[2].ours, 1.25);
  const Grid grid = ToGrid(comparisons);
  EXPECT_EQ(grid.lines[0].back(), "");
  EXPECT_EQ(grid.lines[1].back(), "more than 15 %");
}

TEST(CheckTest, ABadFileIsNamed) {
  EXPECT_THAT(ReadReferenceFigures(gopt::testing::SourcePath("README.md")), IsInvalid("README.md"));
}

}  // namespace
}  // namespace gopt::suite
