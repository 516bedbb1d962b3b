#include "gopt/solve/peft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gopt/cost/simulator.h"
#include "tests/solve/schedule_checks.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::ExpectLegalSchedule;
using testing::Makespan;
using testing::TaskProblem;

TEST(PeftTest, FillsTheOptimisticCostTableOfThePaper) {
  TaskProblem p(testing::PeftGraph(), testing::TopcuogluMachine());
  EXPECT_THAT(OptimisticCosts(p.tasks),
              ElementsAreArray({64, 68, 86, 42, 39, 42, 27, 41, 43, 42, 39, 50, 28, 37, 28,
                                42, 39, 44, 13, 16, 22, 13, 16, 33, 13, 16, 20, 0,  0,  0}));
}

TEST(PeftTest, GivesMakespan122OnTheGraphOfThePaper) {
  TaskProblem p(testing::PeftGraph(), testing::TopcuogluMachine());
  const TaskSchedule schedule = SchedulePeft(p.tasks);
  EXPECT_EQ(Makespan(schedule), 122);
  // Figure 3 of the paper, processors and start times.
  EXPECT_THAT(schedule.device, ElementsAre(0, 0, 0, 0, 2, 1, 0, 1, 2, 1));
  EXPECT_THAT(schedule.start, ElementsAre(0, 29, 51, 22, 35, 29, 83, 54, 81, 106));
}

TEST(PeftTest, IsSimulatedAt122WithoutContention) {
  TaskProblem p(testing::PeftGraph(), testing::TopcuogluMachine());
  const auto simulator = Simulator::Create({.contention = false}).value();
  const Plan plan = testing::SequencePlan(p.tasks, SchedulePeft(p.tasks));
  EXPECT_EQ(Price(*simulator, p.problem, plan).value().step_time, 122);
}

TEST(PeftTest, TakesNoSuccessorToADeviceThatIsClosedToIt) {
  ProblemOptions options;
  options.constraints.pins = {{1, 1, "camera"}};
  TaskProblem p("a[time=10,bytes=100] -> b[time=10]", 2, options);
  EXPECT_THAT(OptimisticCosts(p.tasks), ElementsAre(110, 10, 0, 0));
  EXPECT_THAT(SchedulePeft(p.tasks).device, ElementsAre(1, 1));
}

TEST(PeftTest, MakesLegalSchedules) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    TaskProblem p(testing::LayeredGraph(300, 10, seed), testing::EqualDevices(4));
    ExpectLegalSchedule(p.tasks, SchedulePeft(p.tasks));
  }
  TaskProblem empty("x:input", 2);
  EXPECT_TRUE(SchedulePeft(empty.tasks).sequence.empty());
}

}  // namespace
}  // namespace gopt
