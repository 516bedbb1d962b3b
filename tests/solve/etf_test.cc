#include "gopt/solve/etf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gopt/graph/graph_builder.h"
#include "src/solve/favourite_children.h"
#include "src/solve/priorities.h"
#include "tests/solve/schedule_checks.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::ExpectLegalSchedule;
using testing::Makespan;
using testing::TaskProblem;

constexpr EtfOptions kFavourites = {.favourite_children = true};

// ETF as the paper states it: a look at every ready task on every device, each step.
std::vector<DeviceId> PlainEtf(const TaskGraph& tasks) {
  const KernelGraph& graph = tasks.kernel_graph();
  const Machine& machine = tasks.problem().machine();
  const std::vector<int32_t> rank = RanksByPriority(BottomLevels(tasks));
  std::vector<DeviceId> device(tasks.num_tasks(), kNone);
  std::vector<Nanoseconds> finish(tasks.num_tasks(), 0), free(tasks.num_devices(), 0);
  const auto is_ready = [&](KernelId task) {
    const auto before = KernelGraph::Row(graph.predecessors, graph.predecessor_begin, task);
    return device[task] == kNone && std::all_of(before.begin(), before.end(),
                                                [&](KernelId p) { return device[p] != kNone; });
  };
  const auto start = [&](KernelId task, DeviceId d) {
    Nanoseconds earliest = free[d];
    for (int32_t e = graph.input_begin[task]; e < graph.input_begin[task + 1]; ++e) {
      const KernelId source = graph.inputs[e].source;
      Nanoseconds arrival = finish[source];
      if (device[source] != d) {
        arrival += machine.TransferDuration(tasks.edge_bytes(e), device[source], d);
      }
      earliest = std::max(earliest, arrival);
    }
    return earliest;
  };
  for (int step = 0; step < tasks.num_tasks(); ++step) {
    std::tuple<Nanoseconds, int32_t, DeviceId, KernelId> best = {kSaturated, 0, 0, kNone};
    for (KernelId task = 0; task < tasks.num_tasks(); ++task) {
      if (!is_ready(task)) continue;
      for (DeviceId d = 0; d < tasks.num_devices(); ++d) {
        best = std::min(best, {start(task, d), rank[task], d, task});
      }
    }
    const auto [at, level, d, task] = best;
    device[task] = d;
    finish[task] = free[d] = at + tasks.time(task, d);
  }
  return device;
}

TEST(EtfTest, DoesWhatALookAtAllPairsDoes) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TaskProblem p(testing::LayeredGraph(120, 8, seed), testing::EqualDevices(3));
    EXPECT_EQ(ScheduleEtf(p.tasks).device, PlainEtf(p.tasks)) << seed;
  }
}

TEST(EtfTest, StartsTheEarliestTaskThoughAnotherIsMoreUrgent) {
  // c's chain is longer, but its input comes late; b can start at once.
  TaskProblem p("a[time=5,bytes=9] -> b[time=5]; a -> c[time=50] -> d[time=50]; e[time=6]", 2);
  const TaskSchedule schedule = ScheduleEtf(p.tasks);
  EXPECT_EQ(schedule.start[p.Task("c")], 5);
  EXPECT_EQ(schedule.start[p.Task("b")], 14);  // On the other device, when the tensor is there.
}

TEST(EtfTest, MakesLegalSchedules) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    TaskProblem p(testing::LayeredGraph(300, 10, seed), testing::EqualDevices(4));
    ExpectLegalSchedule(p.tasks, ScheduleEtf(p.tasks));
    ExpectLegalSchedule(p.tasks, ScheduleEtf(p.tasks, kFavourites));
    ExpectLegalSchedule(p.tasks, ScheduleEtf(p.tasks, BaechiOptions(false)));
    ExpectLegalSchedule(p.tasks, ScheduleEtf(p.tasks, BaechiOptions(true)));
  }
  TaskProblem empty("x:input", 2);
  EXPECT_TRUE(ScheduleEtf(empty.tasks, kFavourites).sequence.empty());
}

TEST(EtfTest, KeepsTheDeviceForTheFavouriteChild) {
  // b is a's favourite; e could start sooner on a's device, but not elsewhere.
  TaskProblem p(
      "a[time=10,bytes=50] -> b[time=90]; c[time=12,bytes=1] -> b;"
      "a -> e[time=30]",
      2);
  EXPECT_THAT(FavouriteChildren(p.tasks)[p.Task("a")], p.Task("b"));
  const TaskSchedule plain = ScheduleEtf(p.tasks);
  const TaskSchedule kept = ScheduleEtf(p.tasks, kFavourites);
  EXPECT_EQ(plain.start[p.Task("e")], 10);
  EXPECT_EQ(kept.start[p.Task("b")], 13);
  EXPECT_LT(Makespan(kept), Makespan(plain));
}

TEST(EtfTest, KeepsNoDeviceForAChildThatStartsSoonerElsewhere) {
  // b is a's favourite, since z has y, but starts at 100 beside z and at 109 beside a.
  TaskProblem p(
      "z[time=100,bytes=9] -> y[time=100], b[time=90]; a[time=10,bytes=50] -> b, e[time=30]", 2);
  EXPECT_EQ(FavouriteChildren(p.tasks)[p.Task("a")], p.Task("b"));
  EXPECT_EQ(ScheduleEtf(p.tasks, kFavourites).start[p.Task("e")], 10);
}

