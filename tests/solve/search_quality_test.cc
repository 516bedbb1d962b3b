// Whether the searches are worth their budget: on the public scheduling problems where they are
// present, and on graphs made here.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/io/importer.h"
#include "gopt/optimizer/optimizer.h"
#include "tests/testing/paths.h"
#include "tests/testing/random_problem.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

double StepTime(const Problem& problem, const std::string& solver, int64_t evaluations) {
  const auto optimizer = Optimizer::Create({.solver = solver, .seed = 1});
  EXPECT_OK(optimizer);
  const auto solution = (*optimizer)->Optimize(problem, Budget::Evaluations(evaluations));
  EXPECT_OK(solution);
  EXPECT_LE(solution->bounds.step_time(), solution->report.step_time);
  return static_cast<double>(solution->report.step_time);
}

// Ops that read two of the 24 before them.
Problem Generated() {
  return *Problem::Create(testing::LargeGraph({.ops = 400, .window = 24}),
                          *UniformMachine({.count = 4, .bandwidth = 1e9}));
}

TEST(SearchQualityTest, SearchesImproveOnTheirStarts) {
  const Problem problem = Generated();
  const double start = StepTime(problem, "portfolio(search=false)", 2'000);
  const double random = StepTime(problem, "random", 2'000);
  EXPECT_LT(start, 0.9 * random);
  EXPECT_LT(StepTime(problem, "hill_climb", 2'000), start);
  EXPECT_LT(StepTime(problem, "anneal", 2'000), start);
  EXPECT_LT(StepTime(problem, "portfolio", 2'000), start);
}

struct Suite {
  std::vector<Problem> problems;
  std::vector<double> prototype;  // Best plan of the prototype's portfolio, nanoseconds.
  std::vector<double> prototype_bound;
};

// The three smallest; empty where the data is absent.
Suite SmallSuite() {
  Suite suite;
  for (const char* name : {"inception_v3_P4", "gnmt4_T12_P4", "nasnetamobile_P4"}) {
    const auto path = testing::DataPath(absl::StrCat("learning_graphs/", name, ".json.gz"));
    if (!path.has_value()) return {};
    const auto imported = ImportFile(*path);
    EXPECT_OK(imported);
    suite.problems.push_back(*Problem::Create(imported->graph, *imported->machine));
    suite.prototype.push_back(imported->figures.at("prototype_B_ns"));
    suite.prototype_bound.push_back(imported->figures.at("prototype_lower_bound_ns"));
  }
  return suite;
}

#define SKIP_WITHOUT_DATA(suite) \
  if ((suite).problems.empty()) GTEST_SKIP() << "no learning_graphs in GOPT_DATA_DIR"

TEST(SearchQualityTest, ThePortfolioIsWithinThreePercentOfThePrototype) {
  const Suite suite = SmallSuite();
  SKIP_WITHOUT_DATA(suite);
  for (size_t i = 0; i < suite.problems.size(); ++i) {
    const double step_time = StepTime(suite.problems[i], "portfolio(search=false)", 200);
    EXPECT_LT(step_time, 1.03 * suite.prototype[i]) << suite.problems[i].graph().name();
    EXPECT_GE(step_time, suite.prototype_bound[i]);
  }
}

// Geometric mean of the suite's step times by one solver over those by another.
double Ratio(const Suite& suite, const std::string& solver, const std::string& other,
             int64_t evaluations) {
  double log_ratio = 0.0;
  for (const Problem& problem : suite.problems) {
    log_ratio += std::log(StepTime(problem, solver, evaluations)) -
                 std::log(StepTime(problem, other, evaluations));
  }
  return std::exp(log_ratio / static_cast<double>(suite.problems.size()));
}

TEST(SearchQualityTest, AnnealingBeatsHillClimbing) {
  const Suite suite = SmallSuite();
  SKIP_WITHOUT_DATA(suite);
  EXPECT_LT(Ratio(suite, "anneal", "hill_climb", 3'000), 0.99);
}

TEST(SearchQualityTest, EvolutionOfGroupsBeatsThePublishedForm) {
  const Suite suite = SmallSuite();
  SKIP_WITHOUT_DATA(suite);
  EXPECT_LT(Ratio(suite, "evolve", "evolve(published=true)", 1'000), 0.93);
}

TEST(SearchQualityTest, KeysThatSteerListSchedulingBeatThePublishedForm) {
  const Suite suite = SmallSuite();
  SKIP_WITHOUT_DATA(suite);
  EXPECT_LT(Ratio(suite, "brkga", "brkga(published=true)", 1'000), 0.93);
}

TEST(SearchQualityTest, KeysThatSteerListSchedulingKeepUpWithAnnealing) {
  const Suite suite = SmallSuite();
  SKIP_WITHOUT_DATA(suite);
  EXPECT_LT(Ratio(suite, "brkga", "anneal", 1'000), 1.02);
}

}  // namespace
}  // namespace gopt
