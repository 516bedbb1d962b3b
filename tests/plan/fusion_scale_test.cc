// Fusion of large graphs, made to be hard: nothing recurses over ops or is quadratic in
// them.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gopt/base/random.h"
#include "gopt/graph/graph_builder.h"
#include "gopt/plan/fuse.h"
#include "gopt/plan/fusion_groups.h"
#include "gopt/plan/kernel_graph.h"
#include "tests/plan/plan_test_util.h"
#include "tests/testing/scale.h"
#include "tests/testing/thread_clock.h"

namespace gopt {
namespace {

// Elementwise but where said otherwise; op i reads the ports of the ops `reads(i)`.
std::shared_ptr<const Graph> MakeGraph(int ops,
                                       const std::function<std::vector<PortId>(int)>& reads,
                                       const std::function<bool(int)>& opaque = nullptr,
                                       const std::function<bool(int)>& backward = nullptr) {
  GraphBuilder builder;
  for (int i = 0; i < ops; ++i) {
    const bool alone = opaque != nullptr && opaque(i);
    const bool late = backward != nullptr && backward(i);
    builder.AddOp({.name = "o" + std::to_string(i),
                   .type = "op",
                   .phase = late ? Phase::kBackward : Phase::kForward,
                   .fusion_class = alone ? FusionClass::kOpaque : FusionClass::kElementwise});
    builder.AddPort(i, {.bytes = 8, .dims = {1, 2}});
    builder.AddOperands(i, reads(i));
  }
  auto graph = builder.Build();
  EXPECT_OK(graph);
  return *std::move(graph);
}

std::vector<int32_t> RandomPicks(int ops) {
  Random random(1);
  std::vector<int32_t> picks(ops);
  for (int32_t& pick : picks) pick = static_cast<int32_t>(random.Below(1'000));
  return picks;
}

// Processor time to fuse, in each mode and in random order; the kernels must have no cycle.
double SecondsToFuse(std::shared_ptr<const Graph> graph) {
  const Problem problem = *Problem::Create(graph, EqualDevices(2), {.tasks = {.fusion = true}});
  const std::vector<int32_t> picks = RandomPicks(graph->num_ops());
  const testing::ThreadClock clock;
  const auto usual = Fuse(problem, {});
  const auto random = Fuse(problem, picks);
  const auto into = Fuse(problem, {}, {.mode = FusionMode::kIntoConsumers});
  const double seconds = clock.seconds();
  for (const auto& kernels : {usual, random, into}) {
    EXPECT_OK(kernels);
    EXPECT_OK(KernelGraph::Create(**kernels, std::vector<DeviceId>((*kernels)->size(), 0)));
  }
  return seconds;
}

constexpr int kOps = testing::Scaled(50'000);
constexpr double kSecondsPerOp = 20e-6 * testing::kSanitizerSlowdown;

TEST(FusionScaleTest, LongChain) {
  constexpr int kLong = testing::Scaled(300'000);
  const auto chain =
      MakeGraph(kLong, [](int i) { return i == 0 ? std::vector<PortId>{} : std::vector{i - 1}; });
  EXPECT_LT(SecondsToFuse(chain), kLong * kSecondsPerOp);
}

TEST(FusionScaleTest, Stars) {
  const auto hub_first = [](int i) { return i == 0 ? std::vector<PortId>{} : std::vector{0}; };
  EXPECT_LT(SecondsToFuse(MakeGraph(kOps, hub_first)), kOps * kSecondsPerOp);
  const auto backward = [](int) { return true; };
  EXPECT_LT(SecondsToFuse(MakeGraph(kOps, hub_first, nullptr, backward)), kOps * kSecondsPerOp);
  const auto hub_last = [](int i) {
    std::vector<PortId> reads(i == kOps - 1 ? i : 0);
    for (size_t r = 0; r < reads.size(); ++r) reads[r] = static_cast<PortId>(r);
    return reads;
  };
  EXPECT_LT(SecondsToFuse(MakeGraph(kOps, hub_last)), kOps * kSecondsPerOp);
}

TEST(FusionScaleTest, LaddersAreCrossedByPaths) {
  // Each op of the second half reads its mirror image in the first; the chain joins them.
  const auto mirror = [](int i) {
    if (i == 0) return std::vector<PortId>{};
    return i < kOps / 2 ? std::vector{i - 1} : std::vector{i - 1, kOps - 1 - i};
  };
  EXPECT_LT(SecondsToFuse(MakeGraph(kOps, mirror)), kOps * kSecondsPerOp);
  const auto every_third = [](int i) { return i % 3 == 0; };
  EXPECT_LT(SecondsToFuse(MakeGraph(kOps, mirror, every_third)), kOps * kSecondsPerOp);
}

TEST(FusionScaleTest, ManyLaddersOfTheirOwn) {
  // Of 1,000 ops each, interleaved, so that what is near in one is far in the order.
  constexpr int kRungs = 1'000, kLadders = kOps / kRungs;
  const auto mirror = [](int i) {
    const int rung = i / kLadders, ladder = i % kLadders;
    std::vector<PortId> reads;
    if (rung > 0) reads.push_back(i - kLadders);
    if (rung >= kRungs / 2) reads.push_back((kRungs - 1 - rung) * kLadders + ladder);
    return reads;
  };
  EXPECT_LT(SecondsToFuse(MakeGraph(kOps, mirror)), kOps * kSecondsPerOp);
}

TEST(FusionScaleTest, RandomLongEdges) {
  Random random(1);
  const auto anywhere = [&](int i) {
    std::vector<PortId> reads;
    for (int r = 0; r < 2 && i > 0; ++r) reads.push_back(static_cast<PortId>(random.Below(i)));
    return reads;
  };
  // A tangle: nearly all searches are given up, after as much work as they may take.
  constexpr int kTangled = testing::Scaled(20'000);
  EXPECT_LT(SecondsToFuse(MakeGraph(kTangled, anywhere)), 10 * kTangled * kSecondsPerOp);
}

TEST(FusionScaleTest, AMergeAndItsUndoCostWhatTheyChange) {
  const auto graph =
      MakeGraph(kOps, [](int i) { return i == 0 ? std::vector<PortId>{} : std::vector{i - 1}; });
  const Problem problem = *Problem::Create(graph, EqualDevices(2), {.tasks = {.fusion = true}});
  FusionGroups groups(problem);
  Random random(1);
  constexpr int kSteps = testing::Scaled(100'000);
  const testing::ThreadClock clock;
  for (int i = 0; i < kSteps; ++i) {
    const auto op = static_cast<OpId>(1 + random.Below(kOps - 1));
    if (groups.group(op) != groups.group(op - 1))
      groups.Merge(groups.group(op - 1), groups.group(op));
    if (i % 3 == 0) groups.Detach(op);
    i % 2 == 0 ? groups.Undo() : groups.Keep();
  }
  EXPECT_LT(clock.seconds(), kSteps * kSecondsPerOp);
}

}  // namespace
}  // namespace gopt
