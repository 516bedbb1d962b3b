#include "gopt/solve/heft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gopt/cost/simulator.h"
#include "gopt/plan/validate.h"
#include "tests/solve/schedule_checks.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::ExpectLegalSchedule;
using testing::Makespan;
using testing::SequencePlan;
using testing::TaskProblem;

TEST(HeftTest, GivesMakespan80OnTheGraphOfTheTopcuogluPaper) {
  TaskProblem p(testing::TopcuogluGraph(), testing::TopcuogluMachine());
  const TaskSchedule schedule = ScheduleHeft(p.tasks);
  EXPECT_EQ(Makespan(schedule), 80);
  // Figure 3 (a) of the paper, processors and start times.
  EXPECT_THAT(schedule.device, ElementsAre(2, 0, 2, 1, 2, 1, 2, 0, 1, 1));
  EXPECT_THAT(schedule.start, ElementsAre(0, 27, 9, 18, 28, 26, 38, 57, 56, 73));
}

TEST(HeftTest, IsSimulatedAt80WithoutContention) {
  TaskProblem p(testing::TopcuogluGraph(), testing::TopcuogluMachine());
  const auto simulator = Simulator::Create({.contention = false}).value();
  const Plan plan = SequencePlan(p.tasks, ScheduleHeft(p.tasks));
  const CostReport report = Price(*simulator, p.problem, plan).value();
  EXPECT_EQ(report.outcome, Outcome::kOk) << report.reason;
  EXPECT_EQ(report.step_time, 80);
}

TEST(HeftTest, GivesMakespan133OnTheGraphOfThePeftPaper) {
  TaskProblem p(testing::PeftGraph(), testing::TopcuogluMachine());
  EXPECT_EQ(Makespan(ScheduleHeft(p.tasks)), 133);
}

TEST(HeftTest, IsNeverSimulatedSlowerThanItsOwnEstimateWithoutContention) {
  const auto simulator = Simulator::Create({.contention = false}).value();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TaskProblem p(testing::LayeredGraph(300, 10, seed), testing::EqualDevices(4));
    const TaskSchedule schedule = ScheduleHeft(p.tasks);
    const Plan plan = SequencePlan(p.tasks, schedule);
    ASSERT_TRUE(ValidatePlan(p.problem, plan).ok());
    EXPECT_LE(Price(*simulator, p.problem, plan).value().step_time, Makespan(schedule)) << seed;
  }
}

TEST(HeftTest, FillsGapsWithInsertionOnly) {
  // b waits on device 1 for a's tensor; c, of lower rank, fits before it there.
  const char* text = "a[time=10,bytes=30] -> b[time=100], d[time=200]; c[time=20]";
  TaskProblem p(text, 2);
  const TaskSchedule with = ScheduleHeft(p.tasks, {.insertion = true});
  const TaskSchedule without = ScheduleHeft(p.tasks, {.insertion = false});
  EXPECT_EQ(with.start[p.Task("c")], 0);
  EXPECT_EQ(with.device[p.Task("c")], with.device[p.Task("b")]);
  EXPECT_GT(without.start[p.Task("c")], without.start[p.Task("b")]);
}

TEST(HeftTest, WaitsForABusyLinkOnlyWithContention) {
  // Both tensors go over the one link to device 1.
  ProblemOptions options;
  options.constraints.pins = {{0, 0, "here"}, {1, 0, "here"}, {2, 1, "there"}, {3, 1, "there"}};
  TaskProblem p("a[time=10,bytes=30]; b[time=10,bytes=30]; c[time=5]; d[time=5]; a -> c; b -> d", 2,
                options);
  EXPECT_EQ(Makespan(ScheduleHeft(p.tasks)), 55);
  EXPECT_EQ(Makespan(ScheduleHeft(p.tasks, {.contention = true})), 75);
}

TEST(HeftTest, SendsATensorOncePerDestinationWithContention) {
  ProblemOptions options;
  options.constraints.pins = {{0, 0, "here"}, {1, 1, "there"}, {2, 1, "there"}};
  TaskProblem p("a[time=10,bytes=30] -> b[time=5], c[time=5]", 2, options);
  EXPECT_EQ(Makespan(ScheduleHeft(p.tasks, {.contention = true})), 50);
}

TEST(HeftTest, IsSimulatedCloserToItsEstimateWithContention) {
  const auto simulator = Simulator::Create().value();
  double with = 0.0, without = 0.0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    TaskProblem p(testing::LayeredGraph(300, 10, seed), testing::EqualDevices(4));
    for (bool contention : {false, true}) {
      const TaskSchedule schedule = ScheduleHeft(p.tasks, {.contention = contention});
      ExpectLegalSchedule(p.tasks, schedule);
      const Plan plan = SequencePlan(p.tasks, schedule);
      const auto simulated = static_cast<double>(Price(*simulator, p.problem, plan)->step_time);
      (contention ? with : without) += simulated / static_cast<double>(Makespan(schedule));
    }
  }
  EXPECT_LT(with, without);
}

