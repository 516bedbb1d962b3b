#include "benchmarks/suite/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/suite/suite_test_util.h"

namespace gopt::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TablesTest : public ::testing::Test {
 protected:
  TablesTest() {
    for (const char* row : {"rnn", "wave"}) {
      results_.PutRow(SomeRow(row));
      results_.Put(SomeCell(row, "expert_paper", 80'000'000));
    }
    results_.Put(SomeCell("rnn", "heft", 40'000'000));
    results_.Put(OutOfMemoryCell("wave", "heft"));
    best_.Put(SomeCell("rnn", "anneal", 32'000'000));
    summary_ = Summarize(results_, best_);
  }

  SuiteResults results_, best_;
  Summary summary_;
};

TEST_F(TablesTest, TheOverviewHasALinePerSolverAndAColumnPerRow) {
  const View view{results_, best_, summary_, "p100", {"rnn", "wave"}, {"expert_paper", "heft"}};
  EXPECT_EQ(ToMarkdown(OverviewGrid(view)),
            "| p100, ms | rnn | wave | below expert_paper |\n"
            "|---|---:|---:|---:|\n"
            "| critical path | 40.0 | 40.0 |  |\n"
            "| lower bound | 50.0 | 50.0 |  |\n"
            "| best known | 32.0 |  |  |\n"
            "| expert_paper | 80.0 | 80.0 | 0.0 % |\n"
            "| heft | 40.0 | OOM | 50.0 % (1) |\n");
}

TEST_F(TablesTest, TheDetailsSayWhyASolverHasNoFigure) {
  const View view{results_, best_, summary_, "p100", {"rnn", "wave"}, {"expert_paper", "heft"}};
  const std::string text = DetailText(view, results_.rows()[1]);
  EXPECT_THAT(text, HasSubstr("wave on p100x2: 10 ops, 12 edges"));
  EXPECT_THAT(text, HasSubstr("heft: out of memory: device 0"));
}

TEST(GridTest, TextIsAligned) {
  EXPECT_EQ(ToText({{"a", "bc"}, {{"long", "1"}, {"x", ""}}}), "a     bc\nlong   1\nx\n");
}

TEST(GridTest, NumbersHaveThreeDigits) {
  EXPECT_EQ(MillisecondsText(1.2345e9), "1234");
  EXPECT_EQ(MillisecondsText(4.56e7), "45.6");
  EXPECT_EQ(MillisecondsText(4.567e6), "4.57");
  EXPECT_EQ(MillisecondsText(0), "");
  EXPECT_EQ(RatioText(0.9876), "0.988");
}

}  // namespace
}  // namespace gopt::suite