TEST(EtfTest, KeepsNoDeviceForAChildThatIsNotReady) {
  // b is a's favourite, since w has y. It waits for w, which waits for x.
  TaskProblem p(
      "x[time=100,bytes=1] -> w[time=1,bytes=1] -> y[time=200], b[time=90];"
      "a[time=10,bytes=50] -> b, e[time=30]",
      2);
  EXPECT_EQ(FavouriteChildren(p.tasks)[p.Task("a")], p.Task("b"));
  EXPECT_EQ(ScheduleEtf(p.tasks, kFavourites).start[p.Task("e")], 10);
}

TEST(EtfTest, WaitsForABusyLinkOnlyWithContention) {
  // Both tensors go over the one link to device 1.
  ProblemOptions options;
  options.constraints.pins = {{0, 0, "here"}, {1, 0, "here"}, {2, 1, "there"}, {3, 1, "there"}};
  TaskProblem p("a[time=10,bytes=30]; b[time=10,bytes=30]; c[time=5]; d[time=5]; a -> c; b -> d", 2,
                options);
  EXPECT_EQ(Makespan(ScheduleEtf(p.tasks)), 55);
  EXPECT_EQ(Makespan(ScheduleEtf(p.tasks, {.contention = true})), 75);
}

TEST(EtfTest, FavouriteChildrenAreAMatchingOnTheLongestPaths) {
  TaskProblem p(
      "a[time=1,bytes=9] -> b[time=9,bytes=9] -> c[time=9]; a -> d[time=1]; e[time=1,bytes=9] -> d;"
      "e -> b",
      2);
  const std::vector<KernelId> child = FavouriteChildren(p.tasks);
  EXPECT_EQ(child[p.Task("a")], p.Task("b"));
  EXPECT_EQ(child[p.Task("b")], p.Task("c"));
  EXPECT_EQ(child[p.Task("e")], p.Task("d"));
  EXPECT_EQ(child[p.Task("c")], kNone);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    TaskProblem random(testing::LayeredGraph(200, 10, seed), testing::EqualDevices(2));
    std::vector<int> favoured(random.tasks.num_tasks(), 0);
    for (KernelId c : FavouriteChildren(random.tasks)) {
      if (c != kNone) ++favoured[c];
    }
    EXPECT_LE(*std::max_element(favoured.begin(), favoured.end()), 1);
  }
}

TEST(EtfTest, PutsBackwardOpsWithTheirForwardTwin) {
  GraphBuilder builder;
  for (int i = 0; i < 3; ++i) {
    builder.AddOp({.name = absl::StrCat("f", i), .type = "op"});
    builder.AddPort(i, {.bytes = 1});
  }
  for (int i = 0; i < 3; ++i) {
    const OpId op = builder.AddOp(
        {.name = absl::StrCat("b", i), .type = "op", .phase = Phase::kBackward, .forward_twin = i});
    builder.AddOperands(op, {{i, (i + 1) % 3}});  // Alone, b2 would as soon be with f0.
  }
  builder.AddCostTable("test", "device", {10, 10, 10, 5, 5, 5});
  TaskProblem p(builder.Build().value(), testing::EqualDevices(3));
  EXPECT_THAT(ScheduleEtf(p.tasks, {.backward_with_forward = true}).device,
              ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(EtfTest, LeavesADeviceThatIsFull) {
  ProblemOptions options;
  options.constraints.memory_limits = {{0, 150, "small"}, {1, 150, "small"}, {2, 150, "small"}};
  TaskProblem p(
      "w:parameter[bytes=100] -> a[time=1]; v:parameter[bytes=100] -> b[time=1];"
      "u:parameter[bytes=100] -> c[time=1]; a -> b -> c",
      3, options);
  for (bool favourites : {false, true}) {
    std::vector<DeviceId> device = ScheduleEtf(p.tasks, {.favourite_children = favourites}).device;
    std::sort(device.begin(), device.end());
    EXPECT_THAT(device, ElementsAre(0, 1, 2));
  }
}

TEST(EtfTest, PlacesEverythingThoughNothingFits) {
  ProblemOptions options;
  options.constraints.memory_limits = {{0, 10, "tiny"}, {1, 10, "tiny"}};
  TaskProblem p(testing::LayeredGraph(200, 10, 1), testing::EqualDevices(2), options);
  for (bool favourites : {false, true}) {
    ExpectLegalSchedule(p.tasks, ScheduleEtf(p.tasks, {.favourite_children = favourites},
                                             {.activation_weight = 1.0}));
  }
}

TEST(EtfTest, KeepsGroupsTogetherAndObeysPins) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "camera"}};
  TaskProblem p(
      "a[time=10,bytes=1] -> b[time=10,colocate=1]; c[time=10,colocate=1]; a -> d[time=1]", 2,
      options);
  for (bool favourites : {false, true}) {
    const std::vector<DeviceId> device =
        ScheduleEtf(p.tasks, {.favourite_children = favourites}).device;
    EXPECT_EQ(device[p.Task("a")], 1);
    EXPECT_EQ(device[p.Task("b")], device[p.Task("c")]);
  }
}

}  // namespace
}  // namespace gopt
