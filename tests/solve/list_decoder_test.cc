#include "gopt/solve/list_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/cost/simulator.h"
#include "gopt/graph/graph_text.h"
#include "gopt/plan/validate.h"
#include "src/solve/ready_set.h"
#include "tests/solve/task_graphs.h"

namespace gopt {
namespace {

using ::testing::ElementsAre;
using testing::TaskProblem;

struct Decoded {
  Plan plan;
  Nanoseconds estimate;
};

Decoded DecodeUpward(const TaskGraph& tasks, std::vector<float> stickiness = {},
                     const PlacementOptions& placement = {}) {
  Decoded result;
  ListDecoder decoder(tasks, placement);
  result.estimate = decoder.Decode(UpwardRanks(tasks), stickiness, &result.plan);
  return result;
}

TEST(ReadySetTest, PopsInAscendingOrder) {
  Random random(5);
  for (size_t capacity : {1, 64, 65, 5000, 300000}) {
    ReadySet set;
    set.Reset(capacity);
    std::vector<int32_t> values;
    for (int i = 0; i < 100; ++i) values.push_back(static_cast<int32_t>(random.Below(capacity)));
    for (int32_t value : values) set.Insert(value);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    for (int32_t value : values) {
      ASSERT_FALSE(set.empty());
      ASSERT_EQ(set.PopMin(), value);
    }
    EXPECT_TRUE(set.empty());
  }
}

TEST(ListDecoderTest, SpreadsIndependentWork) {
  TaskProblem p("a[time=10]; b[time=10]; c[time=10]; d[time=10]", 4);
  EXPECT_EQ(DecodeUpward(p.tasks).estimate, 10);
}

TEST(ListDecoderTest, FollowsPriorities) {
  TaskProblem p("a[time=10]; b[time=20]; c[time=30]", 1);
  Plan plan;
  ListDecoder decoder(p.tasks);
  decoder.Decode(std::vector<double>{1, 3, 2}, {}, &plan);
  EXPECT_THAT(plan.rank, ElementsAre(2, 0, 1));
  EXPECT_EQ(plan.dispatch, Dispatch::kPriority);
}

TEST(ListDecoderTest, WaitsForTheLink) {
  // Both b and c need a tensor of 100 ns from device 0; the second one waits for the first.
  ProblemOptions options;
  options.constraints.pins = {{0, 0, ""}, {1, 1, ""}, {2, 0, ""}, {3, 1, ""}};
  TaskProblem p("a[time=10,bytes=100] -> c[time=1]; b[time=10,bytes=100] -> d[time=1]", 2, options);
  // a 0-10 sent 10-110; b 10-20 sent 110-210; d 210-211.
  EXPECT_EQ(DecodeUpward(p.tasks).estimate, 211);
}

TEST(ListDecoderTest, SendsATensorOncePerDestination) {
  ProblemOptions options;
  options.constraints.pins = {{0, 0, ""}, {1, 1, ""}, {2, 1, ""}};
  TaskProblem p("a[time=10,bytes=100] -> b[time=1], c[time=1]", 2, options);
  EXPECT_EQ(DecodeUpward(p.tasks).estimate, 112);
}

TEST(ListDecoderTest, SeesThatItsOwnInputsShareALink) {
  // On device 1, v would wait for both tensors of device 0, 200 ns; it stays with them.
  ProblemOptions options;
  options.constraints.pins = {{0, 0, ""}, {1, 0, ""}, {2, 1, ""}, {4, 0, ""}};
  TaskProblem p(
      "a[bytes=100,time=1] -> v[time=1]; b[bytes=100,time=1] -> v; c[bytes=150,time=1] -> v;"
      "x[time=1]",
      2, options);
  EXPECT_EQ(DecodeUpward(p.tasks).plan.device[p.Task("v")], 0);
}

TEST(ListDecoderTest, BooksEveryChannelOfARoute) {
  // A chain of devices 0 -> 1 -> 2: the route 0 -> 2 shares its first channel with 0 -> 1.
  std::vector<Device> devices;
  for (const char* name : {"d0", "d1", "d2"}) {
    devices.push_back({.name = name,
                       .kind = "device",
                       .memory_bytes = 1 << 30,
                       .peak_flops = 1,
                       .memory_bandwidth = 1});
  }
  Machine machine = Machine::Create("chain", devices, {{"c01", 1e9, 0}, {"c12", 1e9, 0}},
                                    {{0, 1, {0}}, {0, 2, {0, 1}}, {1, 2, {1}}})
                        .value();
  ProblemOptions options;
  options.constraints.pins = {{0, 0, ""}, {1, 2, ""}, {2, 1, ""}};
  TaskProblem p(ParseGraph("a[time=10,bytes=100] -> b[time=9]; a -> c[time=1]").value(), machine,
                options);
  // To device 2 10-110, then to device 1 110-210.
  EXPECT_EQ(DecodeUpward(p.tasks).estimate, 211);
}

TEST(ListDecoderTest, SendsAParameterFromItsHomeWhenTheOtherInputsAreThere) {
  ProblemOptions options;
  options.constraints.pins = {{1, 0, ""}, {2, 1, ""}, {3, 1, ""}};
  TaskProblem p("w:parameter[bytes=50] -> a[time=10]; b[time=30,bytes=1] -> c[time=5]; w -> c", 2,
                options);
  // b ends at 30 on device 1, then w comes: 30-80.
  EXPECT_EQ(DecodeUpward(p.tasks).estimate, 85);
}

TEST(ListDecoderTest, KeepsTasksTogetherThatStick) {
  const char* text = "a[time=10,bytes=1] -> b[time=50,bytes=1], c[time=50]";
  TaskProblem p(text, 2);
  const Plan apart = DecodeUpward(p.tasks).plan;
  EXPECT_NE(apart.device[p.Task("b")], apart.device[p.Task("c")]);
  const Plan together = DecodeUpward(p.tasks, std::vector<float>(2, 5.0f)).plan;
  EXPECT_EQ(together.device[p.Task("b")], together.device[p.Task("c")]);
}

TEST(ListDecoderTest, WeighsStickinessByMeanTransferAndMeanTime) {
  // On device 1, c finishes 49 earlier. The bonus is kappa * (1 + 110 / 3).
  TaskProblem p("a[time=10,bytes=1] -> b[time=50], c[time=50]", 2);
  const double threshold = 49.0 / (1.0 + 110.0 / 3.0);
  const auto below = std::vector<float>(2, static_cast<float>(threshold * 0.99));
  const auto above = std::vector<float>(2, static_cast<float>(threshold * 1.01));
  EXPECT_EQ(DecodeUpward(p.tasks, below).plan.device[p.Task("c")], 1);
  EXPECT_EQ(DecodeUpward(p.tasks, above).plan.device[p.Task("c")], 0);
}

TEST(ListDecoderTest, ObeysConstraintsGroupsAndMemory) {
  ProblemOptions options;
  options.constraints.pins = {{0, 1, "camera"}};
  options.constraints.memory_limits = {{0, 150, "small"}, {1, 150, "small"}};
  TaskProblem p(
      "a[time=10,bytes=1] -> b[time=10,bytes=1,colocate=1], c[time=10,colocate=1];"
      "w:parameter[bytes=100] -> d[time=10,bytes=100] -> e[time=10]; v:parameter[bytes=100] -> e",
      2, options);
  const std::vector<DeviceId> device = DecodeUpward(p.tasks).plan.device;
  EXPECT_EQ(device[p.Task("a")], 1);
  EXPECT_EQ(device[p.Task("b")], device[p.Task("c")]);
  EXPECT_NE(device[p.Task("d")], device[p.Task("e")]);
}

TEST(ListDecoderTest, DecodesTheSameAgain) {
  TaskProblem p(testing::LayeredGraph(500, 12, 2), testing::EqualDevices(5));
  ListDecoder decoder(p.tasks);
  Plan first, other, again;
  const std::vector<double> upward = UpwardRanks(p.tasks);
  std::vector<double> shuffled = upward;
  std::reverse(shuffled.begin(), shuffled.end());
  decoder.Decode(upward, {}, &first);
  decoder.Decode(shuffled, std::vector<float>(p.tasks.kernel_graph().inputs.size(), 0.5f), &other);
  decoder.Decode(upward, {}, &again);
  EXPECT_EQ(first.device, again.device);
  EXPECT_EQ(first.rank, again.rank);
  EXPECT_NE(first.device, other.device);
}

// With one reader per tensor, one link per pair and tasks in the order of the estimate, decoder and
// simulator book the same transfers; in general the estimate is close.
TEST(ListDecoderTest, EstimatesTheSimulatedTimeOfAForkExactly) {
  TaskProblem p(
      "a[time=10,bytes=7] -> b[time=50,bytes=3]; c[time=9,bytes=30] -> d[time=20,bytes=2];"
      "b, d -> e[time=5]",
      2);
  const Decoded decoded = DecodeUpward(p.tasks);
  const auto simulator = Simulator::Create().value();
  EXPECT_EQ(Price(*simulator, p.problem, decoded.plan).value().step_time, decoded.estimate);
}

TEST(ListDecoderTest, MakesLegalPlansWithUsefulEstimates) {
  const auto simulator = Simulator::Create().value();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TaskProblem p(testing::LayeredGraph(400, 12, seed), testing::EqualDevices(4));
    const Decoded decoded = DecodeUpward(p.tasks);
    ASSERT_TRUE(ValidatePlan(p.problem, decoded.plan).ok());
    const CostReport report = Price(*simulator, p.problem, decoded.plan).value();
    EXPECT_NEAR(static_cast<double>(report.step_time), static_cast<double>(decoded.estimate),
                0.25 * static_cast<double>(report.step_time))
        << seed;
  }
}

TEST(ListDecoderTest, GivesTheSamePlanAtEveryPaddedWidth) {
  // With all but two devices closed, padding and unrolling must not matter.
  std::vector<std::vector<DeviceId>> found;
  for (int devices : {2, 5, 9, 17}) {
    auto graph = testing::LayeredGraph(300, 6, 4);
    ProblemOptions options;
    auto& allowed = options.constraints.allowed.emplace_back();
    for (OpId op = 0; op < graph->num_ops(); ++op) allowed.ops.push_back(op);
    allowed.devices = {0, 1};
    TaskProblem p(graph, testing::EqualDevices(devices), options);
    found.push_back(DecodeUpward(p.tasks).plan.device);
  }
  for (const auto& device : found) EXPECT_EQ(device, found.front());
}

TEST(ListDecoderTest, KeepsFixedPlacements) {
  TaskProblem p("a[time=10] -> b[time=10] -> c[time=10]", 3);
  const std::vector<DeviceId> fixed = {2, 0, 1};
  EXPECT_EQ(DecodeUpward(p.tasks, {}, {.fixed = fixed}).plan.device, fixed);
}

TEST(ListDecoderTest, DecodesAnEmptyGraph) {
  TaskProblem p("x:input", 2);
  EXPECT_EQ(DecodeUpward(p.tasks).estimate, 0);
}

}  // namespace
}  // namespace gopt
