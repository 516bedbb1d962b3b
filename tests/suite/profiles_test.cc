#include "benchmarks/suite/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gopt/solve/solver.h"
#include "tests/testing/status.h"

namespace gopt::suite {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ProfilesTest, TheTableHasEveryRegisteredSolverButThoseForOtherThings) {
  const std::vector<std::string> solvers = AllSolvers();
  const std::set<std::string> others = {"exact", "critical_path", "order",
                                        "fuse",  "peak_order",    "recompute"};
  for (const auto& [name, summary] : Solvers().NamesAndSummaries()) {
    if (others.contains(name)) {
      EXPECT_THAT(solvers, Not(Contains(name)));
    } else {
      EXPECT_THAT(solvers, Contains(name));
    }
  }
  for (const std::string& spec : solvers) EXPECT_OK(Solvers().Create(spec).status());
}

TEST(ProfilesTest, SmallHasSixRowsAndThreeSeeds) {
  ASSERT_OK_AND_ASSIGN(const Profile small, ProfileNamed("small"));
  EXPECT_THAT(small.rows, SizeIs(6));
  EXPECT_EQ(small.seeds, 3);
  EXPECT_THAT(small.starts, IsEmpty());
}

TEST(ProfilesTest, ConstructionsHaveTheBudgetOfSearches) {
  // Some price a second plan where their first does not fit.
  ASSERT_OK_AND_ASSIGN(const Profile lists, ProfileNamed("lists"));
  ASSERT_OK_AND_ASSIGN(const Profile small, ProfileNamed("small"));
  EXPECT_EQ(lists.evaluations, small.evaluations);
}

TEST(ProfilesTest, TheBestIsSearchedForFromAllThatIsConstructed) {
  ASSERT_OK_AND_ASSIGN(const Profile best, ProfileNamed("best"));
  EXPECT_THAT(best.starts, Contains("portfolio(search=false)"));
  EXPECT_THAT(best.starts, Contains("expert"));
  for (const std::string& spec : best.starts) EXPECT_OK(Solvers().Create(spec).status());
}

TEST(ProfilesTest, UnknownNamesAreToldTheKnownOnes) {
  EXPECT_THAT(ProfileNamed("large"), IsInvalid("small, full, lists, best and check"));
}

TEST(ProfilesTest, OnlySolversThatDrawDependOnTheSeed) {
  for (const char* draws : {"random", "anneal", "anneal(temperature=1e-3)", "hill_climb",
                            "portfolio", "portfolio(search=true)", "somebody_elses"}) {
    EXPECT_TRUE(DependsOnSeed(draws)) << draws;
  }
  for (const char* constructs : {"single_device", "metis", "heft", "heft(insertion=false)", "list",
                                 "expert", "portfolio(search=false)"}) {
    EXPECT_FALSE(DependsOnSeed(constructs)) << constructs;
  }
}

}  // namespace
}  // namespace gopt::suite
