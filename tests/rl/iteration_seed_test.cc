#include "src/rl/iteration_seed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace gopt {
namespace {

using ::testing::ElementsAre;

TEST(IterationSeedTest, DiffersByEveryPart) {
  std::set<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    for (const SeedPurpose purpose : {SeedPurpose::kSamples, SeedPurpose::kMinibatches,
                                      SeedPurpose::kBatch, SeedPurpose::kEvaluation}) {
      for (int64_t iteration = 0; iteration < 16; ++iteration) {
        for (int64_t problem = 0; problem < 16; ++problem) {
          seeds.insert(IterationSeed(seed, purpose, iteration, problem));
        }
      }
    }
  }
  EXPECT_EQ(seeds.size(), 8u * 4 * 16 * 16);
}

TEST(IterationSeedTest, IsTheSameEveryTime) {
  EXPECT_EQ(IterationSeed(3, SeedPurpose::kBatch, 5, 7),
            IterationSeed(3, SeedPurpose::kBatch, 5, 7));
}

TEST(ChooseProblemsTest, ChoosesDifferentOnesAscending) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<int> chosen = ChooseProblems({5, 5, 5, 5, 5, 5, 5}, 4, false, 0.0, seed);
    ASSERT_EQ(chosen.size(), 4u);
    EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
    EXPECT_EQ(std::set<int>(chosen.begin(), chosen.end()).size(), 4u);
  }
}

TEST(ChooseProblemsTest, ChoosesAllWhereThereAreFewer) {
  EXPECT_THAT(ChooseProblems({1, 2, 3}, 8, false, 0.0, 1), ElementsAre(0, 1, 2));
  EXPECT_THAT(ChooseProblems({1, 2, 3}, 8, true, 0.0, 1), ElementsAre(0, 1, 2));
  EXPECT_THAT(ChooseProblems({}, 8, true, 0.0, 1), ElementsAre());
}

// 8,000 draws of 2 out of 8: each is expected 2,000 times, with a standard deviation of 39.
TEST(ChooseProblemsTest, ChoosesEachEquallyOften) {
  std::vector<int> count(8, 0);
  for (uint64_t seed = 0; seed < 8000; ++seed) {
    for (const int index : ChooseProblems(std::vector<int64_t>(8, 1), 2, false, 0.0, seed)) {
      ++count[index];
    }
  }
  for (const int times : count) EXPECT_NEAR(times, 2000, 200);
}

TEST(ChooseProblemsTest, CurriculumLetsLargerOnesInUntilTheMiddle) {
  const std::vector<int64_t> sizes = {800, 100, 700, 200, 600, 300, 500, 400};
  const auto seen = [&](double progress) {
    std::set<int> all;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      for (const int index : ChooseProblems(sizes, 1, true, progress, seed)) all.insert(index);
    }
    return all;
  };
  EXPECT_THAT(seen(0.0), ElementsAre(1, 3));
  EXPECT_THAT(seen(0.25), ElementsAre(1, 3, 5, 6, 7));
  EXPECT_EQ(seen(0.5).size(), 8u);
  EXPECT_EQ(seen(1.0).size(), 8u);
}

}  // namespace
}  // namespace gopt