TEST(HeftTest, ChargesATransferBetweenDevices) {
  TaskProblem cheap("a[time=10,bytes=1] -> b[time=50], c[time=50]", 2);
  EXPECT_EQ(Makespan(ScheduleHeft(cheap.tasks)), 61);
  TaskProblem dear("a[time=10,bytes=1000] -> b[time=50], c[time=50]", 2);
  EXPECT_EQ(Makespan(ScheduleHeft(dear.tasks)), 110);
}

TEST(HeftTest, KeepsAGroupWhereItsFirstTaskWent) {
  TaskProblem p(
      "a[time=10,colocate=1]; b[time=9,colocate=2]; c[time=8,colocate=1]; d[time=7,colocate=2]", 2);
  const std::vector<DeviceId> device = ScheduleHeft(p.tasks).device;
  EXPECT_EQ(device[p.Task("a")], device[p.Task("c")]);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("d")]);
  EXPECT_NE(device[p.Task("a")], device[p.Task("b")]);
}

TEST(HeftTest, WeighsTheWholeGroupWhenItsFirstTaskIsPlaced) {
  // Groups come one task each first; without the work still to come all would start on device 0.
  TaskProblem p(
      "a0[time=1,colocate=1] -> a1[time=50,colocate=1];"
      "b0[time=1,colocate=2] -> b1[time=50,colocate=2]",
      2);
  EXPECT_EQ(Makespan(ScheduleHeft(p.tasks)), 51);
}

TEST(HeftTest, ObeysPinsAndAllowedDevices) {
  ProblemOptions options;
  options.constraints.pins = {{0, 2, "camera"}};
  options.constraints.allowed = {{{1}, {1}, "licence"}};
  TaskProblem p("a[time=10,bytes=1] -> b[time=10,bytes=1] -> c[time=10]", 3, options);
  const std::vector<DeviceId> device = ScheduleHeft(p.tasks).device;
  EXPECT_THAT(device, ElementsAre(2, 1, 1));
}

TEST(HeftTest, AvoidsDevicesWithoutRoomForParameters) {
  ProblemOptions options;
  options.constraints.memory_limits = {{0, 150, "small"}, {1, 150, "small"}};
  // One chain would stay on one device if there were room.
  TaskProblem p(
      "w:parameter[bytes=100] -> a[time=1,bytes=9]; v:parameter[bytes=100] -> b[time=1];"
      "a -> b",
      2, options);
  const std::vector<DeviceId> device = ScheduleHeft(p.tasks).device;
  EXPECT_NE(device[p.Task("a")], device[p.Task("b")]);
}

TEST(HeftTest, LetsTheOptimizerOpFollowTheFirstReader) {
  TaskProblem p(
      "w:parameter[bytes=1000,copies=2] -> f[time=5,bytes=1] -> g[time=5,bytes=1000];"
      "w, g -> u:optimizer[time=5]; x[time=9]",
      2);
  const std::vector<DeviceId> device = ScheduleHeft(p.tasks).device;
  EXPECT_EQ(device[p.Task("u")], device[p.Task("f")]);
}

TEST(HeftTest, KeepsFixedPlacements) {
  TaskProblem p("a[time=10] -> b[time=10] -> c[time=10]", 3);
  const std::vector<DeviceId> fixed = {2, 0, 1};
  EXPECT_EQ(ScheduleHeft(p.tasks, {}, {.fixed = fixed}).device, fixed);
}

TEST(HeftTest, EmitsALegalSequence) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TaskProblem p(testing::LayeredGraph(300, 10, seed), testing::EqualDevices(4));
    for (bool insertion : {true, false}) {
      ExpectLegalSchedule(p.tasks, ScheduleHeft(p.tasks, {.insertion = insertion}));
    }
  }
}

TEST(HeftTest, EmitsALegalSequenceWhenOpsTakeNoTime) {
  TaskProblem p(
      "a[time=0] -> b[time=0] -> c[time=5] -> d[time=0] -> e[time=0]; f[time=0]; g[time=3];"
      "f -> c; g -> d",
      2);
  ExpectLegalSchedule(p.tasks, ScheduleHeft(p.tasks));
}

TEST(HeftTest, SchedulesAnEmptyGraph) {
  TaskProblem p("x:input", 2);
  EXPECT_TRUE(ScheduleHeft(p.tasks).sequence.empty());
}

}  // namespace
}  // namespace gopt
