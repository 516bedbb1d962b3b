#include "gopt/solve/brkga.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gopt/plan/validate.h"
#include "src/solve/random_keys.h"
#include "tests/solve/search_runs.h"
#include "tests/testing/status.h"

namespace gopt {
namespace {

using testing::ProblemForSearches;
using testing::RunSearch;
using testing::SpecError;

TEST(BrkgaTest, NamesTheOptionThatIsOutOfRange) {
  EXPECT_THAT(SpecError("brkga(population=1)"), ::testing::HasSubstr("population is 1"));
  EXPECT_THAT(SpecError("brkga(bias=2)"), ::testing::HasSubstr("bias is 2"));
  EXPECT_THAT(SpecError("brkga(elites=0.6,mutants=0.6)"), ::testing::HasSubstr("is 1.2"));
  EXPECT_THAT(SpecError("brkga(evaluations=-1)"), ::testing::HasSubstr("must not be negative"));
}

TEST(BrkgaTest, BeginsAtTheStartsOfHillClimbing) {
  const Problem problem = ProblemForSearches();
  EXPECT_EQ(RunSearch(problem, "brkga", 1).report.step_time,
            RunSearch(problem, "hill_climb", 1).report.step_time);
}

TEST(BrkgaTest, ImprovesInEveryForm) {
  const Problem problem = ProblemForSearches();
  const auto start = RunSearch(problem, "brkga", 130).curve.front().best;
  for (const char* spec : {"brkga", "brkga(population=2)", "brkga(elites=0,mutants=0)",
                           "brkga(population=100,crossover=1)", "brkga(published=true)"}) {
    SCOPED_TRACE(spec);
    EXPECT_LT(RunSearch(problem, spec, 1'000).report.step_time, start);
  }
}

TEST(BrkgaTest, KeepsColocationGroupsTogether) {
  ProblemOptions options;
  options.constraints.colocate = {{{3, 50, 120}, "test"}, {{7, 8, 9, 10, 11}, "test"}};
  options.constraints.allowed = {{{20, 21, 22}, {1, 2}, "test"}};
  const Problem problem = ProblemForSearches(std::move(options));
  for (const char* spec : {"brkga", "brkga(published=true)"}) {
    RunSearch(problem, spec, 300);  // Which checks that the plan is legal.
  }
}

class KeyCodecTest : public ::testing::TestWithParam<KeyMeaning> {
 protected:
  static ProblemOptions Options() {
    ProblemOptions options;
    options.constraints.colocate = {{{3, 50, 120}, "test"}};
    options.constraints.allowed = {{{20, 21, 22}, {1, 3}, "test"}};
    return options;
  }

  Problem problem_ = ProblemForSearches(Options());
  RooflineCostModel costs_{problem_};
  TaskGraph tasks_ = *TaskGraph::Create(problem_, problem_.base_kernels(), costs_);
  KeyCodec codec_{tasks_, GetParam(), {}};
};

TEST_P(KeyCodecTest, GivesBackWhatWasEncoded) {
  StartPoint start;
  for (KernelId task = 0; task < tasks_.num_tasks(); ++task) {
    const auto allowed = tasks_.allowed(task);
    const KernelId which = tasks_.group(task) == kNone ? task : 0;
    start.device.push_back(allowed[static_cast<size_t>(which) % allowed.size()]);
  }
  start.order = tasks_.kernel_graph().topological_order;
  Plan plan;
  codec_.Decode(codec_.Encode(start), &plan);
  EXPECT_EQ(plan.device, start.device);
  for (size_t i = 0; i < start.order.size(); ++i) {
    EXPECT_EQ(plan.rank[start.order[i]], static_cast<int32_t>(i));
  }
  EXPECT_OK(ValidatePlan(problem_, plan));
}

TEST_P(KeyCodecTest, MakesLegalPlansOfAnyKeys) {
  Random random(5);
  RandomKeys keys;
  Plan plan;
  for (int i = 0; i < 20; ++i) {
    codec_.Randomize(&random, &keys);
    codec_.Decode(keys, &plan);
    EXPECT_OK(ValidatePlan(problem_, plan));
  }
}

INSTANTIATE_TEST_SUITE_P(Both, KeyCodecTest,
                         ::testing::Values(KeyMeaning::kSteerListScheduling,
                                           KeyMeaning::kChooseDevices));

TEST(KeyCodecSteeringTest, OpenTasksAreListScheduled) {
  const Problem problem = ProblemForSearches();
  const RooflineCostModel costs(problem);
  const TaskGraph tasks = *TaskGraph::Create(problem, problem.base_kernels(), costs);
  KeyCodec codec(tasks, KeyMeaning::kSteerListScheduling, {});
  StartPoint start = {.device = std::vector<DeviceId>(tasks.num_tasks(), 0),
                      .order = tasks.kernel_graph().topological_order};
  RandomKeys keys = codec.Encode(start);
  for (uint16_t& affinity : keys.affinity) affinity = codec.Open(0.0);
  Plan steered, listed;
  codec.Decode(keys, &steered);
  ListDecoder(tasks).DecodeRanks(steered.rank, {}, &listed);
  EXPECT_EQ(steered.device, listed.device);
}

}  // namespace
}  // namespace gopt
