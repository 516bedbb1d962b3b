#include "gopt/solve/evolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/graph/graph_text.h"
#include "src/solve/groups.h"
#include "src/solve/inheritance.h"
#include "tests/solve/search_runs.h"

namespace gopt {
namespace {

using testing::ProblemForSearches;
using testing::RunSearch;
using testing::SpecError;

TEST(EvolveTest, NamesTheOptionThatIsOutOfRange) {
  EXPECT_THAT(SpecError("evolve(population=0)"), ::testing::HasSubstr("population is 0"));
  EXPECT_THAT(SpecError("evolve(crossover=1.5)"), ::testing::HasSubstr("crossover is 1.5"));
  EXPECT_THAT(SpecError("evolve(mutation=-1)"), ::testing::HasSubstr("mutation is -1"));
  EXPECT_THAT(SpecError("evolve(population=4,tournament=5)"), ::testing::HasSubstr("tournament"));
  EXPECT_THAT(SpecError("evolve(evaluations=-1)"), ::testing::HasSubstr("must not be negative"));
}

TEST(EvolveTest, BeginsAtTheStartsOfHillClimbing) {
  const Problem problem = ProblemForSearches();
  const auto first = RunSearch(problem, "hill_climb", 12).report.step_time;
  EXPECT_EQ(RunSearch(problem, "evolve", 1).report.step_time,
            RunSearch(problem, "hill_climb", 1).report.step_time);
  EXPECT_LE(RunSearch(problem, "evolve", 200).report.step_time, first);
}

TEST(EvolveTest, ImprovesInEveryForm) {
  const Problem problem = ProblemForSearches();
  const auto start = RunSearch(problem, "evolve", 130).curve.front().best;
  for (const char* spec : {"evolve", "evolve(population=1)", "evolve(population=5,crossover=1)",
                           "evolve(published=true)"}) {
    SCOPED_TRACE(spec);
    EXPECT_LT(RunSearch(problem, spec, 1'000).report.step_time, start);
  }
}

TEST(EvolveTest, KeepsColocationGroupsTogetherWhenTheyCross) {
  ProblemOptions options;
  options.constraints.colocate = {{{3, 50, 120}, "test"}, {{7, 8, 9, 10, 11}, "test"}};
  options.constraints.allowed = {{{20, 21, 22}, {1, 2}, "test"}};
  const Problem problem = ProblemForSearches(std::move(options));
  for (const char* spec : {"evolve(crossover=1)", "evolve(crossover=1,published=true)"}) {
    RunSearch(problem, spec, 300);  // Which checks that the plan is legal.
  }
}

TEST(InheritanceTest, TakesGroupsAsAWhole) {
  const auto kernels = Kernels::Singletons(*ParseGraph("a; b; c; d; e; f; g; h; i; j"));
  const Grouping grouping = Grouping::FromLabels({0, 0, 1, 1, 1, -1, 2, 2, -1, -1}, *kernels);
  Random random(1);
  Inheritance inheritance;
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    inheritance.DrawGroups(*kernels, {&grouping, 1}, 0.5, &random);
    EXPECT_EQ(inheritance.takes(0), inheritance.takes(1));
    EXPECT_EQ(inheritance.takes(2), inheritance.takes(4));
    EXPECT_EQ(inheritance.takes(6), inheritance.takes(7));
    taken += inheritance.takes(0) ? 1 : 0;
  }
  EXPECT_NEAR(taken, 50, 20);
}

}  // namespace
}  // namespace gopt
