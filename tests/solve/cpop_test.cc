#include "gopt/solve/cpop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gopt/cost/simulator.h"
#include "tests/solve/schedule_checks.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using testing::ExpectLegalSchedule;
using testing::Makespan;
using testing::TaskProblem;

TEST(CpopTest, GivesMakespan86OnTheGraphOfThePaper) {
  TaskProblem p(testing::TopcuogluGraph(), testing::TopcuogluMachine());
  const TaskSchedule schedule = ScheduleCpop(p.tasks);
  EXPECT_EQ(Makespan(schedule), 86);
  // The critical path n1, n2, n9, n10 is on the second processor.
  for (const char* name : {"n1", "n2", "n9", "n10"}) {
    EXPECT_EQ(schedule.device[p.Task(name)], 1) << name;
  }
  const auto simulator = Simulator::Create({.contention = false}).value();
  const Plan plan = testing::SequencePlan(p.tasks, schedule);
  EXPECT_EQ(Price(*simulator, p.problem, plan).value().step_time, 86);
}

TEST(CpopTest, KeepsTheCriticalPathOnOneDeviceThoughAnotherIsFree) {
  TaskProblem p("a[time=10,bytes=1] -> b[time=20,bytes=1] -> c[time=20]; a -> d[time=5]", 2);
  const std::vector<DeviceId> device = ScheduleCpop(p.tasks).device;
  EXPECT_EQ(device[p.Task("a")], device[p.Task("b")]);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("c")]);
  EXPECT_NE(device[p.Task("d")], device[p.Task("b")]);
}

TEST(CpopTest, PlacesCriticalTasksElsewhereWhereTheyAreNotAllowed) {
  ProblemOptions options;
  options.constraints.pins = {{1, 1, "camera"}};
  TaskProblem p("a[time=10,bytes=1] -> b[time=20,bytes=1] -> c[time=20]", 2, options);
  const std::vector<DeviceId> device = ScheduleCpop(p.tasks).device;
  EXPECT_EQ(device[p.Task("b")], 1);
  EXPECT_EQ(device[p.Task("a")], device[p.Task("c")]);
}

TEST(CpopTest, MakesLegalSchedules) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    TaskProblem p(testing::LayeredGraph(300, 10, seed), testing::EqualDevices(4));
    ExpectLegalSchedule(p.tasks, ScheduleCpop(p.tasks));
  }
  TaskProblem empty("x:input", 2);
  EXPECT_TRUE(ScheduleCpop(empty.tasks).sequence.empty());
}

}  // namespace
}  // namespace gopt
